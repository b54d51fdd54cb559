//! Builds the hook, a static library, for a configured tree.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::digest;
use crate::layout::{Kind, Layout};
use crate::own;
use crate::process::run_logged;

/// All that the library is made of.
const SOURCES: [&str; 5] = ["Cargo.toml", "Cargo.lock", "shim", "crates/bytecode", "crates/wire"];

const LIBRARY: &str = "libhook.a";

/// Of `Cargo.toml`.
const PROFILE: &str = "hook";

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

/// What to do when the hook cannot be built.
pub const FAILED: &str = "`cargo xtask doctor` says whether libclang is missing";

/// Compiles what the build of the hook needs, which is the same for all interpreters.
pub fn tools_command(layout: &Layout) -> Command {
    let mut command = cargo_for(layout, "build");
    command.args(["--package", "hook-tools"]);
    command
}

/// Compiles the hook against the headers of an interpreter that is configured.
pub fn build(layout: &Layout, name: &str) -> Result<()> {
    let build = layout.build(name);
    let headers = env::join_paths([build, layout.tree(Kind::Traced).join("Include")])
        .context("the project's path holds a colon; move it to one without")?;
    let mut command = cargo_for(layout, "rustc");
    command.args(["--package", "shim", "--lib", "--crate-type", "staticlib"]);
    command.env("PYTHON27_TRACED_INCLUDE", headers);
    // What a recording says that it was made by.
    command.env("PYTHON27_TRACED_BUILD", &digest(layout)?[..16]);
    run_logged(command, &layout.log(name, "hook"), FAILED)?;
    let made = target(layout).join(PROFILE).join("libshim.a");
    let library = library(layout, name);
    if let Some(folder) = library.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    fs::copy(&made, &library)
        .with_context(|| format!("cannot copy `{}` to `{}`", made.display(), library.display()))?;
    Ok(())
}

/// cargo, with all that the hook and its tools must have in common to be compiled once.
fn cargo_for(layout: &Layout, subcommand: &str) -> Command {
    let mut command = Command::new(own::cargo());
    command.current_dir(layout.root());
    command.args([subcommand, "--profile", PROFILE, "--features", "interpreter"]);
    command.arg("--target-dir").arg(target(layout));
    command
}

fn target(layout: &Layout) -> PathBuf {
    layout.python().join("hook/target")
}
