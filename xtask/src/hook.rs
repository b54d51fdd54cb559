//! Builds the hook, a static library, for a configured tree.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::digest;
use crate::layout::{Kind, Layout};
use crate::process::run_logged;

/// All that the library is made of.
const SOURCES: [&str; 5] = ["Cargo.toml", "Cargo.lock", "shim", "crates/bytecode", "crates/wire"];

const LIBRARY: &str = "libhook.a";

/// Where the library of an interpreter is kept: not in its build folder, where `make clean` would
/// remove it in the middle of a profile-guided build.
fn library(layout: &Layout, name: &str) -> PathBuf {
    layout.python().join("hook").join(name).join(LIBRARY)
}

/// The hash of its sources.
pub fn digest(layout: &Layout) -> Result<String> {
    digest::of_files(layout.root(), &SOURCES)
}

/// What `make` puts at the end of the line that links the interpreter. The hook's symbols, Rust's
/// own among them, stay out of sight of extension modules.
pub fn link_line(layout: &Layout, name: &str) -> String {
    let library = library(layout, name);
    let library = library.display();
    if cfg!(target_os = "macos") {
        format!("{library}")
    } else {
        format!("{library} -lutil -lrt -lpthread -lm -ldl -Wl,--exclude-libs,{LIBRARY}")
    }
}

/// Compiles the hook against the headers of an interpreter that is configured.
pub fn build(layout: &Layout, name: &str) -> Result<()> {
    let sh = Shell::new().context("cannot start a shell")?;
    sh.change_dir(layout.root());
    let build = layout.build(name);
    let headers = env::join_paths([build, layout.tree(Kind::Traced).join("Include")])
        .context("the project's path holds a colon; move it to one without")?;
    let target = layout.python().join("hook/target");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let command = cmd!(
        sh,
        "{cargo} rustc --package shim --lib --release --features interpreter
            --crate-type staticlib --target-dir {target}"
    )
    .env("PYTHON27_TRACED_INCLUDE", headers)
    // What a recording says that it was made by.
    .env("PYTHON27_TRACED_BUILD", &digest(layout)?[..16]);
    run_logged(
        command,
        &layout.log(name, "hook"),
        "`cargo xtask doctor` tells whether libclang is missing",
    )?;
    let made = target.join("release/libshim.a");
    let library = library(layout, name);
    if let Some(folder) = library.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    fs::copy(&made, &library)
        .with_context(|| format!("cannot copy `{}` to `{}`", made.display(), library.display()))?;
    Ok(())
}
