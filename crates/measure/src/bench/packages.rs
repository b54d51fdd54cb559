//! The packages of the programs with C extensions, installed by pip as a user would.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use xtask::layout::Layout;
use xtask::process::run_logged;
use xtask::ui::Ui;

use super::ways::python;

/// The last releases for Python 2.7, with what they require.
const PACKAGES: [&str; 8] = [
    "Jinja2==2.11.3",
    "MarkupSafe==1.1.1",
    "PyYAML==5.4.1",
    "SQLAlchemy==1.4.49",
    "gevent==21.1.2",
    "greenlet==1.1.3",
    "numpy==1.16.6",
    "simplejson==3.19.3",
];

/// Of the folder: installed with this list.
const LIST: &str = "bench-packages.txt";

const FAILED: &str = "these programs need PyPI once; `--only` with other programs goes without";

/// Installs the packages if they are not there, for all interpreters; returns their folder.
pub fn install(layout: &Layout, interpreter: &Path, ui: &Ui) -> Result<PathBuf> {
    let folder = layout.python().join("packages");
    let list = PACKAGES.join("\n");
    if fs::read_to_string(folder.join(LIST)).is_ok_and(|installed| installed == list) {
        return Ok(folder);
    }
    let stage = ui.stage("packages from PyPI");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove `{}`", folder.display()))?;
    }
    // pip itself stays out of the interpreter.
    let base = tempfile::tempdir().context("cannot make a temporary folder")?;
    let run = |arguments: &[&str]| -> Result<()> {
        let mut command: Command = python(interpreter);
        command.env("PYTHONUSERBASE", base.path()).env_remove("PYTHONDONTWRITEBYTECODE");
        command.args(arguments);
        if arguments.contains(&"install") {
            command.arg("--target").arg(&folder).args(PACKAGES);
        }
        run_logged(command, &layout.log("bench", "packages"), FAILED)
    };
    run(&["-m", "ensurepip", "--user"])?;
    // `scandir`, which SQLAlchemy requires by way of others, has no wheel for Linux.
    let binary = ["--only-binary=:all:", "--no-binary=scandir"];
    run(&["-m", "pip", "install", "--no-cache-dir", binary[0], binary[1]])?;
    fs::write(folder.join(LIST), list)
        .with_context(|| format!("cannot write into `{}`", folder.display()))?;
    stage.done(&format!("`{}`", folder.display()));
    Ok(folder)
}
