//! Belongs here: the build commands as a user meets them.

use std::process::{Command, Output};

use integration::project;

fn xtask(arguments: &[&str]) -> Output {
    let cargo = std::env::var_os("CARGO").expect("cargo sets it");
    let mut command = Command::new(cargo);
    command.current_dir(project()).arg("xtask").args(arguments);
    // What runs the tests may have been told things that are not meant for us.
    for variable in ["XTASK_SOURCE", "XTASK_OFFLINE", "XTASK_INSTALL_DEPS", "XTASK_QUICK"] {
        command.env_remove(variable);
    }
    command.output().expect("cargo can be started")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_repeated_build_does_nothing() {
    let output = xtask(&["build-python", "--offline"]);
    let said = errors(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.ends_with("is up to date\n") && said.lines().count() == 1, "{said}");
}

#[test]
fn the_source_is_in_the_cache_and_verified() {
    let output = xtask(&["fetch", "--offline"]);
    let said = errors(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("verified: "), "{said}");
}

#[test]
fn a_source_that_is_not_the_release_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Python-2.7.18.tgz");
    std::fs::write(&file, "no archive").unwrap();
    for source in [file.to_str().unwrap(), folder.path().to_str().unwrap(), "/no/such/place"] {
        let output = xtask(&["fetch", "--source", source]);
        let said = errors(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("error: ") && said.contains(source), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn doctor_says_what_is_there() {
    let output = xtask(&["doctor"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", errors(&output));
    for name in ["c compiler", "make", "libclang", "zlib", "ssl"] {
        assert!(said.contains(name), "{name}: {said}");
    }
    let output = xtask(&["doctor", "--json"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.starts_with("{\n") && said.contains("\"libclang\""), "{said}");
}

#[test]
fn patches_are_listed_in_their_order() {
    let output = xtask(&["patches", "list"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = said.lines().filter_map(|line| line.split(' ').next());
    let order = std::fs::read_to_string(project().join("patches/series")).unwrap();
    assert!(names.eq(order.lines()), "{said}");
}

#[test]
fn usage_is_told() {
    let output = xtask(&["build-python", "--jobs", "0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("--jobs"), "{}", errors(&output));
}
