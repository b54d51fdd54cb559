//! The writer itself: killed while the program runs, not there, or another program.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use integration::{Outcome, Python, trace27, wait_for};

use super::disk::LONG;
use super::{FORMATS, Scene, assert_begins, assert_told_once};

/// Says that it is there, waits for a word, and then does much.
const WAITS: &str = "\
import os, sys
def work(count):
    total = 0
    for number in xrange(count):
        total += number if number % 3 else -number
    return total
work(1000)
os.write(1, 'ready\\n')
os.read(0, 1)
print work(int(sys.argv[1]))
sys.exit(5)
";

/// The process that has a file open.
fn writer_of(file: &Path) -> String {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    for process in processes {
        let Ok(descriptors) = fs::read_dir(process.path().join("fd")) else { continue };
        let mut targets = descriptors.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
        if targets.any(|target| target == file) {
            return process.file_name().into_string().unwrap();
        }
    }
    panic!("no process has `{}` open", file.display());
}

/// RingPacket with the next block of records, or in the end.
#[test]
fn killed() {
    let scene = Scene::new(WAITS);
    for (name, count) in [("trace.txt", "300000"), ("trace.flow", "300000"), ("trace.txt", "1")] {
        let mut command = scene.tracing(&[], name, &[count]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let pid = writer_of(&scene.path(name).canonicalize().unwrap());
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        child.stdin.take().unwrap().write_all(b"x").unwrap();
        let outcome = Outcome::from(child.wait_with_output().unwrap());
        assert_eq!(outcome.status, 5, "{}", outcome.text());
        assert_told_once(&outcome, "the process that writes the trace was ended");
        let mut rest = String::new();
        output.read_line(&mut rest).unwrap();
        let sum = if count == "1" { "0\n" } else { "15000150000\n" };
        assert_eq!(rest, sum);
    }
}

/// Where nobody waits for the ended writer it stays as a zombie.
#[test]
fn killed_and_never_waited_for() {
    let harness = "\
import ctypes, os, subprocess, sys
# PR_SET_CHILD_SUBREAPER: processes without a parent become ours.
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0
pipe = subprocess.PIPE
child = subprocess.Popen(sys.argv[1:], stdin=pipe, stdout=pipe)
assert child.stdout.readline() == 'ready\\n'
def parent(pid): return int(open('/proc/%s/stat' % pid).read().rsplit(')', 1)[1].split()[1])
def ours(pid):
    try: return parent(pid) == os.getpid()
    except EnvironmentError: return False
writer, = [int(pid) for pid in os.listdir('/proc')
           if pid.isdigit() and int(pid) != child.pid and ours(pid)]
os.kill(writer, 9)
while ') Z ' not in open('/proc/%d/stat' % writer).read():
    pass
sys.stdout.write(child.communicate('x')[0])
sys.exit(child.returncode)
";
    let scene = Scene::new(WAITS);
    for name in FORMATS {
        let command = scene.tracing(&[], name, &["300000"]);
        let mut outer = Python::unpatched().command(scene.folder.path());
        outer.arg("-c").arg(harness).arg(command.get_program()).args(command.get_args());
        let outcome = Python::traced().finish(&mut outer);
        assert_eq!((outcome.status, &outcome.output[..]), (5, &b"15000150000\n"[..]));
        assert_told_once(&outcome, "the process that writes the trace was ended");
    }
}

/// A writer that is not there, or that is something else, is reported before the program starts.
#[test]
fn not_there() {
    let scene = Scene::new("print 'started'\n");
    for (writer, reason) in [
        ("/nowhere/trace-writer", "no such file or directory"),
        ("/dev/null", "permission denied"),
        ("/bin/true", "it does not answer"),
    ] {
        let mut command = scene.tracing(&[], "trace.txt", &[]);
        command.env("PYTHON27_TRACED_WRITER", writer);
        let outcome = Python::traced().finish(&mut command);
        assert_eq!(
            outcome.text(),
            format!(
                "status 2\n--- output\n--- errors\npython27-traced: cannot start the writer of \
                 traces `{writer}`: {reason}; `cargo xtask build-python` puts it there\n"
            )
        );
    }
}

/// A child that cannot be traced goes on without, and so does the parent's trace.
#[test]
fn not_there_for_a_child() {
    let program = "\
import os, sys
os.environ['PYTHON27_TRACED_WRITER'] = '/nowhere/trace-writer'
def after(): return 'after'
pid = os.fork()
if pid == 0:
    os.write(1, 'child\\n')
    os._exit(0)
print os.waitpid(pid, 0)[1]
after()
";
    let scene = Scene::new(program);
    for name in FORMATS {
        let outcome = scene.trace(&["--follow-fork"], name, &[]);
        assert_eq!((outcome.status, &outcome.output[..]), (0, &b"child\n0\n"[..]));
        let errors = String::from_utf8(outcome.errors).unwrap();
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(errors.ends_with("; this child is not traced\n"), "{errors}");
        let text = scene.text(name);
        let last = b"after> 3 RETURN_VALUE\n";
        assert!(text.windows(last.len()).any(|window| window == last));
    }
}

/// What a reader makes of a trace that is not whole: its beginning, and a line that says so.
fn beginning(file: &Path) -> Vec<u8> {
    wait_for(file);
    let file = file.to_str().unwrap();
    let outcome = if file.contains(".flow") {
        trace27(["expand", file])
    } else {
        trace27(["convert", "--from", "blog", "--to", "blog", file, "-"])
    };
    let errors = String::from_utf8_lossy(&outcome.errors);
    let is_told =
        outcome.status == 2 && errors.lines().count() == 1 && errors.contains("cut short");
    assert!(outcome.status == 0 || is_told, "{}", outcome.text());
    outcome.output
}

/// The two formats, as they are and compressed.
const ALL: [&str; 4] = ["trace.txt", "trace.flow", "trace.txt.zst", "trace.flow.zst"];

fn whole(scene: &Scene) -> Vec<u8> {
    assert_eq!(scene.trace(&[], "whole.txt", &["1"]).status, 5);
    scene.text("whole.txt")
}

/// What a killed writer had written is the beginning of the trace.
#[test]
fn what_a_killed_writer_leaves() {
    let scene = Scene::new(WAITS);
    let whole = whole(&scene);
    for name in ALL {
        let mut command = scene.tracing(&[], name, &["1"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut String::new()).unwrap();
        let pid = writer_of(&scene.path(name).canonicalize().unwrap());
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_begins(name, &whole, &beginning(&scene.path(name)));
    }
}

/// While a program is quiet all that it has recorded can be read, in every format.
#[test]
fn what_a_quiet_program_has_told() {
    let scene = Scene::new(WAITS);
    let whole = whole(&scene);
    for name in ALL {
        let pipe = scene.path(name);
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let command = scene.tracing(&[], name, &["1"]);
        let mut outer = Command::new("timeout");
        outer.current_dir(scene.folder.path()).arg("60");
        outer.arg(command.get_program()).args(command.get_args());
        outer.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = outer.spawn().unwrap();
        let mut pipe = File::open(pipe).unwrap();
        let copy = scene.path(&format!("copy-{name}"));
        let (mut trace, mut piece) = (Vec::new(), vec![0; 1 << 16]);
        loop {
            let length = pipe.read(&mut piece).unwrap();
            assert!(length > 0, "{name}: nothing more came in a minute");
            trace.extend_from_slice(&piece[..length]);
            fs::write(&copy, &trace).unwrap();
            let text = beginning(&copy);
            if text.windows(8).any(|window| window == b"work> 0 ") {
                break;
            }
        }
        child.stdin.take().unwrap().write_all(b"x").unwrap();
        pipe.read_to_end(&mut trace).unwrap();
        let outcome = Outcome::from(child.wait_with_output().unwrap());
        assert_eq!((outcome.status, &outcome.errors[..]), (5, &b""[..]), "{}", outcome.text());
        fs::write(&copy, &trace).unwrap();
        assert!(super::text(&copy) == whole, "{name}");
    }
}

/// A compressed trace that ends anywhere is read up to there.
#[test]
fn a_compressed_trace_that_is_cut() {
    let scene = Scene::new(LONG);
    assert_eq!(scene.trace(&[], "whole.txt", &[]).status, 7);
    let whole = scene.text("whole.txt");
    for name in ["trace.txt.zst", "trace.flow.zst"] {
        assert_eq!(scene.trace(&[], name, &[]).status, 7);
        wait_for(&scene.path(name));
        let trace = fs::read(scene.path(name)).unwrap();
        let cut = scene.path(&format!("cut-{name}"));
        let mut lengths = Vec::new();
        for quarters in 1..=4 {
            fs::write(&cut, &trace[..(trace.len() - 1) * quarters / 4]).unwrap();
            let text = beginning(&cut);
            assert_begins(name, &whole, &text);
            lengths.push(text.len());
        }
        assert!(lengths.is_sorted() && lengths[3] > whole.len() / 2, "{lengths:?}");
    }
}

/// A fault of ours is written down beside the trace, and the message names the file. Here the
/// program sets what it must not touch.
#[test]
fn a_fault_is_written_down() {
    let program = "\
import ctypes, os, sys
lines = [line.split() for line in open('/proc/self/maps') if '/memfd:trace' in line]
page, = [line[0].split('-')[0] for line in lines if line[1:3] == ['rw-s', '00000000']]
control = ctypes.c_ulonglong.from_address(int(page, 16))
def work(count): return [number for number in xrange(count) if number % 3]
if len(sys.argv) > 1 and os.fork():
    print os.wait()[1]
    os._exit(0)
# A followed child has a page of its own in the same place.
control.value = 0x7fffffffffffffff
work(100000)
print 'end'
";
    let scene = Scene::new(program);
    for name in FORMATS {
        let outcome = scene.trace(&[], name, &[]);
        assert_eq!((outcome.status, &outcome.output[..]), (0, &b"end\n"[..]), "{}", outcome.text());
        assert_told_once(
            &outcome,
            &format!(
                "the trace hook has a fault; please report it, with the file `{}.fault.txt`",
                scene.path(name).display()
            ),
        );
        let log = fs::read_to_string(scene.path(&format!("{name}.fault.txt"))).unwrap();
        for line in
            ["version    ", "run        {\"format\":", "fault      ", "position   ", "0000  "]
        {
            assert!(log.lines().any(|found| found.starts_with(line)), "{line}: {log}");
        }
        assert!(log.contains("\"build\":\"") && log.len() < 8192, "{log}");
    }
    let outcome = scene.trace(&["--follow-fork"], "trace.txt", &["fork"]);
    let logs: Vec<String> =
        scene.names().into_iter().filter(|name| name.ends_with(".fault.txt")).collect();
    assert_eq!(logs.len(), 3, "{logs:?}");
    let errors = String::from_utf8(outcome.errors).unwrap();
    let own = logs.iter().find(|log| !log.starts_with("trace.txt.f") && !log.contains(".flow"));
    assert!(errors.contains(&format!("/{}`; tracing ends", own.unwrap())), "{errors}");
    // To a device there is none.
    let mut direct = Python::traced().command(scene.folder.path());
    direct.env("PYTHON27_TRACED_FILE", "/dev/null").args(["p.py"]);
    let outcome = Python::traced().finish(&mut direct);
    assert_told_once(&outcome, "the trace hook has a fault; please report it");
}
