#!/usr/bin/env python3
"""How fast rtl4ml's engines are, beside hls4ml's emulator, da4ml's interpreter and Verilator.

    compare_engines.py [NETWORK.yaml | FOLDER ...] [--threads N ...]

Without a network: the jet tagger and the convolutional network of the examples. Needs cargo, Python 3, g++
and Verilator; hls4ml, da4ml and all else that is imported are installed, in the versions of
requirements-engines.txt, into target/benchmarks-python. All emulators compute the same random
samples, and their outputs are compared with rtl4ml's. Prints rates and ratios, medians of one run.

Verilator simulates rtl4ml's own Verilog, driven by a program that does nothing else, in one thread.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import environment

environment.enter("numpy", "yaml", "da4ml", "hls4ml", "keras", "jax", requirements="requirements-engines.txt")

import numpy  # noqa: E402
import perceptron  # noqa: E402
import side_by_side  # noqa: E402
import verilate  # noqa: E402
from side_by_side import HERE, REPOSITORY, Refused  # noqa: E402

PEERS = ["hls4ml", "da4ml"]

# The samples that the emulators compute; a turn that takes long computes fewer of them.
SAMPLES = 20_000

# With compilation counted, for so many cycles.
LONG_RUN = 1_000_000


def random_samples(network):
    """Numbers on the grid of the input's type, all of them equally likely."""
    kind = network.input
    low = -(2 ** (kind.width - 1)) if kind.signed else 0
    integers = numpy.random.default_rng(1).integers(low, low + 2**kind.width, (SAMPLES, *network.shape))
    return integers / 2.0**kind.fraction


def peer_rates(peer, spec, network, folder, threads):
    """Samples a second of a peer's emulator, by threads, and how many of its outputs differ from ours."""
    said = side_by_side.run(
        sys.executable, HERE / f"emulate_with_{peer}.py", spec, folder / "x.npy", folder / f"y-{peer}.npy",
        "--threads", *threads)
    said = json.loads(said.splitlines()[-1])
    ours, theirs = numpy.load(folder / "y.npy"), numpy.load(folder / f"y-{peer}.npy")
    differ = int((ours.reshape(len(ours), -1) != theirs).sum())
    rates = {int(count): rate for count, rate in said["samples_per_second"].items()}
    return rates, said["ready_seconds"], differ


def compare(rtl4ml, spec, threads, folder):
    """A network's name, the rows of its table, remarks, and whether all outputs were equal."""
    network = perceptron.read(spec)
    numpy.save(folder / "x.npy", random_samples(network))
    side_by_side.run(rtl4ml, "predict", spec, "--input", folder / "x.npy", "--output", folder / "y.npy")
    listed = ",".join(str(count) for count in threads)
    measured = json.loads(side_by_side.run(rtl4ml, "bench", spec, "--threads", listed, "--json"))
    rows, remarks, equal = [], [], True

    def add(engine, unit, peer, rates):
        """Ours beside a peer's, for the threads that both have; a single rate is for all of them."""
        for row in measured["engines"]:
            if row["engine"] == engine:
                ours = row[f"{unit}_per_second"]
                theirs = rates[row["threads"]] if isinstance(rates, dict) else rates
                numbers = [f"{rate:,.0f}" for rate in (ours, theirs)]
                rows.append([f"{engine} / {peer}", row["threads"], *numbers, f"{unit}/s", f"{ours / theirs:.1f}"])

    for peer in PEERS:
        try:
            rates, ready, differ = peer_rates(peer, spec, network, folder, threads)
        except Refused as refusal:
            remarks.append(f"{peer}: {str(refusal).splitlines()[-1]}")
            continue
        add("emulator", "samples", peer, rates)
        equal = equal and differ == 0
        remarks.append(f"{peer}: ready after {ready:.0f} s; of {SAMPLES} samples {differ} outputs differ")
    model = verilate.Model(rtl4ml, spec, folder / "verilator")
    speed = model.cycles_per_second()
    add("cycle", "cycles", "Verilator", speed)
    counted = LONG_RUN / (LONG_RUN / speed + model.compile_seconds)
    add("cycle", "cycles", "Verilator, compilation counted", counted)
    remarks.append(
        f"Verilator: compiled in {model.compile_seconds:.0f} s; what is counted is that and {LONG_RUN:,} cycles")
    return network.name, rows, remarks, equal


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", type=Path, nargs="*", metavar="NETWORK.yaml | FOLDER")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    examples = [REPOSITORY / "examples" / name for name in ("jet_tagger", "digits_cnn")]
    specs = [path / "network.yaml" if path.is_dir() else path for path in options.networks or examples]
    rtl4ml = side_by_side.rtl4ml_binary()
    all_equal = True
    for spec in specs:
        with tempfile.TemporaryDirectory() as folder:
            name, rows, remarks, equal = compare(rtl4ml, spec, options.threads, Path(folder))
        print(side_by_side.table([name, "threads", "rtl4ml", "peer", "", "ratio"], rows))
        print("\n".join(remarks), end="\n\n", flush=True)
        all_equal = all_equal and equal
    if not all_equal:
        sys.exit("outputs differ")


if __name__ == "__main__":
    main()
