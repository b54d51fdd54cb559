#!/bin/sh
# Seconds to a few minutes: what needs neither Python 2.7 nor network.
set -eu
cd "$(dirname "$0")/.."

cargo fmt --all --check
cargo clippy --workspace --all-targets -- --deny warnings
cargo test
