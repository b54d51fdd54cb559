//! Reads `line`: the text of `tracer.py`, and that of the original tracer.
//!
//! `bytecode::text` parses one line; here lines become steps. Constants and names are written as
//! they are, so a step may span lines, and lines of a constant may look like steps. The rules, also
//! in `docs/trace-format.md`:
//!
//! - An operand that its line does not close goes on to the first line that ends with `)`.
//! - Lines that start no step, after one whose operand is a constant or a name, belong to that operand
//!   as far as the last of them that ends with `)`.
//! - Other such lines belong to the name in the next step's line, if a second step repeats them.
//!   Anything else is no step: an error, or skipped where the reader is lenient.
//! - Where operands are numbers, none spans lines. Blanks at the end of a line do not count.

mod stray;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::lines::Lines;
use crate::step::{Code, Fields, Format, Operand, Position, ReadError, Step, Steps};
use bytecode::opcode::{self, Operand as Kind};
use bytecode::text;

/// How far the trace is searched for an operand that is surely a number or surely a meaning.
const SAMPLE: usize = 1 << 20;
/// Names with newlines that are remembered.
const NAMES: usize = 1000;

/// A trace of lines being read.
#[derive(Debug)]
pub struct Line<'a> {
    lines: Lines<'a>,
    /// Steps read so far.
    step: u64,
    /// What the last step took: bytes and lines.
    used: (usize, u64),
    /// The next step's first line, if it was found while looking for the end of the last. Counted
    /// from the end of the last.
    head: Option<Head>,
    /// Whether operands are meanings, once one has shown it.
    resolved: Option<bool>,
    /// The byte up to which none has, as a search has found.
    searched: u64,
    names: Names,
    lenient: bool,
    /// Lines skipped, and lines with other text before or after their step.
    skipped: u64,
    trimmed: u64,
}

/// Names with newlines that the trace has shown to be names. Shared by all readers of one text.
#[derive(Clone, Debug, Default)]
pub struct Names(Arc<Mutex<BTreeSet<Vec<u8>>>>);

impl Names {
    fn contains(&self, name: &[u8]) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    fn insert(&self, name: &[u8]) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() < NAMES {
            names.insert(name.to_vec());
        }
    }
}

/// The line that starts a step, and the lines of its name before it.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// Where the name starts and ends; all places are counted from the start of its first line.
    name: (usize, usize),
    /// Lines before this one that can only belong to the name.
    before: u64,
    pc: u32,
    opcode: u8,
    operand: Option<(usize, usize)>,
    closed: Closed,
    /// Where the next line starts.
    next: usize,
    /// Lines up to there.
    lines: u64,
}

/// Whether a line closes its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    Yes,
    /// With blanks after the `)`, which a constant with a newline may have as well.
    BeforeBlanks,
    No,
}

impl<'a> Line<'a> {
    /// Reads from the start of a trace.
    pub fn new(lines: Lines<'a>) -> Line<'a> {
        Line::resume(lines, Position::START.step, Names::default())
    }

    /// Skips lines that are no step, and what other text is before or after one.
    #[must_use]
    pub fn lenient(mut self, lenient: bool) -> Line<'a> {
        self.lenient = lenient;
        self
    }

    /// Reads on from the start of a line, where the step of that number starts. `names` is what
    /// other readers of the same text have learnt.
    pub fn resume(lines: Lines<'a>, step: u64, names: Names) -> Line<'a> {
        Line {
            lines,
            step: step.saturating_sub(1),
            used: (0, 0),
            head: None,
            resolved: None,
            searched: 0,
            names,
            lenient: false,
            skipped: 0,
            trimmed: 0,
        }
    }

    /// What this reader has learnt, for others of the same text.
    pub fn names(&self) -> Names {
        self.names.clone()
    }

    /// Looks at the next steps, as many as `limit` bytes hold, and says whether operands are
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
            if let Some((parsed, closed)) = parse(&self.lines.text()[from..line.end])
                && closed != Closed::No
                && let Some(resolved) = shows_resolved(parsed.opcode, parsed.operand)
            {
                return Ok(Some(resolved));
            }
            from = line.next;
        }
        Ok(None)
    }

    /// Whether operands are numbers, so that none spans lines. Searched for only where it matters.
    #[cold]
    fn has_numbers(&mut self) -> Result<bool, ReadError> {
        let (_, offset) = self.lines.place();
        if self.resolved.is_none() && offset >= self.searched {
            self.resolved = self.is_resolved(SAMPLE)?;
            self.searched = offset + SAMPLE as u64;
        }
        Ok(self.resolved == Some(false))
    }

    /// The line that starts the next step, `from` bytes ahead; `None` at the end.
    #[inline]
    fn find(&mut self, from: usize) -> Result<Option<Head>, ReadError> {
        let mut start = from;
        let mut at = from;
        let mut before = 0;
        loop {
            let Some(line) = self.lines.ahead(at)? else {
                return if before == 0 { Ok(None) } else { Err(self.stray(start)) };
            };
            let parsed = parse(&self.lines.text()[at..line.end]);
            if line.is_cut() && !(self.lenient && parsed.is_none()) {
                return Err(self.cut(at));
            }
            if let Some((parsed, closed)) = parsed {
                let mut head = Head::new(&parsed, closed, at - start, line.next - start, before);
                if self.lenient {
                    let cut = stray::prefix(&self.lines.text()[at..][..parsed.name.len()]);
                    head.name.0 += cut;
                    self.trimmed += u64::from(cut > 0);
                }
                return Ok(Some(head));
            }
            at = line.next;
            if self.lenient && from == 0 {
                self.skipped += 1;
                self.lines.pass(line.next, 1);
                (start, at) = (0, 0);
            } else {
                before += 1;
            }
        }
    }

    /// Where the operand of the next step ends, and how many bytes and lines the step has.
    #[inline]
    fn close(&mut self, head: &Head) -> Result<(usize, usize, u64), ReadError> {
        let Some((operand, mut end)) = head.operand else { return Ok((0, head.next, head.lines)) };
        let (mut next, mut lines) = (head.next, head.lines);
        let spans = matches!(opcode::operand(head.opcode), Kind::Const | Kind::Name | Kind::Local);
        if head.closed != Closed::Yes {
            let spans = spans && !self.has_numbers()?;
            let closing = stray::closing(&self.lines.text()[operand..next]);
            match (head.closed, closing) {
                (Closed::BeforeBlanks, _) if !spans || self.starts_step(next)? => {}
                (Closed::No, Some(close)) if !spans || self.starts_step(next)? => {
                    if !self.lenient {
                        let more = &self.lines.text()[operand + close + 1..next];
                        let reason = stray::after_operand(more);
                        return Err(self.fail(head.name.1, ReadError::syntax(reason)));
                    }
                    self.trimmed += 1;
                    end = operand + close;
                }
                (Closed::No, None) if !spans => {
                    return Err(self.fail(head.name.1, ReadError::syntax(stray::OPEN)));
                }
                _ => {
                    let mut open = true;
                    while open {
                        let Some(line) = self.lines.ahead(next)? else {
                            return Err(self.cut(operand));
                        };
                        if line.is_cut() {
                            return Err(self.cut(next));
                        }
                        open = !self.lines.text()[next..line.end].ends_with(b")");
                        (end, next, lines) = (line.end - usize::from(!open), line.next, lines + 1);
                    }
                }
            }
        }
        if !spans {
            return Ok((end, next, lines));
        }
        // The next step's line decides whose the lines in between are.
        let (mut at, mut more) = (next, 0);
        loop {
            let line = self.lines.ahead(at)?;
            let Some(line) = line else {
                return match more {
                    0 => Ok((end, next, lines)),
                    _ if self.lenient => {
                        self.skipped += more;
                        Ok((end, at, lines + more))
                    }
                    _ => Err(self.stray(next)),
                };
            };
            let text = &self.lines.text()[at..line.end];
            let parsed = parse(text);
            if line.is_cut() && !(self.lenient && parsed.is_none()) {
                return Err(self.cut(at));
            }
            if let Some((parsed, closed)) = parsed {
                if self.lenient {
                    // Its line is found again, without what is before it.
                    self.skipped += more;
                    return Ok((end, at, lines + more));
                }
                let head = Head::new(&parsed, closed, at - next, line.next - next, more);
                self.head = Some(head);
                return Ok((end, next, lines));
            }
            let closes = text.ends_with(b")") && (!self.lenient || stray::excess(text) > 0);
            at = line.next;
            more += 1;
            if closes && (self.resolved == Some(true) || !self.has_numbers()?) {
                (end, next, lines, more) = (line.end - 1, line.next, lines + more, 0);
            }
        }
    }

    /// Whether a step starts in the line that far ahead, or the trace ends there.
    fn starts_step(&mut self, from: usize) -> Result<bool, ReadError> {
        Ok(match self.lines.ahead(from)? {
            None => true,
            Some(line) => parse(&self.lines.text()[from..line.end]).is_some(),
        })
    }

    /// Whether the lines before the step's own, which is `bytes` long, are surely of its name: a
    /// name with newlines is repeated by the next step, another program's output is not.
    #[cold]
    fn is_name(&mut self, head: &Head, bytes: usize) -> Result<bool, ReadError> {
        let name = self.lines.text()[head.name.0..head.name.1].to_vec();
        if self.names.contains(&name) {
            return Ok(true);
        }
        if self.head.is_none() {
            self.head = self.find(bytes)?;
        }
        let same = self.head.is_some_and(|next| {
            self.lines.text()[bytes + next.name.0..bytes + next.name.1] == name[..]
        });
        if same {
            self.names.insert(&name);
        }
        Ok(same)
    }

    /// An error for the line that starts `from` bytes ahead and has no newline.
    #[cold]
    fn cut(&self, from: usize) -> ReadError {
        self.fail(from, ReadError::cut())
    }

    /// An error for the line that starts `from` bytes ahead and belongs to no step.
    #[cold]
    fn stray(&self, from: usize) -> ReadError {
        let text = &self.lines.text()[from..];
        let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
        self.fail(from, ReadError::syntax(stray::explain(&text[..end])))
    }

    fn fail(&self, from: usize, error: ReadError) -> ReadError {
        let before = &self.lines.text()[..from];
        let (line, offset) = self.lines.place();
        let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        let lines = memchr::memchr_iter(b'\n', before).count();
        self.lines.error(error.at(line + lines as u64, offset + start as u64))
    }
}

/// Parses a line as the start of a step, blanks at its end aside.
#[inline]
fn parse(line: &[u8]) -> Option<(text::Line<'_>, Closed)> {
    let parsed = text::parse(line);
    match parsed {
        Some(parsed) if parsed.complete => return Some((parsed, Closed::Yes)),
        _ => {}
    }
    let short = line.trim_ascii_end();
    if short.len() < line.len()
        && let Some(short) = text::parse(short)
        && short.complete
    {
        let closed = if short.operand.is_some() { Closed::BeforeBlanks } else { Closed::Yes };
        return Some((short, closed));
    }
    Some((parsed?, Closed::No))
}

/// Whether a trace that writes such an operand writes meanings: names are never numbers.
#[inline]
fn shows_resolved(opcode: u8, operand: Option<&[u8]>) -> Option<bool> {
    match opcode::operand(opcode) {
        Kind::Name | Kind::Local | Kind::Compare => Some(!operand?.iter().all(u8::is_ascii_digit)),
        _ => None,
    }
}

impl Head {
    /// `line` starts `start` bytes after the name, and the next one at `next`.
    #[inline]
    fn new(line: &text::Line<'_>, closed: Closed, start: usize, next: usize, before: u64) -> Head {
        let name = start + line.name.len();
        let operand = line.operand.map(|operand| {
            let from = name
                + "> ".len()
                + digits(line.offset)
                + " ".len()
                + opcode::name(line.opcode).map_or(0, str::len)
                + " (".len();
            (from, from + operand.len())
        });
        Head {
            name: (0, name),
            before,
            pc: line.offset,
            opcode: line.opcode,
            operand,
            closed,
            next,
            lines: before + 1,
        }
    }
}

/// How many digits a number has.
#[inline]
fn digits(number: u32) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// Whether a line shows that a trace is of this format.
pub(super) fn recognise(line: &[u8]) -> bool {
    parse(line).is_some() || stray::is_coloured_step(line)
}

/// Appends the line of a step as the tracers write it, its newline included: the operand as its
/// number or, with `resolve`, as its meaning; the other one where the step has one only.
///
/// # Errors
///
/// What the step lacks and the format needs.
pub fn write(out: &mut Vec<u8>, event: &Step<'_>, resolve: bool) -> Result<(), &'static str> {
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

impl Steps for Line<'_> {
    #[inline]
    fn next(&mut self) -> Result<Option<Step<'_>>, ReadError> {
        let (bytes, lines) = std::mem::take(&mut self.used);
        self.lines.pass(bytes, lines);
        let head = match self.head.take() {
            Some(head) => head,
            None => match self.find(0)? {
                Some(head) => head,
                None => return Ok(None),
            },
        };
        let (line, offset) = self.lines.place();
        let (end, bytes, lines) = self.close(&head)?;
        if head.before > 0 && !self.is_name(&head, bytes)? {
            return Err(self.stray(0));
        }
        self.used = (bytes, lines);
        self.step += 1;
        let text = self.lines.text();
        let operand = head.operand.map(|(start, _)| &text[start..end]);
        if self.resolved.is_none() {
            self.resolved = shows_resolved(head.opcode, operand);
        }
        Ok(Some(Step {
            position: Position { line, offset, step: self.step },
            code: Code { name: Some(&text[head.name.0..head.name.1]), ..Code::default() },
            pc: head.pc,
            opcode: head.opcode,
            operand: operand.map_or(Operand::Absent, Operand::Either),
            depth: None,
            stack: None,
            blocks: None,
            locals: None,
            cells: None,
        }))
    }

    fn name(&self) -> &str {
        self.lines.name()
    }

    fn format(&self) -> Format {
        Format::Line
    }

    fn fields(&self) -> Fields {
        Fields::NAME | Fields::OPERAND | Fields::MEANING
    }

    fn other_lines(&self) -> u64 {
        self.skipped
    }

    fn trimmed_lines(&self) -> u64 {
        self.trimmed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Step = (Vec<u8>, u32, Vec<u8>, u64, u64);

    fn read(text: &[u8]) -> (Vec<Step>, Option<ReadError>) {
        // Bytes come one by one, so that every step is split.
        let lines = Lines::from_reader("t", Box::new(crate::lines::Drip(text)));
        let dripped = collect(Line::new(lines));
        let whole = collect(Line::new(Lines::of("t", text, Position::START)));
        assert_eq!(dripped.0, whole.0);
        assert_eq!(dripped.1.as_ref().map(shown), whole.1.as_ref().map(shown));
        whole
    }

    fn shown(error: &ReadError) -> String {
        error.to_string()
    }

    fn collect(mut reader: Line<'_>) -> (Vec<Step>, Option<ReadError>) {
        let mut steps = Vec::new();
        loop {
            match reader.next() {
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
        assert!(reader.next().unwrap().is_none());
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
        let text = b"f> 0 LOAD_CONST (doc (1)\n\nsee (2))\na\nb> 3 POP_TOP\na\nb> 4 NOP\n";
        let wanted = [
            step("f", 0, "doc (1)\n\nsee (2)", 1, 1),
            step("a\nb", 3, "", 4, 2),
            step("a\nb", 4, "", 6, 3),
        ];
        assert_eq!(read(text).0, wanted);
        let text = b"f> 0 CALL_FUNCTION (1)\na)\nb> 0 NOP\na)\nb> 1 NOP\nf> 3 NOP\na)\nb> 2 NOP\n";
        let wanted = [
            step("f", 0, "1", 1, 1),
            step("a)\nb", 0, "", 2, 2),
            step("a)\nb", 1, "", 4, 3),
            step("f", 3, "", 6, 4),
            step("a)\nb", 2, "", 7, 5),
        ];
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
        let mut reader = Line::resume(Lines::of("t", &text[13..], position), 2, Names::default());
        assert_eq!(reader.next().unwrap().unwrap().position, position);
    }

    #[test]
    fn meanings_and_numbers_are_told_apart() {
        for (text, wanted) in [
            (&b"f> 0 LOAD_CONST (1)\nf> 3 STORE_NAME (0)\n"[..], Some(false)),
            (b"f> 0 LOAD_CONST (1)\nf> 3 STORE_NAME (x)\n", Some(true)),
            (b"f> 0 LOAD_CONST (x)\n", None),
        ] {
            let mut reader = Line::new(Lines::of("t", text, Position::START));
            assert_eq!(reader.is_resolved(1 << 16).unwrap(), wanted);
            assert_eq!(reader.next().unwrap().unwrap().pc, 0);
        }
    }

    /// The error, without the reader's name, and the steps before it.
    fn refused(text: &[u8]) -> (usize, String) {
        let (steps, error) = read(text);
        let error = error.unwrap_or_else(|| panic!("{}: no error", text.escape_ascii()));
        (steps.len(), error.to_string().strip_prefix("`t`, ").unwrap().to_owned())
    }

    #[test]
    fn blanks_at_the_end_of_a_line_do_not_count() {
        let plain = &b"f> 0 LOAD_CONST (0)\nf> 3 LOAD_FAST (1)\nf> 6 CALL_FUNCTION (1)\n\
            f> 9 POP_TOP\nf> 10 200 **********INVALID**********\n"[..];
        let resolved = &b"f> 0 LOAD_CONST (a (b))\nf> 3 LOAD_NAME (x)\nf> 6 LOAD_CONST (see :))\n\
            f> 9 COMPARE_OP (<)\nf> 12 POP_TOP\n"[..];
        for text in [plain, resolved] {
            let wanted = read(text).0;
            for blanks in ["\r", " ", "\t", "\r\r", "  \t "] {
                let ended = String::from_utf8_lossy(text).replace('\n', &format!("{blanks}\n"));
                let (found, error) = read(ended.as_bytes());
                assert_eq!((found, error.map(|e| e.to_string())), (wanted.clone(), None));
            }
        }
        // A constant with a newline may have them.
        let (steps, error) = read(b"f> 0 LOAD_CONST (a) \n\tb)\nf> 3 STORE_NAME (x)\n");
        assert_eq!(steps[0].2, b"a) \n\tb");
        assert!(error.is_none() && steps.len() == 2);
    }

    #[test]
    fn text_after_an_operand_is_named_and_swallows_no_step() {
        for text in [
            &b"f> 0 LOAD_NAME (0)\nf> 3 LOAD_CONST (0) and more\nf> 6 LOAD_CONST (1)\n"[..],
            b"f> 0 LOAD_NAME (x)\nf> 3 LOAD_CONST (a) and more\nf> 6 STORE_NAME (y)\n",
            b"f> 0 LOAD_NAME (x)\nf> 3 CALL_FUNCTION (1) and more\nf> 6 STORE_NAME (y)\n",
        ] {
            let (steps, said) = refused(text);
            assert_eq!(steps, 1);
            let wanted = "line 2 (byte 19): text after the operand's `)`: `and more`";
            assert!(said.starts_with(wanted), "{said}");
        }
        let (steps, said) = refused(b"f> 0 LOAD_NAME (0)\nf> 3 LOAD_CONST (0\nf> 6 POP_TOP\n");
        assert!(steps == 1 && said.contains("the operand is not closed"), "{said}");
        // A sentence with parentheses in it is a constant.
        let (steps, error) = read(b"f> 0 LOAD_CONST (a (b) c\nd)\nf> 3 LOAD_NAME (x)\n");
        assert!(error.is_none() && steps.len() == 2);
    }

    #[test]
    fn lines_that_are_no_step_are_named() {
        for (line, wanted) in [
            ("hello world", "this line is no step: `hello world`"),
            ("f(1) = (2)", "this line is no step: `f(1) = (2)`"),
            ("", "this line is blank and no step"),
            (" \t", "this line is blank and no step"),
            ("f> 3 LOAD_METHOD (1)", "Python 2.7 has no opcode `LOAD_METHOD`"),
            ("f> 3 POP_TOP (1)", "text after `POP_TOP`, which has no operand: `(1)`"),
            ("f> 3 LOAD_FAST", "`LOAD_FAST` needs its operand in parentheses"),
            ("\x1b[31mf> 3 POP_TOP\x1b[0m", "colour codes"),
        ] {
            for before in ["f> 0 LOAD_FAST (0)\n", "f> 0 LOAD_CONST (0)\n", "f> 0 NOP\n"] {
                for after in ["f> 3 LOAD_FAST (1)\nf> 6 POP_TOP\n", "g> 0 LOAD_FAST (0)\n", ""] {
                    let text = format!("m> 9 LOAD_NAME (0)\n{before}{line}\n{after}");
                    let (steps, said) = refused(text.as_bytes());
                    assert!(said.starts_with("line 3 (byte ") && said.contains(wanted), "{said}");
                    assert!(said.contains("`--lenient`"), "{said}");
                    assert!((1..=2).contains(&steps), "{text}: {steps}");
                }
            }
        }
    }

    #[test]
    fn a_lenient_reader_skips_them_and_counts() {
        let text = "starting up\n[12:00:01] m> 0 LOAD_NAME (x)\n\nINFO:root:m> 3 LOAD_CONST (a\nb)\n\
            loaded (b)\nm> 6 CALL_FUNCTION (1) # two\n{}\nf> 0 POP_TOP \nbye\n";
        let lines = Lines::of("t", text.as_bytes(), Position::START);
        let mut reader = Line::new(lines).lenient(true);
        let mut steps = Vec::new();
        while let Some(step) = reader.next().unwrap() {
            let Operand::Either(operand) = step.operand else { continue };
            let name = String::from_utf8_lossy(step.code.name.unwrap()).into_owned();
            steps.push((name, step.pc, String::from_utf8_lossy(operand).into_owned()));
        }
        let wanted = [("m", 0, "x"), ("m", 3, "a\nb"), ("m", 6, "1")];
        let wanted = wanted.map(|(name, pc, text)| (name.to_owned(), pc, text.to_owned()));
        assert_eq!(steps, wanted);
        assert_eq!((reader.step, reader.skipped, reader.trimmed), (4, 5, 3));
    }
}
