//! Looking at the machine: programs on `PATH`, libraries, certificates.
//!
//! A library is there when a program that uses it compiles, links and starts: a header without its
//! library, or a library that the loader does not find, would leave the module out of the build.
//! The compiler itself is in `compiler`, libclang in `libclang`.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::Status;
use super::catalogue::Library;
use super::compiler::Compiler;
use super::libclang;

/// The questions that an examination asks of a machine.
pub trait Probes: Sync {
    /// Is there a C compiler that works?
    fn compiler(&self) -> Status;
    /// Is the program there, and does it start?
    fn program(&self, name: &str) -> Status;
    /// Does a program with this library build and start? Asked only if there is a compiler.
    fn library(&self, library: &Library) -> Status;
    /// Will bindgen work?
    fn libclang(&self) -> Status;
    /// Will OpenSSL find certificates?
    fn certificates(&self) -> Status;
}

/// This machine.
#[derive(Debug)]
pub struct Machine {
    compiler: Result<Compiler, String>,
}

/// Where the distributions keep their certificates, for the systems' own OpenSSL: Debian, Arch and
/// Alpine; Fedora and RHEL; openSUSE; macOS; Homebrew.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
    "/usr/local/etc/ca-certificates/cert.pem",
];

impl Machine {
    /// Finds the compiler; everything else is asked later.
    pub fn new() -> Machine {
        Machine { compiler: Compiler::find(env::var("CC").ok()) }
    }

    /// The compiler's words, if there is one.
    pub fn into_compiler(self) -> Option<Vec<String>> {
        self.compiler.ok().map(|compiler| compiler.words)
    }
}

impl Probes for Machine {
    fn compiler(&self) -> Status {
        match &self.compiler {
            Ok(compiler) => Status::Found(compiler.version.clone()),
            Err(fault) => Status::Missing(fault.clone()),
        }
    }

    fn program(&self, name: &str) -> Status {
        if on_path(name).is_none() {
            return Status::Missing(String::new());
        }
        match answer(Command::new(name).arg("--version")) {
            Ok(version) => Status::Found(version),
            Err(fault) => Status::Missing(format!("`{name} --version` fails: {fault}")),
        }
    }

    fn library(&self, library: &Library) -> Status {
        let compiler = match &self.compiler {
            Ok(compiler) => compiler,
            Err(fault) => return Status::Unknown(fault.clone()),
        };
        let mut first = None;
        for link in library.links {
            match compiler.run(library.source, link, &[]) {
                Ok(version) => return Status::Found(version),
                // The first alternative is the usual one; its fault is the one to report.
                Err(fault) => first.get_or_insert(fault),
            };
        }
        Status::Missing(first.unwrap_or_default())
    }

    fn libclang(&self) -> Status {
        libclang::examine(self.compiler.as_ref().ok())
    }

    fn certificates(&self) -> Status {
        let variables = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
            .into_iter()
            .filter_map(|name| env::var_os(name).map(|value| (name, PathBuf::from(value))))
            .collect();
        certificates(&variables, &BUNDLES.iter().map(PathBuf::from).collect::<Vec<_>>())
    }
}

/// The program of that name on `PATH`; a name with a slash is taken as it is.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

/// Whether the file may be executed.
pub fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Runs a command to its end: the first line of its output, or of what it complains of.
pub fn answer(command: &mut Command) -> Result<String, String> {
    first_line(command.stdin(Stdio::null()).output())
}

/// [`answer`] of a command that has ended.
pub fn first_line(output: io::Result<Output>) -> Result<String, String> {
    let output = output.map_err(|e| e.to_string())?;
    let first = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().trim().to_owned()
    };
    if output.status.success() {
        return Ok(first(&output.stdout));
    }
    let complaint = first(&output.stderr);
    Err(if complaint.is_empty() { output.status.to_string() } else { complaint })
}

/// As `X509_set_default_paths` of OpenSSL: a variable replaces the default file or folder.
fn certificates(variables: &HashMap<&str, PathBuf>, bundles: &[PathBuf]) -> Status {
    let full = |file: &Path| fs::metadata(file).is_ok_and(|data| data.is_file() && data.len() > 0);
    let folder = |folder: &Path| fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some());
    let found = |path: &Path| Status::Found(path.display().to_string());
    if let Some(file) = variables.get("SSL_CERT_FILE") {
        return match full(file) {
            true => found(file),
            false => Status::Missing(format!(
                "`SSL_CERT_FILE` names `{}`, which is no file or empty",
                file.display()
            )),
        };
    }
    if let Some(path) = variables.get("SSL_CERT_DIR").filter(|path| folder(path)) {
        return found(path);
    }
    match bundles.iter().find(|file| full(file)) {
        Some(file) => found(file),
        None => Status::Missing(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_found_as_openssl_finds_them() {
        let folder = tempfile::tempdir().unwrap();
        let (empty, bundle) = (folder.path().join("empty"), folder.path().join("bundle"));
        fs::write(&empty, "").unwrap();
        fs::write(&bundle, "-----BEGIN CERTIFICATE-----").unwrap();
        let none = HashMap::new();
        let bundles = [folder.path().join("absent"), empty.clone(), bundle.clone()];
        assert_eq!(certificates(&none, &bundles), Status::Found(bundle.display().to_string()));
        assert_eq!(certificates(&none, &bundles[..2]), Status::Missing(String::new()));
        let variable = HashMap::from([("SSL_CERT_FILE", empty)]);
        assert!(matches!(certificates(&variable, &bundles), Status::Missing(_)));
        let variable = HashMap::from([("SSL_CERT_DIR", folder.path().to_owned())]);
        let found = Status::Found(folder.path().display().to_string());
        assert_eq!(certificates(&variable, &[]), found);
    }

    #[test]
    fn a_program_that_cannot_start_is_missing() {
        assert!(answer(&mut Command::new("/nonexistent/program")).is_err());
        assert_eq!(answer(Command::new("sh").args(["-c", "echo one; echo two"])).unwrap(), "one");
        let complaint = answer(Command::new("sh").args(["-c", "echo no >&2; exit 3"]));
        assert_eq!(complaint.unwrap_err(), "no");
    }
}
