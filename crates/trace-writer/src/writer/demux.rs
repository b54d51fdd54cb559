//! Sorts packets by thread, each to its own writer.

use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::mem;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::args::{Args, Kind};
use super::ring::left_to_us;
use super::sink::{Owner, Sink};
use super::thread_writer::{OutputOptions, ThreadWriter};
use super::{End, Trouble};
use recording::bodies::Bodies;
use recording::decoder::Fault;
use recording::file::LIMIT;
use wire::code::{CodeInfo, whole_of};
use wire::packet::{BranchBits, Packet};

/// The writers of all threads.
pub struct Demux {
    options: OutputOptions,
    file: PathBuf,
    /// Few, and asked for each record.
    writers: BTreeMap<u32, ThreadWriter>,
    current: u32,
    /// Each code object's definition, for the threads that are still to come.
    codes: Vec<Vec<u8>>,
    /// What definitions may refer to.
    bodies: Bodies,
    /// Whether each thread has a file, with limits of its own.
    threads: bool,
    /// The threads whose files have reached a limit.
    over: HashSet<u32>,
    /// Whether the process is in single-step mode: threads that come are, too.
    single_steps: bool,
    /// Locks the first thread's file until all are finished: those who wait for it find all.
    lock: Option<File>,
}

/// The thread that starts the program.
const FIRST: u32 = 0;

impl Demux {
    pub fn new(args: &Args) -> Result<Demux, Trouble> {
        let file = left_to_us(args.out);
        let mut about =
            serde_json::from_slice(args.about.as_encoded_bytes()).unwrap_or(Value::Null);
        if let (Some(limit), Some(about)) = (args.limit, about.as_object_mut()) {
            about.insert(LIMIT.to_owned(), limit.into());
        }
        let options = OutputOptions {
            render: args.render(),
            is_flow: args.kind == Kind::Flow,
            compress: args.compress,
            limit: args.limit.unwrap_or(u64::MAX),
            max_bytes: args.max_bytes.unwrap_or(u64::MAX),
            about,
            start: Instant::now(),
        };
        let owner = if args.file == Path::new("-") { Owner::Program } else { Owner::We };
        // A lock is shared with what is cloned.
        let is_file = file.metadata().is_ok_and(|file| file.is_file());
        let lock = if args.threads && is_file { file.try_clone().ok() } else { None };
        let mut demux = Demux {
            options,
            file: args.file.clone(),
            writers: BTreeMap::new(),
            current: FIRST,
            codes: Vec::new(),
            bodies: Bodies::default(),
            threads: args.threads,
            over: HashSet::new(),
            single_steps: false,
            lock,
        };
        demux.add(FIRST, Sink::new(file, owner))?;
        Ok(demux)
    }

    /// Takes what happened, after these branch bits.
    #[inline]
    pub fn record(&mut self, branch_bits: BranchBits, event: &Packet) -> Result<(), Trouble> {
        match event {
            Packet::CodeDefined { .. }
            | Packet::SingleStepCode { .. }
            | Packet::CodeFreed { .. }
            | Packet::SingleStep { .. }
            | Packet::ThreadSwitch { .. }
            | Packet::ThreadEnd { .. } => self.other(branch_bits, event),
            _ => match self.writers.get_mut(&self.current) {
                Some(writer) => match writer.record(branch_bits, event) {
                    Err(Trouble::Limit) => self.end(self.current),
                    result => result,
                },
                None if self.over.contains(&self.current) => Ok(()),
                None => Err(Fault::NoFrame.into()),
            },
        }
    }

    /// Takes the short packets of the running thread that start at `at`, up to a long one: most come
    /// here, and so look for their writer once.
    pub fn short(&mut self, bytes: &[u8], at: &mut usize) -> Result<(), Trouble> {
        let Some(writer) = self.writers.get_mut(&self.current) else { return Ok(()) };
        match writer.short(bytes, at) {
            Err(Trouble::Limit) => self.end(self.current),
            result => result,
        }
    }

    /// A thread's file has reached a limit: where each has its own, the others go on.
    #[cold]
    fn end(&mut self, thread: u32) -> Result<(), Trouble> {
        if !self.threads {
            return Err(Trouble::Limit);
        }
        self.over.insert(thread);
        match self.writers.remove(&thread) {
            Some(writer) => Ok(writer.finish(End::Limit)?),
            None => Ok(()),
        }
    }

    /// Does the same with each writer.
    fn each(
        &mut self,
        mut what: impl FnMut(&mut ThreadWriter) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let mut full = Vec::new();
        for (&thread, writer) in &mut self.writers {
            match what(writer) {
                Err(Trouble::Limit) => full.push(thread),
                result => result?,
            }
        }
        full.into_iter().try_for_each(|thread| self.end(thread))
    }

    /// Events that are not one thread's alone; the branch bits before them are.
    fn other(&mut self, branch_bits: BranchBits, event: &Packet) -> Result<(), Trouble> {
        if branch_bits.count > 0 {
            self.pass(branch_bits, &Packet::BranchBits)?;
        }
        match *event {
            Packet::CodeDefined { code, definition } => {
                let found = whole_of(definition, |part| self.bodies.find(part));
                let whole = match found.map_err(Fault::Packet)? {
                    Some(whole) => whole,
                    None => {
                        self.bodies.add(code, definition);
                        definition.to_vec()
                    }
                };
                let read = Arc::new(CodeInfo::read_whole(&whole).map_err(Fault::Packet)?);
                self.each(|writer| writer.define(code, &whole, &read))?;
                self.codes.push(whole);
            }
            Packet::SingleStepCode { code } => {
                self.each(|writer| writer.watch(event, code))?;
                // The first byte of a definition says so.
                let known = self.codes.get_mut((code as usize).wrapping_sub(1));
                if let Some(byte) = known.and_then(|known| known.first_mut()) {
                    *byte = 1;
                }
            }
            Packet::CodeFreed { code } => {
                self.each(|writer| writer.forget(event, code))?;
                if let Some(known) = self.codes.get_mut((code as usize).wrapping_sub(1)) {
                    *known = Vec::new();
                }
            }
            Packet::SingleStep { lasti } => {
                self.pass(BranchBits::default(), &Packet::SingleStep { lasti })?;
                self.each(ThreadWriter::single_step)?;
                self.single_steps = true;
            }
            Packet::ThreadSwitch { thread, lasti } => {
                // How far the thread had come, before another one runs.
                self.pass(BranchBits::default(), &Packet::ThreadSwitch { thread, lasti })?;
                self.switch(thread)?;
            }
            Packet::ThreadEnd { thread } if thread != FIRST => {
                self.over.remove(&thread);
                if let Some(writer) = self.writers.remove(&thread) {
                    writer.finish(End::Ended)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn pass(&mut self, branch_bits: BranchBits, event: &Packet) -> Result<(), Trouble> {
        match self.writers.get_mut(&self.current) {
            Some(writer) => match writer.record(branch_bits, event) {
                Err(Trouble::Limit) => self.end(self.current),
                result => result,
            },
            None => Ok(()),
        }
    }

    fn switch(&mut self, thread: u32) -> Result<(), Trouble> {
        self.current = thread;
        if self.writers.contains_key(&thread) || self.over.contains(&thread) {
            return Ok(());
        }
        let file = File::create(beside(&self.file, &format!("thread-{thread}")))?;
        // Readers wait for each file. One without locks is written all the same.
        let _ = file.try_lock();
        self.add(thread, Sink::new(file, Owner::We))
    }

    /// Starts a thread's file with all code objects so far.
    fn add(&mut self, thread: u32, sink: Sink) -> Result<(), Trouble> {
        match self.begin(sink) {
            Ok(writer) => {
                self.writers.insert(thread, writer);
                Ok(())
            }
            Err(Trouble::Limit) => self.end(thread),
            Err(trouble) => Err(trouble),
        }
    }

    fn begin(&self, sink: Sink) -> Result<ThreadWriter, Trouble> {
        let mut writer = ThreadWriter::new(sink, &self.options)?;
        for (index, definition) in self.codes.iter().enumerate() {
            let code = index as u32 + 1;
            // One that died leaves its number.
            if definition.is_empty() {
                let (mut bytes, empty) = (Vec::new(), CodeInfo::default());
                empty.write(&mut bytes);
                writer.define(code, &bytes, &Arc::new(empty))?;
            } else {
                let read = CodeInfo::read_whole(definition).map_err(Fault::Packet)?;
                writer.define(code, definition, &Arc::new(read))?;
            }
        }
        if self.single_steps {
            writer.single_step()?;
        }
        Ok(writer)
    }

    /// Nothing comes for the moment.
    pub fn idle(&mut self) -> Result<(), Trouble> {
        self.each(ThreadWriter::idle)
    }

    /// Nothing has come for a while.
    pub fn quiet(&mut self) -> Result<(), Trouble> {
        self.each(ThreadWriter::quiet)
    }

    /// Whether each file can be cut, and so completed for the time being.
    pub fn is_cuttable(&mut self) -> bool {
        self.writers.values_mut().all(|writer| writer.sink().is_cuttable())
    }

    /// Takes back what a copy of this process has written.
    pub fn take_back(&mut self) -> io::Result<()> {
        self.writers.values_mut().try_for_each(|writer| writer.sink().take_back())
    }

    /// Writes what is left. Whoever waits for the first thread's file finds all of them.
    pub fn finish(mut self, end: End) -> io::Result<()> {
        let result = self.complete(end);
        drop(self.lock);
        result
    }

    /// Writes what is left, and keeps the lock.
    pub fn complete(&mut self, end: End) -> io::Result<()> {
        let mut writers = mem::take(&mut self.writers);
        let first = writers.remove(&FIRST);
        let mut result = Ok(());
        for writer in writers.into_values().chain(first) {
            result = writer.finish(end).and(result);
        }
        result
    }
}

/// `trace.thread-1.txt` beside `trace.txt`, `trace.thread-1.flow.zst` beside `trace.flow.zst`.
pub(super) fn beside(file: &Path, what: &str) -> PathBuf {
    let name = file.file_name().unwrap_or_default().as_encoded_bytes();
    let end = |suffix: &[u8]| name.ends_with(suffix).then(|| name.len() - suffix.len());
    let inner = end(b".zst").unwrap_or(name.len());
    let stem = &name[..inner];
    let dot = stem.iter().rposition(|&byte| byte == b'.').filter(|&dot| dot > 0).unwrap_or(inner);
    let (stem, suffix) = name.split_at(dot);
    let mut new = OsString::new();
    for part in [stem, b".", what.as_bytes(), suffix] {
        new.push(OsStr::from_bytes(part));
    }
    file.with_file_name(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_threads_stand_beside() {
        for (file, wanted) in [
            ("a/trace.txt", "a/trace.thread-1.txt"),
            ("t.flow.zst", "t.thread-1.flow.zst"),
            ("trace", "trace.thread-1"),
            (".trace", ".trace.thread-1"),
        ] {
            assert_eq!(beside(Path::new(file), "thread-1"), Path::new(wanted));
        }
    }
}
