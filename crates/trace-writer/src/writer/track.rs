//! What is kept of one thread: where it goes, and the file that it is written to.

use std::io;

use serde_json::{Value, json};

use super::packed::{FRAME, Packed};
use super::sink::{Sink, whole};
use super::{End, Trouble};
use recording::block::Wanted;
use recording::decoder::Walker;
use recording::file::{FlowWriter, INSTRUCTIONS};
use recording::text::{Count, Text};
use wire::code::Definition;
use wire::control::NOWHERE;
use wire::packet::{Event, Outcomes};

/// Bytes of text that are written at once: no more than a processor's own cache holds.
const BLOCK: usize = 1 << 17;

/// How a track is written.
#[derive(Clone, Debug)]
pub struct How {
    pub wanted: Wanted,
    pub is_flow: bool,
    pub compress: bool,
    pub limit: u64,
    pub max_bytes: u64,
    pub about: Value,
}

enum Out {
    Text { text: Text, sink: Sink },
    Packed { text: Text, packed: Box<Packed> },
    Flow { flow: Box<FlowWriter<Sink>>, count: Count },
}

/// One thread's file.
pub struct Track {
    walker: Walker,
    out: Out,
    limit: u64,
    max_bytes: u64,
    is_over: bool,
}

impl Track {
    pub fn new(sink: Sink, how: &How) -> Result<Track, Trouble> {
        let text = || Text::first(how.limit);
        let out = if how.is_flow {
            let sink = if how.compress { sink.in_pieces() } else { sink };
            let flow = FlowWriter::new(sink, how.compress, how.max_bytes, &how.about)?;
            let flow = flow.ok_or(Trouble::Limit)?;
            Out::Flow { flow: Box::new(flow), count: Count::default() }
        } else if how.compress {
            Out::Packed { text: text(), packed: Box::new(Packed::new(sink)?) }
        } else {
            Out::Text { text: text(), sink }
        };
        let walker = Walker::new(how.wanted.clone());
        let (limit, max_bytes) = (how.limit, how.max_bytes);
        Ok(Track { walker, out, limit, max_bytes, is_over: false })
    }

    pub fn define(
        &mut self,
        event: &Event,
        code: u32,
        definition: &Definition,
    ) -> Result<(), Trouble> {
        self.walker.define(code, definition.clone())?;
        self.tell(event)
    }

    /// A code object is watched from now on: the section ends here.
    pub fn watch(&mut self, event: &Event, code: u32) -> Result<(), Trouble> {
        self.cut()?;
        self.walker.watch(code)?;
        self.tell(event)
    }

    /// The process is in single-step mode from here on; where the thread is was recorded before.
    pub fn single_step(&mut self) -> Result<(), Trouble> {
        if self.walker.single_steps() {
            return Ok(());
        }
        self.record(Outcomes::default(), &Event::Every { lasti: NOWHERE })
    }

    /// A code object has died.
    pub fn forget(&mut self, event: &Event, code: u32) -> Result<(), Trouble> {
        self.walker.forget(code)?;
        if let Out::Flow { flow, .. } = &mut self.out {
            flow.code_gone(event);
        }
        Ok(())
    }

    fn tell(&mut self, event: &Event) -> Result<(), Trouble> {
        if let Out::Flow { flow, count } = &mut self.out
            && !flow.code(event, &self.walker, count.0)?
        {
            self.is_over = true;
            return Err(Trouble::Limit);
        }
        Ok(())
    }

    fn cut(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Flow { flow, count } => flow.flush(&self.walker, count.0),
            _ => Ok(()),
        }
    }

    /// Follows what happened, after these outcomes.
    #[inline]
    pub fn record(&mut self, outcomes: Outcomes, event: &Event) -> Result<(), Trouble> {
        if self.is_over {
            return Err(Trouble::Limit);
        }
        let walker = &mut self.walker;
        match &mut self.out {
            Out::Text { text, sink } => {
                walker.outcomes(outcomes, text)?;
                walker.event(event, text)?;
                if text.lines.len() >= BLOCK {
                    write_text(text, sink, self.max_bytes)?;
                }
                self.is_over = text.is_over();
            }
            Out::Packed { text, packed } => {
                walker.outcomes(outcomes, text)?;
                walker.event(event, text)?;
                if text.lines.len() >= FRAME {
                    write_packed(text, packed, self.max_bytes)?;
                }
                self.is_over = text.is_over();
            }
            Out::Flow { flow, count } => {
                if !flow.has_room(outcomes, event, walker, count.0)? {
                    self.is_over = true;
                    return Err(Trouble::Limit);
                }
                walker.outcomes(outcomes, count)?;
                walker.event(event, count)?;
                flow.record(outcomes, event, walker, count.0)?;
                self.is_over = count.0 >= self.limit;
            }
        }
        if self.is_over { Err(Trouble::Limit) } else { Ok(()) }
    }

    /// Nothing comes for the moment: whoever reads along sees what there is.
    pub fn idle(&mut self) -> Result<(), Trouble> {
        if let Out::Text { text, sink } = &mut self.out {
            write_text(text, sink, self.max_bytes)?;
        }
        Ok(())
    }

    /// Nothing has come for a while: what there is shall be in the file, whatever becomes of us.
    pub fn quiet(&mut self) -> Result<(), Trouble> {
        match &mut self.out {
            Out::Text { .. } => {}
            Out::Packed { text, packed } => write_packed(text, packed, self.max_bytes)?,
            Out::Flow { flow, count } => flow.quiet(&self.walker, count.0)?,
        }
        Ok(())
    }

    /// Writes what is left and how it ended.
    pub fn finish(self, end: End) -> io::Result<()> {
        let unless_full = |result| match result {
            Err(Trouble::Write(error)) => Err(error),
            _ => Ok(()),
        };
        match self.out {
            Out::Text { mut text, mut sink } => {
                unless_full(write_text(&mut text, &mut sink, self.max_bytes))
            }
            Out::Packed { mut text, mut packed } => {
                unless_full(write_packed(&mut text, &mut packed, self.max_bytes))?;
                unless_full(packed.finish(self.max_bytes))
            }
            Out::Flow { flow, count } => {
                let how = match end {
                    End::Ended => "ended",
                    End::Died => "died",
                    End::Limit => "limit",
                    End::Failed => "failed",
                };
                let instructions = count.0.min(self.limit);
                let end = json!({ INSTRUCTIONS: instructions, "end": how });
                flow.finish(&self.walker, count.0, &end)?;
                Ok(())
            }
        }
    }
}

/// Writes the lines so far, whole lines up to a limit.
fn write_text(text: &mut Text, sink: &mut Sink, most: u64) -> Result<(), Trouble> {
    let room = most.saturating_sub(sink.written());
    let is_full = text.lines.len() as u64 > room;
    let lines = &text.lines[..room.min(text.lines.len() as u64) as usize];
    let result = sink.lines(if is_full { &lines[..whole(lines)] } else { lines });
    text.lines.clear();
    result?;
    if is_full { Err(Trouble::Limit) } else { Ok(()) }
}

/// The same, compressed.
fn write_packed(text: &mut Text, packed: &mut Packed, most: u64) -> Result<(), Trouble> {
    let result = packed.lines(&text.lines, most);
    text.lines.clear();
    result
}
