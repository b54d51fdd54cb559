//! Builds the hook, a static library, for a configured tree.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::digest;
use crate::layout::{Kind, Layout};
use crate::process::run_logged;

/// All that the library is made of.
const SOURCES: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    "shim",
    "trace/Cargo.toml",
    "trace/src/opcode.rs",
    "trace/src/text.rs",
];

/// Its file name in the build folder of an interpreter.
pub const LIBRARY: &str = "libhook.a";

/// The hash of its sources.
pub fn digest(layout: &Layout) -> Result<String> {
    digest::of_files(layout.root(), &SOURCES)
}

/// What `make` puts at the end of the line that links the interpreter. The hook's symbols, Rust's
/// own among them, stay out of sight of extension modules.
pub fn link_line(build: &Path) -> String {
    let library = build.join(LIBRARY);
    let library = library.display();
    if cfg!(target_os = "macos") {
        format!("{library}")
    } else {
        format!("{library} -lutil -lrt -lpthread -lm -ldl -Wl,--exclude-libs,{LIBRARY}")
    }
}

/// Compiles the hook against the headers of `build`, which is configured, and puts it there.
/// Returns its path.
pub fn build(layout: &Layout, name: &str) -> Result<PathBuf> {
    let sh = Shell::new().context("cannot start a shell")?;
    sh.change_dir(layout.root());
    let build = layout.build(name);
    let headers = env::join_paths([build.clone(), layout.tree(Kind::Traced).join("Include")])
        .context("the project's path holds a colon; move it to one without")?;
    let target = layout.python().join("hook");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let command = cmd!(
        sh,
        "{cargo} rustc --package shim --lib --release --features interpreter
            --crate-type staticlib --target-dir {target}"
    )
    .env("PYTHON27_TRACED_INCLUDE", headers);
    run_logged(
        command,
        &layout.log(name, "hook"),
        "`cargo xtask doctor` tells whether libclang is missing",
    )?;
    let made = target.join("release/libshim.a");
    let library = build.join(LIBRARY);
    fs::copy(&made, &library)
        .with_context(|| format!("cannot copy `{}` to `{}`", made.display(), library.display()))?;
    Ok(library)
}
