//! Expands a recording to the text that it stands for, on as many threads as there are.
//!
//! A section of events can be walked without those before it, so each goes to the next worker;
//! what they make comes in blocks, which are written in order. Memory is bounded by the number of
//! threads, and by what the code objects take.

use std::io::{Read, Write};
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use crate::block::{Code, Run, Wanted};
use crate::codes::{Change, Codes};
use crate::decoder::{Visit, Walker};
use crate::file::{Broken, Section, Sections, section};
use crate::text::Text;
use wire::packet;

/// Sections that wait for each worker.
const AHEAD: usize = 1;

/// Bytes of text that are handed on at once.
const BLOCK: usize = 1 << 20;

/// Blocks of each worker that wait to be written: with the one at hand, the text of a usual section.
const BLOCKS: usize = 8;

/// Changes to code objects that wait for each worker.
const CHANGES: usize = 1 << 12;

/// Walks a section of events.
///
/// # Errors
///
/// Records that contradict themselves, or the section's own count.
pub fn walk_events(
    walker: &mut Walker,
    section: &Section,
    visit: &mut impl Visit,
) -> Result<(), Broken> {
    let fail =
        |at: usize, reason: &dyn std::fmt::Display| Broken::at(section.offset + at as u64, reason);
    // Where a chunk is cut its end is no fault: the next one tells.
    let Some((stretch, state)) = section.stretch() else {
        return if section.is_cut { Ok(()) } else { Err(fail(0, &"the chunk is too short")) };
    };
    let end = stretch.first + stretch.count;
    let mut at = stretch.packets;
    walker.restore(state).map_err(|fault| fail(at - state.len(), &fault))?;
    while at < section.content.len() {
        let (outcomes, event, length) = match packet::read(&section.content[at..]) {
            Ok(record) => record,
            Err(packet::Fault::Short) if section.is_cut => break,
            Err(fault) => return Err(fail(at, &fault)),
        };
        walker
            .outcomes(outcomes, visit)
            .and_then(|()| walker.event(&event, visit))
            .map_err(|fault| fail(at, &fault))?;
        if visit.count() > end {
            return Err(fail(at, &MISCOUNTED));
        }
        at += length;
    }
    if !section.is_cut && visit.count() != end {
        return Err(fail(0, &MISCOUNTED));
    }
    Ok(())
}

/// What is wrong with a section that does not hold as many instructions as it says.
pub const MISCOUNTED: &str = "the chunk says another number of instructions than it has";

/// Whether a section has anything of the stretch of instructions that is wanted.
fn is_touched(section: &Section, wanted: &Range<u64>) -> bool {
    section.is_cut
        || section.stretch().is_none_or(|(stretch, _)| {
            stretch.first < wanted.end && wanted.start < stretch.first + stretch.count.max(1)
        })
}

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

/// Where a worker gets its work, what it makes, and changes that it is still to be told.
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
    mut sections: Sections<R>,
    wanted: &Wanted,
    stretch: &Range<u64>,
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
            scope.spawn(move || work_through(&work, &making, spare, wanted, stretch));
            team.workers.push(Worker { work: sender, made, changes: Vec::new(), waiting: 0 });
        }
        let mut codes = Codes::default();
        let mut ended = Ok(());
        loop {
            match sections.next() {
                Ok(Some(section)) if section.kind == section::CODES => match codes.read(&section) {
                    Ok(changes) => team.change(changes)?,
                    Err(error) => {
                        ended = Err(error);
                        break;
                    }
                },
                Ok(Some(section)) if section.kind == section::EVENTS => {
                    if is_touched(&section, stretch) {
                        team.give(Some(section))?;
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            }
        }
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
        // One that is gone has told why.
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
    text: Text,
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

impl Visit for Blocks<'_> {
    #[inline]
    fn run(&mut self, code: &Code, run: &Run, from: usize, to: usize) {
        if run.is_long && from < to {
            let Blocks { text, made, spare, is_alone } = self;
            text.long(code, run, |lines| {
                if lines.len() >= BLOCK {
                    *is_alone |= hand_on(lines, made, spare);
                }
            });
            return;
        }
        self.text.run(code, run, from, to);
        if self.text.lines.len() >= BLOCK {
            self.hand_on();
        }
    }

    fn step(&mut self, code: &Code, opcode: u8, line: &[u8]) {
        self.text.step(code, opcode, line);
        if self.text.lines.len() >= BLOCK {
            self.hand_on();
        }
    }

    /// Too many where nobody waits: that ends the walk.
    #[inline]
    fn count(&self) -> u64 {
        if self.is_alone { u64::MAX } else { self.text.count }
    }
}

fn work_through(
    work: &Receiver<Work>,
    made: &SyncSender<Made>,
    spare: &Mutex<Receiver<Vec<u8>>>,
    wanted: &Wanted,
    stretch: &Range<u64>,
) {
    let mut walker = Walker::new(wanted.clone());
    let mut lines = Vec::new();
    while let Ok(work) = work.recv() {
        let result = work
            .changes
            .iter()
            .flat_map(|changes| changes.iter())
            .try_for_each(|change| walker.apply(change).map_err(|fault| Broken::at(0, fault)));
        drop(work.changes);
        let result = result.and_then(|()| {
            let Some(section) = work.section else { return Ok(()) };
            let (first, end) = section
                .stretch()
                .map_or((0, 0), |(stretch, _)| (stretch.first, stretch.first + stretch.count));
            // Where its length is damaged, what follows is none of it.
            let mut text = Text::of(first, stretch.start..stretch.end.min(end));
            text.lines = std::mem::take(&mut lines);
            let mut blocks = Blocks { text, made, spare, is_alone: false };
            let result = walk_events(&mut walker, &section, &mut blocks);
            // What came before damage is true.
            if !blocks.text.lines.is_empty() {
                blocks.hand_on();
            }
            lines = blocks.text.lines;
            result
        });
        // Nobody waits once an earlier section has failed.
        if made.send(Made::Done(result)).is_err() {
            return;
        }
    }
}
