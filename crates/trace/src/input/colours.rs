//! Takes colour codes out of a text: the escape sequences of terminals (ECMA-48, "CSI" and "OSC").

use std::io::{self, Read};

const CHUNK: usize = 1 << 16;
const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// Removes the escape sequences of a piece of text that is whole.
pub(crate) fn remove(text: &mut Vec<u8>) {
    let mut state = State::default();
    text.retain(|&byte| state.keeps(byte));
}

/// Gives text without escape sequences.
pub(crate) struct Colourless<R> {
    input: R,
    state: State,
}

impl<R: Read> Colourless<R> {
    pub(crate) fn new(input: R) -> Colourless<R> {
        Colourless { input, state: State::default() }
    }
}

impl<R: Read> Read for Colourless<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = out.len().min(CHUNK);
        loop {
            let read = self.input.read(&mut out[..length])?;
            let mut kept = 0;
            for at in 0..read {
                if self.state.keeps(out[at]) {
                    out[kept] = out[at];
                    kept += 1;
                }
            }
            // Nothing left is not the end, unless nothing came.
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

/// Where in a sequence the text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    /// `ESC [`, up to a byte from `@` to `~`.
    Control,
    /// `ESC ]`, up to BEL or `ESC \`.
    Command,
    CommandEscape,
}

impl State {
    /// Takes the next byte; whether it is text. A newline ends any sequence.
    fn keeps(&mut self, byte: u8) -> bool {
        if byte == b'\n' {
            *self = State::Text;
            return true;
        }
        let (next, keeps) = match (*self, byte) {
            (State::Command, ESCAPE) => (State::CommandEscape, false),
            (_, ESCAPE) => (State::Escape, false),
            (State::Text, _) => (State::Text, true),
            (State::Escape, b'[') => (State::Control, false),
            (State::Escape, b']') => (State::Command, false),
            // A sequence of two bytes.
            (State::Escape, _) => (State::Text, false),
            (State::Control, 0x40..=0x7e) => (State::Text, false),
            (State::Control, _) => (State::Control, false),
            (State::Command, BELL) | (State::CommandEscape, _) => (State::Text, false),
            (State::Command, _) => (State::Command, false),
        };
        *self = next;
        keeps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_is_left() {
        for (text, wanted) in [
            ("\x1b[31mred\x1b[0m", "red"),
            ("\x1b[38;5;12mf> 0 NOP\x1b[m\n", "f> 0 NOP\n"),
            ("\x1b]8;;http://a\x07link\x1b]8;;\x1b\\ x", "link x"),
            ("\x1b[31\nplain", "\nplain"),
            ("plain\x1b", "plain"),
        ] {
            let mut whole = text.as_bytes().to_vec();
            remove(&mut whole);
            assert_eq!(String::from_utf8_lossy(&whole), wanted);
            let mut dripped = String::new();
            let drip = crate::lines::Drip(text.as_bytes());
            Colourless::new(drip).read_to_string(&mut dripped).unwrap();
            assert_eq!(dripped, wanted);
        }
    }
}
