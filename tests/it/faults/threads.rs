//! Every thread to a file of its own, complete and unmixed, as if it had run alone.

use std::fs;

use super::{FORMATS, Scene, assert_begins, lines_of};

/// `work`, in the threads or in the main one, for each of the numbers.
const PROGRAM: &str = "\
import sys, threading

def helper(number):
    try:
        if number % 5 == 2:
            raise ValueError(number)
        return number
    except ValueError:
        return -number

def odd(count):
    for number in xrange(count):
        if number % 2:
            yield number

def work(count):
    total = 0
    for number in odd(count):
        total += helper(number)
    return total

counts = map(int, sys.argv[2:])
if sys.argv[1] == 'alone':
    for count in counts:
        work(count)
else:
    # Threads change often.
    sys.setcheckinterval(7)
    threads = [threading.Thread(target=work, args=(count,)) for count in counts]
    if sys.argv[1] == 'at once':
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        for thread in threads:
            thread.start()
            thread.join()
work(10)
";

const FUNCTIONS: [&str; 3] = ["helper", "odd", "work"];

/// What `work` does alone, for each number.
fn alone(scene: &Scene, counts: &[&str]) -> Vec<Vec<u8>> {
    let of = |count: &&str| {
        let outcome = scene.trace(&[], "alone.txt", &["alone", count]);
        assert_eq!(outcome.status, 0, "{}", outcome.text());
        let lines = lines_of(&scene.text("alone.txt"), &FUNCTIONS);
        let last = lines.windows(8).rposition(|window| window == b"work> 0 ").unwrap();
        lines[..last].to_vec()
    };
    counts.iter().map(of).collect()
}

fn beside(name: &str, number: usize) -> String {
    name.replace("trace.", &format!("trace.thread-{number}."))
}

/// Each thread's file is what the thread does alone.
fn as_if_alone(how: &str, counts: &[&str], names: &[&str]) {
    let scene = Scene::new(PROGRAM);
    let mut wanted = alone(&scene, counts);
    wanted.sort();
    let last = alone(&scene, &["10"]).remove(0);
    for name in names {
        let before = scene.names().len();
        let arguments = [&[how], counts].concat();
        let outcome = scene.trace(&["--threads", "all"], name, &arguments);
        assert_eq!(outcome.text(), scene.plain(&arguments).text());
        let mut found: Vec<Vec<u8>> = Vec::new();
        for number in 1..=counts.len() {
            let text = scene.text(&beside(name, number));
            assert!(text.ends_with(b"\n"));
            found.push(lines_of(&text, &FUNCTIONS));
        }
        found.sort();
        for (found, wanted) in found.iter().zip(&wanted) {
            integration::assert_same(name, wanted, found);
        }
        let own = lines_of(&scene.text(name), &FUNCTIONS);
        integration::assert_same(name, &last, &own);
        assert_eq!(scene.names().len(), before + 1 + counts.len(), "{:?}", scene.names());
    }
}

#[test]
fn four_at_once() {
    as_if_alone("at once", &["1001", "1501", "2001", "2501"], &FORMATS);
}

/// The address of a thread that has ended comes back for the next one.
#[test]
fn twenty_after_one_another() {
    let counts: Vec<String> = (100..120).map(|count| count.to_string()).collect();
    let counts: Vec<&str> = counts.iter().map(String::as_str).collect();
    as_if_alone("in turn", &counts, &FORMATS);
}

#[test]
fn compressed() {
    let scene = Scene::new(PROGRAM);
    let outcome = scene.trace(&["--threads", "all"], "trace.flow.zst", &["at once", "500", "600"]);
    assert_eq!(outcome.status, 0, "{}", outcome.text());
    let mut wanted = alone(&scene, &["500", "600"]);
    let mut found: Vec<Vec<u8>> = [1, 2]
        .map(|number| lines_of(&scene.text(&beside("trace.flow.zst", number)), &FUNCTIONS))
        .into();
    wanted.sort();
    found.sort();
    assert!(wanted == found);
}

/// With others at work the thread that starts the program is traced as if it were alone.
#[test]
fn the_first_thread_among_others() {
    let program = "\
import sys, threading
sys.setcheckinterval(3)
def work(count):
    return sum([number for number in xrange(count) if number % 3])
def other(count):
    return [str(number) for number in xrange(count) if number % 7]
threads = [threading.Thread(target=other, args=(5000,)) for _ in '12']
if len(sys.argv) > 1:
    for thread in threads:
        thread.start()
work(5000)
if len(sys.argv) > 1:
    for thread in threads:
        thread.join()
";
    let scene = Scene::new(program);
    assert_eq!(scene.trace(&[], "alone.txt", &[]).status, 0);
    let wanted = lines_of(&scene.text("alone.txt"), &["work"]);
    for name in FORMATS {
        let outcome = scene.trace(&[], name, &["with others"]);
        assert_eq!(outcome.status, 0, "{}", outcome.text());
        let text = scene.text(name);
        integration::assert_same(name, &wanted, &lines_of(&text, &["work"]));
        assert!(lines_of(&text, &["other"]).is_empty());
    }
}

/// Killed while four threads run, each file ends at a line's end and begins as it should.
#[test]
fn threads_that_are_killed() {
    let program = "\
import os, sys, thread
sys.setcheckinterval(11)
def work(count):
    total = 0
    for number in xrange(count):
        if number % 3:
            total += number
    return total
def run(count, started):
    work(count)
    started.release()
    while True:
        work(count)
for count in (1001, 1002, 1003, 1004):
    started = thread.allocate_lock()
    started.acquire()
    thread.start_new_thread(run, (count, started))
    started.acquire()
work(60000)
os.kill(os.getpid(), 9)
";
    let scene = Scene::new(program);
    let alone = Scene::new(&program.replace(
        "thread.start_new_thread(run, (count, started))\n    started.acquire()",
        "work(count)",
    ));
    alone.trace(&[], "alone.txt", &[]);
    let alone = lines_of(&alone.text("alone.txt"), &["work"]);
    let starts = alone.windows(8).enumerate().filter(|(_, window)| window == b"work> 0 ");
    let mut bounds: Vec<usize> = starts.map(|(at, _)| at).collect();
    bounds.push(alone.len());
    for name in FORMATS {
        let outcome = scene.trace(&["--threads", "all"], name, &[]);
        assert_eq!(outcome.status, -9, "{}", outcome.text());
        let first = lines_of(&scene.text(name), &["work"]);
        integration::assert_same(name, &alone[bounds[4]..], &first);
        let mut rounds = Vec::new();
        for number in 1..=4 {
            let text = scene.text(&beside(name, number));
            let lines = lines_of(&text, &["work"]);
            let matching = (0..4).find(|&index| {
                let round = &alone[bounds[index]..bounds[index + 1]];
                let whole = round.repeat(lines.len() / round.len() + 1);
                whole.starts_with(&lines)
            });
            rounds.push(matching.unwrap_or_else(|| panic!("{name}, thread {number}")));
        }
        rounds.sort_unstable();
        assert_eq!(rounds, [0, 1, 2, 3]);
    }
}

/// Each file has the limit for itself: the first thread's is full long before the others start.
#[test]
fn limits_of_each_thread() {
    let program = "\
import thread
def work(count):
    total = 0
    for number in xrange(count):
        if number % 3:
            total += number
    return total
def run(count, done):
    work(count)
    done.release()
for count in (1000, 10, 2000, 3000):
    done = thread.allocate_lock()
    done.acquire()
    thread.start_new_thread(run, (count, done))
    done.acquire()
print work(4000)
";
    let scene = Scene::new(program);
    let outcome = "status 0\n--- output\n5330667\n--- errors\n";
    let names = |name: &str| {
        let others = (1..=4).map(|number| beside(name, number));
        std::iter::once(name.to_owned()).chain(others).collect::<Vec<_>>()
    };
    assert_eq!(scene.trace(&["--threads", "all"], "trace.txt", &[]).text(), outcome);
    // Behind the release a thread may come to its end, or the process does.
    let work = |text: &[u8]| lines_of(text, &["work"]);
    let wholes: Vec<Vec<u8>> = names("trace.txt").iter().map(|name| scene.text(name)).collect();
    for name in ["trace.txt", "trace.flow", "trace.txt.zst", "trace.flow.zst"] {
        for limit in ["--limit=500", "--limit=15000", "--max-bytes=4000", "--max-bytes=60000"] {
            assert_eq!(scene.trace(&["--threads", "all", limit], name, &[]).text(), outcome);
            // Whoever waits for the first finds all.
            let mut texts = vec![scene.text(name)];
            for other in &names(name)[1..] {
                let free = fs::File::open(scene.path(other)).unwrap().try_lock_shared();
                assert!(free.is_ok(), "{other}");
                texts.push(scene.text(other));
            }
            for (text, whole) in texts.iter().zip(&wholes) {
                assert_begins(&format!("{name}, {limit}"), &work(whole), &work(text));
                if let Some(lines) = limit.strip_prefix("--limit=") {
                    let lines: usize = lines.parse().unwrap();
                    let count = |text: &[u8]| text.iter().filter(|&&byte| byte == b'\n').count();
                    if count(whole) > lines {
                        assert_eq!(count(text), lines, "{name}, {limit}");
                    } else {
                        assert!(work(text) == work(whole), "{name}, {limit}");
                    }
                }
            }
            if let Some(most) = limit.strip_prefix("--max-bytes=") {
                let most: u64 = most.parse().unwrap();
                for (file, (text, whole)) in names(name).iter().zip(texts.iter().zip(&wholes)) {
                    let length = fs::metadata(scene.path(file)).unwrap().len();
                    assert!(length <= most, "{file}, {limit}: {length}");
                    // Of a short one there is all, though it comes after those that are full.
                    assert!(
                        whole.len() as u64 > most
                            || work(text) == work(whole)
                            || name.contains("flow")
                    );
                }
            }
        }
    }
}
