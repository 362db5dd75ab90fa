#!/usr/bin/env python3
"""Random constant matrices times a vector by rtl4ml and by da4ml: what the adders cost.

    compare_da4ml_matrices.py [--count 200] [--synthesize 15]

da4ml's cost is its own: the bits of all adders, of the cheaper of its two searches, that with no limit
of the depth and that of its command. rtl4ml's is what `rtl4ml report` counts before any calibration:
look-up tables, of which an adder takes one a bit. Both have no registers on the way. Of some
matrices both designs are synthesized. Results and environment are as compare_da4ml.py has them; what
da4ml found is kept, so that a second run takes rtl4ml's time alone.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import environment

environment.enter("numpy", "pyosys", "da4ml", "yaml", requirements="requirements-da4ml.txt")

import numpy  # noqa: E402
import perceptron  # noqa: E402
import side_by_side  # noqa: E402
from da4ml.codegen import RTLModel  # noqa: E402
from generate_with_da4ml import traced  # noqa: E402
from side_by_side import HERE, REPOSITORY, ratio  # noqa: E402

# The limits of the depth of da4ml's two searches: none, and that of its command.
DELAY_CONSTRAINTS = (-1, 2)

# Synthesis of larger ones takes minutes each.
MOST_BITS_SYNTHESIZED = 8000

# So slow that everything is in one stage.
CLOCK = "1 MHz"

COUNTS = ("chain_luts", "logic_luts", "table_luts")


def matrix(number, folder):
    """The spec of a matrix, the same for the same number, and what it is."""
    random = numpy.random.default_rng(number)
    n_in, n_out = (int(extent) for extent in random.integers(2, 65, 2))
    weight_bits, input_bits = (int(bits) for bits in random.integers(2, 13, 2))
    kind = f"{'int' if random.integers(2) else 'uint'}<{input_bits}>"
    name = f"matrix_{number}"
    path = perceptron.write_random(folder / name, name, [n_in, n_out], kind, weight_bits, seed=number)
    what = {"name": name, "n_in": n_in, "n_out": n_out, "weight_bits": weight_bits, "input": kind}
    return path, what


def da4ml_cost(spec):
    """The bits of da4ml's adders, and the limit of the depth with which it found them; kept beside the spec."""
    parts = [spec, spec.with_name("weights.npz"), HERE / "requirements-da4ml.txt", HERE / "generate_with_da4ml.py"]
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
    kept = spec.with_name("da4ml.json")
    known = json.loads(kept.read_text()) if kept.exists() else {}
    if known.get("of") != digest:
        network = perceptron.read(spec)
        cost, limit = min((traced(network, limit).cost, limit) for limit in DELAY_CONSTRAINTS)
        known = {"of": digest, "cost": cost, "delay_constraint": limit}
        kept.write_text(json.dumps(known))
    return known["cost"], known["delay_constraint"]


def our_design(rtl4ml, spec, folder):
    """rtl4ml's spec of a matrix, and the look-up tables that it counts."""
    path = perceptron.mapped(spec, folder, target={"clock": CLOCK, "delays": "yosys"})
    report = json.loads(side_by_side.run(rtl4ml, "report", "--json", path))
    counts = report["estimate"]["counts"]
    return path, sum(counts[key] for key in COUNTS)


def synthesized(rtl4ml, our_spec, delay_constraint, folder, synthesis):
    """The figures of both."""
    graph = traced(perceptron.read(our_spec), delay_constraint)
    side_by_side.run(rtl4ml, "build", our_spec, "-o", folder / "rtl4ml", "--vectors", "1")
    ours = synthesis.figures(sorted((folder / "rtl4ml" / "rtl").glob("*.v")), perceptron.TOP)
    RTLModel(graph, "network", folder / "da4ml", print_latency=False).write()
    sources = folder / "da4ml" / "src"
    theirs = synthesis.figures([sources / "network.v", *sorted(sources.glob("static/*.v"))], "network")
    return ours, theirs


def distribution(title, ratios):
    """A line: how ratios are spread."""
    quantiles = numpy.quantile(ratios, [0, 0.25, 0.5, 0.75, 1])
    return [title, len(ratios), f"{numpy.mean(ratios):.3f}", *(f"{value:.3f}" for value in quantiles)]


def evenly(most, wanted):
    """So many indices below `most`, the first and the last among them."""
    return sorted({int(index) for index in numpy.linspace(0, most - 1, min(most, wanted)).round()})


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--synthesize", type=int, default=15, help="of how many both designs are synthesized")
    parser.add_argument("--rtl4ml", help="the binary [default: built from this repository]")
    parser.add_argument("--output", type=Path, help="the results [default: target/benchmarks-da4ml/matrices.json]")
    options = parser.parse_args()
    scratch = REPOSITORY / "target" / "benchmarks-da4ml"
    rtl4ml = options.rtl4ml or side_by_side.rtl4ml_binary()
    synthesis = side_by_side.Synthesis(scratch)
    results, specs = [], {}
    for number in range(options.count):
        spec, what = matrix(number, scratch / "matrices")
        cost, limit = da4ml_cost(spec)
        specs[what["name"]], ours = our_design(rtl4ml, spec, spec.parent / "mapped")
        what.update(delay_constraint=limit, da4ml=cost, rtl4ml=ours, ratio=ratio(ours, cost))
        results.append(what)
        print(json.dumps(what), file=sys.stderr, flush=True)

    def write():
        output = options.output or scratch / "matrices.json"
        output.write_text("[\n" + ",\n".join(json.dumps(result) for result in results) + "\n]\n")

    write()
    compared = [result for result in results if result["ratio"]]
    small = sorted(
        (result for result in compared if result["da4ml"] <= MOST_BITS_SYNTHESIZED), key=lambda one: one["da4ml"])
    for index in evenly(len(small), options.synthesize):
        result = small[index]
        ours, theirs = synthesized(
            rtl4ml, specs[result["name"]], result["delay_constraint"], scratch / "matrices" / result["name"],
            synthesis)
        result["synthesized"] = {"rtl4ml": ours, "da4ml": theirs, "ratio": ratio(ours["lut"], theirs["lut"])}
        print(json.dumps(result), file=sys.stderr, flush=True)
        write()
    header = ["rtl4ml / da4ml", "matrices", "mean", "least", "1st quartile", "median", "3rd quartile", "most"]
    rows = [distribution("look-up tables counted / bits of adders", [one["ratio"] for one in compared])]
    sample = [one["synthesized"] for one in results if "synthesized" in one]
    if sample:
        rows.append(distribution("LUT synthesized", [one["ratio"] for one in sample]))
        paths = [ratio(one["rtl4ml"]["sta_ps"], one["da4ml"]["sta_ps"]) for one in sample]
        rows.append(distribution("sta_ps", paths))
    print(side_by_side.table(header, rows))
    ours, theirs = (sum(one[side] for one in compared) for side in ("rtl4ml", "da4ml"))
    print(f"All together: {ours} / {theirs:.0f} = {ratio(ours, theirs)}")


if __name__ == "__main__":
    main()
