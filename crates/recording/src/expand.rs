//! Expands a recording to its text, on as many threads as there are.
//!
//! A section of events can be walked without those before it, so each goes to the next worker;
//! what they make comes in blocks, which are written in order. Memory is bounded by the number of
//! threads, and by what the code objects take.

use std::io::{Read, Write};
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use crate::block::{Block, Code, CodeObjects};
use crate::codes::Change;
use crate::decoder::{Decoder, InstructionSink, Stepped};
use crate::file::{Broken, Section, Sections};
use crate::replay::{self, Cursor, OpenChunk, Part};
use crate::text::{RenderOptions, TextSink};

/// Sections that wait for each worker.
const AHEAD: usize = 1;

/// Bytes of text that are handed on at once.
const BLOCK: usize = 1 << 20;

/// Blocks of each worker that wait to be written: with the one at hand, the text of a usual section.
const BLOCKS: usize = 8;

/// Changes to code objects that wait for each worker.
const CHANGES: usize = 1 << 12;

/// What a worker does: changes to its code objects come first.
#[derive(Default)]
struct Work {
    changes: Vec<Arc<Vec<Change>>>,
    section: Option<Section>,
}

/// What comes of it.
enum Made {
    Lines(Vec<u8>),
    /// Nothing more, or an error.
    Done(Result<(), Broken>),
}

/// Where a worker gets its work, what it makes, and changes that it has not been sent.
struct Worker {
    work: SyncSender<Work>,
    made: Receiver<Made>,
    changes: Vec<Arc<Vec<Change>>>,
    waiting: usize,
}

/// Writes the lines of a recording whose start was read.
///
/// # Errors
///
/// A recording that is damaged or cut short: what came before was written. Errors of `out` are
/// given as they are, by [`Broken::Io`].
pub fn expand<R: Read>(
    sections: Sections<R>,
    options: &RenderOptions,
    range: &Range<u64>,
    threads: usize,
    out: &mut impl Write,
) -> Result<(), Broken> {
    let threads = threads.max(1);
    let (returns, spare) = mpsc::channel();
    let spare = Mutex::new(spare);
    thread::scope(|scope| {
        // Dropped on every way out, which ends the workers.
        let mut team = Team { workers: Vec::new(), given: 0, taken: 0, returns, out };
        for _ in 0..threads {
            let (sender, work) = sync_channel(AHEAD);
            let (making, made) = sync_channel(BLOCKS);
            let spare = &spare;
            scope.spawn(move || work_through(&work, &making, spare, options, range));
            team.workers.push(Worker { work: sender, made, changes: Vec::new(), waiting: 0 });
        }
        let mut cursor = Cursor::new(sections, range.clone());
        let ended = loop {
            match cursor.next() {
                Ok(Some(Part::Codes(changes))) => team.change(changes)?,
                Ok(Some(Part::Chunk(section))) => team.give(Some(section))?,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        team.take_all()?;
        ended
    })
}

/// The workers, in turn.
struct Team<'a, W> {
    workers: Vec<Worker>,
    given: usize,
    taken: usize,
    returns: mpsc::Sender<Vec<u8>>,
    out: &'a mut W,
}

impl<W: Write> Team<'_, W> {
    /// Tells all of them of changes, in time with their next work; soon if those come to much.
    fn change(&mut self, changes: Vec<Change>) -> Result<(), Broken> {
        let changes = Arc::new(changes);
        for worker in &mut self.workers {
            worker.waiting += changes.len();
            worker.changes.push(Arc::clone(&changes));
        }
        if self.workers.iter().any(|worker| worker.waiting > CHANGES) {
            for _ in 0..self.workers.len() {
                self.give(None)?;
            }
        }
        Ok(())
    }

    /// Gives work to the next of them, once what it was given before is written.
    fn give(&mut self, section: Option<Section>) -> Result<(), Broken> {
        let count = self.workers.len();
        while self.given - self.taken >= count * (AHEAD + 1) {
            self.take()?;
        }
        let worker = &mut self.workers[self.given % count];
        worker.waiting = 0;
        let changes = std::mem::take(&mut worker.changes);
        // One that is gone has reported why.
        let _ = worker.work.send(Work { changes, section });
        self.given += 1;
        Ok(())
    }

    /// Writes what comes of the oldest work.
    fn take(&mut self) -> Result<(), Broken> {
        let worker = &self.workers[self.taken % self.workers.len()];
        self.taken += 1;
        loop {
            // As above.
            match worker.made.recv() {
                Ok(Made::Lines(mut lines)) => {
                    self.out.write_all(&lines)?;
                    lines.clear();
                    // Nobody may be left to use it again.
                    let _ = self.returns.send(lines);
                }
                Ok(Made::Done(result)) => return result,
                Err(_) => return Ok(()),
            }
        }
    }

    fn take_all(&mut self) -> Result<(), Broken> {
        while self.taken < self.given {
            self.take()?;
        }
        Ok(())
    }
}

/// Lines that are handed on in blocks.
struct Blocks<'a> {
    text: TextSink,
    made: &'a SyncSender<Made>,
    spare: &'a Mutex<Receiver<Vec<u8>>>,
    /// Nobody waits for them any more.
    is_alone: bool,
}

impl Blocks<'_> {
    #[cold]
    fn hand_on(&mut self) {
        let Blocks { text, made, spare, is_alone } = self;
        *is_alone |= hand_on(&mut text.lines, made, spare);
    }
}

/// Hands lines on; true if nobody takes them any more.
fn hand_on(lines: &mut Vec<u8>, made: &SyncSender<Made>, spare: &Mutex<Receiver<Vec<u8>>>) -> bool {
    let spare = spare.lock().ok().and_then(|spare| spare.try_recv().ok());
    made.send(Made::Lines(std::mem::replace(lines, spare.unwrap_or_default()))).is_err()
}

impl InstructionSink for Blocks<'_> {
    #[inline]
    fn block(&mut self, codes: &CodeObjects, block: &Block, from: usize, to: usize) {
        let Blocks { text, made, spare, is_alone } = self;
        text.append(codes, block, (from, to), |lines| {
            if lines.len() >= BLOCK {
                *is_alone |= hand_on(lines, made, spare);
            }
        });
        if self.text.lines.len() >= BLOCK {
            self.hand_on();
        }
    }

    #[inline]
    fn whole_block(&mut self, codes: &CodeObjects, blocks: &[Block], id: u32) {
        let Blocks { text, made, spare, is_alone } = self;
        text.append_whole(codes, blocks, id, |lines| {
            if lines.len() >= BLOCK {
                *is_alone |= hand_on(lines, made, spare);
            }
        });
        if self.text.lines.len() >= BLOCK {
            self.hand_on();
        }
    }

    fn instruction(&mut self, code: &Code, stepped: Stepped) {
        self.text.instruction(code, stepped);
        if self.text.lines.len() >= BLOCK {
            self.hand_on();
        }
    }

    #[inline]
    fn held(&self) -> usize {
        self.text.held()
    }

    fn blocks_gone(&mut self, codes: &CodeObjects, blocks: &[Block]) {
        self.text.blocks_gone(codes, blocks);
    }

    fn goes_on_at(&mut self, first: u64) {
        self.text.goes_on_at(first);
    }

    #[inline]
    fn is_done(&self) -> bool {
        self.is_alone
    }
}

fn work_through(
    work: &Receiver<Work>,
    made: &SyncSender<Made>,
    spare: &Mutex<Receiver<Vec<u8>>>,
    options: &RenderOptions,
    range: &Range<u64>,
) {
    let mut decoder = Decoder::new();
    let mut blocks = Blocks { text: TextSink::new(options.clone()), made, spare, is_alone: false };
    while let Ok(work) = work.recv() {
        let result =
            work.changes.iter().try_for_each(|changes| replay::apply(changes, &mut decoder));
        drop(work.changes);
        let result = result.and_then(|()| {
            let Some(section) = work.section else { return Ok(()) };
            let Some(mut chunk) = OpenChunk::open(section, &mut decoder)? else { return Ok(()) };
            // Where its length is damaged, what follows is none of it.
            blocks.text.range = range.start..range.end.min(chunk.range().end);
            chunk.decode(&mut decoder, &mut blocks)
        });
        // What came before damage is true.
        if !blocks.text.lines.is_empty() {
            blocks.hand_on();
        }
        // Nobody waits once an earlier section has failed.
        if made.send(Made::Done(result)).is_err() {
            return;
        }
    }
}
