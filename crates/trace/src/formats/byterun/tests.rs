//! byterun's logs, as `VirtualMachine.log` and `make_frame` write them, and what they never write.

use super::*;
use crate::step::Saved;

fn read(log: &[u8]) -> (Vec<Saved>, Option<ReadError>, u64) {
    let mut steps = Vec::new();
    let mut reader = Byterun::new(Lines::from_reader("t", Box::new(crate::lines::Drip(log))));
    loop {
        match reader.next() {
            Ok(Some(step)) => steps.push(Saved::new(&step)),
            Ok(None) => return (steps, None, reader.other_lines()),
            Err(error) => return (steps, Some(error), reader.other_lines()),
        }
    }
}

/// Every step as `NAME DEPTH PC OPNAME OPERAND`.
fn shown(log: &[u8]) -> Vec<String> {
    let (steps, error, _) = read(log);
    assert!(error.is_none(), "{error:?}");
    let text = |text: &[u8]| text.escape_ascii().to_string();
    let show = |saved: &Saved| {
        let step = saved.step();
        let operand = match step.operand {
            Operand::Absent => "-".to_owned(),
            Operand::Number(number) => number.to_string(),
            Operand::Meaning(meaning) => format!("'{}'", text(meaning)),
            Operand::Both(number, meaning) => format!("{number} '{}'", text(meaning)),
            Operand::Either(_) => unreachable!("byterun's operands are distinguished"),
        };
        let name = step.code.name.map_or("?".to_owned(), text);
        let opname = step.opname().unwrap_or("?");
        format!("{name} {} {} {opname} {operand}", step.depth.unwrap(), step.pc)
    };
    steps.iter().map(show).collect()
}

#[test]
fn operands_are_those_of_the_tracer() {
    for (record, wanted) in [
        ("0: LOAD_CONST 12", "? 1 0 LOAD_CONST '12'"),
        ("0: LOAD_CONST -12L", "? 1 0 LOAD_CONST '-12'"),
        ("0: LOAD_CONST None", "? 1 0 LOAD_CONST 'None'"),
        (r"0: LOAD_CONST 'a\'b\n\xff\\'", r"? 1 0 LOAD_CONST 'a\'b\n\xff\\'"),
        ("0: LOAD_CONST \"it's\"", r"? 1 0 LOAD_CONST 'it\'s'"),
        ("0: LOAD_CONST (1, 'a')", r"? 1 0 LOAD_CONST '(1, \'a\')'"),
        ("0: LOAD_CONST ()", "? 1 0 LOAD_CONST '()'"),
        ("0: LOAD_CONST <code object f at 0x7f>", "? 1 0 LOAD_CONST '<code object f at 0x7f>'"),
        // `str` of these is something else.
        ("0: LOAD_CONST 0.10000000000000001", "? 1 0 LOAD_CONST -"),
        ("0: LOAD_CONST u'a'", "? 1 0 LOAD_CONST -"),
        ("0: LOAD_CONST (1+2j)", "? 1 0 LOAD_CONST -"),
        ("    6: STORE_NAME 'f'", "? 2 6 STORE_NAME 'f'"),
        ("        9: LOAD_FAST 'n'", "? 3 9 LOAD_FAST 'n'"),
        ("6: LOAD_DEREF 'x'", "? 1 6 LOAD_DEREF -"),
        ("6: JUMP_FORWARD 30", "? 1 6 JUMP_FORWARD 21 '30'"),
        ("6: JUMP_ABSOLUTE 30", "? 1 6 JUMP_ABSOLUTE 30 '30'"),
        ("6: COMPARE_OP 2", "? 1 6 COMPARE_OP 2"),
        ("6: CALL_FUNCTION 513", "? 1 6 CALL_FUNCTION 513"),
        ("28: BINARY_SUBTRACT", "? 1 28 BINARY_SUBTRACT -"),
        ("28: SLICE+3", "? 1 28 SLICE+3 -"),
        ("28: <200> 7", "? 1 28 ? 7"),
    ] {
        let log = format!("INFO:byterun.pyvm2:{record}\n");
        assert_eq!(shown(log.as_bytes()), [wanted], "{record}");
    }
}

fn records(lines: &[&str]) -> Vec<u8> {
    lines.iter().flat_map(|line| format!("INFO:byterun.pyvm2:{line}\n").into_bytes()).collect()
}

fn frame(name: &str) -> String {
    format!("make_frame: code=<code object {name} at 0x7f01, file \"p.py\", line 1>, callargs={{}}")
}

#[test]
fn frames_have_the_names_that_they_were_made_for() {
    let (module, f, g) = (frame("<module>"), frame("f"), frame("g"));
    let log = records(&[
        &module,
        "  data: []",
        "  blks: []",
        "0: LOAD_NAME 'f'",
        "  data: [<function f at 0x7f02>]",
        "  blks: []",
        "3: CALL_FUNCTION 0",
        &f,
        "      data: []",
        "      blks: [Block(type='loop', handler=30, level=0)]",
        "    0: LOAD_CONST None",
        // C code calls another function in its place.
        &g,
        "    0: LOAD_CONST None",
        "    3: RETURN_VALUE",
        // A generator's frame is made, and runs later.
        &f,
        "6: STORE_NAME 'x'",
        "    0: LOAD_CONST None",
        "9: POP_TOP",
    ]);
    assert_eq!(
        shown(&log),
        [
            "<module> 1 0 LOAD_NAME 'f'",
            "<module> 1 3 CALL_FUNCTION 0",
            "f 2 0 LOAD_CONST 'None'",
            "g 2 0 LOAD_CONST 'None'",
            "g 2 3 RETURN_VALUE -",
            "<module> 1 6 STORE_NAME 'x'",
            "? 2 0 LOAD_CONST 'None'",
            "<module> 1 9 POP_TOP -",
        ]
    );
    assert_eq!(read(&log).2, 0);
}

#[test]
fn output_of_the_program_is_passed_over() {
    let log = b"hello\nINFO:byterun.execfile:x\nno newlineINFO:byterun.pyvm2:0: POP_TOP\n\
        INFO:byterun.pyvm2:0: NO_SUCH\nINFO:byterun.pyvm2:  3: POP_TOP\nERROR:byterun.pyvm2:Caught\nend";
    assert_eq!(shown(log), ["? 1 0 POP_TOP -"]);
    assert_eq!(read(log).2, 6);
}

#[test]
fn hostile_logs_cost_nothing() {
    let deep = format!("INFO:byterun.pyvm2:{}0: POP_TOP\n", " ".repeat(4_000_000)).into_bytes();
    let mut reader = Byterun::new(Lines::of("t", &deep, Position::START));
    assert_eq!(reader.next().unwrap().unwrap().depth, Some(1_000_001));
    assert!(reader.frames.capacity() <= DEEPEST);
    for bad in [
        &b"99999999999999: POP_TOP"[..],
        b"4294967296: POP_TOP",
        b"-1: POP_TOP",
        b"make_frame: code=<code object f",
        b"make_frame: code=<code object f at 0x, file \"",
        b": POP_TOP",
        b"",
    ] {
        let log = [INFO, bad, b"\n"].concat();
        let (steps, error, others) = read(&log);
        assert_eq!((steps.len(), error.is_none(), others), (0, true, 1), "{}", bad.escape_ascii());
    }
    for constant in [r"'\x", r"'\xg0'", r"'\q'", "'a'b'", "'", "'a", r"'\'"] {
        let log = records(&[&format!("0: LOAD_CONST {constant}")]);
        assert_eq!(shown(&log), ["? 1 0 LOAD_CONST -"], "{constant}");
    }
}

#[test]
fn a_record_that_is_cut_is_an_error() {
    let log = records(&["0: LOAD_CONST 12", "3: POP_TOP"]);
    let first = log.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    for end in 0..log.len() {
        let (steps, error, _) = read(&log[..end]);
        assert_eq!(steps.len(), usize::from(end >= first), "{end}");
        assert_eq!(error.is_some(), end != 0 && end != first, "{end}");
    }
}
