//! What is known once about a code object: the lines of its instructions.
//!
//! A line is made when its instruction first runs and copied after that. What would make
//! a line false is part of its key: opcode and operand as decoded, so that code which rewrites
//! itself, or is reached through another prefix, gets lines of its own.

/// Bytes that may be read past the end of any line: lines are copied in steps of this size.
pub const STEP: usize = 32;

/// The lines of one code object.
#[derive(Debug, Default)]
pub struct Lines {
    /// The address of `co_code`'s first byte.
    pub first: usize,
    /// Whether its instructions are in the trace at all.
    pub wanted: bool,
    /// For each offset the key of the line that is known, then where it stands in `text`:
    /// start, and length in the upper half. All zero where none is known; a pair of numbers, as
    /// those are allocated without being touched.
    slots: Vec<[u64; 2]>,
    text: Vec<u8>,
}

impl Lines {
    /// For code of `length` bytes that starts at the address `first`.
    pub fn new(first: usize, length: usize, wanted: bool) -> Lines {
        // Code that runs off its end executes the NUL behind it.
        let slots = if wanted { vec![[0; 2]; length + 1] } else { Vec::new() };
        Lines { first, wanted, slots, text: Vec::new() }
    }

    /// The known line of an instruction: its length, and the text from its start on with at
    /// least [`STEP`] bytes behind it.
    #[inline]
    pub fn get(&self, offset: usize, opcode: u8, operand: i32) -> Option<(usize, &[u8])> {
        let &[known, place] = self.slots.get(offset)?;
        if known != key(opcode, operand) {
            return None;
        }
        let text = self.text.get(place as u32 as usize..)?;
        Some(((place >> 32) as usize, text))
    }

    /// Keeps a line for the next time. Not kept: one beyond the code's end, and what would
    /// grow the text of one code object beyond 4 GiB.
    pub fn keep(&mut self, offset: usize, opcode: u8, operand: i32, line: &[u8]) {
        let start = self.text.len().saturating_sub(STEP);
        let Some(slot) = self.slots.get_mut(offset) else { return };
        if u32::try_from(start + line.len()).is_err() {
            return;
        }
        self.text.truncate(start);
        self.text.extend_from_slice(line);
        self.text.extend_from_slice(&[0; STEP]);
        *slot = [key(opcode, operand), start as u64 | (line.len() as u64) << 32];
    }
}

/// Never zero.
#[inline]
fn key(opcode: u8, operand: i32) -> u64 {
    1 << 40 | u64::from(opcode) << 32 | u64::from(operand as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(lines: &Lines, offset: usize, opcode: u8, operand: i32) -> Option<&[u8]> {
        let (length, text) = lines.get(offset, opcode, operand)?;
        assert!(text.len() >= length + STEP);
        Some(&text[..length])
    }

    #[test]
    fn a_line_is_found_by_offset_opcode_and_operand() {
        let mut lines = Lines::new(0, 4, true);
        assert_eq!(line(&lines, 0, 0, 0), None);
        lines.keep(0, 0, 0, b"first");
        lines.keep(3, 83, 0, b"second");
        assert_eq!(line(&lines, 0, 0, 0), Some(&b"first"[..]));
        assert_eq!(line(&lines, 3, 83, 0), Some(&b"second"[..]));
        assert_eq!(line(&lines, 3, 83, 1), None);
        assert_eq!(line(&lines, 3, 84, 0), None);
        lines.keep(3, 100, -1, b"rewritten");
        assert_eq!(line(&lines, 3, 100, -1), Some(&b"rewritten"[..]));
        assert_eq!(line(&lines, 3, 83, 0), None);
    }

    #[test]
    fn the_end_has_a_slot_and_nothing_beyond_it() {
        let mut lines = Lines::new(0, 1, true);
        lines.keep(1, 0, 0, b"STOP_CODE");
        lines.keep(2, 0, 0, b"beyond");
        assert_eq!(line(&lines, 1, 0, 0), Some(&b"STOP_CODE"[..]));
        assert_eq!(line(&lines, 2, 0, 0), None);
    }
}
