#!/usr/bin/env bash
# Installs the tools that the tests run, from the distribution's packages, where they are missing.
set -euo pipefail

declare -A package_of=(
    [verilator]=verilator [iverilog]=iverilog [yosys]=yosys [tclsh]=tcl [g++]=g++ [make]=make
    [sha256sum]=coreutils
)

missing=()
for program in "${!package_of[@]}"; do
    command -v "$program" >/dev/null || missing+=("${package_of[$program]}")
done
# Some distributions have Python without what makes an environment of one's own.
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)

if [ ${#missing[@]} -gt 0 ]; then
    echo "installing: ${missing[*]}"
    if ! command -v apt-get >/dev/null; then
        echo "error: these are missing and there is no apt-get; install them by hand" >&2
        exit 1
    fi
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
    "${as_root[@]}" apt-get update
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}"
fi

verilator --version
yosys -V
# Icarus has no option that prints its version alone.
iverilog -V 2>/dev/null | head -n 1 || true
