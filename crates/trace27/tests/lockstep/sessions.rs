//! Belongs here: the library's sessions, whatever ends them.

use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;

use trace27::lockstep::{Session, Source};

use crate::stage::{HANG, Stage, TRACE27, soon, start, text};

#[test]
fn both_traces_arrive_whole_and_the_ends_are_told() {
    let stage = Stage::new();
    let (session, [left, right]) = stage.start(
        "echo \"$1 $3\"; echo traced > \"$2\"; cat >> \"$2\"; echo last words >&2; exit 3",
        "echo emulated; echo complaint >&2; kill -9 $$",
    );
    assert_eq!(text(left), "traced\n");
    assert_eq!(text(right), "emulated\n");
    let [traced, emulator] = soon(move || session.stop());
    assert_eq!(traced.status.as_deref(), Some("exit status: 3"));
    assert_eq!(traced.errors, b"last words\n");
    assert_eq!(emulator.status.as_deref(), Some("signal: 9 (SIGKILL)"));
    assert_eq!(emulator.errors, b"complaint\n");
}

#[test]
fn a_trace_comes_from_standard_error_or_from_a_file_named_in_the_command() {
    let stage = Stage::new();
    let script = "echo out; echo err >&2; [ -z \"$1\" ] || echo file > \"$1\"";
    let mut plan = stage.plan("echo traced > \"$2\"", script, Source::Stderr);
    assert_eq!(text(start(&plan).1.into_iter().nth(1).unwrap()), "err\n");
    plan.emulator.push("{trace}".into());
    assert_eq!(text(start(&plan).1.into_iter().nth(1).unwrap()), "file\n");
}

#[test]
fn a_process_that_writes_no_trace_ends_it_by_ending() {
    let stage = Stage::new();
    let (_session, [left, right]) = stage.start("exit 2", "exit 0");
    assert_eq!((text(left).as_str(), text(right).as_str()), ("", ""));
}

#[test]
fn endless_writers_are_ended() {
    let stage = Stage::new();
    let endless = "exec 9> \"$canary\"; echo up >&9; while :; do echo step; done";
    let (session, traces) = stage.start(&format!("exec > \"$2\"; {endless}"), endless);
    let (_, canary) = stage.singing(2);
    for trace in traces {
        let mut lines = BufReader::new(trace).lines().map(Result::unwrap);
        // Dropped then, which ends no writer: only the session's end does.
        assert!(soon(move || lines.by_ref().take(10_000).all(|line| line == "step")));
    }
    let ends = soon(move || session.stop());
    assert!(ends.iter().all(|end| end.status.is_none()), "{ends:?}");
    canary.dies();
}

/// Children in the background, in the process group and out of it, of a parent that lives and of
/// one that does not.
#[test]
fn what_they_have_started_is_ended_too() {
    let stage = Stage::new();
    let escape = if cfg!(target_os = "linux") { "setsid" } else { "" };
    // It goes when its child has escaped. The folder of the FIFO is removed with all in it.
    let orphan = format!(
        "exec 9> \"$canary\" > \"$2\"; mkfifo \"$2.up\"; \
         {escape} sh -c 'echo up >&9; : > \"$1.up\"; {HANG}' sh \"$2\" & cat \"$2.up\""
    );
    let family = format!(
        "exec 9> \"$canary\"; echo step; echo up >&9; (echo up >&9; {HANG}) & \
         {escape} sh -c '(echo up >&9; {HANG}) & echo up >&9; {HANG}' & {HANG}"
    );
    let (session, [left, _right]) = stage.start(&orphan, &family);
    let (_, canary) = stage.singing(5);
    // The trace is over with its process, though its child holds it open.
    assert_eq!(text(left), "");
    let [traced, emulator] = soon(move || session.stop());
    assert_eq!((traced.status.as_deref(), emulator.status), (Some("exit status: 0"), None));
    canary.dies();
}

#[test]
fn a_panic_ends_them() {
    let stage = Stage::new();
    let hang = format!("exec 9> \"$canary\"; echo up >&9; {HANG}");
    let session = stage.start(&hang, &hang);
    let (_, canary) = stage.singing(2);
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let _session = session;
        std::panic::resume_unwind(Box::new(()));
    }));
    assert!(panicked.is_err());
    canary.dies();
}

#[cfg(target_os = "linux")]
#[test]
fn the_end_of_the_supervisor_ends_them() {
    let stage = Stage::new();
    let hang = format!("exec 9> \"$canary\"; echo $PPID >&9; {HANG}");
    let (_session, [left, right]) = stage.start(&hang, &hang);
    let (lines, canary) = stage.singing(2);
    assert_eq!(lines[0], lines[1]);
    assert!(Command::new("kill").args(["-9", lines[0].trim()]).status().unwrap().success());
    canary.dies();
    assert_eq!((text(left).as_str(), text(right).as_str()), ("", ""));
}

#[test]
fn what_cannot_be_started_is_named_and_the_other_ended() {
    let stage = Stage::new();
    let hang = format!("exec 9> \"$canary\"; {HANG}");
    let mut plan = stage.plan(&hang, "", Source::Stdout);
    plan.emulator = vec!["/no/such/emulator".into()];
    let error = Session::start(&plan, Path::new(TRACE27)).err().unwrap();
    let message = error.to_string();
    assert!(
        message.starts_with("cannot start the emulator, `/no/such/emulator`: No such file"),
        "{message}"
    );
}
