#!/usr/bin/env bash
# Runs the testbench of a handoff folder in Icarus Verilog: sim/icarus.sh FOLDER
set -euo pipefail
cd "${1:?usage: sim/icarus.sh FOLDER}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
top=$(basename tb/*_tb.v .v)
iverilog -g2005 -Wall -s "$top" -o "$work/testbench.vvp" rtl/*.v tb/*.v
vvp -n "$work/testbench.vvp" | tee "$work/log"
grep -q ': PASS' "$work/log"
