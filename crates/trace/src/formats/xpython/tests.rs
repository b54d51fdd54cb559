//! x-python's logs, made by hand and recorded from real runs (`tests/logs/xpython`).

use super::*;
use crate::step::Saved;

fn read(log: &[u8]) -> (Vec<Saved>, Option<ReadError>, u64) {
    let mut steps = Vec::new();
    let mut reader = Xpython::new(Lines::from_reader("t", Box::new(crate::lines::Drip(log))));
    loop {
        match reader.next() {
            Ok(Some(event)) => steps.push(Saved::new(&event)),
            Ok(None) => return (steps, None, reader.other_lines()),
            Err(error) => return (steps, Some(error), reader.other_lines()),
        }
    }
}

/// Every line as `DEPTH PC OPNAME OPERAND`.
fn shown(log: &[u8]) -> Vec<String> {
    let (steps, error, _) = read(log);
    assert!(error.is_none(), "{error:?}");
    let show = |saved: &Saved| {
        let event = saved.step();
        let text = |text: &[u8]| text.escape_ascii().to_string();
        let operand = match event.operand {
            Operand::Absent => "-".to_owned(),
            Operand::Number(number) => number.to_string(),
            Operand::Meaning(meaning) => format!("'{}'", text(meaning)),
            Operand::Both(number, meaning) => format!("{number} '{}'", text(meaning)),
            Operand::Either(_) => unreachable!("x-python's operands are told apart"),
        };
        let name = event.opname().unwrap_or("?");
        format!("{} {} {name} {operand}", event.depth.unwrap(), event.pc)
    };
    steps.iter().map(show).collect()
}

#[test]
fn operands_are_those_of_the_tracer() {
    for (record, wanted) in [
        (
            "L. 1   @  0: LOAD_CONST <code object f at 0x7f>",
            "1 0 LOAD_CONST '<code object f at 0x7f>'",
        ),
        ("       @  6: STORE_NAME (<function f at 0x7f..>) f", "1 6 STORE_NAME 'f'"),
        ("           @ 28: BINARY_SUBTRACT (3, 1) ", "2 28 BINARY_SUBTRACT -"),
        ("    L. 12345@ 28: LOAD_FAST n", "2 28 LOAD_FAST 'n'"),
        ("       @100: COMPARE_OP (') (', 1) is-not", "1 100 COMPARE_OP 9 'is not'"),
        ("       @100: COMPARE_OP (1, 1) not-in", "1 100 COMPARE_OP 7 'not in'"),
        ("       @100: COMPARE_OP (1, 1) nonsense", "1 100 COMPARE_OP -"),
        ("       @  6: JUMP_FORWARD 30", "1 6 JUMP_FORWARD 21 '30'"),
        ("       @  6: JUMP_ABSOLUTE 30", "1 6 JUMP_ABSOLUTE 30 '30'"),
        ("       @  6: LOAD_DEREF ('x') x", "1 6 LOAD_DEREF -"),
        ("       @  6: CALL_FUNCTION (len) 1 positional, 2 named", "1 6 CALL_FUNCTION 513"),
        ("       @  6: CALL_FUNCTION_VAR 1", "1 6 CALL_FUNCTION_VAR 1"),
        ("       @  6: MAKE_FUNCTION (f) 3 default parameters", "1 6 MAKE_FUNCTION 3"),
        ("       @  6: RAISE_VARARGS exception, parameter", "1 6 RAISE_VARARGS 2"),
        ("       @  6: PRINT_NEWLINE print \"\\n\"", "1 6 PRINT_NEWLINE -"),
        ("       @  6: SET_ADD set.add(1, 2) 2", "1 6 SET_ADD 2"),
        ("       @  6: STORE_NAME (a repr", "1 6 STORE_NAME -"),
        ("       @  6: <200> 7", "1 6 ? 7"),
        ("       @  6: SLICE+3 ", "1 6 SLICE+3 -"),
    ] {
        let log = format!("INFO:xpython.vm:{record}\n");
        assert_eq!(shown(log.as_bytes()), [wanted], "{record}");
    }
}

#[test]
fn what_is_no_step_is_passed_over() {
    let log = b"hello\nINFO:xpython.vm:exception in the execution of instruction:\n\
        \t       @ 22: CALL_FUNCTION 2 positional, 0 named\n\
        INFO:xpython.vm:L. x   @  0: POP_TOP\nINFO:xpython.vm:L. 1 @ x: POP_TOP\n\
        INFO:xpython.vm:   @  0: POP_TOP\nINFO:xpython.vm:       @  0: NO_SUCH\n\
        a: INFO:xpython.vm: bINFO:xpython.vm:       @  3: POP_TOP \nno newline";
    assert_eq!(shown(log), ["1 3 POP_TOP -"]);
    assert_eq!(read(log).2, 8);
}

#[test]
fn a_constant_goes_on_up_to_the_next_record() {
    let log = b"INFO:xpython.vm:L. 1   @  0: LOAD_CONST a\n\nb (c)\n\
        word INFO:xpython.vm:       @  3: POP_TOP \nINFO:xpython.vm:       @  4: LOAD_CONST x\ny\n";
    let wanted = ["1 0 LOAD_CONST 'a\\n\\nb (c)'", "1 3 POP_TOP -", "1 4 LOAD_CONST 'x\\ny'"];
    assert_eq!(shown(log), wanted);
}

#[test]
fn a_record_that_is_cut_is_an_error() {
    const FIRST: &str = "INFO:xpython.vm:       @  3: POP_TOP \n";
    for cut in [
        "INFO:xp",
        "INFO:xpython.vm:       @ 14: LOAD_C",
        "xINFO:xpython.vm:       @ 14: LOAD_CONST 1",
        "INFO:xpython.vm:       @ 14: LOAD_CONST 1\nmore",
    ] {
        let (steps, error, _) = read(format!("{FIRST}{cut}").as_bytes());
        let error = error.unwrap();
        assert!(error.is_cut());
        let place = (Some(2), Some(FIRST.len() as u64));
        assert_eq!((steps.len(), (error.line(), error.offset())), (1, place), "{cut}");
    }
    assert!(read(format!("{FIRST}output").as_bytes()).1.is_none());
}

#[test]
fn recorded_logs_have_their_steps() {
    macro_rules! log {
        ($name:literal) => {
            include_bytes!(concat!("../../../../../tests/logs/xpython/", $name))
        };
    }
    let mixed = shown(log!("mixed_output.log"));
    let docstring = "Output without line ends\\nand constants with them, so that a log with both \
                     streams is a patchwork.";
    assert_eq!(mixed[0], format!("1 0 LOAD_CONST '{docstring}'"));
    assert!(mixed.contains(&"2 22 LOAD_CONST '%d INFO:x-python.vm: no record;'".to_owned()));
    let prefixes = ["1 3 LOAD_CONST 'line\\none'", "1 6 PRINT_ITEM -", "1 7 PRINT_NEWLINE -"];
    assert_eq!(shown(log!("extended_arg.log"))[..3], prefixes);
    assert_eq!(shown(log!("invalid_opcode.log"))[1], "1 3 ? 7");
    let jumps = shown(log!("boolean_jumps.log"));
    assert_eq!(jumps[9..11], ["1 27 CALL_FUNCTION 0", "2 0 LOAD_NAME '__name__'"]);

    let (steps, error, _) = read(log!("closures_vv.log"));
    assert!(error.is_none());
    let first = steps[0].step();
    assert_eq!(first.code.name, Some(&b"<module>"[..]));
    assert_eq!(first.code.file, Some(&b"closures.py"[..]));
    let Operand::Meaning(text) = first.operand else { panic!("no meaning") };
    assert!(text.ends_with(b"unbound cells."));
    assert!(steps.iter().all(|saved| saved.step().code.name.is_some()));
}
