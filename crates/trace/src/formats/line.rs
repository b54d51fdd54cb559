//! Reads `blog`: the text of `tracer.py`, and that of the original tracer.
//!
//! One line of it is `text`'s business; here lines become steps. Constants and names stand as they
//! are, so that a step may span lines, and lines of a constant may look like steps. The rules, also
//! in `docs/trace-format.md`:
//!
//! - An operand that its line does not close goes on to the first line that ends with `)`.
//! - Lines that start no step, after one whose operand is a constant or a name, belong to that operand
//!   as far as the last of them that ends with `)`.
//! - Other such lines belong to the name that stands in the next step's line.

use crate::lines::Lines;
use crate::step::{Code, Event, Events, Fields, Format, Operand, Position, ReadError};
use bytecode::opcode::{self, Operand as Kind};
use bytecode::text;

/// A blog trace being read.
#[derive(Debug)]
pub struct Blog<'a> {
    lines: Lines<'a>,
    /// Steps read so far.
    step: u64,
    /// What the last step took: bytes and lines.
    used: (usize, u64),
    /// The next step's first line, where looking for the end of the last has found it. Counted
    /// from the end of the last.
    head: Option<Head>,
}

/// The line that starts a step, and the lines of its name before it.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// All ends are counted from the start of the name.
    name: usize,
    pc: u32,
    opcode: u8,
    operand: Option<(usize, usize)>,
    complete: bool,
    /// Where the next line starts.
    next: usize,
    /// Lines up to there.
    lines: u64,
}

impl<'a> Blog<'a> {
    /// Reads from the start of a trace.
    pub fn new(lines: Lines<'a>) -> Blog<'a> {
        Blog::from_step(lines, Position::START.step)
    }

    /// Reads on from the start of a line, where the step of that number starts.
    pub fn from_step(lines: Lines<'a>, step: u64) -> Blog<'a> {
        Blog { lines, step: step.saturating_sub(1), used: (0, 0), head: None }
    }

    pub(super) fn lines(&self) -> &Lines<'a> {
        &self.lines
    }

    /// Looks at the next steps, as many as `limit` bytes hold, and tells whether operands are
    /// written as their meaning (`-r`); `None` where all of them may be either.
    ///
    /// # Errors
    ///
    /// Those of reading.
    pub fn is_resolved(&mut self, limit: usize) -> Result<Option<bool>, ReadError> {
        let mut from = self.used.0;
        while from - self.used.0 < limit
            && let Some(line) = self.lines.ahead(from)?
        {
            if let Some(parsed) = text::parse(&self.lines.text()[from..line.end])
                && let Some(operand) = parsed.operand
                && matches!(
                    opcode::operand(parsed.opcode),
                    Kind::Name | Kind::Local | Kind::Compare
                )
            {
                return Ok(Some(!operand.iter().all(u8::is_ascii_digit)));
            }
            from = line.next;
        }
        Ok(None)
    }

    /// The line that starts the next step; `None` at the end.
    #[inline]
    fn find(&mut self) -> Result<Option<Head>, ReadError> {
        let mut at = 0;
        let mut lines = 0;
        loop {
            let Some(line) = self.lines.ahead(at)? else {
                return if lines == 0 { Ok(None) } else { Err(self.stray(0)) };
            };
            if line.is_cut() {
                return Err(self.cut(at));
            }
            lines += 1;
            if let Some(parsed) = text::parse(&self.lines.text()[at..line.end]) {
                return Ok(Some(Head::new(&parsed, at, line.end, lines)));
            }
            at = line.next;
        }
    }

    /// Where the operand of the next step ends, and how many bytes and lines the step has.
    #[inline]
    fn close(&mut self, head: &Head) -> Result<(usize, usize, u64), ReadError> {
        let Some((operand, mut end)) = head.operand else { return Ok((0, head.next, head.lines)) };
        let (mut next, mut lines, mut open) = (head.next, head.lines, !head.complete);
        while open {
            let Some(line) = self.lines.ahead(next)? else { return Err(self.cut(operand)) };
            if line.is_cut() {
                return Err(self.cut(next));
            }
            open = !self.lines.text()[next..line.end].ends_with(b")");
            (end, next, lines) = (line.end - 1, line.next, lines + 1);
        }
        if !matches!(opcode::operand(head.opcode), Kind::Const | Kind::Name | Kind::Local) {
            return Ok((end, next, lines));
        }
        // The next step's line decides whose the lines in between are.
        let (mut at, mut more) = (next, 0);
        loop {
            let line = self.lines.ahead(at)?;
            let Some(line) = line else {
                return if at == next { Ok((end, next, lines)) } else { Err(self.stray(next)) };
            };
            if line.is_cut() {
                return Err(self.cut(at));
            }
            let text = &self.lines.text()[at..line.end];
            more += 1;
            if let Some(parsed) = text::parse(text) {
                self.head = Some(Head::new(&parsed, at - next, line.end - next, more));
                return Ok((end, next, lines));
            }
            at = line.next;
            if text.ends_with(b")") {
                (end, next, lines, more) = (line.end - 1, line.next, lines + more, 0);
            }
        }
    }

    /// An error for the line that starts `from` bytes ahead and has no newline.
    #[cold]
    fn cut(&self, from: usize) -> ReadError {
        self.fail(from, ReadError::cut())
    }

    /// An error for lines that no step claims.
    #[cold]
    fn stray(&self, from: usize) -> ReadError {
        self.fail(from, ReadError::syntax("no step of a `blog` trace starts here or later"))
    }

    fn fail(&self, from: usize, error: ReadError) -> ReadError {
        let before = &self.lines.text()[..from];
        let (line, offset) = self.lines.place();
        let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        let lines = memchr::memchr_iter(b'\n', before).count();
        self.lines.error(error.at(line + lines as u64, offset + start as u64))
    }
}

impl Head {
    /// `line` starts `start` bytes after the name and ends at `end`.
    #[inline]
    fn new(line: &text::Line<'_>, start: usize, end: usize, lines: u64) -> Head {
        let operand = line.operand.map(|operand| {
            let end = end - usize::from(line.complete);
            (end - operand.len(), end)
        });
        Head {
            name: start + line.name.len(),
            pc: line.offset,
            opcode: line.opcode,
            operand,
            complete: line.complete,
            next: end + 1,
            lines,
        }
    }
}

/// Whether a line shows that a trace is of this format.
pub(super) fn recognise(line: &[u8]) -> bool {
    text::parse(line).is_some()
}

/// Appends the line of a step as the tracers write it, its newline included: the operand as its
/// number or, with `resolve`, as its meaning; the other one where the step has one only.
///
/// # Errors
///
/// What the step lacks and the format needs.
pub fn write(out: &mut Vec<u8>, event: &Event<'_>, resolve: bool) -> Result<(), &'static str> {
    let name = event.code.name.ok_or("the name of the code object")?;
    let operand = match event.operand {
        Operand::Number(number) => Given::Number(number),
        Operand::Both(number, _) if !resolve => Given::Number(number),
        Operand::Meaning(text) | Operand::Both(_, text) | Operand::Either(text) => {
            Given::Text(text)
        }
        Operand::Absent if text::has_operand(event.opcode) => return Err("the operand"),
        Operand::Absent => Given::Text(b""),
    };
    text::write_line(out, name, event.pc, event.opcode, |out| match operand {
        Given::Number(number) => text::write_number(out, number.into()),
        Given::Text(text) => out.extend_from_slice(text),
    });
    Ok(())
}

enum Given<'a> {
    Number(i32),
    Text(&'a [u8]),
}

impl Events for Blog<'_> {
    #[inline]
    fn next(&mut self) -> Result<Option<Event<'_>>, ReadError> {
        let (bytes, lines) = std::mem::take(&mut self.used);
        self.lines.pass(bytes, lines);
        let head = match self.head.take() {
            Some(head) => head,
            None => match self.find()? {
                Some(head) => head,
                None => return Ok(None),
            },
        };
        let (line, offset) = self.lines.place();
        let (end, bytes, lines) = self.close(&head)?;
        self.used = (bytes, lines);
        self.step += 1;
        let text = self.lines.text();
        Ok(Some(Event {
            position: Position { line, offset, step: self.step },
            code: Code { name: Some(&text[..head.name]), ..Code::default() },
            pc: head.pc,
            opcode: head.opcode,
            operand: match head.operand {
                Some((start, _)) => Operand::Either(&text[start..end]),
                None => Operand::Absent,
            },
            depth: None,
            stack: None,
            blocks: None,
        }))
    }

    fn format(&self) -> Format {
        Format::Blog
    }

    fn fields(&self) -> Fields {
        Fields::NAME | Fields::OPERAND | Fields::MEANING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Step = (Vec<u8>, u32, Vec<u8>, u64, u64);

    fn read(text: &[u8]) -> (Vec<Step>, Option<ReadError>) {
        // Bytes come one by one, so that every step is split.
        let lines = Lines::from_reader("t", Box::new(crate::lines::Drip(text)));
        let dripped = collect(Blog::new(lines));
        let whole = collect(Blog::new(Lines::of("t", text, Position::START)));
        assert_eq!(dripped.0, whole.0);
        assert_eq!(dripped.1.as_ref().map(shown), whole.1.as_ref().map(shown));
        whole
    }

    fn shown(error: &ReadError) -> String {
        error.to_string()
    }

    fn collect(mut blog: Blog<'_>) -> (Vec<Step>, Option<ReadError>) {
        let mut steps = Vec::new();
        loop {
            match blog.next() {
                Err(error) => return (steps, Some(error)),
                Ok(None) => break,
                Ok(Some(event)) => {
                    let operand = match event.operand {
                        Operand::Either(text) => text.to_vec(),
                        _ => Vec::new(),
                    };
                    let name = event.code.name.unwrap().to_vec();
                    steps.push((name, event.pc, operand, event.position.line, event.position.step));
                }
            }
        }
        assert!(blog.next().unwrap().is_none());
        (steps, None)
    }

    fn step(name: &str, pc: u32, operand: &str, line: u64, step: u64) -> Step {
        (name.into(), pc, operand.into(), line, step)
    }

    #[test]
    fn an_open_operand_goes_on_over_what_looks_like_steps() {
        let text = b"f> 0 LOAD_CONST (a\nf> 7 POP_TOP\nb)\nf> 3 RETURN_VALUE\n";
        let wanted = [step("f", 0, "a\nf> 7 POP_TOP\nb", 1, 1), step("f", 3, "", 4, 2)];
        assert_eq!(read(text).0, wanted);
    }

    #[test]
    fn lines_between_steps_belong_to_the_operand_as_far_as_they_close_it() {
        let text = b"f> 0 LOAD_CONST (doc (1)\n\nsee (2))\na\nb> 3 POP_TOP\n";
        let wanted = [step("f", 0, "doc (1)\n\nsee (2)", 1, 1), step("a\nb", 3, "", 4, 2)];
        assert_eq!(read(text).0, wanted);
        let text = b"f> 0 CALL_FUNCTION (1)\na)\nb> 3 POP_TOP\nc\n> 4 POP_TOP\n";
        let wanted =
            [step("f", 0, "1", 1, 1), step("a)\nb", 3, "", 2, 2), step("c\n", 4, "", 4, 3)];
        assert_eq!(read(text).0, wanted);
    }

    #[test]
    fn a_cut_file_is_an_error_that_says_where() {
        for (text, steps, line, offset) in [
            (&b"f> 0 POP_TOP\nf> 1 POP"[..], 1, 2, 13),
            (b"f> 0 POP_TOP\nf> 1 POP_TOP", 1, 2, 13),
            (b"f> 0 POP_TOP\nf> 0 LOAD_CONST (a\nb\n", 1, 2, 13),
            (b"f> 0 POP_TOP\nf> 0 LOAD_CONST (a\nb", 1, 3, 32),
            (b"f> 0 LOAD_CONST (a)\nb", 0, 2, 20),
            (b"a\nb", 0, 2, 2),
        ] {
            let (read, error) = read(text);
            let error = error.unwrap();
            assert!(error.is_cut(), "{error}");
            assert_eq!(
                (read.len(), error.line(), error.offset()),
                (steps, Some(line), Some(offset))
            );
        }
    }

    #[test]
    fn lines_of_no_step_at_the_end_are_an_error() {
        for text in [&b"f> 0 POP_TOP\nhello\n"[..], b"f> 0 LOAD_CONST (1)\nhello\n\n"] {
            let error = read(text).1.unwrap();
            assert!(!error.is_cut());
            assert_eq!(error.line(), Some(2), "{error}");
        }
    }

    #[test]
    fn reading_goes_on_from_any_step() {
        let text = b"f> 0 POP_TOP\nf> 1 POP_TOP\n";
        let position = Position { line: 2, offset: 13, step: 2 };
        let mut blog = Blog::from_step(Lines::of("t", &text[13..], position), 2);
        assert_eq!(blog.next().unwrap().unwrap().position, position);
    }

    #[test]
    fn meanings_are_told_from_numbers() {
        for (text, wanted) in [
            (&b"f> 0 LOAD_CONST (1)\nf> 3 STORE_NAME (0)\n"[..], Some(false)),
            (b"f> 0 LOAD_CONST (1)\nf> 3 STORE_NAME (x)\n", Some(true)),
            (b"f> 0 LOAD_CONST (x)\n", None),
        ] {
            let mut blog = Blog::new(Lines::of("t", text, Position::START));
            assert_eq!(blog.is_resolved(1 << 16).unwrap(), wanted);
            assert_eq!(blog.next().unwrap().unwrap().pc, 0);
        }
    }
}
