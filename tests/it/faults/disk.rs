//! Places that take no more of the trace: the program goes on, and what was written is whole.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use integration::{Outcome, Python, project, trace27, wait_for};

use super::{FORMATS, Scene, assert_begins, assert_told_once, unpacked};

/// Enough for any small disk in either format, and for a pipe.
pub const LONG: &str = "\
import os, sys

def step(number):
    if number % 3:
        return number
    return -number

def work(count):
    total = 0
    for number in xrange(count):
        total += step(number)
    return total

print work(250000)
sys.stdout.flush()
os.write(2, 'own\\n')
sys.exit(7)
";

/// The program's own output and status, and one line more on standard error.
fn assert_unharmed(outcome: &Outcome, reason: &str) {
    assert_eq!(
        (outcome.status, &outcome.output[..]),
        (7, &b"10416458334\n"[..]),
        "{}",
        outcome.text()
    );
    let errors = String::from_utf8(outcome.errors.clone()).unwrap();
    let told = errors.replace("own\n", "");
    assert_told_once(&Outcome { errors: told.into(), ..outcome.clone() }, reason);
}

/// What is left is the beginning of the trace; a recording that was not finished says so.
fn assert_whole_lines(whole: &[u8], file: &Path) {
    wait_for(file);
    let name = file.file_name().unwrap().to_str().unwrap();
    let text = if name.contains(".flow") {
        let expanded = trace27(["expand".as_ref(), file.as_os_str()]);
        let errors = String::from_utf8_lossy(&expanded.errors);
        let is_told = expanded.status == 2
            && errors.lines().count() == 1
            && errors.contains("the recording is cut short here; it was never finished");
        assert!(expanded.status == 0 || is_told, "{}", expanded.text());
        expanded.output
    } else if name.ends_with(".zst") {
        unpacked(file)
    } else {
        fs::read(file).unwrap()
    };
    assert!(!text.is_empty() && text.len() < whole.len(), "{} bytes", text.len());
    assert_begins(&file.display().to_string(), whole, &text);
}

fn whole(scene: &Scene) -> Vec<u8> {
    let outcome = scene.trace(&[], "whole.txt", &[]);
    assert_eq!((outcome.status, &outcome.errors[..]), (7, &b"own\n"[..]), "{}", outcome.text());
    scene.text("whole.txt")
}

#[test]
fn a_device_that_is_full() {
    let scene = Scene::new(LONG);
    symlink("/dev/full", scene.path("trace.txt")).unwrap();
    symlink("/dev/full", scene.path("trace.flow")).unwrap();
    symlink("/dev/full", scene.path("trace.txt.zst")).unwrap();
    for name in ["trace.txt", "trace.flow", "trace.txt.zst"] {
        let outcome = scene.trace(&[], name, &[]);
        assert_unharmed(&outcome, "cannot write the trace: no space left on device");
    }
}

#[test]
fn a_limit_on_the_size_of_files() {
    let scene = Scene::new(LONG);
    let whole = whole(&scene);
    for name in FORMATS {
        // The memory that is shared with the writer is a file to the kernel: larger ones than both.
        for limit in ["1000000:", "50000:", "5000:"] {
            trace_below(limit, &scene, name);
            assert_whole_lines(&whole, &scene.path(name));
        }
    }
}

/// The program finds the limit that it was started with, and so does a child that is traced too.
#[test]
fn a_limit_that_is_raised_for_a_moment() {
    let program = "\
import os, resource
if os.fork():
    os.wait()
os.write(1, '%r\\n' % (resource.getrlimit(resource.RLIMIT_FSIZE),))
";
    let scene = Scene::new(program);
    for name in FORMATS {
        let command = scene.tracing(&["--follow-fork"], name, &[]);
        let outcome = Python::traced().finish(&mut limited("400000:2000000", &command));
        let limits = "(400000, 2000000)\n".repeat(2);
        assert_eq!(outcome.text(), format!("status 0\n--- output\n{limits}--- errors\n"));
        assert_eq!(scene.names().iter().filter(|file| file.starts_with(name)).count(), 2);
    }
}

/// A hard limit, as plain `ulimit -f` sets it, holds for the memory that is shared, too. A child
/// that is followed shares its own.
#[test]
fn a_limit_that_cannot_be_raised() {
    let scene = Scene::new(LONG);
    let whole = whole(&scene);
    for name in FORMATS {
        for limit in ["40000", "5000"] {
            trace_below(limit, &scene, name);
            assert_whole_lines(&whole, &scene.path(name));
        }
        trace_below("0", &scene, name);
        assert_eq!(fs::read(scene.path(name)).unwrap(), b"");
    }
    let scene = Scene::new("import os\nif os.fork():\n    os.wait()\n");
    for name in FORMATS {
        let command = scene.tracing(&["--follow-fork"], name, &[]);
        let outcome = Python::traced().finish(&mut limited("40000", &command));
        assert_eq!(outcome.text(), "status 0\n--- output\n--- errors\n");
        assert_eq!(scene.names().iter().filter(|file| file.starts_with(name)).count(), 2);
    }
}

/// Traces below a limit that the trace reaches.
fn trace_below(limit: &str, scene: &Scene, name: &str) {
    let mut command = limited(limit, &scene.tracing(&[], name, &[]));
    let outcome = Python::traced().finish(&mut command);
    assert_unharmed(&outcome, "cannot write the trace: file too large");
}

/// The same command, below a limit on the size of files.
fn limited(limit: &str, command: &Command) -> Command {
    let mut shell = Command::new("prlimit");
    shell.arg(format!("--fsize={limit}"));
    shell.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    shell.current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// What fits is there, however little that is.
#[test]
fn a_disk_that_is_full() {
    let scene = Scene::new(LONG);
    let whole = whole(&scene);
    let disk = scene.path("full_disk.so");
    let source = project().join("tests/support/full_disk.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&disk).arg(source);
    assert!(compiler.status().expect("a C compiler has built the interpreter").success());
    for (name, rooms) in [
        ("trace.txt", &["100", "5000", "48000"][..]),
        ("trace.flow", &["1500", "5000", "48000"]),
        ("trace.txt.zst", &["100", "5000", "20000"]),
        // The whole is less than a thousand bytes.
        ("trace.flow.zst", &["800"]),
    ] {
        for room in rooms {
            let mut command = scene.tracing(&[], name, &[]);
            command.env("LD_PRELOAD", &disk).env("FULL_DISK", room);
            let outcome = Python::traced().finish(&mut command);
            assert_unharmed(&outcome, "cannot write the trace: no space left on device");
            assert_whole_lines(&whole, &scene.path(name));
        }
    }
}

/// The file stays, without a name, and so does the program.
#[test]
fn a_folder_that_vanishes() {
    let program = "\
import os, shutil
shutil.rmtree('traces')
def work(count): return sum([number for number in xrange(count)])
print work(30000)
";
    for name in FORMATS {
        let scene = Scene::new(program);
        fs::create_dir(scene.path("traces")).unwrap();
        let outcome = scene.trace(&[], &format!("traces/{name}"), &[]);
        assert_eq!(outcome.text(), "status 0\n--- output\n449985000\n--- errors\n");
        assert_eq!(scene.names(), Vec::<String>::new());
    }
}

/// A thread's file that cannot be made is reported as any other.
#[test]
fn a_folder_that_vanishes_before_a_thread_starts() {
    let program = "\
import shutil, threading
shutil.rmtree('traces')
thread = threading.Thread(target=lambda: sum([number for number in xrange(20000)]))
thread.start()
thread.join()
print 'done'
";
    for name in FORMATS {
        let scene = Scene::new(program);
        fs::create_dir(scene.path("traces")).unwrap();
        let outcome = scene.trace(&["--threads", "all"], &format!("traces/{name}"), &[]);
        assert_eq!((outcome.status, &outcome.output[..]), (0, &b"done\n"[..]));
        assert_told_once(&outcome, "cannot write the trace: no such file or directory");
    }
}

fn fifo(scene: &Scene, name: &str) {
    let made = Command::new("mkfifo").arg(scene.path(name)).status().unwrap();
    assert!(made.success());
}

/// The program waits for a reader that takes its time, and nothing is lost.
#[test]
fn a_reader_that_stalls() {
    let scene = Scene::new(LONG);
    let whole = whole(&scene);
    for name in FORMATS {
        fifo(&scene, name);
        let mut command = scene.tracing(&[], name, &[]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut reader = File::open(scene.path(name)).unwrap();
        let mut trace = vec![0; 10];
        reader.read_exact(&mut trace).unwrap();
        // Text does not fit into ring and pipe: the program cannot have come to its end.
        assert!(name != "trace.txt" || child.try_wait().unwrap().is_none());
        reader.read_to_end(&mut trace).unwrap();
        let outcome = Outcome::from(child.wait_with_output().unwrap());
        assert_eq!(outcome.text(), "status 7\n--- output\n10416458334\n--- errors\nown\n");
        fs::remove_file(scene.path(name)).unwrap();
        fs::write(scene.path(name), trace).unwrap();
        assert!(scene.text(name) == whole, "{name}");
    }
}

#[test]
fn a_reader_that_goes_away() {
    let scene = Scene::new(LONG);
    let whole = whole(&scene);
    for name in FORMATS {
        fifo(&scene, name);
        let mut command = scene.tracing(&[], name, &[]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut reader = BufReader::new(File::open(scene.path(name)).unwrap());
        let mut line = Vec::new();
        if name == "trace.txt" {
            reader.read_until(b'\n', &mut line).unwrap();
            assert!(whole.starts_with(&line));
        }
        drop(reader);
        let outcome = Outcome::from(child.wait_with_output().unwrap());
        assert_unharmed(&outcome, "cannot write the trace: broken pipe");
    }
}

/// Standard output takes the trace as well: lines of both, each whole.
#[test]
fn standard_output() {
    let scene = Scene::new(LONG);
    let whole = whole(&scene);
    let rest = ["p.py"];
    let mut command = Python::traced().tracing(scene.folder.path(), &[], Path::new("-"), &rest);
    let outcome = Python::traced().finish(&mut command);
    assert_eq!((outcome.status, &outcome.errors[..]), (7, &b"own\n"[..]));
    let own = b"10416458334\n";
    let at = outcome.output.windows(own.len()).position(|window| window == own).unwrap();
    let trace = [&outcome.output[..at], &outcome.output[at + own.len()..]].concat();
    assert!(trace == whole);
}

/// `tracer.py p.py - | head -1`, where only the trace goes there.
#[test]
fn standard_output_that_closes() {
    let scene = Scene::new(&LONG.replace("print work(250000)", "work(250000)"));
    let whole = whole(&scene);
    let rest = ["p.py"];
    let mut command = Python::traced().tracing(scene.folder.path(), &[], Path::new("-"), &rest);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = Vec::new();
    BufReader::new(child.stdout.take().unwrap()).read_until(b'\n', &mut line).unwrap();
    assert!(whole.starts_with(&line) && line.ends_with(b"\n"));
    let outcome = Outcome::from(child.wait_with_output().unwrap());
    let errors = String::from_utf8(outcome.errors.clone()).unwrap();
    assert_eq!(outcome.status, 7, "{}", outcome.text());
    let told = Outcome { errors: errors.replace("own\n", "").into(), ..outcome };
    assert_told_once(&told, "cannot write the trace: broken pipe");
}
