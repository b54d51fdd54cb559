//! SIGKILL at any moment: what the program had proved to have done is in the trace.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::process::Stdio;

use integration::trace27;

use super::{FORMATS, Scene, assert_begins, calls};

/// How often a program is killed, in each format.
const TIMES: u32 = 100;

/// Calls, branches, generators, exceptions; `tell` proves where it is.
const PROGRAM: &str = "\
import os

def tell(number, write=os.write):
    write(1, '%d\\n' % number)

def numbers(start):
    try:
        for number in xrange(start, start + 7):
            if number % 3:
                yield number
            tell(number)
    finally:
        tell(-1)

def fail(number):
    if number % 2:
        raise KeyError(number)
    return number

def work(count):
    total = 0
    while total < count:
        for number in numbers(total):
            try:
                fail(number)
            except KeyError:
                tell(number)
            tell(total)
            if number % 5 == 4:
                break
        total += 1

work(400)
";

/// A row of numbers that looks random.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % limit
    }
}

fn killed_at_a_hundred_moments(name: &str, options: &[&str]) {
    let scene = Scene::new(PROGRAM);
    let whole = scene.trace(&[], "whole.txt", &[]);
    assert_eq!((whole.status, &whole.errors[..]), (0, &b""[..]), "{}", whole.text());
    let full = scene.text("whole.txt");
    let proofs = calls(&full, "tell");
    let seed = u64::from(std::process::id());
    let mut random = Random(seed);
    let mut died = 0;
    for time in 0..TIMES {
        let mut command = scene.tracing(options, name, &[]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = child.stdout.take().unwrap();
        let mut told = vec![0; random.below(whole.output.len() as u64 * 3 / 4) as usize];
        output.read_exact(&mut told).unwrap();
        for _ in 0..random.below(20_000) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        output.read_to_end(&mut told).unwrap();
        died += u32::from(!child.wait().unwrap().success());
        let proved = told.iter().filter(|&&byte| byte == b'\n').count();
        let text = scene.text(name);
        let what = format!("seed {seed}, time {time}, {name}, killed after {proved} proofs");
        assert_begins(&what, &full, &text);
        let least = proved.checked_sub(1).map_or(0, |last| proofs[last]);
        assert!(text.len() >= least, "{what}: {} bytes, proved are {least}", text.len());
        if options.contains(&"--values") {
            states(&scene, name, &text, &what);
        }
    }
    assert!(died > TIMES / 2, "only {died} were killed before their end");
}

/// What each instruction had produced is there up to the last one.
fn states(scene: &Scene, name: &str, text: &[u8], what: &str) {
    let (file, out) = (scene.path(name), scene.path("states.jsonl"));
    let options = ["convert", "--values", "--to", "jsonl"].map(OsStr::new);
    let converted = trace27(options.into_iter().chain([file.as_os_str(), out.as_os_str()]));
    assert_eq!(converted.status, 0, "{what}: {}", converted.text());
    let steps = fs::read(out).unwrap();
    let steps = steps.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"{\"n\":"));
    let lines = text.iter().filter(|&&byte| byte == b'\n').count();
    assert_eq!(steps.count(), lines, "{what}");
}

#[test]
fn text() {
    killed_at_a_hundred_moments(FORMATS[0], &[]);
}

#[test]
fn a_recording() {
    killed_at_a_hundred_moments(FORMATS[1], &[]);
}

#[test]
fn a_recording_with_values() {
    killed_at_a_hundred_moments(FORMATS[1], &["--values"]);
}

/// A trace function that ends the process at once, as `SIGKILL` does: the instruction that it is
/// called before does not begin.
#[test]
fn killed_between_two_instructions() {
    let scene = Scene::new(
        "\
import ctypes, sys
end = ctypes.PYFUNCTYPE(*[ctypes.py_object] * 4)(('_exit', ctypes.CDLL(None)))
sys.settrace(lambda *arguments: None)
sys._getframe().f_trace = end
not_begun = 1
",
    );
    for name in FORMATS {
        scene.trace(&[], name, &[]);
        let text = String::from_utf8(scene.text(name)).unwrap();
        let last = text.lines().last().unwrap();
        assert!(last.contains(" STORE_ATTR ("), "{name}: {last}");
    }
}
