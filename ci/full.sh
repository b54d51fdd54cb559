#!/bin/sh
# Everything, on a machine with Rust, a C compiler, make and Python 3; the rest is installed.
set -eu
cd "$(dirname "$0")/.."

cargo fmt --all --check
cargo clippy --workspace --all-targets -- --deny warnings
# Builds the interpreters, then runs `cargo test` and the integration tests.
cargo xtask test --install-deps
# The hook as it is linked into the interpreter, against the headers of that build.
built="$PWD/target/python"
PYTHON27_TRACED_INCLUDE="$built/build/traced:$built/tree/traced/Include" \
    cargo clippy --package shim --features interpreter --profile hook \
    --target-dir "$built/hook/target" -- --deny warnings
