//! The call path of a trace: as a recording gives it, or derived from names and offsets.
//!
//! An instruction at offset 0 that no jump leads to enters a frame; `RETURN_VALUE` leaves one. Frames
//! that an exception left, and generators that were suspended, show when the next name is not theirs.
//! Threads that take turns are not distinguished. Takes bounded memory, whatever the trace holds.

use crate::step::Step;
use bytecode::opcode::{self, Operand};

/// Frames that are kept; the outermost of a deeper recursion are forgotten.
const DEEPEST: usize = 4096;
/// Bytes of a name that are kept.
const LONGEST: usize = 80;
/// Frames among which a name is looked for.
const NEAR: usize = 64;

const RETURN_VALUE: u8 = opcode::number("RETURN_VALUE");

/// The names of the frames, outermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallPath {
    names: Vec<u8>,
    /// Where each name ends.
    ends: Vec<usize>,
    forgotten: usize,
    /// The last step's name has left its frame.
    left: bool,
    jumped: bool,
}

impl CallPath {
    /// Follows one step.
    pub fn step(&mut self, event: &Step<'_>) {
        self.enter(event.code.name.unwrap_or_default(), event.pc == 0);
        self.leave(event.opcode);
    }

    /// The first half of a step: a frame of that name is at its `first` instruction, or another.
    pub fn enter(&mut self, name: &[u8], first: bool) {
        let returned = std::mem::take(&mut self.left);
        if first && !(self.jumped && self.is_in(name)) {
            self.push(name);
        } else if returned || !self.is_in(name) {
            self.align(name);
        }
    }

    /// The other half: the frame that was entered last runs that instruction.
    pub fn leave(&mut self, opcode: u8) {
        self.jumped = opcode::operand(opcode) == Operand::JumpAbsolute;
        if opcode == RETURN_VALUE {
            self.pop();
            self.left = true;
        }
    }

    /// Whether the innermost frame has that name.
    pub fn is_in(&self, name: &[u8]) -> bool {
        self.top() == Some(cut(name))
    }

    /// Whether the next step may be in another frame than the last, of the same name or not.
    pub fn has_left(&self) -> bool {
        self.left
    }

    /// Follows one step of a trace that knows how many frames there are.
    pub fn follow(&mut self, depth: usize, name: &[u8]) {
        if self.depth() == depth && self.top() == Some(cut(name)) {
            return;
        }
        self.truncate(depth.saturating_sub(1));
        while self.depth() + 1 < depth {
            // What no step has named.
            self.push(b"?");
        }
        self.push(name);
    }

    /// Makes the innermost frame one of that name.
    fn align(&mut self, name: &[u8]) {
        let near = self.ends.len().saturating_sub(NEAR);
        match (near..self.ends.len()).rev().find(|&index| self.name(index) == cut(name)) {
            Some(found) => {
                while self.ends.len() > found + 1 {
                    self.pop();
                }
            }
            None => self.push(name),
        }
    }

    /// How many frames there are.
    pub fn depth(&self) -> usize {
        self.forgotten + self.ends.len()
    }

    /// How many there would be with this step, which is not followed.
    pub fn depth_at(&self, event: &Step<'_>) -> usize {
        let name = event.code.name.unwrap_or_default();
        if event.pc == 0 && !(self.jumped && self.is_in(name)) {
            return self.depth() + 1;
        }
        let near = self.ends.len().saturating_sub(NEAR);
        let found = (near..self.ends.len()).rev().find(|&index| self.name(index) == cut(name));
        found.map_or(self.depth() + 1, |index| self.forgotten + index + 1)
    }

    /// Forgets the innermost frames until this many are left.
    pub fn truncate(&mut self, depth: usize) {
        while self.depth() > depth {
            self.pop();
        }
    }

    /// The names, outermost first, at most `count` of the innermost.
    pub fn innermost(&self, count: usize) -> Vec<&[u8]> {
        let from = self.ends.len().saturating_sub(count);
        (from..self.ends.len()).map(|index| self.name(index)).collect()
    }

    fn top(&self) -> Option<&[u8]> {
        self.ends.len().checked_sub(1).map(|last| self.name(last))
    }

    fn name(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.names[start..self.ends[index]]
    }

    fn push(&mut self, name: &[u8]) {
        if self.ends.len() == DEEPEST {
            let half = DEEPEST / 2;
            let bytes = self.ends[half - 1];
            self.names.drain(..bytes);
            self.ends.drain(..half);
            self.ends.iter_mut().for_each(|end| *end -= bytes);
            self.forgotten += half;
        }
        self.names.extend_from_slice(cut(name));
        self.ends.push(self.names.len());
    }

    fn pop(&mut self) {
        if self.ends.pop().is_some() {
            self.names.truncate(self.ends.last().copied().unwrap_or(0));
        } else {
            self.forgotten = self.forgotten.saturating_sub(1);
        }
    }
}

fn cut(name: &[u8]) -> &[u8] {
    &name[..name.len().min(LONGEST)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::diff::testing::steps;

    fn path(text: &str) -> String {
        let mut path = CallPath::default();
        steps(text, |step| path.step(step));
        let names: Vec<_> =
            path.innermost(9).into_iter().map(|name| name.escape_ascii().to_string()).collect();
        names.join(" ")
    }

    #[test]
    fn calls_enter_and_returns_leave() {
        let text =
            "m> 0 CALL_FUNCTION (0)\nf> 0 CALL_FUNCTION (0)\ng> 0 RETURN_VALUE\nf> 3 POP_TOP\n";
        assert_eq!(path(text), "m f");
        assert_eq!(path(&text[..text.find("f> 3").unwrap()]), "m f");
    }

    #[test]
    fn exceptions_and_generators_show_by_the_next_name() {
        assert_eq!(path("m> 0 NOP\nf> 0 NOP\ng> 0 RAISE_VARARGS (1)\nm> 1 NOP\n"), "m");
        assert_eq!(path("m> 0 NOP\ng> 0 YIELD_VALUE\nm> 1 NOP\ng> 1 NOP\n"), "m g");
    }

    #[test]
    fn a_loop_to_the_first_instruction_is_no_call() {
        assert_eq!(path("f> 0 NOP\nf> 1 JUMP_ABSOLUTE (0)\nf> 0 NOP\n"), "f");
        assert_eq!(path("f> 0 NOP\nf> 1 CALL_FUNCTION (0)\nf> 0 NOP\n"), "f f");
    }

    #[test]
    fn known_frames_are_not_guessed() {
        let mut path = CallPath::default();
        let mut shown = |depth, name: &str| {
            path.follow(depth, name.as_bytes());
            path.innermost(9).concat().escape_ascii().to_string()
        };
        assert_eq!([shown(1, "m"), shown(2, "f"), shown(3, "f")], ["m", "mf", "mff"]);
        assert_eq!([shown(2, "f"), shown(2, "g"), shown(1, "m")], ["mf", "mg", "m"]);
        assert_eq!(shown(4, "h"), "m??h");
    }

    #[test]
    fn endless_recursion_takes_bounded_memory() {
        let mut path = CallPath::default();
        for _ in 0..1_000_000 {
            path.enter(&[b'x'; 1000], true);
        }
        assert_eq!(path.depth(), 1_000_000);
        assert!(path.names.len() <= DEEPEST * LONGEST);
        for _ in 0..2_000_000 {
            path.pop();
        }
        assert_eq!(path.depth(), 0);
    }
}
