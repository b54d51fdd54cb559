//! What is kept of one thread: where it goes, and the file that it is written to.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::compressed_text::{CompressedText, FRAME};
use super::sink::{Sink, whole};
use super::{End, Trouble};
use recording::decoder::{Decoder, Fault};
use recording::file::{FlowWriter, INSTRUCTIONS};
use recording::text::{RenderOptions, TextSink};
use wire::code::CodeInfo;
use wire::control::NOWHERE;
use wire::packet::{BranchBits, Packet};
use wire::ring::{self, RingPacket, SIZE};

/// Bytes of text that are written at once: no more than a processor's own cache holds.
const BLOCK: usize = 1 << 17;

/// How a thread is written.
#[derive(Clone, Debug)]
pub struct OutputOptions {
    pub render: RenderOptions,
    pub is_flow: bool,
    pub compress: bool,
    pub limit: u64,
    pub max_bytes: u64,
    pub about: Value,
    /// From here on the time of chunks is counted, in each thread's file.
    pub start: Instant,
}

enum Out {
    Text { text: TextSink, sink: Sink },
    CompressedText { text: TextSink, compressed: Box<CompressedText> },
    Flow { flow: Box<FlowWriter<Sink>> },
}

/// One thread's file.
pub struct ThreadWriter {
    decoder: Decoder,
    out: Out,
    limit: u64,
    max_bytes: u64,
    is_over: bool,
}

impl ThreadWriter {
    pub fn new(sink: Sink, options: &OutputOptions) -> Result<ThreadWriter, Trouble> {
        let text = || {
            let mut text = TextSink::new(options.render.clone());
            text.range = 0..options.limit;
            text
        };
        let out = if options.is_flow {
            let sink = if options.compress { sink.in_pieces() } else { sink };
            let flow = FlowWriter::new(sink, options.compress, options.max_bytes, &options.about)?;
            let flow = flow.ok_or(Trouble::Limit)?.since(options.start);
            Out::Flow { flow: Box::new(flow) }
        } else if options.compress {
            Out::CompressedText { text: text(), compressed: Box::new(CompressedText::new(sink)?) }
        } else {
            Out::Text { text: text(), sink }
        };
        let decoder = Decoder::new();
        let (limit, max_bytes) = (options.limit, options.max_bytes);
        Ok(ThreadWriter { decoder, out, limit, max_bytes, is_over: false })
    }

    /// A code object runs for the first time: its definition, and what was read of that.
    pub fn define(
        &mut self,
        code: u32,
        definition: &[u8],
        read: &Arc<CodeInfo>,
    ) -> Result<(), Trouble> {
        if matches!(self.out, Out::Flow { .. })
            && let Some(cut) = read.cut()
        {
            let mut bytes = Vec::new();
            cut.write(&mut bytes);
            self.decoder.define(code, cut)?;
            return self.push(&Packet::CodeDefined { code, definition: &bytes });
        }
        self.decoder.define(code, Arc::clone(read))?;
        self.push(&Packet::CodeDefined { code, definition })
    }

    /// A code object is watched from now on: the section ends here.
    pub fn watch(&mut self, event: &Packet, code: u32) -> Result<(), Trouble> {
        self.cut()?;
        self.decoder.watch(code)?;
        self.push(event)
    }

    /// The process is in single-step mode from here on; where the thread is was recorded before.
    pub fn single_step(&mut self) -> Result<(), Trouble> {
        if self.decoder.single_steps() {
            return Ok(());
        }
        self.record(BranchBits::default(), &Packet::SingleStep { lasti: NOWHERE })
    }

    /// A code object has died.
    pub fn forget(&mut self, event: &Packet, code: u32) -> Result<(), Trouble> {
        self.decoder.forget(code)?;
        if let Out::Flow { flow } = &mut self.out {
            flow.code_gone(event);
        }
        Ok(())
    }

    fn push(&mut self, event: &Packet) -> Result<(), Trouble> {
        if let Out::Flow { flow } = &mut self.out
            && !flow.code(event, &self.decoder, self.decoder.executed())?
        {
            self.is_over = true;
            return Err(Trouble::Limit);
        }
        Ok(())
    }

    fn cut(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Flow { flow } => flow.flush(&self.decoder, self.decoder.executed()),
            _ => Ok(()),
        }
    }

    /// Follows the short packets that start at `at`, up to a long one or to the end, and leaves `at`
    /// behind the last that it has taken.
    pub fn short(&mut self, bytes: &[u8], at: &mut usize) -> Result<(), Trouble> {
        for words in bytes[*at..].chunks_exact(SIZE) {
            let RingPacket::Short(branch_bits, event) = ring::read(words).map_err(Fault::Packet)?
            else {
                break;
            };
            *at += SIZE;
            self.record(branch_bits, &event)?;
        }
        Ok(())
    }

    /// Follows what happened, after these branch bits.
    #[inline]
    pub fn record(&mut self, branch_bits: BranchBits, event: &Packet) -> Result<(), Trouble> {
        if self.is_over {
            return Err(Trouble::Limit);
        }
        let decoder = &mut self.decoder;
        match &mut self.out {
            Out::Text { text, sink } => {
                decoder.branch_bits(branch_bits, text)?;
                decoder.event(event, text)?;
                if text.lines.len() >= BLOCK {
                    write_text(text, sink, self.max_bytes)?;
                }
                self.is_over = text.is_over();
            }
            Out::CompressedText { text, compressed } => {
                decoder.branch_bits(branch_bits, text)?;
                decoder.event(event, text)?;
                if text.lines.len() >= FRAME {
                    write_compressed(text, compressed, self.max_bytes)?;
                }
                self.is_over = text.is_over();
            }
            Out::Flow { flow } => {
                if !flow.has_room(branch_bits, event, decoder, decoder.executed())? {
                    self.is_over = true;
                    return Err(Trouble::Limit);
                }
                decoder.branch_bits(branch_bits, &mut ())?;
                decoder.event(event, &mut ())?;
                flow.record(branch_bits, event, decoder, decoder.executed())?;
                self.is_over = decoder.executed() >= self.limit;
            }
        }
        if self.is_over { Err(Trouble::Limit) } else { Ok(()) }
    }

    /// Nothing comes for the moment: those who read along see what there is.
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
            Out::CompressedText { text, compressed } => {
                write_compressed(text, compressed, self.max_bytes)?
            }
            Out::Flow { flow } => flow.quiet(&self.decoder, self.decoder.executed())?,
        }
        Ok(())
    }

    /// The file.
    pub fn sink(&mut self) -> &mut Sink {
        match &mut self.out {
            Out::Text { sink, .. } => sink,
            Out::CompressedText { compressed, .. } => compressed.sink(),
            Out::Flow { flow, .. } => flow.output(),
        }
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
            Out::CompressedText { mut text, mut compressed } => {
                unless_full(write_compressed(&mut text, &mut compressed, self.max_bytes))?;
                unless_full(compressed.finish(self.max_bytes))
            }
            Out::Flow { flow } => {
                let how = match end {
                    End::Ended => "ended",
                    End::Died => "died",
                    End::Limit => "limit",
                    End::Failed => "failed",
                };
                let executed = self.decoder.executed();
                let instructions = executed.min(self.limit);
                let end = json!({ INSTRUCTIONS: instructions, "end": how });
                flow.finish(&self.decoder, executed, &end)?;
                Ok(())
            }
        }
    }
}

/// Writes the lines so far, whole lines up to a limit.
fn write_text(text: &mut TextSink, sink: &mut Sink, most: u64) -> Result<(), Trouble> {
    let room = most.saturating_sub(sink.written());
    let is_full = text.lines.len() as u64 > room;
    let lines = &text.lines[..room.min(text.lines.len() as u64) as usize];
    let result = sink.lines(if is_full { &lines[..whole(lines)] } else { lines });
    text.lines.clear();
    result?;
    if is_full { Err(Trouble::Limit) } else { Ok(()) }
}

/// The same, compressed.
fn write_compressed(
    text: &mut TextSink,
    compressed: &mut CompressedText,
    most: u64,
) -> Result<(), Trouble> {
    let result = compressed.lines(&text.lines, most);
    text.lines.clear();
    result
}
