//! The ways in which a program is run, and the command of each.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One way of running a program, or of handling what a run left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// CPython as it is.
    Unpatched,
    /// Ours, not tracing.
    Untraced,
    /// The flow recording.
    Flow,
    /// The flow recording, compressed.
    Compressed,
    /// The text trace.
    Text,
    /// No interpreter: as many bytes as the text trace has, written in blocks.
    Write,
    /// The text trace with operands resolved.
    Resolved,
    /// The blog's approach.
    Reference,
    /// The recording expanded to a file, by one thread or two.
    Expand1,
    /// See there.
    Expand2,
    /// The recording expanded to `/dev/null`, by one thread or two.
    Null1,
    /// See there.
    Null2,
    /// The peak of memory, with and without the flow recording; untimed.
    Memory,
}

/// In the order in which they take turns; those that read come after those that write.
pub const ALL: [Way; 13] = [
    Way::Unpatched,
    Way::Untraced,
    Way::Flow,
    Way::Compressed,
    Way::Text,
    Way::Write,
    Way::Resolved,
    Way::Reference,
    Way::Expand1,
    Way::Expand2,
    Way::Null1,
    Way::Null2,
    Way::Memory,
];

impl Way {
    /// What `--only` and the JSON call it.
    pub fn id(self) -> &'static str {
        match self {
            Way::Unpatched => "unpatched",
            Way::Untraced => "untraced",
            Way::Flow => "flow",
            Way::Compressed => "compressed",
            Way::Text => "text",
            Way::Write => "write",
            Way::Resolved => "resolved",
            Way::Reference => "reference",
            Way::Expand1 => "expand1",
            Way::Expand2 => "expand2",
            Way::Null1 => "null1",
            Way::Null2 => "null2",
            Way::Memory => "memory",
        }
    }

    /// What people read.
    pub fn name(self) -> &'static str {
        match self {
            Way::Unpatched => "plain CPython",
            Way::Untraced => "ours, not tracing",
            Way::Flow => "flow recording",
            Way::Compressed => "flow, compressed",
            Way::Text => "text trace",
            Way::Write => "a plain write of the text's bytes",
            Way::Resolved => "text trace with -r",
            Way::Reference => "the blog's approach",
            Way::Expand1 => "expand, one thread",
            Way::Expand2 => "expand, two threads",
            Way::Null1 => "expand to /dev/null, one thread",
            Way::Null2 => "expand to /dev/null, two threads",
            Way::Memory => "peak of memory",
        }
    }

    /// Whether it runs a part of the work only, and not in every round.
    pub fn is_slow(self) -> bool {
        self == Way::Reference
    }

    /// The threads of those that expand.
    pub fn threads(self) -> Option<u32> {
        match self {
            Way::Expand1 | Way::Null1 => Some(1),
            Way::Expand2 | Way::Null2 => Some(2),
            _ => None,
        }
    }

    /// The name of the file that it leaves in the scratch folder, if any.
    pub fn file(self) -> Option<&'static str> {
        match self {
            Way::Flow => Some("out.flow"),
            Way::Compressed => Some("out.flow.zst"),
            Way::Text | Way::Resolved | Way::Reference => Some("trace.txt"),
            Way::Write => Some("plain.bin"),
            Way::Expand1 | Way::Expand2 => Some("expanded.txt"),
            _ => None,
        }
    }
}

/// Where everything is that commands are made of.
#[derive(Debug)]
pub struct Places {
    /// The project's folder.
    pub root: PathBuf,
    /// The interpreters.
    pub unpatched: PathBuf,
    /// See there.
    pub traced: PathBuf,
    /// See there.
    pub oracle: PathBuf,
    /// The reader.
    pub trace27: PathBuf,
    /// Where traces go.
    pub scratch: PathBuf,
}

impl Places {
    /// The file that a way leaves behind.
    pub fn file(&self, way: Way) -> Option<PathBuf> {
        way.file().map(|name| self.scratch.join(name))
    }

    /// The command of a way, without those that are no single command.
    pub fn command(&self, way: Way, program: &Path, size: u32) -> Option<Command> {
        let file = |way| self.file(way).unwrap_or_else(|| "/dev/null".into());
        let traced = |options: &[&str]| {
            let mut command = python(&self.traced);
            command.arg(self.root.join("tracer.py")).args(options).arg(program).arg(file(way));
            command
        };
        let mut command = match way {
            Way::Unpatched | Way::Untraced => {
                let mut command =
                    python(if way == Way::Untraced { &self.traced } else { &self.unpatched });
                command.arg(program);
                command
            }
            Way::Flow => traced(&["--format", "flow"]),
            Way::Compressed => traced(&["--format", "flow", "--compress"]),
            Way::Text => traced(&[]),
            Way::Resolved => traced(&["-r"]),
            Way::Reference => {
                let mut command = python(&self.oracle);
                command.arg(self.root.join("tests/bench/reference.py")).arg(program).arg(file(way));
                command
            }
            Way::Expand1 | Way::Expand2 | Way::Null1 | Way::Null2 => {
                return Some(self.expand(way.threads()?, &file(way)));
            }
            Way::Write | Way::Memory => return None,
        };
        command.arg(size.to_string());
        Some(command)
    }

    /// Expands the flow recording.
    pub fn expand(&self, threads: u32, output: &Path) -> Command {
        let mut command = Command::new(&self.trace27);
        command.args(["expand", "--threads", &threads.to_string()]);
        command.arg(self.scratch.join("out.flow")).arg(output).stdin(Stdio::null());
        command
    }

    /// The peak of memory of ours, with the flow recording or not tracing.
    ///
    /// Not through `tracer.py`, whose own peak would count: the environment asks for the trace.
    pub fn peak(&self, way: Way, program: &Path, size: u32) -> Command {
        let trace = self.scratch.join("out.flow");
        let mut command = python(&self.unpatched);
        command.arg(self.root.join("tests/bench/peak.py")).arg(&trace);
        match way {
            Way::Flow => {
                command
                    .env("PYTHON27_TRACED_FILE", &trace)
                    .env("PYTHON27_TRACED_OPTIONS", "flow")
                    .arg(&self.traced);
            }
            Way::Untraced => {
                command.arg(&self.traced);
            }
            _ => {
                command.arg(&self.unpatched);
            }
        }
        command.arg(program).arg(size.to_string());
        command
    }

    /// A command as one would type it in the project's folder; a trace lies beside the scratch
    /// folder there, which is gone by then.
    pub fn show(&self, command: &Command) -> String {
        let root = format!("{}/", self.root.display());
        let beside = self.scratch.parent().unwrap_or(&self.scratch);
        let relative = |word: &str| {
            word.replace(&root, "")
                .replace(&*self.scratch.to_string_lossy(), &beside.to_string_lossy())
        };
        let set = command
            .get_envs()
            .filter(|(name, _)| name.to_str().is_some_and(|name| name.contains("TRACED")))
            .filter_map(|(name, value)| {
                Some(format!("{}={}", name.display(), relative(value?.to_str()?)))
            });
        let words = [command.get_program()].into_iter().chain(command.get_args());
        let words = words.map(|word| relative(&word.to_string_lossy()));
        set.chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// An interpreter that sees nothing of the user's own settings and prints to nobody.
fn python(path: &Path) -> Command {
    let mut command = Command::new(path);
    for name in [
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PYTHONHASHSEED",
        "PYTHONOPTIMIZE",
        "PYTHON27_TRACED_FILE",
        "PYTHON27_TRACED_NAME",
        "PYTHON27_TRACED_OPTIONS",
    ] {
        command.env_remove(name);
    }
    command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        let python = |kind| format!("/p/target/python/prefix/{kind}/bin/python2.7").into();
        Places {
            root: "/p".into(),
            unpatched: python("unpatched"),
            traced: python("traced"),
            oracle: python("oracle"),
            trace27: "/p/target/release/trace27".into(),
            scratch: "/s/tmp".into(),
        }
    }

    #[test]
    fn the_commands() {
        let places = places();
        let shown: Vec<String> = ALL
            .into_iter()
            .filter_map(|way| places.command(way, Path::new("/p/tests/bench/x.py"), 7))
            .map(|command| places.show(&command).replace("target/python/prefix/", ""))
            .collect();
        assert_eq!(
            shown,
            [
                "unpatched/bin/python2.7 tests/bench/x.py 7",
                "traced/bin/python2.7 tests/bench/x.py 7",
                "traced/bin/python2.7 tracer.py --format flow tests/bench/x.py /s/out.flow 7",
                "traced/bin/python2.7 tracer.py --format flow --compress tests/bench/x.py \
                 /s/out.flow.zst 7",
                "traced/bin/python2.7 tracer.py tests/bench/x.py /s/trace.txt 7",
                "traced/bin/python2.7 tracer.py -r tests/bench/x.py /s/trace.txt 7",
                "oracle/bin/python2.7 tests/bench/reference.py tests/bench/x.py /s/trace.txt 7",
                "target/release/trace27 expand --threads 1 /s/out.flow /s/expanded.txt",
                "target/release/trace27 expand --threads 2 /s/out.flow /s/expanded.txt",
                "target/release/trace27 expand --threads 1 /s/out.flow /dev/null",
                "target/release/trace27 expand --threads 2 /s/out.flow /dev/null",
            ]
        );
    }

    #[test]
    fn memory_is_asked_without_tracer_py() {
        let places = places();
        let program = Path::new("/p/tests/bench/x.py");
        let show = |way| {
            let command = places.peak(way, program, 7);
            places.show(&command).replace("target/python/prefix/", "")
        };
        assert_eq!(
            show(Way::Flow),
            "PYTHON27_TRACED_FILE=/s/out.flow PYTHON27_TRACED_OPTIONS=flow \
             unpatched/bin/python2.7 tests/bench/peak.py /s/out.flow traced/bin/python2.7 \
             tests/bench/x.py 7"
        );
        assert_eq!(
            show(Way::Untraced),
            "unpatched/bin/python2.7 tests/bench/peak.py /s/out.flow traced/bin/python2.7 \
             tests/bench/x.py 7"
        );
    }

    #[test]
    fn ids_are_their_own() {
        let mut ids: Vec<&str> = ALL.iter().map(|way| way.id()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
    }
}
