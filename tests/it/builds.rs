//! Belongs here: that every configuration of the interpreter writes the same trace.

use integration::{Program, Python, assert_same, in_parallel, programs};

fn everything() -> Vec<Program> {
    ["", "ours_only", "settrace"].into_iter().flat_map(programs).collect()
}

/// Programs that see whether Python is a debug build: by its counts, and by an assertion of CPython's
/// own that a jump into a block does not hold (`frame_setlineno` in Objects/frameobject.c).
const SEES_DEBUG: [&str; 2] = ["ours_only/reference_counts.py", "settrace/jump_anywhere.py"];

#[test]
fn with_a_switch() {
    let Some(switch) = Python::switch() else { return };
    in_parallel(everything(), |program| same(program, &switch));
}

#[test]
fn with_py_debug() {
    let Some(debug) = Python::debug() else { return };
    let mut programs = everything();
    programs.retain(|program| !SEES_DEBUG.contains(&program.name().as_str()));
    in_parallel(programs, |program| same(program, &debug));
}

fn same(program: &Program, other: &Python) {
    let ours = Python::traced().trace(&program.folder, &["-r"], &program.arguments());
    let others = other.trace(&program.folder, &["-r"], &program.arguments());
    assert_same("-r", ours.text(), others.text());
}
