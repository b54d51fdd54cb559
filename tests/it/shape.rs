//! Belongs here: that what tracer.py lets through to marshal does not end the interpreter: damaged
//! `.pyc` files by the thousand. `fuzz/README.md` says how to run more of them.

use integration::{Python, project};

#[test]
fn damaged_programs_are_refused_or_survived() {
    let script = project().join("fuzz/shape.py");
    let run = Python::traced().run(project(), [script.to_str().unwrap(), "20000"]);
    assert_eq!(run.status, 0, "{}", run.text());
    assert!(run.output.starts_with(b"20000 data, "), "{}", run.text());
}
