#!/usr/bin/env bash
# Runs every check of rtl4ml. What it needs beyond Rust is installed where that can be done; a
# tool that cannot be had fails the run.
#
#   ./test.sh            what CI runs
#   ./test.sh --heavy    also the tests that take long: big designs in the external simulators
set -euo pipefail
test_options=()
case "${1:-}" in
    '') ;;
    --heavy) test_options=(--include-ignored) ;;
    *) echo "usage: ./test.sh [--heavy]" >&2; exit 2 ;;
esac
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
cargo test --locked --workspace --no-fail-fast -- "${test_options[@]}"

step 'Python package'
environment="${CARGO_TARGET_DIR:-target}/python"
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
# shellcheck disable=SC1091
. "$environment/bin/activate"
pip install --quiet --disable-pip-version-check -r crates/python/requirements-test.txt
# Without optimisation it is there soonest; its tests are small.
CARGO_PROFILE_DEV_OPT_LEVEL=0 maturin develop --quiet --locked --manifest-path crates/python/Cargo.toml
pytest --quiet crates/python
