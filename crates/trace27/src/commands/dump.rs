//! `dump`: the chunks and packets of a recording, one a line, for those who debug one or write a
//! reader.
//!
//! Follows nothing: it shows what is in the file, up to where that is damaged. Texts of the file
//! are escaped.

use std::fmt::{self, Display};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args as ClapArgs;
use recording::bodies::Bodies;
use recording::file::{Broken, Index, Section, Sections, VERSION, section};
use trace::input::Input;
use trace::step::ReadError;
use wire::code::CodeInfo;
use wire::control::NOWHERE;
use wire::fields::Fields;
use wire::packet::{self, BranchBits, Packet, kind};
use wire::value::{self, Item};

/// Bytes of a text that are shown.
const SHOWN: usize = 200;

/// The same of an object.
const OBJECT: usize = 2_000;

/// What was typed.
#[derive(Clone, Debug, ClapArgs)]
pub struct Args {
    /// The recording; `-` is standard input
    pub input: PathBuf,
    /// Print only the heads of the chunks
    #[arg(long)]
    pub chunks: bool,
}

impl Args {
    /// Runs the command. A recording that is damaged is printed up to there.
    ///
    /// # Errors
    ///
    /// Input that is no recording, or damaged; output that cannot be written.
    pub fn run(&self) -> Result<()> {
        let input = Input::open(&self.input)?;
        let named = input.name().to_owned();
        let mut out = BufWriter::new(io::stdout().lock());
        let result = dump(input, self.chunks, &mut out);
        out.flush()?;
        match result {
            Err(Stop::Output(error)) => Err(error.into()),
            Err(Stop::Input(broken)) => Err(ReadError::of_recording(broken, &named).into()),
            Ok(()) => Ok(()),
        }
    }
}

/// Why it ends early.
enum Stop {
    Input(Broken),
    Output(io::Error),
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Stop {
        Stop::Input(broken)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Output(error)
    }
}

fn dump(input: Input, only_chunks: bool, out: &mut impl Write) -> Result<(), Stop> {
    let (mut sections, about) = Sections::open(input.into_reader())?;
    writeln!(out, "{:>10}  Recording version={VERSION}", 0)?;
    writeln!(out, "{:>10}  Chunk About {}", 12, json(about.to_string().as_bytes()))?;
    // Code infos may be parts of those before them.
    let mut bodies = Bodies::default();
    while let Some(chunk) = sections.next()? {
        head(&chunk, out)?;
        if only_chunks {
            continue;
        }
        match chunk.kind {
            section::CODES => packets(&chunk, 0, &mut bodies, out)?,
            section::EVENTS => {
                if let Some((stretch, state)) = chunk.stretch() {
                    sync_state(&chunk, stretch.packets - state.len(), state, out)?;
                    packets(&chunk, stretch.packets, &mut bodies, out)?;
                }
            }
            section::INDEX => index(&chunk, out)?,
            _ => {}
        }
    }
    Ok(())
}

/// The line of a chunk.
fn head(chunk: &Section, out: &mut impl Write) -> Result<(), Stop> {
    let at = chunk.offset - 12;
    let length = chunk.compressed.unwrap_or(chunk.content.len());
    let cut = if chunk.is_cut { " cut" } else { "" };
    let mut line = |name: &str, fields: &dyn Display| {
        writeln!(out, "{at:>10}  Chunk {name} length={length}{cut}{fields}")
    };
    match chunk.kind {
        section::CODES => match chunk.compressed {
            Some(_) => {
                let fields = format!(" decompressed={}", chunk.content.len());
                line("CompressedCodeObjects", &fields)?;
            }
            None => line("CodeObjects", &"")?,
        },
        section::EVENTS => match chunk.stretch() {
            Some((stretch, _)) => {
                let (first, count, codes) = (stretch.first, stretch.count, stretch.codes);
                let fields = format!(
                    " first={first} count={count} time={} codes={codes:08x}",
                    Seconds(stretch.time)
                );
                line("Packets", &fields)?;
            }
            None => line("Packets", &"")?,
        },
        section::END => line("End", &format!(" {}", json(&chunk.content)))?,
        section::GAP => match chunk.gap() {
            Some(gap) => {
                let count = gap.count.map_or("unknown".to_owned(), |count| count.to_string());
                let (first, reason) = (gap.first, gap.reason);
                let time = Seconds(gap.time);
                line("Gap", &format!(" first={first} count={count} time={time} reason={reason}"))?;
            }
            None => line("Gap", &"")?,
        },
        section::INDEX => line("Index", &"")?,
        kind => line("Unknown", &format!(" kind={kind} content={}", hex(&chunk.content)))?,
    }
    Ok(())
}

/// The state of all frames that a chunk of packets starts with.
fn sync_state(chunk: &Section, at: usize, state: &[u8], out: &mut impl Write) -> Result<(), Stop> {
    let byte = chunk.offset + at as u64;
    let mut fields = Fields { bytes: state, at: 0 };
    let fail = |fault: packet::Fault| Stop::Input(Broken::at(byte, fault));
    let single_step = fields.byte().map_err(fail)? & 1;
    let frames = fields.number().map_err(fail)?;
    writeln!(out, "{byte:>10}    SyncState single_step={single_step} frames={frames}")?;
    show_frames(chunk, at, &mut fields, frames, out)?;
    let stack = fields.number().map_err(fail)?;
    let others = fields.number().map_err(fail)?;
    if stack != 0 || others != 0 {
        writeln!(out, "{byte:>10}      Stack stack={stack} others={others}")?;
    }
    for _ in 0..others {
        let byte = chunk.offset + (at + fields.at) as u64;
        let (stack, frames) = (fields.number().map_err(fail)?, fields.number().map_err(fail)?);
        writeln!(out, "{byte:>10}      Stack stack={stack} frames={frames}")?;
        show_frames(chunk, at, &mut fields, frames, out)?;
    }
    let byte = chunk.offset + (at + fields.at) as u64;
    if let Some(folded) = fields.number().map_err(fail)?.checked_sub(1) {
        writeln!(out, "{byte:>10}      LastBranch lasti={}", folded >> 1)?;
    }
    Ok(())
}

/// The frames of one stack, the outermost first.
fn show_frames(
    chunk: &Section,
    at: usize,
    fields: &mut Fields,
    frames: u64,
    out: &mut impl Write,
) -> Result<(), Stop> {
    for _ in 0..frames {
        let byte = chunk.offset + (at + fields.at) as u64;
        let fail = |fault: packet::Fault| Stop::Input(Broken::at(byte, fault));
        let mut number = || fields.number().map_err(fail);
        let (code, start, executed, between) = (number()?, number()?, number()?, number()?);
        writeln!(
            out,
            "{byte:>10}      Frame code={code} start={start} executed={executed} async={between}"
        )?;
    }
    Ok(())
}

fn packets(
    chunk: &Section,
    start: usize,
    bodies: &mut Bodies,
    out: &mut impl Write,
) -> Result<(), Stop> {
    let mut at = start;
    while at < chunk.content.len() {
        let byte = chunk.byte(at);
        let (branch_bits, event, length) = match packet::read(&chunk.content[at..]) {
            Ok(packet) => packet,
            // The next chunk says that this one is cut.
            Err(packet::Fault::Short) if chunk.is_cut => return Ok(()),
            Err(fault) => return Err(Broken::at(byte, fault).into()),
        };
        write!(out, "{byte:>10}    {}", Shown(branch_bits, &event))?;
        if let Packet::CodeDefined { code, definition } = event {
            match CodeInfo::read_part(definition, |part| bodies.find(part)) {
                Ok(found) => write!(out, "{}", Defined(&found))?,
                Err(fault) => write!(out, " unreadable: {fault}")?,
            }
            bodies.add(code, definition);
        }
        writeln!(out)?;
        at += length;
    }
    Ok(())
}

fn index(chunk: &Section, out: &mut impl Write) -> Result<(), Stop> {
    // What contradicts itself was refused when it was read.
    let Some(index) = Index::new(chunk.content.clone(), chunk.offset - 12) else { return Ok(()) };
    let byte = chunk.offset;
    let mut codes = index.codes();
    while let Some(offset) = codes.next().flatten() {
        writeln!(out, "{byte:>10}    CodeObjects offset={offset}")?;
    }
    let mut entries = index.entries();
    while let Some(entry) = entries.next().flatten() {
        let (offset, first, time) = (entry.offset, entry.first, Seconds(entry.time));
        writeln!(out, "{byte:>10}    Packets offset={offset} first={first} time={time}")?;
    }
    Ok(())
}

/// A packet, as its name and fields.
struct Shown<'a>(BranchBits, &'a Packet<'a>);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Shown(branch_bits, event) = self;
        f.write_str(name(event))?;
        if branch_bits.count > 0 {
            write!(f, " bits={:0width$b}", branch_bits.bits, width = branch_bits.count as usize)?;
        }
        match **event {
            Packet::BranchBits => Ok(()),
            Packet::Enter { lasti, code } | Packet::Frame { code, lasti } => {
                write!(f, " code={code} lasti={lasti}")
            }
            Packet::Resume { lasti, code, start } => {
                write!(f, " code={code} lasti={lasti} offset={start}")
            }
            Packet::Unwind { lasti, target, exception } => {
                let by = if exception { "exception" } else { "value" };
                write!(f, " lasti={lasti} offset={target} by={by}")
            }
            Packet::FrameExit { lasti, .. } => write!(f, " lasti={lasti}"),
            Packet::SingleStep { lasti } => write!(f, " lasti={}", Lasti(lasti)),
            Packet::StackSwitch { stack, lasti } => {
                write!(f, " stack={stack} lasti={}", Lasti(lasti))
            }
            Packet::AsyncBegin { offset, begun } => {
                write!(f, " {}={offset}", if begun { "lasti" } else { "offset" })
            }
            Packet::AsyncEnd { offset } => write!(f, " offset={offset}"),
            Packet::Instruction { opcode, offset, operand, text } => {
                write!(f, " offset={offset} opcode={opcode} operand={operand}")?;
                text.map_or(Ok(()), |text| write!(f, " text={}", escaped(text)))
            }
            Packet::SingleStepCode { code }
            | Packet::CodeFreed { code }
            | Packet::CodeDefined { code, .. } => write!(f, " code={code}"),
            Packet::ThreadSwitch { thread, lasti } => {
                write!(f, " thread={thread} lasti={}", Lasti(lasti))
            }
            Packet::End { lasti } => write!(f, " lasti={}", Lasti(lasti)),
            Packet::ThreadEnd { thread } => write!(f, " thread={thread}"),
            Packet::Other { kind: kind::VALUES, payload } => Items(payload).fmt(f),
            Packet::Other { kind, payload } => {
                write!(f, " kind={kind} length={} payload={}", payload.len(), hex(payload))
            }
        }
    }
}

/// What the documentation calls it.
fn name(event: &Packet) -> &'static str {
    match event {
        Packet::BranchBits => "BranchBits",
        Packet::Enter { .. } => "Enter",
        Packet::Resume { .. } => "Resume",
        Packet::Unwind { .. } => "Unwind",
        Packet::FrameExit { exception: true, .. } => "FrameUnwound",
        Packet::FrameExit { exception: false, .. } => "FrameReturn",
        Packet::AsyncBegin { .. } => "AsyncBegin",
        Packet::AsyncEnd { .. } => "AsyncEnd",
        Packet::Instruction { .. } => "Instruction",
        Packet::SingleStep { .. } => "SingleStep",
        Packet::SingleStepCode { .. } => "SingleStepCode",
        Packet::CodeDefined { .. } => "CodeDefined",
        Packet::CodeFreed { .. } => "CodeFreed",
        Packet::ThreadSwitch { .. } => "ThreadSwitch",
        Packet::ThreadEnd { .. } => "ThreadEnd",
        Packet::StackSwitch { .. } => "StackSwitch",
        Packet::Frame { .. } => "Frame",
        Packet::End { .. } => "End",
        Packet::Other { kind: kind::VALUES, .. } => "Values",
        Packet::Other { .. } => "Unknown",
    }
}

/// The items of a packet of values, as much of them as is shown.
struct Items<'a>(&'a [u8]);

impl Display for Items<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut fields = Fields { bytes: self.0, at: 0 };
        let mut shown = 0;
        write!(f, " length={}", self.0.len())?;
        while fields.at < self.0.len() {
            let Ok(item) = value::read(&mut fields) else { return f.write_str(" damaged") };
            let text = item_text(&item);
            shown += text.len();
            if shown > OBJECT {
                return f.write_str(" ...");
            }
            write!(f, " {text}")?;
        }
        Ok(())
    }
}

fn item_text(item: &Item) -> String {
    match item {
        Item::Nothing => "nothing".to_owned(),
        Item::None => "None".to_owned(),
        Item::Bool(truth) => if *truth { "True" } else { "False" }.to_owned(),
        Item::Ellipsis => "Ellipsis".to_owned(),
        Item::NotImplemented => "NotImplemented".to_owned(),
        Item::Int(value) => value.to_string(),
        Item::Float(value) => format!("{value:?}"),
        Item::Reference(slot) => format!("@{slot}"),
        Item::Object(object) => {
            let (slot, address) = (object.slot, object.address);
            let content = format!("{:?}", object.content);
            let end = content.char_indices().nth(SHOWN).map_or(content.len(), |(at, _)| at);
            let more = if end < content.len() { "..." } else { "" };
            format!("@{slot}={address:#x}:{}{more}", escaped(&content.as_bytes()[..end]))
        }
        Item::LeftOut { kind, address } => format!("{kind:?}:{address:#x}"),
        Item::Exhausted => "exhausted".to_owned(),
        Item::Other => "other".to_owned(),
        Item::Changed => "changed".to_owned(),
        Item::Raised => "raised".to_owned(),
        Item::Locals => "locals".to_owned(),
        Item::Unbound => "unbound".to_owned(),
        Item::Frame(address) => format!("frame:{address:#x}"),
        Item::Cell(address) => format!("cell:{address:#x}"),
        Item::State => "state".to_owned(),
        Item::Appended => "appended".to_owned(),
    }
}

/// A code object, as people know it.
struct Defined<'a>(&'a CodeInfo);

impl Display for Defined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let code = self.0;
        let (name, file, line) = (escaped(&code.name), escaped(&code.file), code.first_line);
        write!(f, " name={name} file={file} line={line} bytes={}", code.code.len())?;
        let (constants, names) = (code.constant_count(), code.names.len());
        write!(f, " constants={constants} names={names} locals={}", code.locals.len())?;
        if code.is_watched { f.write_str(" single_step=1") } else { Ok(()) }
    }
}

/// How far a frame had come, if that is known.
struct Lasti(i32);

impl Display for Lasti {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.0 == NOWHERE { f.write_str("unknown") } else { self.0.fmt(f) }
    }
}

/// Microseconds as seconds.
struct Seconds(u64);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// A text of the file, in quotes, its beginning where it is long.
fn escaped(text: &[u8]) -> String {
    let more = if text.len() > SHOWN { "..." } else { "" };
    format!("\"{}\"{more}", text[..text.len().min(SHOWN)].escape_ascii())
}

/// An object of the file; its quotes may stay.
fn json(text: &[u8]) -> String {
    let more = if text.len() > OBJECT { "..." } else { "" };
    let shown = text[..text.len().min(OBJECT)].escape_ascii().to_string();
    shown.replace("\\\"", "\"") + more
}

/// Bytes as hexadecimal digits, the first of many.
fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    let mut text = String::new();
    for byte in &bytes[..bytes.len().min(SHOWN)] {
        // A string takes all.
        let _ = write!(text, "{byte:02x}");
    }
    if bytes.len() > SHOWN { text + "..." } else { text }
}
