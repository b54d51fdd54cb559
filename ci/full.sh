#!/bin/sh
# Everything, on a machine with Rust, a C compiler, make and Python 3; the rest is installed.
set -eu
cd "$(dirname "$0")/.."

ci/check.sh
cargo xtask test --install-deps
