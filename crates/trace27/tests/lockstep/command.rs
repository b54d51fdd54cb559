//! Belongs here: the command `trace27 lockstep`: what it says, and what it leaves.

use std::fs;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use trace27::lockstep::{Plan, Source};

use crate::stage::{HANG, Stage, TRACE27, soon};

/// `trace27 lockstep` for a plan, with a folder for temporary files of its own.
fn lockstep(plan: &Plan, options: &[&str]) -> (Command, TempDir) {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new(TRACE27);
    command.args(["lockstep", "--python=/bin/sh", "--tracer"]).arg(&plan.tracer).args(options);
    command.arg("--").args(&plan.emulator).arg(&plan.program);
    command.env("TMPDIR", temporary.path()).stdin(Stdio::null());
    (command, temporary)
}

fn run(traced: &str, emulator: &str, options: &[&str]) -> (i32, String, String) {
    let stage = Stage::new();
    let plan = stage.plan(traced, emulator, Source::Stdout);
    let (mut command, temporary) = lockstep(&plan, options);
    let Output { status, stdout, stderr } = soon(move || command.output().unwrap());
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn the_same_steps_are_identical() {
    let steps = "echo 'f> 0 NOP'; echo 'f> 1 RETURN_VALUE'";
    let (status, output, errors) = run(&format!("{{ {steps}; }} > \"$2\""), steps, &[]);
    assert!(output.ends_with("identical: 2 steps\n"), "{output}");
    assert_eq!((status, errors.as_str()), (0, ""));
}

#[test]
fn programs_without_end_are_ended_where_they_part() {
    let endless = "while :; do echo 'f> 0 NOP'; echo 'f> 1 JUMP_ABSOLUTE (0)'; done";
    let parts = format!("echo 'f> 0 NOP'; echo 'f> 1 JUMP_ABSOLUTE (1)'; {endless}");
    let (status, output, errors) = run(&format!("exec > \"$2\"; {endless}"), &parts, &[]);
    assert!(output.contains("the traces diverge after 1 step in common"), "{output}");
    assert_eq!((status, errors.as_str()), (1, ""));
}

/// Behind the end of one there is not much to count of the other.
#[test]
fn a_crash_is_told_with_the_last_words() {
    let endless = "exec > \"$2\"; while :; do echo 'f> 0 NOP'; done";
    let (status, output, errors) =
        run(endless, "echo 'f> 0 NOP'; printf 'no\\033[31m\\nway\\n' >&2; exit 7", &[]);
    assert!(output.contains("more than 1000 steps"), "{output}");
    assert_eq!(
        errors,
        "trace27: the emulator ended with exit status 7; the last it wrote to standard \
         error:\n    no\u{fffd}[31m\n    way\n"
    );
    assert_eq!(status, 1);
}

#[test]
fn a_side_that_hangs_is_told() {
    let traced = "exec > \"$2\"; while :; do echo 'f> 0 NOP'; done";
    let emulator = format!("echo 'f> 0 NOP'; {HANG}");
    let (status, output, errors) = run(traced, &emulator, &["--silence=1"]);
    assert!(output.contains("after 1 step "), "{output}");
    assert!(
        errors.contains("the emulator wrote nothing for 1 second (`--silence`) and was ended"),
        "{errors}"
    );
    assert_eq!(status, 1);
}

#[test]
fn a_side_without_a_trace_is_trouble_and_no_divergence() {
    let steps = "echo 'f> 0 NOP' > \"$2\"";
    let (status, output, errors) = run(steps, "echo no such program >&2; exit 3", &[]);
    assert_eq!((status, output.as_str()), (2, ""));
    assert!(errors.contains("the emulator wrote no trace to standard output"), "{errors}");
    assert!(errors.contains("(exit status: 3)") && errors.contains("no such program"), "{errors}");
    let (status, _, errors) = run("echo refused >&2; exit 2", "echo 'f> 0 NOP'", &[]);
    assert!(errors.starts_with("trace27: the traced interpreter wrote no trace"), "{errors}");
    assert!(errors.contains("refused"), "{errors}");
    assert_eq!(status, 2);
    let (status, _, errors) = run(steps, "echo hello; echo world", &[]);
    assert!(errors.starts_with("trace27: `the emulator`, line 1"), "{errors}");
    assert_eq!(status, 2);
}

#[test]
fn what_is_missing_is_named() {
    let stage = Stage::new();
    let plan = stage.plan("", "", Source::Stdout);
    let errors = |mut command: Command| {
        let output = soon(move || command.output().unwrap());
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let (command, _temporary) = lockstep(&Plan { program: "none.pyc".into(), ..plan.clone() }, &[]);
    assert!(errors(command).contains("cannot read the program `none.pyc`: No such file"));
    let (command, _temporary) = lockstep(&Plan { program: "none".into(), ..plan.clone() }, &[]);
    assert!(errors(command).contains("name the program with `--pyc FILE`"));
    let emulator = vec!["/no/such/emulator".into()];
    let (command, temporary) = lockstep(&Plan { emulator, ..plan }, &[]);
    let message = errors(command);
    assert!(
        message.starts_with("trace27: cannot start the emulator, `/no/such/emulator`: No such"),
        "{message}"
    );
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

/// The same command, deaf to no signal: the shell that runs the tests may be (nohup, a shell's `&`), and
/// what it ignores its children ignore.
fn undeaf(command: &Command) -> Command {
    let mut undeaf = Command::new("env");
    undeaf.arg("--default-signal=INT,TERM,HUP").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => undeaf.env(name, value),
            None => undeaf.env_remove(name),
        };
    }
    undeaf.stdin(Stdio::null());
    undeaf
}

/// By signals that it cannot answer, or does not.
#[test]
fn its_own_end_by_a_signal_leaves_nothing() {
    for signal in ["-KILL", "-INT", "-TERM", "-HUP"] {
        let stage = Stage::new();
        let hang = format!("exec 9> \"$canary\"; echo up >&9; {HANG}");
        let plan = stage.plan(&hang, &hang, Source::Stdout);
        let (command, temporary) = lockstep(&plan, &[]);
        let mut trace27 = undeaf(&command).stdout(Stdio::null()).spawn().unwrap();
        let (_, canary) = stage.singing(2);
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1);
        let pid = trace27.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        soon(move || trace27.wait().unwrap());
        canary.dies();
        // The supervisor's last deed, after the end of the others; its own end cannot be waited for.
        soon(move || {
            while fs::read_dir(temporary.path()).unwrap().count() > 0 {
                std::thread::yield_now();
            }
        });
    }
}

/// A call that the program does not hold: nothing is left to wait for.
#[test]
fn an_endless_call_of_the_emulator_is_a_divergence_at_once() {
    let traced = "exec > \"$2\"; echo 'm> 0 LOAD_CONST (x)'; while :; do echo 'm> 3 NOP'; done";
    for call in ["helper> 0 NOP", "<module>> 0 NOP"] {
        let emulator = format!(
            "echo 'm> 0 LOAD_CONST (x)'; echo 'm> 3 NOP'; echo '{call}'; \
                     while :; do echo 'helper> 1 NOP'; done"
        );
        let options = ["--max-omitted=100"];
        let options = if call.starts_with('<') { &options[..] } else { &[] };
        let (status, output, errors) = run(traced, &emulator, options);
        assert!(output.contains("the traces diverge after 2 steps in common"), "{output}");
        assert_eq!((status, errors.as_str()), (1, ""));
    }
}
