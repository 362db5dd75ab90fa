#!/usr/bin/env python3
"""Networks by rtl4ml and by da4ml, synthesized by the same flow, and the ratios of their figures.

    compare_da4ml.py [NETWORK.yaml | FOLDER ...] [--cutoff N ...] [--ecp5]

Without a network: those of the examples, one layer and a small network with random weights. Needs
cargo and Python 3; da4ml and all else that is imported are installed, in the versions of
requirements-da4ml.txt, into target/benchmarks-python. The results are in target/benchmarks-da4ml, where
the figures of Verilog that has been synthesized before are kept as well.

rtl4ml is given da4ml's number of stages as its contract, da4ml's registers at the inputs not counted;
Yosys' delays; and, of some clocks that are no slower than da4ml's longest path, that with which its
own estimate is the best. Where synthesis then says that the path is longer than da4ml's, a faster
clock is tried.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

import environment

environment.enter("numpy", "pyosys", "da4ml", "yaml", requirements="requirements-da4ml.txt")

import numpy  # noqa: E402
import perceptron  # noqa: E402
import side_by_side  # noqa: E402
from side_by_side import HERE, REPOSITORY, Refused, ratio  # noqa: E402

# The clock periods that are tried, as shares of da4ml's longest path.
SHARES = [1.0 - 0.03 * step for step in range(11)]

# Tried only where none of those keeps the cycles: the planned path can be longer than the synthesized.
LONGER_SHARES = [1.04, 1.08, 1.12]

# How often a design whose path is too long is synthesized again for a faster clock.
MOST_TRIES = 4

# The figures of the table and how they are written.
FIGURES = {
    "lut": "LUT", "ff": "FF", "carry": "CARRY4", "cycles": "cycles", "sta_ps": "sta_ps",
    "generation_seconds": "generation s", "processor_seconds": "of the processor s"}


def own_networks(scratch):
    """The specs that are compared where none is named."""
    layer = perceptron.write_random(scratch / "layer-16x64", "layer_16x64", [16, 64], "uint<8>", 8)
    small = perceptron.write_random(
        scratch / "small", "small", [8, 16, 8, 4], "int<6>", 4, relu_type="ufixed<6,9,TRN,SAT>")
    examples = REPOSITORY / "examples"
    return [small, layer, examples / "digits" / "network.yaml", examples / "jet_tagger" / "network.yaml"]


def da4ml_design(spec, folder, cutoff, samples, synthesis):
    """da4ml's Verilog, its figures, and what it makes of the samples."""
    numpy.save(folder / "x.npy", samples)
    said = json.loads(side_by_side.run(
        sys.executable, HERE / "generate_with_da4ml.py", spec, folder / "da4ml", "--cutoff", cutoff,
        "--input", folder / "x.npy", "--output", folder / "y-da4ml.npy"))
    figures = synthesis.figures(said["files"], "network")
    more = {"cycles": said["stages"], "adder_bits": said["adder_bits"], "input_ff": said["input_bits"]}
    return {**figures, **more}, said["files"]


def candidates(rtl4ml, spec, folder, theirs, shares, contract):
    """Specs for clocks of some shares of da4ml's path that keep a contract, the best first.

    Better is fewer cycles beyond da4ml's, then fewer registers beyond da4ml's, then fewer look-up
    tables, by the estimates.
    """
    found = []
    for share in shares:
        target = {"clock": f"{theirs['sta_ps'] * share / 1000:.3f} ns", "delays": "yosys"}
        path = perceptron.mapped(spec, folder / f"clock-{share:.2f}", target=target, contract=contract)
        try:
            report = json.loads(side_by_side.run(rtl4ml, "report", "--json", path))
        except Refused as refusal:
            if "contract" in str(refusal):
                continue
            raise
        luts, registers = (report["estimate"][key]["value"] for key in ("lut", "ff"))
        excess = max(report["latency_cycles"] - theirs["cycles"], 0)
        found.append(((excess, max(registers, theirs["ff"]), luts, registers), share, path))
    return sorted(found)


def rtl4ml_design(rtl4ml, spec, folder, theirs, synthesis):
    """The figures of rtl4ml's design that keeps da4ml's cycles and path, its spec and its files.

    Where none keeps both, the one with the shortest path among those with da4ml's cycles; where
    there is none of those, one with as many cycles as it takes.
    """
    contract, best = {"latency": theirs["cycles"]}, None
    attempts = [(SHARES, contract), (LONGER_SHARES, contract), (SHARES, {})]
    found = []
    while not found:
        shares, contract = attempts.pop(0)
        found = candidates(rtl4ml, spec, folder, theirs, shares, contract)
    planned = {share: {"lut": luts, "ff": registers} for (_, _, luts, registers), share, _ in found}
    for _ in range(MOST_TRIES):
        _, share, path = found[0]
        handoff = path.parent / "handoff"
        report = json.loads(side_by_side.run(
            rtl4ml, "build", "--json", path, "-o", handoff, "--vectors", "1"))
        files = sorted((handoff / "rtl").glob("*.v"))
        figures = {**synthesis.figures(files, perceptron.TOP), "cycles": report["latency_cycles"]}
        figures.update(clock_ns=report["clock_period_ns"], estimates_by_share_of_path=planned)
        if best is None or figures["sta_ps"] < best[0]["sta_ps"]:
            best = (figures, path, files)
        if figures["sta_ps"] <= theirs["sta_ps"]:
            break
        most = share * min(theirs["sta_ps"] / figures["sta_ps"], 0.99)
        found = [candidate for candidate in found if candidate[1] <= most]
        if not found:
            break
    return best


def differing(rtl4ml, spec, folder):
    """How many outputs of the samples differ between the two."""
    side_by_side.run(rtl4ml, "predict", spec, "--input", folder / "x.npy", "--output", folder / "y-rtl4ml.npy")
    theirs = numpy.load(folder / "y-da4ml.npy")
    ours = numpy.load(folder / "y-rtl4ml.npy").reshape(theirs.shape)
    return int(numpy.count_nonzero(ours != theirs))


def generation_times(rtl4ml, spec, ours, folder, cutoff, runs):
    """Medians over whole processes that take turns, da4ml's and rtl4ml's: from the spec to Verilog.

    Of da4ml's, the start of Python and the imports are told apart; rtl4ml's include a check of the
    circuit against the reference.
    """
    theirs, own = [], []
    for _ in range(runs):
        said, wall, processor = side_by_side.timed(
            sys.executable, HERE / "generate_with_da4ml.py", spec, folder / "timed-da4ml", "--cutoff", cutoff)
        said = json.loads(said)
        theirs.append({
            "generation_seconds": said["own_seconds"], "processor_seconds": said["own_processor_seconds"],
            "whole_process_seconds": wall, "whole_process_processor_seconds": processor})
        _, wall, processor = side_by_side.timed(
            rtl4ml, "build", ours, "-o", folder / "timed-rtl4ml", "--vectors", "1")
        own.append({"generation_seconds": wall, "processor_seconds": processor})

    def medians(runs):
        return {key: round(statistics.median(one[key] for one in runs), 3) for key in runs[0]}

    return medians(theirs), medians(own)


def compare(rtl4ml, spec, scratch, cutoff, options, synthesis):
    """One design at one cutoff."""
    network = perceptron.read(spec)
    folder = scratch / f"{network.name}-{cutoff:g}"
    folder.mkdir(parents=True, exist_ok=True)
    least = -(2.0 ** network.input.magnitude) if network.input.signed else 0.0
    samples = numpy.random.default_rng(1).uniform(
        least, 2.0**network.input.magnitude, (options.samples, *network.shape))
    samples = network.input.cast(samples)
    theirs, their_files = da4ml_design(spec, folder, cutoff, samples, synthesis)
    result = {"design": network.name, "cutoff": cutoff, "da4ml": theirs}
    ours, path, our_files = rtl4ml_design(rtl4ml, spec, folder, theirs, synthesis)
    result.update(rtl4ml=ours, outputs_differ=differing(rtl4ml, path, folder), outputs=len(samples))
    their_time, our_time = generation_times(rtl4ml, spec, path, folder, cutoff, options.runs)
    theirs.update(their_time)
    ours.update(our_time)
    if options.ecp5:
        import route

        if max(theirs["lut"], ours["lut"]) <= route.MOST_LUTS:
            theirs["ecp5"] = route.routed(their_files, "network", {})
            ours["ecp5"] = route.routed(our_files, perceptron.TOP, {"rst": 0, "in_valid": 1})
    result["ratio"] = {figure: ratio(ours[figure], theirs[figure]) for figure in FIGURES}
    # da4ml has registers at the inputs as well, which do not count as cycles.
    result["ratio"]["ff_without_input"] = ratio(ours["ff"], theirs["ff"] - theirs["input_ff"])
    return result


def row(result):
    """A line of the table: for each figure rtl4ml's, da4ml's and the ratio."""
    theirs, ours, name = result["da4ml"], result["rtl4ml"], f"{result['design']}, cutoff {result['cutoff']:g}"
    return [name, *(f"{ours[figure]} / {theirs[figure]} = {result['ratio'][figure]}" for figure in FIGURES)]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", type=Path, metavar="NETWORK.yaml", help="or folders with one")
    parser.add_argument("--cutoff", nargs="+", type=float, default=[5, 2], help="da4ml's latency_cutoff")
    parser.add_argument("--runs", type=int, default=5, help="how often generation is timed")
    parser.add_argument("--samples", type=int, default=1000, help="how many inputs both must agree on")
    parser.add_argument("--ecp5", action="store_true", help="route what is small on an ECP5 as well")
    parser.add_argument("--rtl4ml", help="the binary [default: built from this repository]")
    parser.add_argument("--output", type=Path, help="the results [default: target/benchmarks-da4ml/networks.json]")
    options = parser.parse_args()
    scratch = REPOSITORY / "target" / "benchmarks-da4ml"
    rtl4ml = options.rtl4ml or side_by_side.rtl4ml_binary()
    synthesis = side_by_side.Synthesis(scratch)
    if options.ecp5:
        environment.install("requirements-ecp5.txt")
    specs = [path / "network.yaml" if path.is_dir() else path for path in options.networks]
    results = []
    output = options.output or scratch / "networks.json"
    for spec in specs or own_networks(scratch):
        for cutoff in options.cutoff:
            results.append(compare(rtl4ml, spec, scratch, cutoff, options, synthesis))
            output.write_text(json.dumps(results, indent=1) + "\n")
            print("; ".join(row(results[-1])), file=sys.stderr, flush=True)
    print(side_by_side.table(["rtl4ml / da4ml", *FIGURES.values()], [row(result) for result in results]))
    for result in results:
        for side in ("da4ml", "rtl4ml"):
            if "ecp5" in result[side]:
                print(f"{row(result)[0]} on ECP5, {side}: {json.dumps(result[side]['ecp5'])}")
    wrong = [result["design"] for result in results if result["outputs_differ"]]
    if wrong:
        sys.exit(f"outputs differ: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
