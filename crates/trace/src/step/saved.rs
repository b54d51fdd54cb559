//! A step that outlives its reader's buffer.

use std::ops::Range;

use super::{Code, Operand, Position, Step};

/// A copy of one step. Saving another in its place takes no new memory where the old suffices.
#[derive(Clone, Debug)]
pub struct Saved {
    bytes: Vec<u8>,
    sha256: Option<[u8; 32]>,
    name: Option<Range<usize>>,
    file: Option<Range<usize>>,
    meaning: Range<usize>,
    stack: Option<Range<usize>>,
    blocks: Option<Range<usize>>,
    locals: Option<Range<usize>>,
    cells: Option<Range<usize>>,
    /// What borrows nothing.
    rest: Step<'static>,
}

const EMPTY: Step<'static> = Step {
    position: Position::START,
    code: Code { number: None, name: None, file: None, first_line: None, sha256: None },
    pc: 0,
    opcode: 0,
    operand: Operand::Absent,
    depth: None,
    stack: None,
    blocks: None,
    locals: None,
    cells: None,
};

impl Saved {
    /// A copy of `event`.
    pub fn new(event: &Step<'_>) -> Saved {
        let mut saved = Saved {
            bytes: Vec::new(),
            sha256: None,
            name: None,
            file: None,
            meaning: 0..0,
            stack: None,
            blocks: None,
            locals: None,
            cells: None,
            rest: EMPTY,
        };
        saved.set(event);
        saved
    }

    /// Saves `event` in the place of the one before.
    pub fn set(&mut self, event: &Step<'_>) {
        self.bytes.clear();
        let mut keep = |bytes: &[u8]| {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(bytes);
            start..start + bytes.len()
        };
        self.name = event.code.name.map(&mut keep);
        self.file = event.code.file.map(&mut keep);
        self.stack = event.stack.map(&mut keep);
        self.blocks = event.blocks.map(&mut keep);
        self.locals = event.locals.map(&mut keep);
        self.cells = event.cells.map(&mut keep);
        let (operand, meaning): (Operand<'static>, &[u8]) = match event.operand {
            Operand::Absent => (Operand::Absent, b""),
            Operand::Number(number) => (Operand::Number(number), b""),
            Operand::Meaning(text) => (Operand::Meaning(b""), text),
            Operand::Both(number, text) => (Operand::Both(number, b""), text),
            Operand::Either(text) => (Operand::Either(b""), text),
        };
        self.meaning = keep(meaning);
        self.sha256 = event.code.sha256.copied();
        self.rest = Step {
            position: event.position,
            code: Code {
                number: event.code.number,
                first_line: event.code.first_line,
                ..Code::default()
            },
            pc: event.pc,
            opcode: event.opcode,
            operand,
            depth: event.depth,
            stack: None,
            blocks: None,
            locals: None,
            cells: None,
        };
    }

    /// The step.
    pub fn step(&self) -> Step<'_> {
        let get = |range: &Option<Range<usize>>| range.clone().map(|range| &self.bytes[range]);
        let meaning = &self.bytes[self.meaning.clone()];
        Step {
            code: Code {
                name: get(&self.name),
                file: get(&self.file),
                sha256: self.sha256.as_ref(),
                ..self.rest.code
            },
            operand: match self.rest.operand {
                Operand::Absent => Operand::Absent,
                Operand::Number(number) => Operand::Number(number),
                Operand::Meaning(_) => Operand::Meaning(meaning),
                Operand::Both(number, _) => Operand::Both(number, meaning),
                Operand::Either(_) => Operand::Either(meaning),
            },
            stack: get(&self.stack),
            blocks: get(&self.blocks),
            locals: get(&self.locals),
            cells: get(&self.cells),
            ..self.rest
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_step_is_the_same_step() {
        let full = Step {
            position: Position { line: 7, offset: 99, step: 5 },
            code: Code {
                number: Some(1),
                name: Some(b"f\n"),
                file: Some(b"a.py"),
                first_line: Some(3),
                sha256: Some(&[7; 32]),
            },
            pc: 3,
            opcode: 100,
            operand: Operand::Both(-1, b"None"),
            depth: Some(2),
            stack: Some(b"[\"1\"]"),
            blocks: Some(b"[]"),
            locals: Some(b"[[\"x\",\"1\"]]"),
            cells: Some(b"[]"),
        };
        let mut saved = Saved::new(&full);
        assert_eq!(saved.step(), full);
        for operand in [Operand::Absent, Operand::Either(b"x"), Operand::Meaning(b"")] {
            let event = Step { operand, stack: None, ..full };
            saved.set(&event);
            assert_eq!(saved.step(), event);
        }
    }
}
