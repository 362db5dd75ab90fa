#!/usr/bin/env bash
# Runs the testbench of a handoff folder in Verilator: sim/verilator.sh FOLDER
set -euo pipefail
cd "${1:?usage: sim/verilator.sh FOLDER}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
top=$(basename tb/*_tb.v .v)
design=${top%_tb}
# The design must be clean with every lint on; the testbench mixes widths and delays.
verilator --lint-only -Wall --top-module "$design" rtl/*.v
verilator --binary --timing -O1 --output-split 0 -Wno-fatal -Wno-lint -Wno-style --top-module "$top" \
    --Mdir "$work" -MAKEFLAGS 'OPT_FAST=-O1 OPT_SLOW=-O0' rtl/*.v tb/*.v >"$work/build.log"
"$work/V$top" | tee "$work/log"
grep -q ': PASS' "$work/log"
