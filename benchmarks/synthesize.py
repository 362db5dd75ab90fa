#!/usr/bin/env python3
"""Area and logic delay of Verilog on UltraScale+, measured with Yosys alone.

    synthesize.py --top TOP [--no-dsp] [--flow alu|stock] [--abc abc|abc9] [--keep DIR] FILE.v ...

Prints one JSON object: lut, ff, srl, carry (CARRY4), dsp, bram (halves of a RAMB36), lutram, muxf,
sta_ps (the longest path through cells; nets take no time) and seconds. As a module:
`synthesize(files, top)` returns that object.

Needs pyosys from PyPI; the figures of this repository are those of the version in
`requirements.txt`. The passes are those of `synth_xilinx -family xcup` on the flattened design,
with one change that the flow `alu` makes: every addition and subtraction becomes a carry chain of
its own, as the vendor's tools build it, where `stock` melts sums of several terms into trees of
look-up tables. Figures are comparable only if flow and mapper are the same.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Yosys maps `$alu` cells to carry chains; this rewrites each adder as one, so that no two are merged.
ADDERS_TO_CARRY_CHAINS = r"""
(* techmap_celltype = "$add $sub" *)
module adder_as_carry_chain (A, B, Y);
  parameter A_SIGNED = 0;
  parameter B_SIGNED = 0;
  parameter A_WIDTH = 1;
  parameter B_WIDTH = 1;
  parameter Y_WIDTH = 1;
  parameter _TECHMAP_CELLTYPE_ = "";
  localparam NEGATE = (_TECHMAP_CELLTYPE_ == "$sub");
  (* force_downto *) input [A_WIDTH-1:0] A;
  (* force_downto *) input [B_WIDTH-1:0] B;
  (* force_downto *) output [Y_WIDTH-1:0] Y;
  wire [Y_WIDTH-1:0] propagate;
  wire [Y_WIDTH-1:0] carries;
  \$alu #(
    .A_SIGNED(A_SIGNED), .A_WIDTH(A_WIDTH), .B_SIGNED(B_SIGNED), .B_WIDTH(B_WIDTH), .Y_WIDTH(Y_WIDTH)
  ) _TECHMAP_REPLACE_ (.A(A), .B(B), .BI(NEGATE), .CI(NEGATE), .Y(Y), .X(propagate), .CO(carries));
endmodule
"""

# Runs in a process of its own, so that a crash of the native code ends that one alone.
RUNNER = """
import json, sys
from pyosys import libyosys
design = libyosys.Design()
for command in json.load(sys.stdin):
    libyosys.run_pass(command, design)
"""

# The cells of each figure, and how much each counts.
FIGURES = {
    "lut": {r"LUT[1-6]|INV": 1},
    "ff": {r"FD.*": 1},
    "srl": {r"SRL.*": 1},
    "carry": {r"CARRY4": 1},
    "dsp": {r"DSP.*": 1},
    "bram": {r"RAMB18.*": 1, r"RAMB36.*": 2},
    "lutram": {r"RAM(?!B).*": 1},
    "muxf": {r"MUXF.*": 1},
}


class SynthesisFailed(Exception):
    """Yosys stopped; the message ends with what it said last."""


def run_yosys(commands, log):
    """Runs passes, one after the other, on one design."""
    with open(log, "w") as output:
        done = subprocess.run(
            [sys.executable, "-c", RUNNER], input=json.dumps(commands), text=True,
            stdout=output, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        tail = Path(log).read_text(errors="replace").splitlines()[-12:]
        raise SynthesisFailed(f"yosys ended with {done.returncode}:\n" + "\n".join(tail))


def synthesis_passes(files, top, folder, no_dsp, flow, mapper):
    """The commands from Verilog to a netlist of the part's cells, which is left in `folder`."""
    stock = f"synth_xilinx -family xcup -top {top} -flatten -noiopad -noclkbuf"
    stock += " -nodsp" if no_dsp else ""

    def between(*sections):
        """The stock script from the first section up to the last, which is not run."""
        return [f"{stock} -run {one}:{next_one}" for one, next_one in zip(sections, sections[1:])]

    quoted = " ".join(f'"{Path(file).resolve()}"' for file in files)
    passes = [f"read_verilog -sv -defer {quoted}"]
    passes += between("begin", "prepare", "map_dsp")
    if not no_dsp:
        passes += between("map_dsp", "coarse")
    if flow == "alu":
        passes += [
            f'techmap -map "{folder}/adders.v"',
            "opt_clean",
            "techmap -map +/cmp2lut.v -map +/cmp2lcu.v -D LUT_WIDTH=6",
            "alumacc",
            "opt",
            "memory -nomap",
            "opt_clean",
        ]
    else:
        passes += between("coarse", "map_memory")
    # For Yosys a distributed memory is one that is written; a ROM of look-up tables is logic.
    passes.append('setattr -set rom_style "logic" a:rom_style=distributed')
    passes += between(
        "map_memory", "map_ffram", "fine", "map_cells", "map_ffs", "map_luts")
    if mapper == "abc":
        passes += [
            "opt_expr -mux_undef -noclkinv",
            "abc -luts 2:2,3,6:5",
            "clean",
            "xilinx_srl -fixed -minlen 3",
            "techmap -map +/xilinx/lut_map.v -map +/xilinx/cells_map.v -D LUT_WIDTH=6",
            "xilinx_dffopt",
            "opt_lut_ins -tech xilinx",
        ]
    else:
        passes += between("map_luts", "finalize")
    passes += between("finalize", "check")
    passes += [
        "delete t:$scopeinfo",
        f'tee -q -o "{folder}/stat.json" stat -json -tech xilinx',
        f"select {top}",
        f'write_rtlil -selected "{folder}/netlist.il"',
    ]
    return passes


def timing_passes(top, folder):
    """The commands that find the longest path of the netlist in `folder`."""
    return [
        "read_verilog -lib -specify +/xilinx/cells_sim.v",
        "read_verilog -lib +/xilinx/cells_xtra.v",
        f'read_rtlil "{folder}/netlist.il"',
        f"hierarchy -top {top}",
        f'tee -q -o "{folder}/sta.txt" sta',
    ]


def count_cells(statistics, top):
    """The figures from what Yosys' `stat` says of the top module."""
    cells = statistics["modules"]["\\" + top].get("num_cells_by_type") or {}

    def count(weights):
        return sum(
            weight * number
            for pattern, weight in weights.items()
            for cell, number in cells.items()
            if re.fullmatch(pattern, cell))

    return {figure: count(weights) for figure, weights in FIGURES.items()}


def synthesize(files, top, no_dsp=False, flow="alu", mapper="abc", keep=None):
    """Synthesizes the design and returns its figures."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="synthesize-") as scratch:
        folder = Path(keep).resolve() if keep else Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "adders.v").write_text(ADDERS_TO_CARRY_CHAINS)
        passes = synthesis_passes(files, top, folder, no_dsp, flow, mapper)
        run_yosys(passes, folder / "synthesis.log")
        run_yosys(timing_passes(top, folder), folder / "timing.log")
        figures = count_cells(json.loads((folder / "stat.json").read_text()), top)
        longest = re.search(r"Latest arrival time in .* is (\d+)", (folder / "sta.txt").read_text())
    figures["sta_ps"] = int(longest.group(1)) if longest else None
    figures["seconds"] = round(time.monotonic() - started, 1)
    return figures


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE.v")
    parser.add_argument("--top", required=True, help="the top module")
    parser.add_argument("--no-dsp", action="store_true", help="multipliers in logic")
    parser.add_argument("--flow", choices=("alu", "stock"), default="alu")
    parser.add_argument("--abc", choices=("abc", "abc9"), default="abc", help="the mapper")
    parser.add_argument("--keep", metavar="DIR", help="leave netlist and logs here")
    options = parser.parse_args()
    try:
        figures = synthesize(
            options.files, options.top, options.no_dsp, options.flow, options.abc, options.keep)
    except SynthesisFailed as failure:
        sys.exit(str(failure))
    print(json.dumps({"top": options.top, "flow": options.flow, "mapper": options.abc, **figures}))


if __name__ == "__main__":
    main()
