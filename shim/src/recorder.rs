//! The pure core: instructions in, lines out, in large blocks.
//!
//! Knows code objects by address and owns nothing of them; whoever drives it reports their
//! deaths. Errors are those of the writer; after one, the recorder must not be used.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{self, Write};

use trace::opcode::HAVE_ARGUMENT;
use trace::text::{self, Instruction, Tables};

use crate::code::{Lines, STEP};
use crate::settings::Settings;

/// Bytes that are collected before they are written.
const BLOCK: usize = 256 << 10;
/// Lines up to this length go through the block, longer ones are written at once.
const LONG: usize = 64 << 10;

/// One instruction, about to run.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The address of the code object.
    pub code: usize,
    /// The address behind the instruction and its operand.
    pub next: usize,
    /// `f_lasti`: the offset of the first prefix, or of the instruction if it has none.
    pub lasti: i32,
    /// The opcode.
    pub opcode: u8,
    /// The operand with the bits of prefixes.
    pub operand: i32,
}

/// What the recorder asks of a code object: once when it meets it, and for each new line.
pub trait Subject: Tables {
    /// `co_name`
    fn co_name(&self) -> &[u8];
    /// Where the bytes of `co_code` start in memory, and how many they are.
    fn bytes(&self) -> (usize, usize);
    /// Whether the text of what the tables have given so far can never change.
    fn is_final(&self) -> bool;
}

/// Writes the text trace of one thread.
#[derive(Debug)]
pub struct Recorder<W> {
    settings: Settings,
    writer: W,
    block: Box<[u8]>,
    used: usize,
    /// The address of the code object that ran last, 0 for none, and its place in `codes`.
    current: usize,
    place: usize,
    codes: Vec<Lines>,
    /// Places in `codes` whose code object died.
    free: Vec<usize>,
    places: HashMap<usize, usize, BuildHasherDefault<AddressHasher>>,
    line: Vec<u8>,
}

impl<W: Write> Recorder<W> {
    /// Starts with nothing known and nothing written.
    pub fn new(settings: Settings, writer: W) -> Recorder<W> {
        Recorder {
            settings,
            writer,
            block: vec![0; BLOCK + LONG + STEP].into_boxed_slice(),
            used: 0,
            current: 0,
            place: 0,
            codes: vec![Lines::default()],
            free: Vec::new(),
            places: HashMap::default(),
            line: Vec::new(),
        }
    }

    /// Records an instruction whose line is known, the usual case. Otherwise nothing is done
    /// and false returned: the caller goes to [`Recorder::record`].
    #[inline]
    pub fn record_known(&mut self, step: Step) -> bool {
        if step.code != self.current || self.used >= BLOCK {
            return false;
        }
        let lines = &self.codes[self.place];
        let offset = step.next.wrapping_sub(lines.first + width(step.opcode));
        // Behind a prefix the two differ.
        if offset != step.lasti as usize {
            return false;
        }
        let Some((length, text)) = lines.get(offset, step.opcode, step.operand) else {
            return !lines.wanted;
        };
        if length > LONG {
            return false;
        }
        let (from, to) = (text.chunks_exact(STEP), self.block[self.used..].chunks_exact_mut(STEP));
        for (from, to) in from.zip(to).take(length.div_ceil(STEP)) {
            to.copy_from_slice(from);
        }
        self.used += length;
        true
    }

    /// Records any instruction; `subject` is its code object.
    pub fn record(&mut self, step: Step, subject: &impl Subject) -> io::Result<()> {
        if step.code != self.current {
            self.enter(step.code, subject);
        }
        if self.used >= BLOCK {
            self.write_block()?;
        }
        if self.record_known(step) {
            return Ok(());
        }
        let lines = &mut self.codes[self.place];
        let mut offset = step.next.wrapping_sub(lines.first + width(step.opcode));
        if offset != step.lasti as usize {
            if self.settings.blog || !lines.wanted {
                return Ok(());
            }
            // EXTENDED_ARG takes two bytes with whatever follows, operand or not.
            offset = step.next.wrapping_sub(lines.first + width(HAVE_ARGUMENT));
        }
        if let Some((length, text)) = lines.get(offset, step.opcode, step.operand) {
            let line = &text[..length];
            return write_line(&mut self.writer, &mut self.block, &mut self.used, line);
        }
        let instruction =
            Instruction { offset: offset as u32, opcode: step.opcode, operand: step.operand };
        self.line.clear();
        let tables = self.settings.resolve.then_some(subject as &dyn Tables);
        text::write(&mut self.line, subject.co_name(), instruction, tables);
        if subject.is_final() {
            lines.keep(offset, step.opcode, step.operand, &self.line);
        }
        write_line(&mut self.writer, &mut self.block, &mut self.used, &self.line)
    }

    /// Forgets a code object: its address may come back with another.
    pub fn forget(&mut self, code: usize) {
        let Some(place) = self.places.remove(&code) else { return };
        self.codes[place] = Lines::default();
        self.free.push(place);
        if self.current == code {
            self.current = 0;
        }
    }

    /// Writes what has been collected.
    pub fn write_block(&mut self) -> io::Result<()> {
        let used = std::mem::take(&mut self.used);
        self.writer.write_all(&self.block[..used])
    }

    /// Makes a code object the current one, meeting it if it is new.
    fn enter(&mut self, code: usize, subject: &impl Subject) {
        let place = *self.places.entry(code).or_insert_with(|| {
            let (first, length) = subject.bytes();
            let wanted = self.settings.name.as_deref().is_none_or(|name| name == subject.co_name());
            let lines = Lines::new(first, length, wanted);
            match self.free.pop() {
                Some(place) => {
                    self.codes[place] = lines;
                    place
                }
                None => {
                    self.codes.push(lines);
                    self.codes.len() - 1
                }
            }
        });
        self.current = code;
        self.place = place;
    }
}

fn write_line(
    writer: &mut impl Write,
    block: &mut [u8],
    used: &mut usize,
    line: &[u8],
) -> io::Result<()> {
    if line.len() > LONG {
        writer.write_all(&block[..std::mem::take(used)])?;
        return writer.write_all(line);
    }
    block[*used..*used + line.len()].copy_from_slice(line);
    *used += line.len();
    Ok(())
}

#[inline]
fn width(opcode: u8) -> usize {
    if opcode >= HAVE_ARGUMENT { 3 } else { 1 }
}

/// Spreads addresses of objects, whose lowest bits are all alike.
#[derive(Debug, Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_usize(usize::from(byte));
        }
    }

    fn write_usize(&mut self, address: usize) {
        // Fibonacci hashing; hashbrown takes the upper bits too.
        self.0 = (self.0 ^ address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}

#[cfg(test)]
mod tests;
