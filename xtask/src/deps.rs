//! What a machine needs to build and test the interpreter: what is there, what is missing, how to
//! get it.
//!
//! [`examine`] looks and changes nothing; [`install`] is the only part that does. The table of
//! dependencies is in `catalogue`, what counts as present in `probe`. Owns no policy: whether a
//! missing piece stops a command is the caller's to decide.

mod catalogue;
mod compiler;
mod install;
mod libclang;
mod manager;
mod probe;
mod show;

use std::thread;

pub use catalogue::{Dependency, Kind};
pub use install::install;
pub use manager::{Host, InstallCommand};

use catalogue::{CATALOGUE, Probe};
use probe::{Machine, Probes};

/// How far the machine must be equipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// For `build-python` with all its optional modules.
    Build,
    /// For that, and for what the tests start.
    BuildAndTests,
}

/// What a probe came to; the text is for people: a version, a reason, or empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It works.
    Found(String),
    /// It is not there, or it is and does not work.
    Missing(String),
    /// Not known yet; counts as missing wherever that matters.
    Unknown(String),
}

/// One dependency and what its probe came to.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The row of the table.
    pub dependency: &'static Dependency,
    /// What the probe came to.
    pub status: Status,
}

/// What [`examine`] found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Who installs packages here, and with which rights.
    pub host: Host,
    /// The C compiler that works, as a command and its first arguments (`CC` may hold some).
    pub compiler: Option<Vec<String>>,
    /// One finding per dependency, in the order of the table.
    pub findings: Vec<Finding>,
}

/// Looks at this machine: well under two seconds, and nothing but temporary files is written.
pub fn examine() -> Report {
    let machine = Machine::new();
    let mut report = examine_with(Host::detect(), &machine);
    report.compiler = machine.into_compiler();
    report
}

/// [`examine`] with the probes given. They run side by side: most wait for a compiler.
fn examine_with(host: Host, probes: &dyn Probes) -> Report {
    let compiler = probes.compiler();
    let status = |dependency: &Dependency| match &dependency.probe {
        Probe::Compiler => compiler.clone(),
        Probe::Program(name) => probes.program(name),
        Probe::Library(_) if !compiler.is_found() => {
            Status::Unknown("until a C compiler works".into())
        }
        Probe::Library(library) => probes.library(library),
        Probe::Libclang => probes.libclang(),
        Probe::Certificates => probes.certificates(),
    };
    let findings = thread::scope(|scope| {
        let running: Vec<_> = CATALOGUE
            .iter()
            .map(|dependency| (dependency, scope.spawn(|| status(dependency))))
            .collect();
        running
            .into_iter()
            .map(|(dependency, thread)| Finding {
                dependency,
                status: thread.join().expect("probes return their failures"),
            })
            .collect()
    });
    Report { host, compiler: None, findings }
}

impl Status {
    /// Whether the dependency is there and works.
    pub fn is_found(&self) -> bool {
        matches!(self, Status::Found(_))
    }
}

impl Report {
    /// Whether the dependency of that name is there and works.
    pub fn has(&self, name: &str) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.dependency.name == name && finding.status.is_found())
    }

    /// What `build-python` cannot do without and does not have.
    pub fn missing_required(&self) -> Vec<&Finding> {
        self.lacking(|kind| kind == Kind::Build)
    }

    /// What [`install`] would install.
    pub fn missing(&self, which: Needed) -> Vec<&Finding> {
        self.lacking(|kind| match kind {
            Kind::Build | Kind::Module => true,
            Kind::Tests => which == Needed::BuildAndTests,
            Kind::Extra => false,
        })
    }

    /// The modules that a build on this machine will lack, those of libraries that are never
    /// installed here included.
    pub fn lacking_modules(&self) -> Vec<&'static str> {
        self.lacking(|_| true).iter().flat_map(|f| f.dependency.modules).copied().collect()
    }

    /// The command that installs what is missing; `None` if nothing is, or if no package manager
    /// that we know is there.
    pub fn install_command(&self, which: Needed) -> Option<InstallCommand> {
        let manager = self.host.manager?;
        let mut packages = Vec::new();
        for finding in self.missing(which) {
            for &package in finding.dependency.packages.of(manager) {
                if !packages.contains(&package) {
                    packages.push(package);
                }
            }
        }
        (!packages.is_empty()).then(|| InstallCommand::new(self.host, manager, &packages))
    }

    fn lacking(&self, kind: impl Fn(Kind) -> bool) -> Vec<&Finding> {
        let gone = |f: &&Finding| !f.status.is_found() && kind(f.dependency.kind);
        self.findings.iter().filter(gone).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::manager::Manager;
    use super::*;

    /// A machine on which the named dependencies are missing.
    pub struct Fake(pub &'static [&'static str]);

    impl Fake {
        fn status(&self, matches: impl Fn(&Dependency) -> bool) -> Status {
            let row = CATALOGUE.iter().find(|d| matches(d)).unwrap();
            if self.0.contains(&row.name) {
                Status::Missing(String::new())
            } else {
                Status::Found(format!("{} 1.0", row.name))
            }
        }
    }

    impl Probes for Fake {
        fn compiler(&self) -> Status {
            self.status(|d| matches!(d.probe, Probe::Compiler))
        }
        fn program(&self, name: &str) -> Status {
            self.status(|d| matches!(d.probe, Probe::Program(n) if n == name))
        }
        fn library(&self, library: &catalogue::Library) -> Status {
            self.status(|d| matches!(&d.probe, Probe::Library(l) if l.source == library.source))
        }
        fn libclang(&self) -> Status {
            self.status(|d| matches!(d.probe, Probe::Libclang))
        }
        fn certificates(&self) -> Status {
            self.status(|d| matches!(d.probe, Probe::Certificates))
        }
    }

    /// The report on a machine with apt, run by root, that lacks `missing`.
    pub fn report(missing: &'static [&'static str]) -> Report {
        let host = Host { manager: Some(Manager::Apt), root: true, sudo: false, lists: true };
        examine_with(host, &Fake(missing))
    }

    fn names(findings: &[&Finding]) -> Vec<&'static str> {
        findings.iter().map(|f| f.dependency.name).collect()
    }

    #[test]
    fn a_complete_machine_lacks_nothing() {
        let report = report(&[]);
        assert!(report.missing(Needed::BuildAndTests).is_empty());
        assert!(report.lacking_modules().is_empty());
        assert_eq!(report.install_command(Needed::BuildAndTests), None);
    }

    #[test]
    fn each_kind_is_missed_by_those_who_need_it() {
        let report = report(&["zlib", "ssl", "git", "gdbm"]);
        assert_eq!(names(&report.missing_required()), ["zlib"]);
        assert_eq!(names(&report.missing(Needed::Build)), ["zlib", "ssl"]);
        assert_eq!(names(&report.missing(Needed::BuildAndTests)), ["zlib", "ssl", "git"]);
        assert_eq!(report.lacking_modules(), ["zlib", "_ssl", "_hashlib", "gdbm"]);
    }

    #[test]
    fn without_a_compiler_libraries_are_unknown_and_offered() {
        let report = report(&["c compiler"]);
        let zlib = report.findings.iter().find(|f| f.dependency.name == "zlib").unwrap();
        assert_eq!(zlib.status, Status::Unknown("until a C compiler works".into()));
        assert_eq!(names(&report.missing_required()), ["c compiler", "zlib"]);
        let command = report.install_command(Needed::Build).unwrap().to_string();
        assert!(command.contains(" gcc libc6-dev zlib1g-dev "), "{command}");
    }

    #[test]
    fn the_command_names_what_is_missing_only() {
        let report = report(&["libclang", "patch", "db"]);
        assert_eq!(
            report.install_command(Needed::BuildAndTests).unwrap().to_string(),
            "env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
             libclang-dev patch"
        );
    }
}
