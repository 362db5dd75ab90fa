"""A network's Verilog in Verilator, driven by a program that does nothing else.

The testbench that rtl4ml writes reads vectors and judges every cycle; this is faster, so that a comparison
with it says nothing for rtl4ml's engine that is not so.
"""

import json
import time
from pathlib import Path

import side_by_side

# What Verilator is told for the fastest model.
FAST = ["-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "-CFLAGS", "-O3 -march=native"]


class Model:
    """A network's Verilog as a program."""

    def __init__(self, rtl4ml, spec, folder):
        folder = Path(folder).resolve()
        side_by_side.run(rtl4ml, "build", spec, "-o", folder / "rtl", "--vectors", 8)
        report = json.loads((folder / "rtl" / "report.json").read_text())
        self.interval = report["initiation_interval_cycles"]
        widths = {port["name"]: port["width"] for port in report["inputs"]}
        ports = " ".join(f"randomize(model.{name}, {bits});" for name, bits in widths.items())
        sources = sorted((folder / "rtl" / "rtl").glob("*.v"))
        main = folder / "main.cpp"
        main.write_text((side_by_side.HERE / "verilator_main.cpp").read_text().replace("RANDOMIZE", ports))
        started = time.monotonic()
        side_by_side.run(
            "verilator", "--cc", "--exe", "--build", "-j", 2, *FAST, "-Wno-fatal", "--top-module", report["name"],
            "--prefix", "Vmodel", "--Mdir", folder / "model", *sources, main)
        self.compile_seconds = time.monotonic() - started
        self.program = folder / "model" / "Vmodel"

    def cycles_per_second(self, seconds=1.0):
        """Clock cycles per second of its processor."""
        cycles, taken = side_by_side.run(self.program, seconds).split()
        return int(cycles) / float(taken)
