//! Expands a recording to the text that it stands for, on as many threads as there are.
//!
//! A section of events can be walked without those before it, so each goes to the next worker;
//! what they make is written in order.

use std::io::{Read, Write};
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::code::Definition;
use super::event::{self, Event};
use super::file::{Broken, Section, Sections, section};
use super::run::Wanted;
use super::text::Text;
use super::walk::{Fault, Visit, Walker};

/// Sections that wait for each worker, and texts that wait to be written.
const AHEAD: usize = 1;

/// Applies the records of a section of code objects.
///
/// # Errors
///
/// Records that cannot be there.
pub fn apply_codes(walker: &mut Walker, section: &Section) -> Result<(), Broken> {
    let mut at = 0;
    let fail =
        |at: usize, reason: &dyn std::fmt::Display| Broken::at(section.offset + at as u64, reason);
    while at < section.content.len() {
        let (_, event, length) =
            event::read(&section.content[at..]).map_err(|fault| fail(at, &fault))?;
        match event {
            Event::Define { code, definition } => {
                let definition = Definition::read(definition).map_err(|fault| fail(at, &fault))?;
                walker.define(code, definition)
            }
            Event::Watch { code } => walker.watch(code),
            Event::Forget { code } => walker.forget(code),
            _ => return Err(fail(at, &"a record that is about no code object")),
        }
        .map_err(|fault| fail(at, &fault))?;
        at += length;
    }
    Ok(())
}

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
    let Some((_, rest)) = section.stretch() else {
        return if section.is_cut { Ok(()) } else { Err(fail(0, &"the section is too short")) };
    };
    let mut at = section.content.len() - rest.len();
    // Where a section is cut its end is no fault: the next one tells.
    let short = Fault::Event(event::Fault::Short);
    match walker.restore(rest) {
        Ok(length) => at += length,
        Err(fault) if section.is_cut && fault == short => return Ok(()),
        Err(fault) => return Err(fail(at, &fault)),
    }
    while at < section.content.len() {
        let (outcomes, event, length) = match event::read(&section.content[at..]) {
            Ok(record) => record,
            Err(event::Fault::Short) if section.is_cut => break,
            Err(fault) => return Err(fail(at, &fault)),
        };
        walker
            .outcomes(outcomes, visit)
            .and_then(|()| walker.event(&event, visit))
            .map_err(|fault| fail(at, &fault))?;
        at += length;
    }
    Ok(())
}

/// Whether a section has anything of the stretch of instructions that is wanted.
fn is_touched(section: &Section, wanted: &Range<u64>) -> bool {
    section.is_cut
        || section.stretch().is_none_or(|(stretch, _)| {
            stretch.first < wanted.end && wanted.start < stretch.first + stretch.count
        })
}

/// Where a worker gets its work, and its lines come from.
type Worker = (SyncSender<Work>, Receiver<Result<Vec<u8>, Broken>>);

enum Work {
    Codes(Arc<Section>),
    Events(Section),
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
    thread::scope(|scope| {
        let mut workers: Vec<Worker> = Vec::new();
        let (returns, spare) = std::sync::mpsc::channel::<Vec<u8>>();
        let spare = Arc::new(std::sync::Mutex::new(spare));
        for _ in 0..threads {
            let (sender, work) = sync_channel(64);
            let (results, receiver) = sync_channel(AHEAD);
            let spare = Arc::clone(&spare);
            scope.spawn(move || work_through(&work, &results, &spare, wanted, stretch));
            workers.push((sender, receiver));
        }
        let (mut given, mut taken) = (0usize, 0usize);
        let mut ended: Result<(), Broken> = Ok(());
        let take = |taken: &mut usize, out: &mut dyn Write| -> Result<(), Broken> {
            // A worker that is gone has told why before.
            let Ok(result) = workers[*taken % threads].1.recv() else { return Ok(()) };
            *taken += 1;
            let mut lines = result?;
            out.write_all(&lines)?;
            lines.clear();
            // Nobody may be left to use it again.
            let _ = returns.send(lines);
            Ok(())
        };
        loop {
            match sections.next() {
                Ok(Some(section)) if section.kind == section::CODES => {
                    let section = Arc::new(section);
                    for (sender, _) in &workers {
                        // A worker that is gone has told why.
                        let _ = sender.send(Work::Codes(Arc::clone(&section)));
                    }
                }
                Ok(Some(section)) if section.kind == section::EVENTS => {
                    if !is_touched(&section, stretch) {
                        continue;
                    }
                    if given - taken >= threads * (AHEAD + 1) {
                        take(&mut taken, out)?;
                    }
                    let _ = workers[given % threads].0.send(Work::Events(section));
                    given += 1;
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            }
        }
        while taken < given {
            take(&mut taken, out)?;
        }
        // Workers end when there is nothing more to do.
        drop(workers);
        ended
    })
}

fn work_through(
    work: &Receiver<Work>,
    results: &SyncSender<Result<Vec<u8>, Broken>>,
    spare: &std::sync::Mutex<Receiver<Vec<u8>>>,
    wanted: &Wanted,
    stretch: &Range<u64>,
) {
    let mut walker = Walker::new(wanted.clone());
    let mut broken: Option<Broken> = None;
    while let Ok(work) = work.recv() {
        match work {
            Work::Codes(section) => {
                if broken.is_none() {
                    broken = apply_codes(&mut walker, &section).err();
                }
            }
            Work::Events(section) => {
                let result = match broken.take() {
                    Some(broken) => Err(broken),
                    None => {
                        let first = section.stretch().map_or(0, |(stretch, _)| stretch.first);
                        let mut text = Text::of(first, stretch.clone());
                        text.lines = spare
                            .lock()
                            .ok()
                            .and_then(|spare| spare.try_recv().ok())
                            .unwrap_or_default();
                        walk_events(&mut walker, &section, &mut text).map(|()| text.lines)
                    }
                };
                // Nobody waits once an earlier section has failed.
                if results.send(result).is_err() {
                    return;
                }
            }
        }
    }
}
