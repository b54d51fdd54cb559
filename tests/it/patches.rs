//! Belongs here: the series as others use it, with `patch -p1` and git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use integration::project;

/// The pristine bytes of a file of the source tree, from the first commit of its repository.
fn pristine(file: &str) -> Vec<u8> {
    let tree = std::env::var_os("INTEGRATION_TREE").expect("`cargo xtask test` sets it");
    let output = Command::new("git")
        .current_dir(tree)
        .args(["show", &format!("pristine:{file}")])
        .output()
        .expect("git can be started");
    assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn series(folder: &Path) -> Vec<PathBuf> {
    let order = fs::read_to_string(folder.join("series")).unwrap();
    order.lines().map(|name| folder.join(name)).collect()
}

/// The files that a patch changes, and those that it makes.
fn touched(patch: &Path) -> (Vec<String>, Vec<String>) {
    let text = fs::read_to_string(patch).unwrap();
    let old = text.lines().filter_map(|line| line.strip_prefix("--- "));
    let new = text.lines().filter_map(|line| line.strip_prefix("+++ b/"));
    let (made, changed): (Vec<_>, Vec<_>) = old.zip(new).partition(|(old, _)| *old == "/dev/null");
    let names =
        |pairs: Vec<(&str, &str)>| pairs.into_iter().map(|pair| pair.1.to_owned()).collect();
    (names(changed), names(made))
}

#[test]
fn both_series_apply_to_the_release_with_plain_patch() {
    for folder in ["patches", "tests/oracle/patches"] {
        let scratch = tempfile::tempdir().unwrap();
        let mut made = Vec::new();
        for patch in series(&project().join(folder)) {
            let (changed, new) = touched(&patch);
            for file in changed.iter().filter(|file| !made.contains(*file)) {
                let path = scratch.path().join(file);
                if !path.exists() {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(&path, pristine(file)).unwrap();
                }
            }
            made.extend(new);
            let output = Command::new("patch")
                .current_dir(scratch.path())
                .args(["-p1", "--fuzz=0", "--batch", "--input"])
                .arg(&patch)
                .output()
                .expect("patch can be started");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{}: {said}", patch.display());
            assert!(!said.contains("offset") && !said.contains("fuzz"), "{said}");
        }
    }
}

/// What a source is verified by are the files that our patches change.
#[test]
fn every_patched_file_is_pinned() {
    let pins = fs::read_to_string(project().join("xtask/src/pins.rs")).unwrap();
    let mut made = Vec::new();
    for patch in series(&project().join("patches")) {
        let (changed, new) = touched(&patch);
        // What a patch makes, a later one may change.
        for file in changed.iter().filter(|file| !made.contains(*file)) {
            assert!(pins.contains(&format!("path: \"{file}\"")), "`{file}` is not pinned");
        }
        made.extend(new);
    }
}

/// Reasons stand in each patch: why, why not elsewhere, which test guards it.
#[test]
fn every_patch_gives_its_reasons() {
    for patch in series(&project().join("patches")) {
        let text = fs::read_to_string(&patch).unwrap();
        for reason in ["Why not outside the interpreter: ", "Guarded by: "] {
            assert!(text.contains(reason), "{}: no `{reason}`", patch.display());
        }
    }
}

#[test]
fn the_series_is_what_refresh_would_write() {
    let cargo = std::env::var_os("CARGO").expect("cargo sets it");
    let output = Command::new(cargo)
        .current_dir(project())
        .args(["xtask", "patches", "check", "--offline"])
        .output()
        .expect("cargo can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
