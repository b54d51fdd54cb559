//! A report as people and programs read it: the table of `doctor`, its JSON twin, and the two
//! paragraphs that `build-python` prints.

use serde_json::{Value, json};

use super::{Finding, Kind, Needed, Report, Status};

impl Kind {
    /// The word in the table's first column and in JSON.
    fn word(self) -> &'static str {
        match self {
            Kind::Build => "needed",
            Kind::Module => "optional",
            Kind::Tests => "tests",
            Kind::Extra => "extra",
        }
    }
}

impl Status {
    fn word(&self) -> &'static str {
        match self {
            Status::Found(_) => "found",
            Status::Missing(_) => "missing",
            Status::Unknown(_) => "unknown",
        }
    }

    fn detail(&self) -> &str {
        let (Status::Found(detail) | Status::Missing(detail) | Status::Unknown(detail)) = self;
        detail
    }
}

impl Finding {
    /// Name, purpose, and why it counts as missing.
    pub fn sentence(&self) -> String {
        format!("{} ({})", self.dependency.name, self.text())
    }

    /// The table's last column: what was found, or what its absence costs.
    fn text(&self) -> String {
        let detail = self.status.detail();
        match self.status {
            Status::Found(_) => detail.to_owned(),
            _ if detail.is_empty() => self.dependency.purpose.to_owned(),
            _ => format!("{}; {detail}", self.dependency.purpose),
        }
    }
}

impl Report {
    /// The lines of `doctor`: a table, what the build will lack, what to do.
    pub fn lines(&self) -> Vec<String> {
        let width = self.findings.iter().map(|f| f.dependency.name.len()).max().unwrap_or(0);
        let row = |f: &Finding| {
            let (kind, status) = (f.dependency.kind.word(), f.status.word());
            let line = format!("{kind:8}  {:width$}  {status:7}  {}", f.dependency.name, f.text());
            line.trim_end().to_owned()
        };
        let mut lines: Vec<String> = self.findings.iter().map(row).collect();
        lines.push(String::new());
        lines.push(if !self.missing_required().is_empty() {
            "`cargo xtask build-python` cannot start here".into()
        } else if let Some(lacking) = self.lacking_note() {
            lacking
        } else {
            "`cargo xtask build-python` finds all that it needs".into()
        });
        lines.extend(self.remedy(Needed::BuildAndTests));
        lines
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let manager = self.host.manager;
        let rows: Vec<Value> = self
            .findings
            .iter()
            .map(|f| {
                let packages = manager.map(|m| f.dependency.packages.of(m)).unwrap_or_default();
                json!({
                    "name": f.dependency.name,
                    "kind": f.dependency.kind.word(),
                    "status": f.status.word(),
                    "detail": f.status.detail(),
                    "purpose": f.dependency.purpose,
                    "modules": f.dependency.modules,
                    "packages": packages,
                })
            })
            .collect();
        json!({
            "ready": self.missing_required().is_empty(),
            "compiler": self.compiler,
            "package_manager": manager.map(|m| m.program()),
            "dependencies": rows,
            "lacking_modules": self.lacking_modules(),
            "install": self.install_command(Needed::BuildAndTests).map(|c| c.to_string()),
        })
    }

    /// Why `build-python` cannot start, and the command that changes that; `None` if it can.
    pub fn refusal(&self) -> Option<String> {
        let required = self.missing_required();
        if required.is_empty() {
            return None;
        }
        let faults: Vec<String> =
            required.iter().map(|f| format!("\n  {}", f.sentence())).collect();
        let remedy: Vec<String> =
            self.remedy(Needed::Build).iter().map(|line| format!("\n{line}")).collect();
        Some(format!("this machine lacks:{}{}", faults.concat(), remedy.concat()))
    }

    /// The modules that the build will lack, in one line; `None` if it will have them all.
    pub fn lacking_note(&self) -> Option<String> {
        let modules: Vec<String> =
            self.lacking_modules().iter().map(|module| format!("`{module}`")).collect();
        let plural = if modules.len() == 1 { "" } else { "s" };
        (!modules.is_empty())
            .then(|| format!("the build will lack the module{plural} {}", modules.join(", ")))
    }

    /// What to do about what is missing of `which`: no line if nothing is.
    fn remedy(&self, which: Needed) -> Vec<String> {
        if self.missing(which).is_empty() {
            return Vec::new();
        }
        let Some(command) = self.install_command(which) else {
            return vec!["install what is missing with this system's package manager".into()];
        };
        let root = if command.allowed { "" } else { " as root" };
        let mut lines = vec![format!("install what is missing{root}: {command}")];
        if command.allowed {
            let xtask = match which {
                Needed::Build => "build-python",
                Needed::BuildAndTests => "test",
            };
            lines.push(format!("or let xtask do that: cargo xtask {xtask} --install-deps"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::report;

    #[test]
    fn a_complete_machine() {
        let lines = report(&[]).lines();
        assert_eq!(lines[0], "needed    c compiler    found    c compiler 1.0");
        assert_eq!(lines.last().unwrap(), "`cargo xtask build-python` finds all that it needs");
        assert_eq!(report(&[]).refusal(), None);
        assert_eq!(report(&[]).json()["ready"], true);
    }

    #[test]
    fn missing_libraries_are_told_with_their_price_and_remedy() {
        let lines = report(&["ssl", "patch"]).lines();
        assert!(lines.contains(
            &"optional  ssl           missing  `_ssl` and `_hashlib`: https, and with it pip's index"
                .to_owned()
        ));
        assert_eq!(
            lines[lines.len() - 3..],
            [
                "the build will lack the modules `_ssl`, `_hashlib`",
                "install what is missing: env DEBIAN_FRONTEND=noninteractive apt-get install -y \
                 --no-install-recommends libssl-dev patch",
                "or let xtask do that: cargo xtask test --install-deps",
            ]
        );
    }

    #[test]
    fn the_refusal_names_all_and_the_command() {
        assert_eq!(
            report(&["c compiler", "make", "git"]).refusal().unwrap(),
            "this machine lacks:\
             \n  c compiler (compiles the interpreter and the hook)\
             \n  make (runs CPython's makefile)\
             \n  zlib (`zlib`, without which pip does not start; until a C compiler works)\
             \ninstall what is missing: env DEBIAN_FRONTEND=noninteractive apt-get install -y \
             --no-install-recommends gcc libc6-dev make zlib1g-dev libbz2-dev libssl-dev \
             libsqlite3-dev libreadline-dev libffi-dev libncurses-dev\
             \nor let xtask do that: cargo xtask build-python --install-deps"
        );
    }

    #[test]
    fn without_rights_or_manager_the_remedy_fits() {
        let mut report = report(&["make"]);
        report.host.root = false;
        assert!(report.refusal().unwrap().ends_with("install -y --no-install-recommends make"));
        assert!(report.refusal().unwrap().contains("install what is missing as root: "));
        report.host.manager = None;
        assert!(report.refusal().unwrap().ends_with("with this system's package manager"));
    }

    #[test]
    fn json_says_the_same() {
        let value = report(&["zlib", "gdbm"]).json();
        assert_eq!(value["ready"], false);
        assert_eq!(value["package_manager"], "apt-get");
        assert_eq!(value["lacking_modules"], serde_json::json!(["zlib", "gdbm"]));
        assert_eq!(value["dependencies"][2]["status"], "missing");
        assert_eq!(value["dependencies"][2]["packages"], serde_json::json!(["zlib1g-dev"]));
        assert!(value["install"].as_str().unwrap().ends_with(" zlib1g-dev"));
    }
}
