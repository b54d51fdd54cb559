//! One interpreter from source to prefix: configure, hook, make, install.
//!
//! What a build was made from is remembered beside it, part by part, and only what follows
//! from a changed part is done again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::checkout::Checkout;
use crate::digest;
use crate::hook;
use crate::layout::{Kind, Layout};
use crate::own::Beside;
use crate::process::{run_logged, start_logged};
use crate::series;
use crate::source::Request;
use crate::ui::Ui;

mod info;
mod modules;
pub use info::INFO;

/// Which interpreter to build, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which patches it gets.
    pub kind: Kind,
    /// Py_DEBUG
    pub debug: bool,
    /// Profile-guided and link-time optimisation.
    pub optimize: bool,
    /// A Unicode character of 16 bits, not 32.
    pub ucs2: bool,
    /// The dispatch of the evaluation loop.
    pub computed_gotos: bool,
    /// How many compilers run at once.
    pub jobs: usize,
    /// Where to install; by default a folder under `target/`.
    pub prefix: Option<PathBuf>,
}

impl Config {
    /// The default build of a kind.
    pub fn new(kind: Kind, jobs: usize) -> Config {
        Config {
            kind,
            debug: false,
            optimize: false,
            ucs2: false,
            computed_gotos: true,
            jobs,
            prefix: None,
        }
    }

    /// The name of its folders, different for each configuration.
    pub fn name(&self) -> String {
        let parts = [
            (self.debug, "debug"),
            (self.optimize, "optimized"),
            (self.ucs2, "ucs2"),
            (!self.computed_gotos, "switch"),
        ];
        let chosen = parts.iter().filter(|part| part.0).map(|part| part.1);
        [self.kind.name()].into_iter().chain(chosen).collect::<Vec<_>>().join("-")
    }

    /// What `configure` is given, the prefix and the compiler aside.
    fn arguments(&self, system_ffi: bool) -> Vec<&'static str> {
        let mut arguments =
            vec![if self.ucs2 { "--enable-unicode=ucs2" } else { "--enable-unicode=ucs4" }];
        let chosen = [
            (self.debug, "--with-pydebug"),
            (self.optimize, "--enable-optimizations"),
            (self.optimize, "--with-lto"),
            (!self.computed_gotos, "--without-computed-gotos"),
            // The copy of libffi in the source is too old for newer compilers and machines.
            (system_ffi, "--with-system-ffi"),
        ];
        arguments.extend(chosen.iter().filter(|(on, _)| *on).map(|(_, argument)| argument));
        arguments
    }
}

/// The tree is a repository of ours, which `sys.version` should not mention.
const NO_REVISION: [&str; 3] = ["GITVERSION=", "GITTAG=", "GITBRANCH="];

/// What CPython's configure would choose, with line numbers as all there is for debuggers: a tenth of
/// the compiler's time, and files of less than half the size.
const OPT: &str = "-DNDEBUG -g1 -fwrapv -O3 -Wall -Wstrict-prototypes";

/// All of the interpreter but the link.
const OBJECTS: [&str; 2] = ["libpython2.7.a", "Modules/python.o"];

const MAKE_FAILED: &str = "mend what the log names and call again";

/// What the machine gives to every build.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The C compiler and its arguments.
    pub compiler: Vec<String>,
    /// Whether libffi's headers are installed.
    pub system_ffi: bool,
}

/// A finished interpreter.
#[derive(Clone, Debug)]
pub struct Interpreter {
    /// The executable.
    pub python: PathBuf,
    /// Whether something was built just now.
    pub is_new: bool,
}

/// The parts that a build is made from; what differs is made again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    /// Arguments of `configure`, and the prefix.
    configuration: String,
    /// The commit of the patched tree.
    tree: String,
    /// The hook's sources; empty where there is none.
    hook: String,
}

impl Parts {
    fn to_json(&self) -> Value {
        json!({ "configuration": self.configuration, "tree": self.tree, "hook": self.hook })
    }

    fn read(file: &Path) -> Option<Parts> {
        let value: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
        let field = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
        Some(Parts {
            configuration: field("configuration")?,
            tree: field("tree")?,
            hook: field("hook")?,
        })
    }
}

/// Builds and installs an interpreter, or what of it is out of date. `machine` is asked
/// for only then.
pub fn build(
    layout: &Layout,
    config: &Config,
    request: &Request,
    machine: &dyn Fn() -> Result<Machine>,
    ui: &Ui,
) -> Result<Interpreter> {
    let name = config.name();
    let prefix = config.prefix.clone().unwrap_or_else(|| layout.prefix(&name));
    let python = prefix.join("bin/python2.7");
    let build = layout.build(&name);
    let stamp = build.join("parts.json");

    let patches = match layout.patches(config.kind) {
        Some(folder) => series::read(&folder)?,
        None => Vec::new(),
    };
    let hook = match config.kind {
        Kind::Traced => hook::digest(layout)?,
        Kind::Oracle | Kind::Unpatched => String::new(),
    };
    let before = Parts::read(&stamp);
    // Without a tree, or with edits in it, the checkout below has its say.
    let tree = Checkout::current(&layout.tree(config.kind), &patches)?;
    let recorded =
        json!({ "arguments": config.arguments(false), "make": NO_REVISION, "prefix": &prefix });
    let configuration = digest::of_texts([recorded.to_string()]);
    if let (Some(before), Some(tree)) = (&before, tree)
        && *before == (Parts { configuration: configuration.clone(), tree, hook: hook.clone() })
        && python.exists()
    {
        return Ok(Interpreter { python, is_new: false });
    }

    let machine = machine()?;
    let mut beside = match config.kind {
        Kind::Traced => Some(Beside::start(layout, &name, ui)?),
        Kind::Oracle | Kind::Unpatched => None,
    };
    let checkout = Checkout::open(&layout.tree(config.kind), request, ui)?;
    let stage = ui.stage(&format!("{name}: patch"));
    checkout.apply(&patches, false)?;
    stage.done("");
    let parts = Parts { configuration, tree: checkout.commit_id()?, hook };
    // What is half done when this stops is not taken for done.
    if stamp.exists() {
        fs::remove_file(&stamp).with_context(|| format!("cannot remove `{}`", stamp.display()))?;
    }
    let steps = Steps { layout, config, name: &name, build: &build, prefix: &prefix, ui };
    let interpreter = match &before {
        Some(before) if !steps.must_start_anew(before, &parts, &checkout)? => {
            before.tree != parts.tree || !python.exists()
        }
        _ => {
            steps.configure(&machine)?;
            true
        }
    };
    steps.make(interpreter, beside.as_mut())?;
    steps.install(interpreter)?;
    beside.map_or(Ok(()), Beside::wait)?;
    info::write(layout, config, &prefix, &checkout.provenance()?, &patches, &parts.hook, &machine)?;
    fs::write(&stamp, parts.to_json().to_string())
        .with_context(|| format!("cannot write `{}`", stamp.display()))?;
    Ok(Interpreter { python, is_new: true })
}

struct Steps<'a> {
    layout: &'a Layout,
    config: &'a Config,
    name: &'a str,
    build: &'a Path,
    prefix: &'a Path,
    ui: &'a Ui,
}

impl Steps<'_> {
    /// Whether what is there cannot be built upon. make knows which sources have changed,
    /// but not who includes a header, nor when to configure.
    fn must_start_anew(&self, before: &Parts, now: &Parts, checkout: &Checkout) -> Result<bool> {
        if before.configuration != now.configuration || !self.build.join("Makefile").exists() {
            return Ok(true);
        }
        let Some(changed) = checkout.changed_since(&before.tree)? else { return Ok(true) };
        Ok(changed.iter().any(|file| !file.ends_with(".c") && !file.ends_with(".py")))
    }

    fn configure(&self, machine: &Machine) -> Result<()> {
        let stage = self.stage("configure");
        if self.build.exists() {
            fs::remove_dir_all(self.build)
                .with_context(|| format!("cannot remove `{}`", self.build.display()))?;
        }
        fs::create_dir_all(self.build)
            .with_context(|| format!("cannot make the folder `{}`", self.build.display()))?;
        let sh = self.shell()?;
        let configure = self.layout.tree(self.config.kind).join("configure");
        let prefix = self.prefix;
        let compiler = machine.compiler.join(" ");
        let arguments = self.config.arguments(machine.system_ffi);
        // A compiler whose default is C23 has `bool` as a keyword, and Include/asdl.h defines it.
        let mut command = cmd!(sh, "{configure} --prefix={prefix} {arguments...}")
            .env("CC", compiler)
            .env("CFLAGS", "-std=gnu11 -g -O2");
        if !self.config.debug {
            command = command.env("CFLAGS", "-std=gnu11 -g1 -O2").env("OPT", OPT);
        }
        run_logged(command, &self.log("configure"), "`cargo xtask doctor` says what is missing")?;
        stage.done("");
        Ok(())
    }

    /// Links the interpreter with the hook; `all` compiles too what has changed, and the modules.
    fn make(&self, all: bool, beside: Option<&mut Beside>) -> Result<()> {
        // make does not know that the interpreter depends on the hook.
        let python = self.build.join("python");
        if python.exists() {
            fs::remove_file(&python)
                .with_context(|| format!("cannot remove `{}`", python.display()))?;
        }
        // Only the link needs the hook. A profile-guided build compiles everything twice, in an
        // order of its own.
        let objects = if all && beside.is_some() && !self.config.optimize {
            Some((
                SystemTime::now(),
                start_logged(self.make_command(&OBJECTS)?, &self.log("objects"))?,
            ))
        } else {
            None
        };
        if let Some(beside) = beside {
            beside.wait_for_tools()?;
            let stage = self.stage("build the hook");
            hook::build(self.layout, self.name)?;
            stage.done("");
        }
        if let Some((start, mut objects)) = objects {
            objects.wait(MAKE_FAILED)?;
            self.ui.record(&format!("{}: make, objects", self.name), start, SystemTime::now());
        }
        let stage = self.stage(if all { "make" } else { "link" });
        // With no target, `--enable-optimizations` runs its profile first.
        let targets: &[&str] = if all { &[] } else { &["python"] };
        let log = self.log("make");
        run_logged(self.make_command(targets)?, &log, MAKE_FAILED)?;
        modules::check(&log)?;
        stage.done("");
        Ok(())
    }

    fn make_command(&self, targets: &[&str]) -> Result<Command> {
        let sh = self.shell()?;
        let jobs = format!("-j{}", self.config.jobs);
        let variables = self.variables();
        Ok(cmd!(sh, "make {jobs} {targets...} {variables...}").into())
    }

    fn install(&self, all: bool) -> Result<()> {
        let stage = self.stage("install");
        let sh = self.shell()?;
        let prefix = self.prefix;
        if all {
            let variables = self.variables();
            let command = cmd!(sh, "make install {variables...}");
            run_logged(command, &self.log("install"), "is the prefix yours to write?")?;
        } else {
            let (from, to) = (self.build.join("python"), prefix.join("bin/python2.7"));
            // Another name first: a running interpreter keeps the file that it started from.
            let new = prefix.join("bin/python2.7.new");
            fs::copy(&from, &new)
                .and_then(|_| fs::rename(&new, &to))
                .with_context(|| format!("cannot install `{}`", to.display()))?;
        }
        stage.done(&format!("`{}`", prefix.display()));
        Ok(())
    }

    /// What every `make` is given.
    fn variables(&self) -> Vec<String> {
        let mut variables: Vec<String> = NO_REVISION.map(str::to_owned).into();
        if self.config.kind == Kind::Traced {
            variables.push(format!("LDLAST={}", hook::link_line(self.layout, self.name)));
        }
        variables
    }

    fn stage(&self, what: &str) -> crate::ui::Stage {
        self.ui.stage(&format!("{}: {what}", self.name))
    }

    fn log(&self, step: &str) -> PathBuf {
        self.layout.log(self.name, step)
    }

    fn shell(&self) -> Result<Shell> {
        let sh = Shell::new().context("cannot start a shell")?;
        sh.change_dir(self.build);
        Ok(sh)
    }
}

/// The first line of a program's `--version`.
fn version(command: &[String]) -> Option<String> {
    let (program, arguments) = command.split_first()?;
    let output = Command::new(program).args(arguments).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned())
}
