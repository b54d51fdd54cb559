//! The last bytes that a process writes: read all along, so that it never waits, and kept few.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read};
use std::thread::{self, JoinHandle};

/// How many are kept.
const KEPT: usize = 2048;

/// A stream that is being read to its end in a thread of its own.
#[derive(Debug)]
pub(super) struct Tail(JoinHandle<Vec<u8>>);

impl Tail {
    /// Starts reading.
    pub(super) fn of(reader: impl Read + Send + 'static) -> Tail {
        Tail(thread::spawn(move || last(reader)))
    }

    /// Waits for the end of the stream, and gives what came last: whole lines, if there are any.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0.join().unwrap_or_default()
    }
}

fn last(mut reader: impl Read) -> Vec<u8> {
    let mut kept = VecDeque::new();
    let mut buffer = [0; KEPT];
    let mut lost = false;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => kept.extend(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Only messages are at stake.
            Err(_) => break,
        }
        let surplus = kept.len().saturating_sub(KEPT);
        lost |= surplus > 0;
        kept.drain(..surplus);
    }
    if lost && let Some(newline) = kept.iter().position(|&byte| byte == b'\n') {
        kept.drain(..=newline);
    }
    kept.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_bytes_are_kept_whole_and_many_are_cut_to_whole_lines() {
        assert_eq!(last(&b"one\ntwo"[..]), b"one\ntwo");
        let many: String = (0..10_000).map(|n| format!("line {n}\n")).collect();
        let kept = String::from_utf8(Tail::of(std::io::Cursor::new(many)).finish()).unwrap();
        assert!(kept.starts_with("line ") && kept.ends_with("line 9999\n"), "{kept}");
        assert!(kept.len() <= KEPT && kept.len() > KEPT - 20, "{}", kept.len());
        assert_eq!(last(std::io::repeat(b'x').take(9999)), [b'x'; KEPT]);
    }
}
