#!/usr/bin/env python3
"""Verilog of a dense network by da4ml: the other side of the comparison, a process of its own.

    generate_with_da4ml.py NETWORK.yaml DIR [--cutoff N] [--delay-constraint N] [--input X.npy --output Y.npy]

Prints one JSON object: how long the imports and everything after them took, stages, da4ml's cost, and
the files. The defaults are those of da4ml's own command. Runs in the environment that compare_da4ml.py
makes.
"""

import argparse
import json
import time
from pathlib import Path

STARTED = time.monotonic()

import numpy  # noqa: E402
from da4ml.codegen import RTLModel  # noqa: E402
from da4ml.trace import FixedVariableArray, HWConfig, comb_trace  # noqa: E402
from da4ml.trace.ops import quantize, relu  # noqa: E402
import perceptron  # noqa: E402

IMPORTED, IMPORTED_PROCESSOR = time.monotonic(), time.process_time()

# The cost of an adder is its bits, and its delay 1: da4ml's own default.
HARDWARE = HWConfig(1, -1, -1)


def largest(values, groups):
    """The largest of each group: max(a, b) is a + relu(b - a)."""
    columns = [list(column) for column in zip(*groups)]
    result = values[columns[0]]
    for column in columns[1:]:
        result = result + relu(values[column] - result)
    return result


def traced(network, delay_constraint):
    """The network as da4ml's graph of adders."""
    kind, size = network.input, network.n_in
    bits = [numpy.full(size, number) for number in (int(kind.signed), kind.magnitude, kind.fraction)]
    options = {"hard_dc": delay_constraint}
    inputs = FixedVariableArray.from_kif(*bits, hwconf=HARDWARE, solver_options=options)
    values = inputs
    for step in network.steps:
        if isinstance(step, perceptron.Dense):
            weight, bias = step.matrix()
            values = values @ weight
            if bias is not None:
                values = values + bias
        elif isinstance(step, perceptron.MaxPool2D):
            values = largest(values, step.groups())
        elif isinstance(step, perceptron.Relu):
            values = relu(values)
        else:
            values = quantize(
                values, int(step.signed), step.magnitude, step.fraction, step.overflow, step.rounding)
    return comb_trace(inputs, values)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cutoff", type=float, default=5, help="latency_cutoff: adders a stage")
    parser.add_argument("--delay-constraint", type=int, default=2, help="hard_dc: levels above the fewest")
    parser.add_argument("--input", help="samples to compute after everything else, untimed")
    parser.add_argument("--output", help="what da4ml's graph makes of them")
    options = parser.parse_args()
    network = perceptron.read(options.spec)
    graph = traced(network, options.delay_constraint)
    model = RTLModel(graph, "network", options.folder, latency_cutoff=options.cutoff, print_latency=False)
    model.write()
    done, processor = time.monotonic(), time.process_time()
    if options.input:
        samples = numpy.load(options.input)
        numpy.save(options.output, graph.predict(samples.reshape(len(samples), -1)))
    sources = options.folder / "src"
    files = sorted(sources.glob("network*.v")) + sorted(sources.glob("static/*.v"))
    print(json.dumps({
        "import_seconds": round(IMPORTED - STARTED, 3),
        "own_seconds": round(done - IMPORTED, 3),
        "own_processor_seconds": round(processor - IMPORTED_PROCESSOR, 3),
        "stages": len(model._pipe.solutions) if model._pipe else 0,
        "adder_bits": graph.cost,
        "input_bits": network.n_in * network.input.width,
        "files": [str(file) for file in files if not file.name.endswith("_wrapper.v")],
    }))


if __name__ == "__main__":
    main()
