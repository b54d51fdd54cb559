//! Instructions of code objects that exist only here.

use std::cell::Cell;

use trace::opcode::{EXTENDED_ARG, by_name};

use super::*;

const FIRST: usize = 0x1000;

/// A code object with one constant, which counts how often it is rendered.
struct Code {
    name: &'static [u8],
    length: usize,
    constant: Vec<u8>,
    mutable: bool,
    rendered: Cell<usize>,
}

impl Code {
    fn new(name: &'static [u8]) -> Code {
        let constant = b"k".to_vec();
        Code { name, length: 12, constant, mutable: false, rendered: Cell::new(0) }
    }
}

impl Tables for Code {
    fn constant(&self, index: i32, out: &mut Vec<u8>) -> bool {
        self.rendered.set(self.rendered.get() + 1);
        out.extend_from_slice(&self.constant);
        index == 0
    }
    fn name(&self, _: i32, _: &mut Vec<u8>) -> bool {
        false
    }
    fn local(&self, _: i32, _: &mut Vec<u8>) -> bool {
        false
    }
}

impl Subject for Code {
    fn co_name(&self) -> &[u8] {
        self.name
    }
    fn bytes(&self) -> (usize, usize) {
        (FIRST, self.length)
    }
    fn is_final(&self) -> bool {
        !self.mutable
    }
}

fn step(code: usize, offset: usize, opname: &str, operand: i32) -> Step {
    let opcode = by_name(opname).unwrap();
    Step { code, next: FIRST + offset + width(opcode), lasti: offset as i32, opcode, operand }
}

/// As the interpreter decodes what follows a prefix at `offset`: three bytes each.
fn prefixed(code: usize, offset: usize, opname: &str, operand: i32) -> Step {
    let opcode = by_name(opname).unwrap();
    Step { code, next: FIRST + offset + 6, lasti: offset as i32, opcode, operand }
}

fn resolving() -> Settings {
    Settings { resolve: true, ..Settings::default() }
}

fn trace(settings: Settings, steps: &[(Step, &Code)]) -> String {
    let mut recorder = Recorder::new(settings, Vec::new());
    for (step, code) in steps {
        if !recorder.record_known(*step) {
            recorder.record(*step, *code).unwrap();
        }
    }
    recorder.write_block().unwrap();
    String::from_utf8(recorder.writer).unwrap()
}

#[test]
fn a_line_is_made_once() {
    let code = Code::new(b"f");
    let load = (step(8, 0, "LOAD_CONST", 0), &code);
    let back = (step(8, 3, "RETURN_VALUE", 0), &code);
    let text = trace(resolving(), &[load, back, load, back]);
    assert_eq!(text, "f> 0 LOAD_CONST (k)\nf> 3 RETURN_VALUE\n".repeat(2));
    assert_eq!(code.rendered.get(), 1);
}

#[test]
fn a_line_that_can_change_is_made_each_time() {
    let code = Code { mutable: true, ..Code::new(b"f") };
    let load = (step(8, 0, "LOAD_CONST", 0), &code);
    trace(resolving(), &[load, load, load]);
    assert_eq!(code.rendered.get(), 3);
}

#[test]
fn code_that_rewrites_itself_is_seen() {
    let code = Code::new(b"f");
    let steps = [(step(8, 0, "LOAD_FAST", 0), &code), (step(8, 0, "LOAD_FAST", 1), &code)];
    assert_eq!(trace(Settings::default(), &steps), "f> 0 LOAD_FAST (0)\nf> 0 LOAD_FAST (1)\n");
}

#[test]
fn a_dead_code_object_is_not_mistaken() {
    let mut recorder = Recorder::new(Settings::default(), Vec::new());
    let (old, new) = (Code::new(b"old"), Code::new(b"new"));
    let pop = step(8, 0, "POP_TOP", 0);
    recorder.record(pop, &old).unwrap();
    recorder.forget(8);
    recorder.forget(8);
    assert!(!recorder.record_known(pop));
    recorder.record(pop, &new).unwrap();
    recorder.write_block().unwrap();
    assert_eq!(recorder.writer, b"old> 0 POP_TOP\nnew> 0 POP_TOP\n");
    assert_eq!(recorder.codes.len(), 2, "the place is used again");
}

#[test]
fn prefixes() {
    let code = Code::new(b"f");
    let prefix = (step(8, 0, "EXTENDED_ARG", 1), &code);
    // The second of two prefixes has the bits of the first; f_lasti stays with the first.
    let chained = Step { next: FIRST + 9, ..prefixed(8, 0, "LOAD_CONST", 7) };
    let steps = [
        prefix,
        (prefixed(8, 0, "JUMP_ABSOLUTE", 65_542), &code),
        prefix,
        (prefixed(8, 0, "POP_TOP", 65_536), &code),
        prefix,
        (prefixed(8, 0, "EXTENDED_ARG", 65_537), &code),
        (chained, &code),
    ];
    let shown = "f> 0 EXTENDED_ARG (1)\nf> 3 JUMP_ABSOLUTE (65542)\n\
                 f> 0 EXTENDED_ARG (1)\nf> 3 POP_TOP\n\
                 f> 0 EXTENDED_ARG (1)\nf> 3 EXTENDED_ARG (65537)\nf> 6 LOAD_CONST (7)\n";
    assert_eq!(EXTENDED_ARG, by_name("EXTENDED_ARG").unwrap());
    let twice: Vec<_> = steps.iter().chain(&steps).copied().collect();
    assert_eq!(trace(Settings::default(), &twice), shown.repeat(2));
    let blog = Settings { blog: true, ..Settings::default() };
    assert_eq!(trace(blog, &steps), "f> 0 EXTENDED_ARG (1)\n".repeat(3));
}

#[test]
fn only_the_named() {
    let (wanted, other) = (Code::new(b"f"), Code::new(b"g"));
    let settings = Settings { name: Some(b"f".to_vec()), ..Settings::default() };
    let mut steps = Vec::new();
    for _ in 0..2 {
        steps.push((step(8, 0, "NOP", 0), &wanted));
        steps.push((step(16, 0, "NOP", 0), &other));
        steps.push((step(16, 1, "EXTENDED_ARG", 0), &other));
        steps.push((prefixed(16, 1, "NOP", 0), &other));
    }
    assert_eq!(trace(settings, &steps), "f> 0 NOP\nf> 0 NOP\n");
}

#[test]
fn blocks_and_long_lines_keep_their_order() {
    let short = Code::new(b"f");
    let long = Code { constant: vec![b'x'; LONG + 1], ..Code::new(b"g") };
    let mut recorder = Recorder::new(resolving(), Vec::new());
    let mut wanted = String::new();
    let long_line = format!("g> 0 LOAD_CONST ({})\n", "x".repeat(LONG + 1));
    for round in 0..40_000 {
        let (this, code, line) = match round % 5_000 {
            0 => (step(16, 0, "LOAD_CONST", 0), &long, &long_line[..]),
            _ => (step(8, 0, "LOAD_CONST", 0), &short, "f> 0 LOAD_CONST (k)\n"),
        };
        if !recorder.record_known(this) {
            recorder.record(this, code).unwrap();
        }
        wanted.push_str(line);
    }
    recorder.write_block().unwrap();
    assert!(recorder.writer == wanted.as_bytes());
    assert_eq!((short.rendered.get(), long.rendered.get()), (1, 1));
}

#[test]
fn code_that_runs_off_its_end() {
    let code = Code { length: 1, ..Code::new(b"f") };
    let steps = [(step(8, 1, "STOP_CODE", 0), &code), (step(8, 90, "STOP_CODE", 0), &code)];
    assert_eq!(trace(Settings::default(), &steps), "f> 1 STOP_CODE\nf> 90 STOP_CODE\n");
}

#[test]
fn a_failed_write_is_an_error() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let code = Code { constant: vec![b'x'; LONG + 1], ..Code::new(b"f") };
    let mut recorder = Recorder::new(resolving(), Full);
    let error = recorder.record(step(8, 0, "LOAD_CONST", 0), &code).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}
