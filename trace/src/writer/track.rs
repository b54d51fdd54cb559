//! What is kept of one thread: where it goes, and the file that it is written to.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::sink::{Sink, whole};
use super::{End, Trouble};
use crate::flow::code::Definition;
use crate::flow::event::{Event, Outcomes};
use crate::flow::file::{FlowWriter, INSTRUCTIONS, room_to_pack};
use crate::flow::run::Wanted;
use crate::flow::text::{Count, Text};
use crate::flow::walk::Walker;

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
    Zstd { text: Text, encoder: Box<Encoder>, since_flush: u64 },
    Flow { flow: Box<FlowWriter<Sink>>, count: Count },
}

type Encoder = zstd::stream::write::Encoder<'static, Sink>;

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
        let text = || Text::of(0, 0..how.limit);
        let out = if how.is_flow {
            let flow = FlowWriter::new(sink, how.compress, how.max_bytes, &how.about)?;
            let flow = flow.ok_or(Trouble::Limit)?;
            Out::Flow { flow: Box::new(flow), count: Count::default() }
        } else if how.compress {
            let encoder = Box::new(Encoder::new(sink, 1)?);
            Out::Zstd { text: text(), encoder, since_flush: 0 }
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
            Out::Flow { flow, count } => flow.record(&[], &self.walker, count.0, true),
            _ => Ok(()),
        }
    }

    /// Follows a record, whose bytes these are.
    #[inline]
    pub fn record(
        &mut self,
        bytes: &[u8],
        outcomes: Outcomes,
        event: &Event,
    ) -> Result<(), Trouble> {
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
            Out::Zstd { text, encoder, since_flush } => {
                walker.outcomes(outcomes, text)?;
                walker.event(event, text)?;
                if text.lines.len() >= BLOCK {
                    write_packed(text, encoder, since_flush, self.max_bytes)?;
                }
                self.is_over = text.is_over();
            }
            Out::Flow { flow, count } => {
                if !flow.has_room(bytes.len(), walker, count.0)? {
                    self.is_over = true;
                    return Err(Trouble::Limit);
                }
                walker.outcomes(outcomes, count)?;
                walker.event(event, count)?;
                flow.record(bytes, walker, count.0, false)?;
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
            Out::Zstd { mut text, mut encoder, mut since_flush } => {
                let most = self.max_bytes;
                unless_full(write_packed(&mut text, &mut encoder, &mut since_flush, most))?;
                encoder.finish()?;
                Ok(())
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

/// The same, compressed. What lines come to is known once the compressor has let go of them; until
/// then they count as if they did not shrink.
fn write_packed(
    text: &mut Text,
    encoder: &mut Encoder,
    since_flush: &mut u64,
    most: u64,
) -> Result<(), Trouble> {
    let mut rest = &text.lines[..];
    let mut result = Ok(());
    while !rest.is_empty() {
        let mut room = room_to_pack(most, encoder.get_ref().written()).saturating_sub(*since_flush);
        if rest.len() as u64 > room {
            encoder.flush()?;
            *since_flush = 0;
            room = room_to_pack(most, encoder.get_ref().written());
        }
        let fits = &rest[..room.min(rest.len() as u64) as usize];
        let length = if fits.len() < rest.len() { whole(fits) } else { rest.len() };
        if length == 0 {
            result = Err(Trouble::Limit);
            break;
        }
        encoder.write_all(&rest[..length])?;
        *since_flush += length as u64;
        rest = &rest[length..];
    }
    text.lines.clear();
    result
}
