//! Belongs here: traces against the oracle's, byte for byte, addresses masked.

use integration::{Program, Python, assert_same, difference, in_parallel, programs, real_programs};

fn agree(program: &Program, options: &[&str]) {
    let ours = Python::traced().trace(&program.folder, options, &program.arguments());
    let oracle = Python::oracle().trace(&program.folder, options, &program.arguments());
    assert_same(&format!("{options:?}"), oracle.text(), ours.text());
    assert!(!ours.text().is_empty() || options.contains(&"-n"), "{}", ours.outcome.text());
}

#[test]
fn numbers() {
    in_parallel(programs(""), |program| agree(program, &[]));
}

#[test]
fn meanings() {
    in_parallel(programs(""), |program| agree(program, &["-r"]));
}

#[test]
fn as_the_blog() {
    in_parallel(programs(""), |program| agree(program, &["--blog", "-r"]));
}

/// The code object that comes second: with `-t only`, as the original's examples have it.
#[test]
fn one_name() {
    in_parallel(programs(""), |program| {
        let whole = Python::traced().trace(&program.folder, &[], &program.arguments());
        let names = whole.text().split(|&byte| byte == b'\n').filter_map(bytecode::text::parse);
        let names = names.filter_map(|line| std::str::from_utf8(line.name).ok());
        let name = names.clone().find(|name| *name != "<module>").unwrap_or("<module>");
        // An argument of a command cannot hold a NUL.
        if !name.contains('\0') {
            agree(program, &["-t", "only", &format!("-n={name}"), "-r"]);
        }
    });
}

#[test]
fn real_programs_of_the_source_tree() {
    in_parallel(real_programs(), |program| agree(program, &["-r"]));
}

/// Only with prefixes do the two formats differ.
#[test]
fn the_blog_leaves_out_what_follows_a_prefix_and_nothing_else() {
    let mut differing = Vec::new();
    for program in programs("") {
        let python = Python::traced();
        let whole = python.trace(&program.folder, &[], &program.arguments());
        let blog = python.trace(&program.folder, &["--blog"], &program.arguments());
        if difference(whole.text(), blog.text()).is_some() {
            differing.push(program.name());
        }
    }
    assert!(!differing.is_empty());
    assert!(differing.iter().all(|name| name.starts_with("extended_arg")), "{differing:?}");
}

/// What was made is not all written when the process ends without the interpreter's knowing.
/// What is there must be right.
#[test]
fn a_program_that_ends_at_once_leaves_the_beginning_of_its_trace() {
    for name in ["ours_only/exit_at_once.py", "ours_only/exit_by_signal.py"] {
        let programs = programs("ours_only");
        let program = programs.iter().find(|program| program.name() == name).unwrap();
        let ours = Python::traced().trace(&program.folder, &[], &program.arguments());
        let oracle = Python::oracle().trace(&program.folder, &[], &program.arguments());
        assert!(oracle.text().starts_with(ours.text()), "{name}");
        assert_eq!(ours.outcome, oracle.outcome, "{name}");
    }
}
