//! What a program can look at is as without tracing, and what it does to itself ends no trace.

use std::os::unix::process::CommandExt;
use std::process::Command;

use integration::Python;

use super::{FORMATS, Scene};

/// The program's output is the same with plain CPython, and its trace goes on to the end.
fn same_and_whole(program: &str, options: &[&str]) {
    let program = format!("{program}\ndef last(): return 'last'\nlast()\n");
    let scene = Scene::new(&program);
    let plain = scene.plain(&[]);
    assert_eq!((plain.status, &plain.errors[..]), (0, &b""[..]), "{}", plain.text());
    for name in FORMATS {
        let outcome = scene.trace(options, name, &[]);
        assert_eq!(plain.text(), outcome.text(), "{name}");
        let text = String::from_utf8(scene.text(name)).unwrap();
        let last = "last> 0 LOAD_CONST (1)\nlast> 3 RETURN_VALUE\n";
        assert!(text.contains(last), "{name}: {text}");
    }
}

#[test]
fn processes_and_descriptors() {
    let program = "\
import errno, os, resource, sys
try:
    print os.wait()
except OSError as error:
    print errno.errorcode[error.errno]
print [os.open(os.devnull, os.O_RDONLY) for _ in '123'], os.pipe()
print sorted(os.listdir('/proc/self/fd'), key=int)
print len(os.listdir('/proc/self/task'))
print os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid()
for line in open('/proc/self/status'):
    # Not SigQ, which counts the signals of all the user's processes.
    if line.startswith(('SigPnd', 'ShdPnd', 'SigBlk', 'SigIgn', 'SigCgt', 'Threads')):
        print line.split(':')[0], line.split(':')[1].split('/')[0]
for limit in 'CORE', 'FSIZE', 'NOFILE', 'STACK', 'AS':
    print resource.getrlimit(getattr(resource, 'RLIMIT_' + limit))
print sorted(os.environ)
print open('/proc/self/maps').read().count('[heap]')
print os.times()[2:4]
";
    same_and_whole(program, &[]);
    same_and_whole(program, &["--threads", "all", "--follow-fork"]);
}

/// The writer is in another session, and not a child of the program.
#[test]
fn relations() {
    let program = "\
import os, signal
print os.getppid() == int(os.environ['PARENT'])
print os.getpgid(0) == os.getpgid(os.getppid()), os.getsid(0) == os.getsid(os.getppid())
children = [pid for pid in os.listdir('/proc') if pid.isdigit()]
def parent(pid):
    try:
        return int(open('/proc/%s/stat' % pid).read().rsplit(')', 1)[1].split()[1])
    except EnvironmentError:
        return 0
print [pid for pid in children if parent(pid) == os.getpid()]
";
    let scene = Scene::new(program);
    let parent = std::process::id().to_string();
    for name in FORMATS {
        let mut command = scene.tracing(&[], name, &[]);
        let outcome = Python::traced().finish(command.env("PARENT", &parent));
        assert_eq!(outcome.text(), "status 0\n--- output\nTrue\nTrue True\n[]\n--- errors\n");
    }
}

/// A child's end is reported to its parent only, and no child is there that the program did not make.
#[test]
fn children_of_a_traced_child() {
    same_and_whole(
        "\
import errno, os, signal
ended = []
signal.signal(signal.SIGCHLD, lambda *_: ended.append(1))
pid = os.fork()
if pid == 0:
    # The writer of this process has just been started.
    try:
        os.wait()
    except OSError as error:
        os.write(1, errno.errorcode[error.errno] + '\\n')
    os.write(1, '%r\\n' % ended)
    os._exit(0)
while True:
    try:
        print os.waitpid(pid, 0)[1]
        break
    except OSError:
        pass
print ended, os.listdir('/proc/self/task') == [str(os.getpid())]
",
        &["--follow-fork"],
    );
}

#[test]
fn descriptors_that_are_closed() {
    same_and_whole("import os\nos.closerange(3, 4096)\nprint sum(xrange(1000))", &[]);
    let program = "import os\nos.closerange(3, 70000)\nfor fd in 0, 2: os.close(fd)\nprint 'out'";
    same_and_whole(program, &["--threads", "all"]);
}

/// A signal to the whole group, as a terminal or a shell sends it, does not reach the writer.
#[test]
fn signals_to_the_group() {
    let program = "\
import os, signal
for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT:
    signal.signal(number, signal.SIG_IGN)
    os.killpg(0, number)
print sum([number for number in xrange(50000)])
def last(): return 'last'
last()
";
    let scene = Scene::new(program);
    for name in FORMATS {
        let mut command = scene.tracing(&[], name, &[]);
        let outcome = Python::traced().finish(command.process_group(0));
        assert_eq!(outcome.text(), "status 0\n--- output\n1249975000\n--- errors\n");
        let text = String::from_utf8(scene.text(name)).unwrap();
        assert!(text.contains("\nlast> 3 RETURN_VALUE\n"));
    }
}

/// A program that becomes a daemon: the one that was started ends, its grandchild goes on.
#[test]
fn a_daemon() {
    let program = "\
import os, sys
def daemon():
    # What the daemon inherits tells when it ends.
    total = sum([number for number in xrange(20000)])
    os.write(1, '%d %d\\n' % (os.getpid(), total))
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir('/')
        daemon()
    os._exit(0)
os.wait()
";
    let scene = Scene::new(program);
    for name in FORMATS {
        let outcome = scene.trace(&["--follow-fork"], name, &[]);
        assert_eq!((outcome.status, &outcome.errors[..]), (0, &b""[..]), "{}", outcome.text());
        let output = String::from_utf8(outcome.output).unwrap();
        let (pid, total) = output.trim_end().split_once(' ').unwrap();
        assert_eq!(total, "199990000");
        let text = String::from_utf8(scene.text(&format!("{name}.{pid}"))).unwrap();
        assert!(text.contains("\ndaemon> 0 LOAD_GLOBAL"), "{text}");
        let own = scene.text(name);
        assert!(!String::from_utf8(own).unwrap().contains("daemon> "));
    }
}

#[test]
fn limits_of_the_process() {
    same_and_whole(
        "\
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))
print os.open(os.devnull, os.O_RDONLY)
print len('x' * (64 << 20)), sum([number for number in xrange(100000)])
try:
    print len('x' * (512 << 20))
except MemoryError:
    print 'no memory'
",
        &[],
    );
}

/// A program that runs below such limits from its start on.
#[test]
fn few_descriptors_and_little_memory() {
    let scene = Scene::new("print sum([number for number in xrange(50000)])\n");
    for limits in [&["--nofile=20"][..], &["--as=67108864"], &["--nproc=4096", "--nofile=32"]] {
        for name in FORMATS {
            let command = scene.tracing(&[], name, &[]);
            let mut outer = Command::new("prlimit");
            outer.current_dir(scene.folder.path()).args(limits);
            outer.arg(command.get_program()).args(command.get_args());
            let outcome = Python::traced().finish(&mut outer);
            assert_eq!(
                outcome.text(),
                "status 0\n--- output\n1249975000\n--- errors\n",
                "{limits:?}"
            );
            assert!(scene.text(name).ends_with(b"RETURN_VALUE\n"));
        }
    }
}
