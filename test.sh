#!/usr/bin/env bash
# Runs every check of rtl4ml. What it needs beyond Rust is installed where that can be done; a
# tool that cannot be had fails the run.
set -euo pipefail
cd "$(dirname "$0")"

step() { printf '\n== %s\n' "$1"; }

step 'Tools: Verilator, Icarus Verilog, Yosys, Tcl'
scripts/install_tools.sh

step 'Formatting'
cargo fmt --all --check

step 'Lints'
cargo clippy --locked --workspace --all-targets -- -D warnings

step 'Documentation'
RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --quiet

step 'Tests'
if [ ! -d ../shared/cases ]; then
    echo 'note: there is no folder ../shared/cases, so the cases of other emulators are not run'
fi
cargo test --locked --workspace --no-fail-fast
