//! What CPython's `setup.py` says of the extension modules that it could not build.
//!
//! It goes on without them and `make` succeeds. A module whose library it did not find is one that the machine
//! lacks, which `doctor` reports before; one that it tried to build and could not is a fault.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// A module that is not there although `setup.py` found what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Broken {
    name: String,
    /// Why, where the log says it.
    reason: String,
}

/// Looks through the log of a `make`.
///
/// # Errors
///
/// All modules that could not be built or not be imported, each with its reason.
pub fn check(log: &Path) -> Result<()> {
    let text = fs::read(log).with_context(|| format!("cannot read the log `{}`", log.display()))?;
    let broken = broken(&String::from_utf8_lossy(&text));
    if broken.is_empty() {
        return Ok(());
    }
    let mut message =
        format!("CPython's `setup.py` could not build {} of its modules", broken.len());
    for Broken { name, reason } in &broken {
        let _ = write!(message, "\n  `{name}`: {reason}");
    }
    let log = log.display();
    bail!(
        "{message}\nthe whole log is `{log}`; update or remove the library's development files \
         that it names, and call again"
    )
}

/// The modules that a log says are broken, in its order.
fn broken(log: &str) -> Vec<Broken> {
    let mut found: Vec<Broken> = Vec::new();
    let mut add = |name: &str, reason: String| {
        if !found.iter().any(|broken| broken.name == name) {
            found.push(Broken { name: name.to_owned(), reason });
        }
    };
    let mut lines = log.lines();
    while let Some(line) = lines.next() {
        if let Some((name, why)) =
            warning(line, "*** WARNING: renaming \"", "\" since importing it failed: ")
        {
            add(name, format!("was built, and cannot be imported: {why}"));
        } else if let Some((name, why)) =
            warning(line, "*** WARNING: importing extension \"", "\" failed with ")
        {
            add(name, format!("was built, and cannot be imported: {why}"));
        } else if let Some((name, why)) =
            warning(line, "WARNING: building of extension \"", "\" failed: ")
        {
            add(name, format!("cannot be compiled: {why}"));
        } else if line == "Failed to build these modules:" {
            // In three columns, up to an empty line.
            for row in lines.by_ref().take_while(|line| !line.trim().is_empty()) {
                for name in row.split_whitespace() {
                    add(name, "the log says why".to_owned());
                }
            }
        }
    }
    found
}

/// A warning's module and reason.
fn warning<'a>(line: &'a str, before: &str, between: &str) -> Option<(&'a str, &'a str)> {
    line.strip_prefix(before)?.split_once(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `setup.py` of 2.7.18 writes it.
    const LOG: &str = "\
building '_ssl' extension
cc -shared build/temp/_ssl.o -o build/lib/_ssl.so
*** WARNING: renaming \"_ssl\" since importing it failed: build/lib/_ssl.so: undefined symbol: SSLv2_method
building 'bz2' extension
WARNING: building of extension \"bz2\" failed: command 'cc' failed with exit status 1
*** WARNING: importing extension \"_elementtree\" failed with <type 'exceptions.SystemError'>: bad

Python build finished, but the necessary bits to build these modules were not found:
_bsddb             _hashlib           gdbm
To find the necessary bits, look in setup.py in detect_modules() for the module's name.


Failed to build these modules:
_ctypes            _ssl               bz2
nis

running build_scripts
";

    #[test]
    fn every_module_that_failed_is_named_once_with_its_reason() {
        let names: Vec<_> = broken(LOG).into_iter().map(|broken| broken.name).collect();
        assert_eq!(names, ["_ssl", "bz2", "_elementtree", "_ctypes", "nis"]);
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("traced-make.log");
        fs::write(&log, LOG).unwrap();
        let message = format!("{:#}", check(&log).unwrap_err());
        for part in [
            "could not build 5 of its modules\n",
            "\n  `_ssl`: was built, and cannot be imported: build/lib/_ssl.so: undefined symbol: SSLv2_method\n",
            "\n  `bz2`: cannot be compiled: command 'cc' failed with exit status 1\n",
            "\n  `_ctypes`: the log says why\n",
            "traced-make.log`; update or remove",
            "call again",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }

    /// What the machine lacks was said before the build.
    #[test]
    fn modules_whose_library_is_missing_are_no_fault() {
        let (start, _) = LOG.split_once("Failed to build").unwrap();
        let log: Vec<_> = start.lines().filter(|line| !line.contains("WARNING")).collect();
        assert_eq!(broken(&log.join("\n")), []);
    }
}
