#!/usr/bin/env python3
"""Fits the coefficients of the estimates to what Yosys gives, and says how good they are.

    calibrate.py --rtl4ml target/release/rtl4ml [--designs N] [--jobs N]
    calibrate.py --fit

The first form builds the networks of networks.py, counts what they are made of with
`rtl4ml report`, synthesizes them with synthesize.py, and keeps both in calibration/designs.json
as it goes; a design that is there already with the same Verilog is not synthesized again. Then,
and with --fit at once, it fits calibration/coefficients.json to two thirds of the designs and
prints how far the estimates of the last third are from Yosys.

An estimate of look-up tables is a sum of three counts, each times a coefficient, fitted by least
squares of the relative error; all other estimates are one count times the median of measured over
counted. Error bars are the 10th and the 90th percentile of measured over estimated, over the designs
of the fit.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import environment

environment.enter("numpy", "pyosys")

import numpy  # noqa: E402
import networks  # noqa: E402
import synthesize  # noqa: E402

HERE = Path(__file__).resolve().parent
DESIGNS = HERE / "calibration" / "designs.json"
COEFFICIENTS = HERE / "calibration" / "coefficients.json"

# Every third network is held out: no coefficient has seen it.
HELD_OUT = 3

LUT_COUNTS = {"chain": "chain_luts", "logic": "logic_luts", "table": "table_luts"}

# What is estimated as one count times a factor: its figure of Yosys, how many of what is counted
# a cell of Yosys is, and the count.
FACTORS = {
    "ff": ("ff", 1, "flip_flops"),
    "srl": ("srl", 1, "shift_registers"),
    "dsp": ("dsp", 1, "dsps"),
    "bram": ("bram", 1, "half_block_rams"),
    "lutram": ("lutram", 8, "memory_luts"),
}

# A design is small where the figure is below this; relative errors of such say nothing.
SMALLEST = {"lut": 100, "ff": 50}


class NotBuilt(Exception):
    """rtl4ml refused the network; the message is what it said."""


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise NotBuilt(done.stderr.strip() or done.stdout.strip())
    return done.stdout


def measure(rtl4ml, number, known):
    """Counts and figures of a network; `known` is what there is of it."""
    name, spec = networks.network(number)
    with tempfile.TemporaryDirectory(prefix="calibrate-") as scratch:
        path = Path(scratch) / "network.yaml"
        path.write_text(json.dumps(spec))
        handoff = Path(scratch) / "handoff"
        run(rtl4ml, "build", path, "-o", handoff, "--vectors", "1")
        estimate = json.loads((handoff / "report.json").read_text())["estimate"]
        files = sorted((handoff / "rtl").glob("*.v"))
        text = "".join(file.read_text() for file in files)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if known and known["verilog"] == digest:
            figures = known["yosys"]
        else:
            figures = synthesize.synthesize(files, name)
            del figures["seconds"]
    held_out = number % HELD_OUT == 0
    return {
        "name": name, "held_out": held_out, "verilog": digest, "counts": estimate["counts"],
        "yosys": figures}


def write_designs(designs):
    """One line a design."""
    lines = ",\n".join(json.dumps(designs[name]) for name in sorted(designs))
    DESIGNS.write_text(f"[\n{lines}\n]\n")


def collect(rtl4ml, count, jobs):
    """Measures all networks and keeps each as soon as it is there."""
    old = {}
    if DESIGNS.exists():
        old = {design["name"]: design for design in json.loads(DESIGNS.read_text())}
    designs = dict(old)

    def one(number):
        name, _ = networks.network(number)
        try:
            return name, measure(rtl4ml, number, old.get(name))
        except (NotBuilt, synthesize.SynthesisFailed) as failure:
            print(f"{name}: left out: {failure}", flush=True)
            return name, None

    with ThreadPoolExecutor(jobs) as pool:
        for name, design in pool.map(one, range(count)):
            if design is None:
                designs.pop(name, None)
                continue
            designs[name] = design
            write_designs(designs)
            print(f"{name:24} {design['yosys']['lut']:6} LUT {design['yosys']['ff']:6} FF", flush=True)
    names = {networks.network(number)[0] for number in range(count)}
    write_designs({name: design for name, design in designs.items() if name in names})


def bars(measured, estimated):
    """The 10th and 90th percentile of the ratio, around 1 where there is nothing to compare."""
    ratios = [m / e for m, e in zip(measured, estimated) if e > 0]
    if not ratios:
        return {"low": 1.0, "high": 1.0}
    low, high = numpy.quantile(ratios, [0.1, 0.9])
    return {"low": round(min(float(low), 1.0), 4), "high": round(max(float(high), 1.0), 4)}


def fit(designs):
    """The coefficients that a set of designs asks for."""
    large = [design for design in designs if design["yosys"]["lut"] >= SMALLEST["lut"]]
    luts = numpy.array([design["yosys"]["lut"] for design in large], float)
    counts = numpy.array(
        [[design["counts"][key] for key in LUT_COUNTS.values()] for design in large], float)
    solution = numpy.linalg.lstsq(counts / luts[:, None], numpy.ones(len(luts)), rcond=None)[0]
    solution = [round(float(value), 4) for value in solution]
    coefficients = {"lut": {**dict(zip(LUT_COUNTS, solution)), **bars(luts, counts @ solution)}}
    for name, (figure, weight, count) in FACTORS.items():
        pairs = [(weight * design["yosys"][figure], design["counts"][count]) for design in designs]
        pairs = numpy.array([(m, e) for m, e in pairs if m > 0 and e > 0], float).reshape(-1, 2)
        # Nearly all counts are exact; the median does not mind the few that are not.
        factor = round(float(numpy.median(pairs[:, 0] / pairs[:, 1])), 4) if len(pairs) else 1.0
        coefficients[name] = {"factor": factor, **bars(pairs[:, 0], pairs[:, 1] * factor)}
    return coefficients


def estimated(coefficients, counts, figure):
    """What the tool expects, as `circuit::estimate` computes it."""
    if figure == "lut":
        return sum(coefficients["lut"][key] * counts[count] for key, count in LUT_COUNTS.items())
    return coefficients[figure]["factor"] * counts[FACTORS[figure][2]]


def judge(title, designs, coefficients):
    """Prints how far the estimates are off."""
    print(f"\n{title}: {len(designs)} designs")
    print("        designs   within 5 %  within 10 %   median |error|   90th percentile   worst")
    for figure in SMALLEST:
        large = [design for design in designs if design["yosys"][figure] >= SMALLEST[figure]]
        errors = [
            (estimated(coefficients, design["counts"], figure) / design["yosys"][figure] - 1, design["name"])
            for design in large]
        sizes = numpy.array([abs(error) for error, _ in errors])
        worst, name = max(errors, key=lambda pair: abs(pair[0]))
        print(
            f"  {figure:4}  {len(large):7}   {numpy.mean(sizes <= 0.05):10.0%}  {numpy.mean(sizes <= 0.1):11.0%}"
            f"   {numpy.median(sizes):14.2%}   {numpy.quantile(sizes, 0.9):15.2%}   {worst:+.1%} ({name})")
    for name, (figure, weight, _) in FACTORS.items():
        if name not in SMALLEST:
            off = [
                design["name"] for design in designs
                if abs(round(estimated(coefficients, design["counts"], name)) - weight * design["yosys"][figure]) > 0]
            print(f"  {name:6} differs in {len(off)}: {', '.join(off) or '-'}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rtl4ml", type=Path, help="the binary")
    parser.add_argument("--designs", type=int, default=4 * len(networks.KINDS))
    parser.add_argument("--jobs", type=int, default=1, help="how many designs at a time")
    parser.add_argument("--fit", action="store_true", help="only fit what is there")
    options = parser.parse_args()
    if not options.fit:
        if not options.rtl4ml:
            parser.error("--rtl4ml or --fit is needed")
        collect(options.rtl4ml.resolve(), options.designs, options.jobs)
    designs = json.loads(DESIGNS.read_text())
    seen = [design for design in designs if not design["held_out"]]
    held_out = [design for design in designs if design["held_out"]]
    coefficients = fit(seen)
    lines = ",\n".join(f'  "{name}": {json.dumps(value)}' for name, value in coefficients.items())
    COEFFICIENTS.write_text("{\n" + lines + "\n}\n")
    print(COEFFICIENTS.read_text())
    judge("fitted", seen, coefficients)
    judge("held out", held_out, coefficients)


if __name__ == "__main__":
    sys.exit(main())
