//! The C compiler: which one works, and what it makes of a small program.
//!
//! Knows no library: the programs and what to link come from `catalogue` and `libclang`.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::process::{Command, Stdio};

use super::probe::{answer, first_line, on_path};

/// A C compiler that has built a program.
#[derive(Debug)]
pub struct Compiler {
    /// The command and its first arguments.
    pub words: Vec<String>,
    /// What it says of itself.
    pub version: String,
}

impl Compiler {
    /// `CC` if it is set, else the first usual name that works; why none does, otherwise.
    pub fn find(cc: Option<String>) -> Result<Compiler, String> {
        let cc = cc.filter(|cc| !cc.trim().is_empty());
        let Some(cc) = cc else {
            let mut fault = None;
            for name in ["cc", "gcc", "clang"] {
                match Compiler::try_out(vec![name.to_owned()]) {
                    Ok(compiler) => return Ok(compiler),
                    Err(reason) if on_path(name).is_some() => {
                        fault.get_or_insert(format!("`{name}` does not work: {reason}"));
                    }
                    Err(_) => {}
                }
            }
            return Err(fault.unwrap_or_default());
        };
        // As make and configure do, CC may hold arguments or a wrapper: `ccache gcc -m64`.
        Compiler::try_out(cc.split_whitespace().map(str::to_owned).collect())
            .map_err(|reason| format!("`CC` is set to `{cc}`, which does not work: {reason}"))
    }

    fn try_out(words: Vec<String>) -> Result<Compiler, String> {
        let mut compiler = Compiler { words, version: String::new() };
        compiler.run("#include <stdio.h>\nint main(void) { return 0; }\n", &[], &[])?;
        compiler.version = answer(compiler.command().arg("--version"))?;
        Ok(compiler)
    }

    /// Builds a program, runs it with `arguments`, and returns the first line that it prints; or
    /// one line that says which step failed.
    pub fn run(
        &self,
        source: &str,
        libraries: &[&str],
        arguments: &[&OsStr],
    ) -> Result<String, String> {
        let folder = tempfile::tempdir().map_err(|e| format!("no temporary folder: {e}"))?;
        let (input, program) = (folder.path().join("probe.c"), folder.path().join("probe"));
        fs::write(&input, source)
            .map_err(|e| format!("cannot write `{}`: {e}", input.display()))?;
        // The flags that configure and setup.py would add.
        let flags = |name| env::var(name).unwrap_or_default();
        let (before, after) = (flags("CPPFLAGS") + " " + &flags("CFLAGS"), flags("LDFLAGS"));
        let built = self
            .command()
            .args(before.split_whitespace())
            .arg("-w")
            .arg(&input)
            .arg("-o")
            .arg(&program)
            .args(after.split_whitespace())
            .args(libraries.iter().map(|name| format!("-l{name}")))
            .output()
            .map_err(|e| e.to_string())?;
        if !built.status.success() {
            return Err(fault(&String::from_utf8_lossy(&built.stderr)));
        }
        let output = Command::new(&program).args(arguments).stdin(Stdio::null()).output();
        match &output {
            // A folder whose programs may not start says nothing of the library.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(String::new()),
            _ => first_line(output),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).env("LC_ALL", "C").stdin(Stdio::null());
        // `setup.py` looks for headers and libraries on its own, and does not know these.
        for variable in ["CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH"] {
            command.env_remove(variable);
        }
        command
    }
}

/// The line of a compiler's or linker's output that says what is wrong, without the file's name.
fn fault(stderr: &str) -> String {
    // The linker's complaint comes before the driver's summary of it, hence the first of any.
    let marks = ["error: ", "cannot find ", "undefined reference"];
    let telling = stderr.lines().find(|line| marks.iter().any(|mark| line.contains(mark)));
    let line = telling.or(stderr.lines().next()).unwrap_or("it fails without a word").trim();
    match line.find("error: ") {
        Some(at) => line[at + "error: ".len()..].to_owned(),
        None => match line.find("cannot find ") {
            Some(at) => line[at..].to_owned(),
            None => line.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_telling_line_of_a_failed_build() {
        let header = "probe.c:2:10: fatal error: zlib.h: No such file or directory\n    2 | x\n";
        assert_eq!(fault(header), "zlib.h: No such file or directory");
        let library = "/usr/bin/ld: cannot find -lz: No such file or directory\n\
                       collect2: error: ld returned 1 exit status\n";
        assert_eq!(fault(library), "cannot find -lz: No such file or directory");
        assert_eq!(fault("odd\n"), "odd");
        assert_eq!(fault(""), "it fails without a word");
    }
}
