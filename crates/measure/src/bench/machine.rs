//! What the figures were taken on: the machine, and what the interpreters were built with.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use xtask::interpreter::INFO;

/// What is known of the machine.
#[derive(Debug)]
pub struct Machine {
    /// The model of its processor.
    pub processor: String,
    /// How many of it this process may use.
    pub cores: usize,
    /// 1e9 bytes.
    pub memory: f64,
    /// Of the system.
    pub kernel: String,
    /// How many processes wanted to run lately: above zero, others were at work.
    pub load: String,
    /// The compiler and flags of each interpreter.
    pub builds: Vec<Build>,
}

/// What an interpreter was built with.
#[derive(Debug, PartialEq, Eq)]
pub struct Build {
    /// Which interpreter.
    pub name: String,
    /// Its compiler.
    pub compiler: String,
    /// Its flags.
    pub flags: String,
}

impl Machine {
    /// Looks at this machine, and at the facts beside each interpreter.
    pub fn of<'a>(pythons: impl IntoIterator<Item = &'a Path>) -> Machine {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let kibibytes = field(&read("/proc/meminfo"), "MemTotal").and_then(|text| {
            text.split_whitespace().next().and_then(|number| number.parse::<f64>().ok())
        });
        Machine {
            processor: field(&read("/proc/cpuinfo"), "model name")
                .unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: kibibytes.unwrap_or(0.0) * 1024.0 / 1e9,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
            builds: pythons.into_iter().filter_map(build).collect(),
        }
    }

    /// The facts as lines.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!(
                "machine: {}, {} cores, {:.0} GB; Linux {}; load {}",
                self.processor, self.cores, self.memory, self.kernel, self.load
            )
            .trim_end()
            .to_owned(),
        ];
        let same = self
            .builds
            .windows(2)
            .all(|pair| (&pair[0].compiler, &pair[0].flags) == (&pair[1].compiler, &pair[1].flags));
        let names: Vec<&str> = self.builds.iter().map(|build| build.name.as_str()).collect();
        let shown = if same { &self.builds[..self.builds.len().min(1)] } else { &self.builds };
        for build in shown {
            let name = if same { names.join(", ") } else { build.name.clone() };
            lines.push(format!("{name}: {}; {}", build.compiler, build.flags));
        }
        if !same {
            lines.push("note: the interpreters differ in compiler or flags".to_owned());
        }
        lines
    }

    /// The facts for programs.
    pub fn json(&self) -> Value {
        let builds: Vec<Value> = self
            .builds
            .iter()
            .map(|build| {
                json!({ "name": build.name, "compiler": build.compiler, "cflags": build.flags })
            })
            .collect();
        json!({
            "processor": self.processor,
            "cores": self.cores,
            "memory_gb": self.memory,
            "kernel": self.kernel,
            "load": self.load,
            "builds": builds,
        })
    }
}

fn build(python: &Path) -> Option<Build> {
    let file = python.parent()?.parent()?.join(INFO);
    let info: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    let text = |name: &str| info[name].as_str().unwrap_or_default().to_owned();
    Some(Build { name: text("configuration"), compiler: text("compiler"), flags: text("cflags") })
}

/// A field of a file of `/proc`.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\n";
        assert_eq!(field(text, "model name").as_deref(), Some("Some CPU @ 3 GHz"));
        assert_eq!(field(text, "model"), None);
    }

    #[test]
    fn builds_that_are_alike_are_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut pythons = Vec::new();
        for (name, flags) in [("unpatched", "-O2"), ("traced", "-O2"), ("oracle", "-O3")] {
            let bin = folder.path().join(name).join("bin");
            fs::create_dir_all(&bin).unwrap();
            let info = json!({ "configuration": name, "compiler": "cc 12", "cflags": flags });
            fs::write(bin.join("build-info.json"), info.to_string()).unwrap();
            pythons.push(bin.join("python2.7"));
        }
        let alike = Machine::of(pythons[..2].iter().map(AsRef::as_ref)).lines();
        assert_eq!(alike[1..], ["unpatched, traced: cc 12; -O2"]);
        let differing = Machine::of(pythons.iter().map(AsRef::as_ref)).lines();
        assert_eq!(differing.len(), 5);
        assert!(differing[4].starts_with("note: "), "{differing:?}");
        assert_eq!(Machine::of([]).lines().len(), 1);
    }
}
