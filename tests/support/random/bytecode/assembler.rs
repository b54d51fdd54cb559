//! An assembler that knows the value stack and the block stack at each instruction, and asserts
//! that all ways to a label agree on them: what it makes does not crash the interpreter.
//!
//! It decorates at random what it is given: prefixes, chains of them and prefixes before opcodes
//! that ignore an operand, NOPs, and junk that is jumped over.

use bytecode::opcode::{self, EXTENDED_ARG, Operand};

use super::marshal::{Code, Constant};
use crate::random::rng::Rng;

/// What is known of a value on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Any,
    /// `FOR_ITER` calls `tp_iternext` without looking.
    Iterator,
    /// A dict: a debug build asserts it.
    Dict,
    /// One to three values that `END_FINALLY` takes.
    Finally,
}

/// What an entry of the block stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    Loop,
    Except,
    Finally,
    With,
}

/// The stacks before an instruction; a block has its level, an index into the values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub stack: Vec<Kind>,
    pub blocks: Vec<(Block, usize)>,
}

impl State {
    /// How many values there are at most.
    fn slots(&self) -> usize {
        self.stack.iter().map(|kind| if *kind == Kind::Finally { 3 } else { 1 }).sum()
    }
}

/// A place in the code.
#[derive(Clone, Copy, Debug)]
pub struct Label(usize);

#[derive(Debug, Default)]
struct Target {
    offset: Option<usize>,
    state: Option<State>,
}

/// A jump whose operand is not written yet.
#[derive(Debug)]
struct Jump {
    at: usize,
    wide: bool,
    relative: bool,
    label: Label,
}

/// Code in the making.
#[derive(Debug)]
pub struct Assembler {
    pub rng: Rng,
    /// The stacks here; `None` after an instruction that goes elsewhere.
    pub state: Option<State>,
    /// Each jump has a prefix: the code is longer than 65,536 bytes.
    pub wide: bool,
    pub constants: Vec<Constant>,
    pub names: Vec<Vec<u8>>,
    bytes: Vec<u8>,
    targets: Vec<Target>,
    jumps: Vec<Jump>,
    /// Constants that are the offsets of labels.
    offsets: Vec<(usize, Label)>,
    deepest: usize,
}

impl Assembler {
    pub fn new(rng: Rng) -> Assembler {
        Assembler {
            rng,
            state: Some(State::default()),
            wide: false,
            constants: vec![Constant::None],
            names: Vec::new(),
            bytes: Vec::new(),
            targets: Vec::new(),
            jumps: Vec::new(),
            offsets: Vec::new(),
            deepest: 0,
        }
    }

    /// Whether what comes next can be reached.
    pub fn reachable(&self) -> bool {
        self.state.is_some()
    }

    /// The stacks here, where code is reachable.
    pub fn here(&self) -> State {
        self.state.clone().expect("only reachable code is made")
    }

    fn state(&mut self) -> &mut State {
        self.state.as_mut().expect("only reachable code is made")
    }

    pub fn depth(&self) -> usize {
        self.state.as_ref().map_or(0, |state| state.stack.len())
    }

    pub fn push(&mut self, kind: Kind) {
        self.state().stack.push(kind);
        let slots = self.here().slots();
        self.deepest = self.deepest.max(slots);
    }

    pub fn pop(&mut self) -> Kind {
        let level = self.here().blocks.last().map_or(0, |block| block.1);
        assert!(self.depth() > level, "a block's values are its own");
        self.state().stack.pop().expect("the stack is not empty")
    }

    /// The index of a constant, a new one now and then.
    pub fn constant(&mut self, constant: Constant) -> u32 {
        let known = self.constants.iter().rposition(|known| *known == constant);
        let index = known.filter(|_| !self.rng.chance(10)).unwrap_or_else(|| {
            self.constants.push(constant);
            self.constants.len() - 1
        });
        index as u32
    }

    /// The index of a constant that is the offset of `label`.
    pub fn offset_of(&mut self, label: Label) -> u32 {
        // No other constant equals it, so that it is not shared.
        self.constants.push(Constant::Int(i32::MIN));
        self.offsets.push((self.constants.len() - 1, label));
        self.constants.len() as u32 - 1
    }

    /// The index of a name.
    pub fn name(&mut self, name: &[u8]) -> u32 {
        let known = self.names.iter().position(|known| known == name);
        let index = known.unwrap_or_else(|| {
            self.names.push(name.into());
            self.names.len() - 1
        });
        index as u32
    }

    /// An instruction that takes `pops` values and leaves those of `pushes`.
    pub fn op(&mut self, name: &str, operand: Option<u32>, pops: usize, pushes: &[Kind]) {
        self.decorate();
        match operand {
            Some(operand) => self.with_operand(name, operand),
            None => self.without_operand(name),
        }
        for _ in 0..pops {
            self.pop();
        }
        pushes.iter().for_each(|kind| self.push(*kind));
    }

    fn with_operand(&mut self, name: &str, operand: u32) {
        let (mut high, low) = (operand >> 16, operand & 0xffff);
        // Calls look at the lower half only.
        if name.starts_with("CALL_") && self.rng.chance(5) {
            high = self.rng.below(1 << 16) as u32;
        }
        if high > 0 || self.rng.chance(4) {
            if self.rng.chance(15) {
                let lost = self.rng.below(1 << 16) as u32;
                self.write(EXTENDED_ARG, lost);
            }
            self.write(EXTENDED_ARG, high);
        }
        self.write(number(name), low);
    }

    fn without_operand(&mut self, name: &str) {
        // A resumed generator goes on behind its last instruction's first byte, the prefix's.
        if name != "YIELD_VALUE" && self.rng.chance(3) {
            let ignored = self.rng.below(1 << 16) as u32;
            self.write(EXTENDED_ARG, ignored);
            self.write(number(name), ignored);
        } else {
            self.bytes.push(number(name));
        }
    }

    fn write(&mut self, opcode: u8, operand: u32) {
        self.bytes.extend([opcode, operand as u8, (operand >> 8) as u8]);
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// What has no effect, now and then.
    fn decorate(&mut self) {
        match self.rng.below(100) {
            0..=2 => self.bytes.push(number("NOP")),
            3 => self.write(number("JUMP_FORWARD"), 0),
            4 => {
                let junk = self.rng.range(1, 9);
                self.write(number("JUMP_FORWARD"), junk as u32);
                self.junk(junk);
            }
            _ => {}
        }
    }

    /// Bytes that are never run.
    pub fn junk(&mut self, len: usize) {
        for _ in 0..len {
            let byte = self.rng.below(256) as u8;
            self.bytes.push(byte);
        }
    }

    pub fn label(&mut self) -> Label {
        self.targets.push(Target::default());
        Label(self.targets.len() - 1)
    }

    /// The label is here; what jumps to it and what falls into it agree.
    pub fn place(&mut self, label: Label) {
        if let Some(state) = self.state.clone() {
            self.expect(label, state);
        }
        self.targets[label.0].offset = Some(self.bytes.len());
        self.state = self.targets[label.0].state.clone();
    }

    /// The label is here, and so are the stacks, though nothing may have jumped to it yet.
    pub fn place_with(&mut self, label: Label, state: &State) {
        self.expect(label, state.clone());
        self.place(label);
    }

    /// The label is `ahead` bytes from here.
    pub fn place_ahead(&mut self, label: Label, ahead: usize) {
        self.targets[label.0].offset = Some(self.bytes.len() + ahead);
    }

    fn expect(&mut self, label: Label, state: State) {
        self.deepest = self.deepest.max(state.slots());
        let known = self.targets[label.0].state.get_or_insert_with(|| state.clone());
        assert_eq!(*known, state, "all ways to a label agree");
    }

    /// What the label's jumps have on their stacks, where one is known.
    pub fn state_at(&self, label: Label) -> Option<&State> {
        self.targets[label.0].state.as_ref()
    }

    /// The stacks after `CONTINUE_LOOP`, if there is a loop: what inner blocks do not unwind
    /// stays.
    pub fn continued(&self) -> Option<State> {
        let State { mut stack, mut blocks } = self.here();
        let at = blocks.iter().rposition(|block| block.0 == Block::Loop)?;
        match blocks.get(at + 1) {
            // The exit function is gone by then.
            Some((Block::With, level)) => stack.truncate(level - 1),
            Some((_, level)) => stack.truncate(*level),
            None => {}
        }
        blocks.truncate(at + 1);
        Some(State { stack, blocks })
    }

    /// An instruction that jumps, or says where an exception goes.
    pub fn jump(&mut self, name: &str, label: Label) {
        self.decorate();
        self.encode_jump(name, label);
        let conditional = name.starts_with("POP_JUMP_IF");
        if conditional {
            self.pop();
        }
        if name == "SETUP_WITH" {
            self.pop();
            self.push(Kind::Any);
        }
        let mut there = self.here();
        match name {
            "FOR_ITER" => {
                assert_eq!(self.pop(), Kind::Iterator);
                there = self.here();
                self.push(Kind::Iterator);
                self.push(Kind::Any);
            }
            "JUMP_IF_FALSE_OR_POP" | "JUMP_IF_TRUE_OR_POP" => {
                self.pop();
            }
            "SETUP_EXCEPT" => there.stack.extend([Kind::Any; 3]),
            "SETUP_FINALLY" | "SETUP_WITH" => there.stack.push(Kind::Finally),
            "CONTINUE_LOOP" => there = self.continued().expect("it stands in a loop"),
            _ => {}
        }
        self.expect(label, there);
        let level = self.depth();
        match name {
            "SETUP_LOOP" => self.state().blocks.push((Block::Loop, level)),
            "SETUP_EXCEPT" => self.state().blocks.push((Block::Except, level)),
            "SETUP_FINALLY" => self.state().blocks.push((Block::Finally, level)),
            "SETUP_WITH" => {
                self.state().blocks.push((Block::With, level));
                self.push(Kind::Any);
            }
            "JUMP_FORWARD" | "JUMP_ABSOLUTE" | "CONTINUE_LOOP" => self.state = None,
            _ => {}
        }
    }

    fn encode_jump(&mut self, name: &str, label: Label) {
        let relative = opcode::operand(number(name)) == Operand::JumpRelative;
        // Backward by a negative distance: that takes 32 bits.
        let backward = relative && self.targets[label.0].offset.is_some();
        let wide = self.wide || backward || self.rng.chance(6);
        if wide {
            if self.rng.chance(10) {
                self.write(EXTENDED_ARG, 0x0909);
            }
            self.write(EXTENDED_ARG, 0);
        }
        self.jumps.push(Jump { at: self.bytes.len(), wide, relative, label });
        self.write(number(name), 0);
    }

    /// `POP_BLOCK`: what the block has left on the stack goes with it.
    pub fn pop_block(&mut self) {
        self.decorate();
        self.without_operand("POP_BLOCK");
        let state = self.state();
        let (_, level) = state.blocks.pop().expect("there is a block");
        state.stack.truncate(level);
    }

    /// What an instruction that leaves does: nothing falls through.
    pub fn leave(&mut self, name: &str, operand: Option<u32>, pops: usize) {
        self.op(name, operand, pops, &[]);
        self.state = None;
    }

    /// Exchanges the `count` topmost values for one of `kind`: they are known to be that.
    pub fn retype(&mut self, count: usize, kind: Kind) {
        for _ in 0..count {
            self.pop();
        }
        self.push(kind);
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The code object, but for what the function knows.
    pub fn finish(mut self) -> Code {
        let offset = |label: Label| self.targets[label.0].offset.expect("each label is placed");
        for jump in &self.jumps {
            let end = if jump.relative { jump.at + 3 } else { 0 };
            // A negative distance is one of 32 bits, as the interpreter adds it.
            let operand = (offset(jump.label) as u32).wrapping_sub(end as u32).to_le_bytes();
            self.bytes[jump.at + 1..jump.at + 3].copy_from_slice(&operand[..2]);
            if jump.wide {
                self.bytes[jump.at - 2..jump.at].copy_from_slice(&operand[2..]);
            } else {
                assert_eq!(operand[2..], [0, 0], "the jump needs a prefix");
            }
        }
        for (index, label) in &self.offsets {
            self.constants[*index] = Constant::Int(offset(*label) as i32);
        }
        Code {
            // A slot more than is used, for `unpack_iterable` and its like.
            stack_size: self.deepest as u32 + 1,
            code: self.bytes,
            constants: self.constants,
            names: self.names,
            ..Code::default()
        }
    }
}

/// The number of an opcode.
pub fn number(name: &str) -> u8 {
    opcode::by_name(name).unwrap_or_else(|| panic!("`{name}` is no opcode"))
}
