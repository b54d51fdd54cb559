//! A machine that executes random code at random, and records itself as the hook and the writer do.
//! It knows what it executed, and shares no walking with the readers.

use std::io::Cursor;
use std::ops::Range;

use bytecode::opcode::{EXTENDED_ARG, HAVE_ARGUMENT, by_name};
use bytecode::text::{self, Instruction, Tables};
use recording::decoder::Decoder;
use recording::expand::expand;
use recording::file::{Broken, FlowWriter, Sections};
use recording::text::RenderOptions;
use serde_json::{Value, json};
use trace::formats::{Reader, line};
use trace::lines::Lines;
use trace::step::{Position, ReadError, Steps};
use wire::code::CodeInfo;
use wire::control::NOWHERE;
use wire::packet::{BranchBits, MOST_BRANCH_BITS, Packet};

/// A generator of numbers that is the same each time (xorshift64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// What was executed, and by a frame of what depth.
pub type Executed = (usize, Instruction, u32);

/// A recording, and what it must say.
pub struct Recorded {
    pub bytes: Vec<u8>,
    pub codes: Vec<CodeInfo>,
    pub executed: Vec<Executed>,
}

impl Recorded {
    /// The lines of a stretch of the instructions.
    pub fn text(&self, resolve: bool, stretch: Range<usize>) -> Vec<u8> {
        let mut out = Vec::new();
        for (code, instruction, _) in &self.executed[stretch] {
            let code = &self.codes[*code];
            let tables = resolve.then_some(code as &dyn Tables);
            text::write(&mut out, &code.name, *instruction, tables);
        }
        out
    }

    pub fn all(&self, resolve: bool) -> Vec<u8> {
        self.text(resolve, 0..self.executed.len())
    }
}

/// How a machine is recorded.
#[derive(Clone, Copy, Debug)]
pub struct How {
    pub seed: u64,
    pub steps: usize,
    pub codes: usize,
    /// One packet in this many ends its chunk.
    pub section: usize,
    pub compress: bool,
}

fn opcode(name: &str) -> u8 {
    by_name(name).unwrap()
}

/// Random code that every path stays inside of.
fn code(random: &mut Random, index: usize) -> CodeInfo {
    const PLAIN: [&str; 5] = ["NOP", "POP_TOP", "LOAD_CONST", "LOAD_FAST", "CALL_FUNCTION"];
    const JUMPS: [&str; 7] = [
        "POP_JUMP_IF_FALSE",
        "POP_JUMP_IF_TRUE",
        "JUMP_IF_FALSE_OR_POP",
        "JUMP_IF_TRUE_OR_POP",
        "JUMP_ABSOLUTE",
        "FOR_ITER",
        "JUMP_FORWARD",
    ];
    // Some are longer than a run.
    let length = if random.one_in(6) { 700 } else { 3 + random.below(30) };
    let mut chosen = Vec::new();
    let mut offset = 0;
    for _ in 0..length {
        let name = match random.below(12) {
            0..3 => JUMPS[random.below(JUMPS.len())],
            3 => ["RETURN_VALUE", "YIELD_VALUE"][random.below(2)],
            _ => PLAIN[random.below(PLAIN.len())],
        };
        let number = opcode(name);
        let is_long = number >= HAVE_ARGUMENT;
        let prefixes = if is_long && random.one_in(8) { 1 + random.below(3) } else { 0 };
        chosen.push((offset, number, prefixes));
        offset += 3 * prefixes + if is_long { 3 } else { 1 };
    }
    let mut bytes = Vec::new();
    for &(at, number, prefixes) in &chosen {
        let target = chosen[random.below(chosen.len())].0;
        let behind = at + 3 * prefixes + 3;
        let is_relative = ["FOR_ITER", "JUMP_FORWARD"].map(opcode).contains(&number);
        let ahead: Vec<_> = chosen.iter().map(|row| row.0).filter(|&to| to >= behind).collect();
        let operand = match number {
            _ if is_relative && ahead.is_empty() => offset - behind,
            _ if is_relative => ahead[random.below(ahead.len())] - behind,
            _ if JUMPS.map(opcode).contains(&number) => target,
            _ => random.below(4),
        };
        for _ in 0..prefixes {
            bytes.extend_from_slice(&[EXTENDED_ARG, 0, 0]);
        }
        bytes.push(number);
        if number >= HAVE_ARGUMENT {
            bytes.extend_from_slice(&(operand as u16).to_le_bytes());
        }
    }
    bytes.push(opcode("RETURN_VALUE"));
    CodeInfo {
        name: format!("code{index}").into_bytes(),
        file: b"a.py".to_vec(),
        first_line: index as u32 + 1,
        code: bytes,
        constants: vec![b"None".to_vec(), b"a\nb".to_vec(), vec![b'x'; random.below(300)]],
        locals: vec![b"one".to_vec()],
        is_watched: random.one_in(5),
        ..CodeInfo::default()
    }
}

struct Frame {
    code: usize,
    next: u32,
    /// The instruction that it is in.
    lasti: u32,
}

struct Machine {
    random: Random,
    how: How,
    codes: Vec<CodeInfo>,
    /// The number of each code object that was defined.
    numbers: Vec<Option<u32>>,
    last_number: u32,
    frames: Vec<Frame>,
    /// Frames that have yielded, and where each goes on.
    generators: Vec<(usize, u32)>,
    executed: Vec<Executed>,
    branch_bits: BranchBits,
    /// How far the running frame has come since the last record or outcome.
    progress: i32,
    decoder: Decoder,
    flow: FlowWriter<Vec<u8>>,
}

/// Runs and records a machine.
pub fn record(how: How) -> Recorded {
    record_about(how, &json!({ "format": "py27-flow 2", "time": 1, "process": 2 }))
}

/// The same, with what the recording says of itself.
pub fn record_about(how: How, about: &Value) -> Recorded {
    let mut random = Random::new(how.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let codes: Vec<_> = (0..how.codes).map(|index| code(&mut random, index)).collect();
    let mut machine = Machine {
        random,
        how,
        numbers: vec![None; codes.len()],
        codes,
        last_number: 0,
        frames: Vec::new(),
        generators: Vec::new(),
        executed: Vec::new(),
        branch_bits: BranchBits::default(),
        progress: NOWHERE,
        decoder: Decoder::new(),
        flow: FlowWriter::new(Vec::new(), how.compress, u64::MAX, about).unwrap().unwrap(),
    };
    while machine.executed.len() < how.steps {
        machine.step();
    }
    let lasti = machine.progress;
    machine.push(&Packet::End { lasti });
    let limit = about["limit"].as_u64().unwrap_or(u64::MAX);
    let end = json!({ "instructions": machine.decoder.executed().min(limit), "end": "ended" });
    assert_eq!(machine.decoder.executed(), machine.executed.len() as u64);
    let bytes = machine.flow.finish(&machine.decoder, machine.decoder.executed(), &end).unwrap();
    Recorded { bytes, codes: machine.codes, executed: machine.executed }
}

impl Machine {
    fn push(&mut self, event: &Packet) {
        self.decoder.branch_bits(self.branch_bits, &mut ()).unwrap();
        self.decoder.event(event, &mut ()).unwrap();
        self.flow.record(self.branch_bits, event, &self.decoder, self.decoder.executed()).unwrap();
        if self.random.one_in(self.how.section) {
            self.flow.flush(&self.decoder, self.decoder.executed()).unwrap();
        }
        self.branch_bits = BranchBits::default();
        if *event != Packet::BranchBits {
            self.progress = NOWHERE;
        }
    }

    fn decide(&mut self, outcome: bool) {
        if self.branch_bits.count == MOST_BRANCH_BITS {
            self.push(&Packet::BranchBits);
        }
        let bits = self.branch_bits.bits << 1 | u64::from(outcome);
        self.branch_bits = BranchBits { bits, count: self.branch_bits.count + 1 };
        self.progress = NOWHERE;
    }

    fn number(&mut self, code: usize) -> u32 {
        if let Some(number) = self.numbers[code] {
            return number;
        }
        self.last_number += 1;
        let (number, definition) = (self.last_number, self.codes[code].clone());
        let mut bytes = Vec::new();
        definition.write(&mut bytes);
        self.decoder.define(number, definition).unwrap();
        let event = Packet::CodeDefined { code: number, definition: &bytes };
        assert!(self.flow.code(&event, &self.decoder, self.decoder.executed()).unwrap());
        self.numbers[code] = Some(number);
        number
    }

    /// A code object that is in no frame dies; it gets another number when it comes again.
    fn forget(&mut self) {
        // Frames that were left are recorded by then.
        self.push(&Packet::BranchBits);
        let code = self.random.below(self.codes.len());
        let used = self.frames.iter().map(|frame| frame.code);
        if used.chain(self.generators.iter().map(|row| row.0)).all(|used| used != code)
            && let Some(number) = self.numbers[code].take()
        {
            self.decoder.forget(number).unwrap();
            self.flow.code_gone(&Packet::CodeFreed { code: number });
        }
    }

    fn lasti(&self) -> i32 {
        self.frames.last().map_or(-1, |frame| frame.lasti as i32)
    }

    fn is_watched(&self) -> bool {
        self.frames.last().is_some_and(|frame| self.codes[frame.code].is_watched)
    }

    fn enter(&mut self) {
        let lasti = self.lasti();
        let (code, next) = match self.generators.pop() {
            Some((code, next)) if self.random.one_in(2) => {
                let number = self.number(code);
                self.push(&Packet::Resume { lasti, code: number, start: next });
                (code, next)
            }
            kept => {
                self.generators.extend(kept);
                let code = self.random.below(self.codes.len());
                let number = self.number(code);
                self.push(&Packet::Enter { lasti, code: number });
                (code, 0)
            }
        };
        self.frames.push(Frame { code, next, lasti: next });
    }

    /// The frame is left by an exception; some frame further out catches it, or none.
    fn raise(&mut self) {
        while let Some(frame) = self.frames.last() {
            let lasti = frame.lasti as i32;
            if self.random.one_in(2) {
                // Any instruction may be the handler.
                let (code, target) = (frame.code, self.target());
                self.push(&Packet::Unwind { lasti, target, exception: true });
                *self.frames.last_mut().unwrap() = Frame { code, next: target, lasti: target };
                return;
            }
            self.push(&Packet::FrameExit { lasti, exception: true });
            self.frames.pop();
        }
    }

    fn target(&mut self) -> u32 {
        let code = &self.codes[self.frames.last().unwrap().code].code;
        let mut starts = vec![0];
        while let Some(&at) = starts.last()
            && at < code.len()
        {
            starts.push(at + if code[at] >= HAVE_ARGUMENT { 3 } else { 1 });
        }
        starts.retain(|&at| at < code.len());
        starts[self.random.below(starts.len())] as u32
    }

    /// A frame is left by its own instruction.
    fn leave(&mut self) {
        if self.is_watched() {
            let lasti = self.lasti();
            self.push(&Packet::FrameExit { lasti, exception: false });
        } else {
            self.decide(true);
        }
        self.frames.pop();
    }

    fn step(&mut self) {
        if self.random.one_in(50) {
            self.forget();
        }
        let Some(frame) = self.frames.last() else { return self.enter() };
        let (code, lasti) = (frame.code, frame.next);
        let bytes = &self.codes[code].code;
        let depth = self.frames.len() as u32;
        let (mut at, mut operand) = (lasti as usize, 0i32);
        let (mut instruction, mut number);
        let mut all = Vec::new();
        loop {
            number = bytes[at];
            if number >= HAVE_ARGUMENT {
                operand = operand << 16 | i32::from(bytes[at + 1]) | i32::from(bytes[at + 2]) << 8;
            }
            instruction = Instruction { offset: at as u32, opcode: number, operand };
            all.push(instruction);
            at += if number >= HAVE_ARGUMENT { 3 } else { 1 };
            if number != EXTENDED_ARG {
                break;
            }
        }
        self.frames.last_mut().unwrap().lasti = lasti;
        self.executed.extend(all.iter().map(|instruction| (code, *instruction, depth)));
        if self.is_watched() {
            for Instruction { offset, opcode, operand } in all {
                self.push(&Packet::Instruction { opcode, offset, operand, text: None });
            }
        } else {
            self.progress = lasti as i32;
        }
        let (next, operand) = (at as u32, instruction.operand as u32);
        let truth = self.random.one_in(2);
        let is = |name: &str| number == opcode(name);
        let choose = |one, other| if truth { one } else { other };
        let next = if is("POP_JUMP_IF_FALSE") || is("JUMP_IF_FALSE_OR_POP") || is("FOR_ITER") {
            let target = if is("FOR_ITER") { next + operand } else { operand };
            self.outcome(truth);
            choose(next, target)
        } else if is("POP_JUMP_IF_TRUE") || is("JUMP_IF_TRUE_OR_POP") {
            self.outcome(truth);
            choose(operand, next)
        } else if is("JUMP_ABSOLUTE") {
            self.outcome(true);
            operand
        } else if is("JUMP_FORWARD") {
            next + operand
        } else if is("RETURN_VALUE") || is("YIELD_VALUE") {
            if is("YIELD_VALUE") {
                self.generators.push((code, lasti + 1));
            }
            return self.leave();
        } else if is("CALL_FUNCTION") && self.frames.len() < 40 && truth {
            self.frames.last_mut().unwrap().next = next;
            return self.enter();
        } else if self.random.one_in(20) {
            return self.raise();
        } else {
            next
        };
        self.frames.last_mut().unwrap().next = next;
    }

    fn outcome(&mut self, outcome: bool) {
        if !self.is_watched() {
            self.decide(outcome);
        }
    }
}

/// What a recording is expanded to, and how that ended.
pub fn expanded(
    bytes: &[u8],
    resolve: bool,
    stretch: &Range<u64>,
    threads: usize,
) -> (Vec<u8>, Result<(), Broken>) {
    let mut text = Vec::new();
    let result = Sections::open(Cursor::new(bytes)).and_then(|(sections, about)| {
        let limit = about["limit"].as_u64().unwrap_or(u64::MAX);
        let options = RenderOptions { resolve, ..RenderOptions::default() };
        let stretch = stretch.start..stretch.end.min(limit);
        expand(sections, &options, &stretch, threads, &mut text)
    });
    (text, result)
}

/// The steps of a recording as text, the depth of each, and how that ended.
pub fn steps(bytes: &[u8], resolve: bool) -> (Vec<u8>, Vec<u32>, Result<(), ReadError>) {
    let (mut text, mut depths) = (Vec::new(), Vec::new());
    let lines = Lines::of("t.flow", bytes, Position::START);
    let result = Reader::new(lines, Some(trace::step::Format::Flow)).and_then(|mut reader| {
        while let Some(event) = reader.next()? {
            assert_eq!(event.position.step, depths.len() as u64 + 1);
            line::write(&mut text, &event, resolve).unwrap();
            depths.push(event.depth.unwrap());
        }
        assert!(reader.next()?.is_none(), "the end stays the end");
        Ok(())
    });
    (text, depths, result)
}
