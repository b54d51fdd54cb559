//! `build-info.json`, beside the interpreter: what it was made from, and with what.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Config, Machine, version};
use crate::digest;
use crate::layout::Layout;
use crate::pins::CPYTHON;
use crate::series::Patch;

/// Its path below the prefix.
pub const INFO: &str = "bin/build-info.json";

/// Prints flags and modules, a line each. `sys.builtin_module_names` and the files of
/// lib-dynload are all the modules in C.
const ASK: &str = "
import os, sys, sysconfig
print sysconfig.get_config_var('CONFIG_ARGS')
print sysconfig.get_config_var('CFLAGS')
modules = set(sys.builtin_module_names)
for folder in sys.path:
    if folder.endswith('lib-dynload'):
        modules.update(name.split('.')[0] for name in os.listdir(folder) if name.endswith('.so'))
print ' '.join(sorted(modules))
";

/// Asks the finished interpreter about itself and writes the file.
pub fn write(
    layout: &Layout,
    config: &Config,
    prefix: &Path,
    source: &Value,
    patches: &[Patch],
    hook: &str,
    machine: &Machine,
) -> Result<()> {
    let python = prefix.join("bin/python2.7");
    let output = Command::new(&python)
        .args(["-E", "-S", "-c", ASK])
        .output()
        .with_context(|| format!("cannot start `{}`", python.display()))?;
    ensure!(
        output.status.success(),
        "`{}` does not run: {}\nthe log of its build is `{}`",
        python.display(),
        String::from_utf8_lossy(&output.stderr),
        layout.log(&config.name(), "make").display()
    );
    let answer = String::from_utf8_lossy(&output.stdout);
    let mut lines = answer.lines();
    let mut line = || lines.next().unwrap_or_default();
    let patches: Vec<Value> = patches
        .iter()
        .map(|patch| {
            let sha256 = digest::of_bytes(&patch.format());
            json!({ "name": patch.file_name(), "sha256": sha256 })
        })
        .collect();
    let info = json!({
        "version": CPYTHON.version,
        "configuration": config.name(),
        "source": source,
        "patches": patches,
        "hook_sources_sha256": hook,
        "compiler": version(&machine.compiler),
        "configure": line(),
        "cflags": line(),
        "modules": line().split(' ').collect::<Vec<_>>(),
    });
    let file = prefix.join(INFO);
    let text = serde_json::to_string_pretty(&info).context("cannot format the build's facts")?;
    fs::write(&file, text + "\n").with_context(|| format!("cannot write `{}`", file.display()))
}
