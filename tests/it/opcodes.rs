//! Belongs here: our opcode table against CPython's, and which opcodes the corpus runs.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use bytecode::opcode::{self, Operand};
use integration::{Python, in_parallel, programs};

#[test]
fn the_table_is_cpythons() {
    let program = "\
import opcode
kinds = ['hasconst', 'hasname', 'haslocal', 'hasfree', 'hascompare', 'hasjabs', 'hasjrel']
for name, number in sorted(opcode.opmap.items(), key=lambda item: item[1]):
    kind = [kind for kind in kinds if number in getattr(opcode, kind)]
    print number, name, kind[0] if kind else number >= opcode.HAVE_ARGUMENT
print ' | '.join(opcode.cmp_op)
print opcode.HAVE_ARGUMENT, opcode.EXTENDED_ARG
";
    let theirs = Python::traced().run(Path::new("."), ["-c", program]);
    let mut ours = String::new();
    for number in opcode::all() {
        let kind = match opcode::operand(number) {
            Operand::None => "False",
            Operand::Plain => "True",
            Operand::Const => "hasconst",
            Operand::Name => "hasname",
            Operand::Local => "haslocal",
            Operand::Free => "hasfree",
            Operand::Compare => "hascompare",
            Operand::JumpAbsolute => "hasjabs",
            Operand::JumpRelative => "hasjrel",
        };
        ours += &format!("{number} {} {kind}\n", opcode::name(number).unwrap());
    }
    ours += &format!("{}\n", opcode::COMPARE.join(" | "));
    ours += &format!("{} {}\n", opcode::HAVE_ARGUMENT, opcode::EXTENDED_ARG);
    assert_eq!(String::from_utf8_lossy(&theirs.output), ours, "{}", theirs.text());
}

#[test]
fn the_corpus_runs_every_opcode() {
    let seen = Mutex::new(BTreeSet::new());
    in_parallel(programs(""), |program| {
        let run = Python::traced().trace(&program.folder, &[], &program.arguments());
        let lines = run.text().split(|&byte| byte == b'\n').filter_map(bytecode::text::parse);
        let opcodes: BTreeSet<u8> = lines.map(|line| line.opcode).collect();
        seen.lock().unwrap().extend(opcodes);
    });
    let seen = seen.into_inner().unwrap();
    let never: Vec<_> = opcode::all().filter(|number| !seen.contains(number)).collect();
    let names: Vec<_> = never.iter().filter_map(|&number| opcode::name(number)).collect();
    assert!(never.is_empty(), "never run: {names:?}");
    assert!(seen.iter().any(|&number| opcode::name(number).is_none()), "no unknown opcode is run");
}
