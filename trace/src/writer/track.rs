//! What is kept of one thread: where it goes, and the file that it is written to.

use std::fs::File;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::{End, Trouble};
use crate::flow::code::Definition;
use crate::flow::event::{Event, Outcomes};
use crate::flow::file::FlowWriter;
use crate::flow::run::Wanted;
use crate::flow::text::{Count, Text};
use crate::flow::walk::{Fault, Walker};

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
    Text { text: Text, file: File, written: u64 },
    Zstd { text: Text, encoder: Box<zstd::stream::write::Encoder<'static, File>> },
    Flow { flow: FlowWriter<File>, count: Count },
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
    pub fn new(file: File, how: &How) -> io::Result<Track> {
        let text = || Text::of(0, 0..how.limit);
        let out = if how.is_flow {
            let flow = FlowWriter::new(file, how.compress, &how.about)?;
            Out::Flow { flow, count: Count::default() }
        } else if how.compress {
            let encoder = Box::new(zstd::stream::write::Encoder::new(file, 1)?);
            Out::Zstd { text: text(), encoder }
        } else {
            Out::Text { text: text(), file, written: 0 }
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
    ) -> Result<(), Fault> {
        self.walker.define(code, definition.clone())?;
        self.tell(event);
        Ok(())
    }

    /// A code object is watched from now on: the section ends here.
    pub fn watch(&mut self, event: &Event, code: u32) -> Result<(), Trouble> {
        self.cut()?;
        self.walker.watch(code)?;
        self.tell(event);
        Ok(())
    }

    /// A code object has died.
    pub fn forget(&mut self, event: &Event, code: u32) -> Result<(), Trouble> {
        self.walker.forget(code)?;
        if let Out::Flow { flow, .. } = &mut self.out {
            flow.code_gone(event);
        }
        Ok(())
    }

    fn tell(&mut self, event: &Event) {
        if let Out::Flow { flow, .. } = &mut self.out {
            flow.code(event);
        }
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
            Out::Text { text, file, written } => {
                walker.outcomes(outcomes, text)?;
                walker.event(event, text)?;
                if text.lines.len() >= BLOCK {
                    write_text(text, file, written, self.max_bytes)?;
                }
                self.is_over = text.is_over();
            }
            Out::Zstd { text, encoder } => {
                walker.outcomes(outcomes, text)?;
                walker.event(event, text)?;
                if text.lines.len() >= BLOCK {
                    encoder.write_all(&text.lines)?;
                    text.lines.clear();
                }
                self.is_over = text.is_over();
            }
            Out::Flow { flow, count } => {
                walker.outcomes(outcomes, count)?;
                walker.event(event, count)?;
                flow.record(bytes, walker, count.0, false)?;
                self.is_over = count.0 >= self.limit || flow.written() >= self.max_bytes;
            }
        }
        if self.is_over { Err(Trouble::Limit) } else { Ok(()) }
    }

    /// Nothing comes for the moment: whoever reads along sees what there is.
    pub fn idle(&mut self) -> Result<(), Trouble> {
        if let Out::Text { text, file, written } = &mut self.out {
            write_text(text, file, written, self.max_bytes)?;
        }
        Ok(())
    }

    /// Writes what is left and how it ended.
    pub fn finish(self, end: End) -> io::Result<()> {
        match self.out {
            Out::Text { mut text, mut file, mut written } => {
                match write_text(&mut text, &mut file, &mut written, self.max_bytes) {
                    Err(Trouble::Write(error)) => Err(error),
                    _ => Ok(()),
                }
            }
            Out::Zstd { text, mut encoder } => {
                encoder.write_all(&text.lines)?;
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
                let end = json!({ "instructions": instructions, "end": how });
                flow.finish(&self.walker, count.0, &end)?;
                Ok(())
            }
        }
    }
}

/// Writes the lines so far, whole lines up to a limit.
fn write_text(
    text: &mut Text,
    file: &mut File,
    written: &mut u64,
    most: u64,
) -> Result<(), Trouble> {
    let room = most.saturating_sub(*written);
    let is_full = text.lines.len() as u64 > room;
    let lines = if is_full {
        let lines = &text.lines[..room as usize];
        let end = lines.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        &lines[..end]
    } else {
        &text.lines[..]
    };
    file.write_all(lines)?;
    *written += lines.len() as u64;
    text.lines.clear();
    if is_full { Err(Trouble::Limit) } else { Ok(()) }
}
