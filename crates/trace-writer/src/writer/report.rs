//! What is known of a fault of ours: a file beside the trace, for the report that the message asks for.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::PathBuf;

use wire::control::FAULT_LOG;

use super::args::{Args, Kind};
use recording::decoder::Fault;

/// Bytes in one line of the packets.
const ROW: usize = 16;

/// Writes it, if the trace is a file: its name with [`FAULT_LOG`] after it. That it cannot be
/// written changes nothing.
pub fn write(args: &Args, fault: &Fault, taken: u64, near: &[u8]) {
    let mut path = args.file.clone().into_os_string();
    path.push(FAULT_LOG);
    if args.file.is_file() {
        let path = PathBuf::from(path);
        // Never through a link, or over what somebody else has put there.
        let _ = fs::remove_file(&path);
        if let Ok(mut file) = File::create_new(&path) {
            let _ = std::io::Write::write_all(&mut file, text(args, fault, taken, near).as_bytes());
        }
    }
}

fn text(args: &Args, fault: &Fault, taken: u64, near: &[u8]) -> String {
    let mut text = String::from("python27-traced: a fault of the trace hook or its writer\n\n");
    let kind = if args.kind == Kind::Flow { "recording" } else { "text" };
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        let _ = writeln!(text, "{name:<10} {value}");
    };
    line("version", &env!("CARGO_PKG_VERSION"));
    line("run", &args.about.to_string_lossy());
    line("written", &kind);
    line("compress", &args.compress);
    line("resolve", &args.resolve);
    line("blog", &args.blog);
    line("threads", &args.threads);
    line("fault", &format!("{fault} ({fault:?})"));
    line("position", &format!("{taken} bytes of packets were followed"));
    line(
        "packets",
        &format!("the last {} bytes, those that were not followed included:", near.len()),
    );
    for (row, bytes) in near.chunks(ROW).enumerate() {
        let _ = write!(text, "{:04x} ", row * ROW);
        bytes.iter().for_each(|byte| {
            let _ = write!(text, " {byte:02x}");
        });
        text.push('\n');
    }
    text
}
