//! The process that keeps what the interpreter records: takes it from the ring, and writes text or
//! a recording. It outlives the interpreter, whatever ends that.
//!
//! Started by the hook, one for each traced process. Its
//! troubles go back through the page; the interpreter says them.

mod args;
mod compressed_text;
mod demux;
mod memory;
mod report;
mod ring;
mod settle;
mod sink;
mod thread_writer;

pub use args::Args;

use std::io;

use demux::Demux;
use recording::decoder::Fault;
use ring::{Now, Ring};
use settle::Settled;
use wire::control::{WAKE, failure};
use wire::packet::{self, BranchBits, Packet, kind};
use wire::ring::{self as word, RingPacket};

/// Why nothing more is kept.
#[derive(Debug)]
enum Trouble {
    Write(io::Error),
    Fault(Fault),
    Limit,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Write(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Trouble {
        Trouble::Fault(fault)
    }
}

/// Keeps all that one process records, until it ends.
///
/// # Errors
///
/// Memory that is not shared as it should be. All else goes through the page.
pub fn run(args: &Args) -> io::Result<()> {
    let ring = Ring::open(args)?;
    // The start of the file is written before the program runs: killed, this process leaves what can
    // be read.
    let begun = Demux::new(args).and_then(|mut demux| demux.quiet().map(|()| demux));
    let mut demux = match begun {
        Ok(demux) => Some(demux),
        Err(trouble) => {
            report_trouble(&ring, args, &PacketReader::default(), &trouble);
            None
        }
    };
    ring.ready();
    let mut reader = PacketReader::default();
    let mut settled = Settled::default();
    let now = loop {
        // Both are seen before the last bytes are taken: nothing comes after them.
        let is_over = ring.is_over();
        let unsettled = ring.unsettled();
        if let Some(mut kept) = demux.take() {
            match settled.leave(unsettled, &mut kept) {
                Ok(()) => demux = Some(kept),
                Err(error) => give_up(&ring, args, &reader, kept, &error.into()),
            }
        }
        let count = ring.take(&mut reader.bytes);
        // Too little to look for more at once: that would only disturb the program.
        let is_calm = (count as u64) < WAKE && !is_over;
        if let Some(mut kept) = demux.take() {
            let result = reader.pass(&mut kept);
            let is_idle = is_calm && !settled.is_complete();
            match result.and_then(|()| if is_idle { kept.idle() } else { Ok(()) }) {
                Ok(()) => demux = Some(kept),
                Err(trouble) => give_up(&ring, args, &reader, kept, &trouble),
            }
        } else {
            reader.bytes.clear();
        }
        if let Some(turn) = unsettled.filter(|_| !is_over && count == 0)
            && let Some(now) = ring.now()
            && settled.enter(turn, demux.as_mut(), |kept| reader.last(&ring, now, kept))
        {
            ring.settled(turn);
        }
        if is_calm {
            let is_quiet = ring.wait();
            if is_quiet
                && !settled.is_complete()
                && let Some(mut kept) = demux.take()
            {
                match kept.quiet() {
                    Ok(()) => demux = Some(kept),
                    Err(trouble) => give_up(&ring, args, &reader, kept, &trouble),
                }
            }
        } else if count == 0
            && let Some(now) = ring.now()
        {
            break now;
        }
    };
    if let Some(mut kept) = demux.filter(|_| !settled.is_complete()) {
        let end = reader.last(&ring, now, &mut kept);
        let result = end.and_then(|end| kept.finish(end).map_err(Trouble::from));
        if let Err(trouble) = result {
            report_trouble(&ring, args, &reader, &trouble);
        }
    }
    ring.done();
    Ok(())
}

/// Keeps nothing more.
fn give_up(ring: &Ring, args: &Args, reader: &PacketReader, demux: Demux, trouble: &Trouble) {
    report_trouble(ring, args, reader, trouble);
    // What was kept before stays well formed; that it failed is reported already.
    let end = if matches!(trouble, Trouble::Limit) { End::Limit } else { End::Failed };
    let _ = demux.finish(end);
}

/// What was taken from the ring and not handed over yet.
#[derive(Default)]
struct PacketReader {
    bytes: Vec<u8>,
    /// How many bytes of records are still to come.
    records: u64,
    /// How many bytes were handed over.
    taken: u64,
    /// Whether that was all: the last record was an end.
    has_ended: bool,
    /// Bytes around the end of those, where a fault was found.
    near: Vec<u8>,
}

/// Bytes before a fault, and after it, that are of use to those who look into it.
const NEAR: [usize; 2] = [1024, 64];

impl PacketReader {
    /// Hands over all that is whole, and leaves the rest.
    fn pass(&mut self, demux: &mut Demux) -> Result<(), Trouble> {
        let mut at = 0;
        let result = loop {
            if self.records == 0
                && let Err(trouble) = demux.short(&self.bytes, &mut at)
            {
                break Err(trouble);
            }
            match self.one(at, demux) {
                Ok(0) => break Ok(()),
                Ok(length) => at += length,
                Err(trouble) => break Err(trouble),
            }
        };
        self.taken += at as u64;
        if matches!(result, Err(Trouble::Fault(_))) {
            let after = self.bytes.len().min(at + NEAR[1]);
            self.near = self.bytes[at.saturating_sub(NEAR[0])..after].to_vec();
        }
        self.bytes.drain(..at);
        result
    }

    /// Hands over what starts there; how long that is, 0 if it is not whole.
    #[inline]
    fn one(&mut self, at: usize, demux: &mut Demux) -> Result<usize, Trouble> {
        let bytes = &self.bytes[at..];
        let read = if self.records > 0 {
            packet::read(bytes)
        } else {
            match word::read(bytes) {
                Ok(RingPacket::Short(branch_bits, event)) => Ok((branch_bits, event, word::SIZE)),
                // Until all of it is there, the hook has the branch bits on the page.
                Ok(RingPacket::Long(length)) if ((bytes.len() - word::SIZE) as u64) < length => {
                    return Ok(0);
                }
                Ok(RingPacket::Long(length)) => {
                    self.records = length;
                    return Ok(word::SIZE);
                }
                Err(fault) => Err(fault),
            }
        };
        let (branch_bits, event, length) = match read {
            Ok(read) => read,
            Err(packet::Fault::Short) => return Ok(0),
            Err(fault) => return Err(Fault::Packet(fault).into()),
        };
        if self.records > 0 {
            let rest = self.records.checked_sub(length as u64);
            self.records = rest.ok_or(Fault::Packet(packet::Fault::Number))?;
        }
        if event != Packet::BranchBits || branch_bits.count > 0 {
            demux.record(branch_bits, &event)?;
        }
        self.has_ended |= matches!(event, Packet::End { .. });
        Ok(length)
    }

    /// Hands over what is on the page if the interpreter has died without a last word; how it ended.
    fn last(&self, ring: &Ring, now: Now, demux: &mut Demux) -> Result<End, Trouble> {
        if self.has_ended || ring.is_closed() {
            return Ok(End::Ended);
        }
        let Now { mut branch_bits, async_begin, lasti } = now;
        let run = ring.open_run();
        let values = Packet::Other { kind: kind::VALUES, payload: &run };
        let values = match run.is_empty() {
            true => Ok(()),
            false => demux.record(BranchBits::default(), &values),
        };
        let begin = async_begin.map_or(Ok(()), |(offset, begun)| {
            let bits = std::mem::take(&mut branch_bits);
            demux.record(bits, &Packet::AsyncBegin { offset, begun })
        });
        match values.and(begin).and_then(|()| demux.record(branch_bits, &Packet::End { lasti })) {
            Ok(()) | Err(Trouble::Limit) => Ok(End::Died),
            Err(trouble) => Err(trouble),
        }
    }
}

/// How a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// In good order.
    Ended,
    /// Killed, crashed, or gone by `_exit` or `exec`.
    Died,
    /// At a limit that was asked for.
    Limit,
    /// By a trouble of ours.
    Failed,
}

fn report_trouble(ring: &Ring, args: &Args, reader: &PacketReader, trouble: &Trouble) {
    match trouble {
        Trouble::Write(error) => ring.fail(failure::WRITE, error.raw_os_error().unwrap_or(0)),
        Trouble::Fault(fault) => {
            // Before the interpreter names it.
            report::write(args, fault, reader.taken, &reader.near);
            ring.fail(failure::FAULT, 0);
        }
        Trouble::Limit => ring.fail(failure::LIMIT, 0),
    }
}
