#!/usr/bin/env python3
"""How fast da4ml's interpreter computes a network: a process of its own.

    emulate_with_da4ml.py NETWORK.yaml X.npy Y.npy --threads 1 2

Writes what it makes of the samples, and prints one JSON object: how long it took to be ready, and samples a
second for each number of threads. Runs in the environment that compare_engines.py makes.
"""

import json
import time

import numpy
import perceptron
import rates
from generate_with_da4ml import traced
from side_by_side import emulation_arguments


def main():
    options = emulation_arguments(__doc__)
    samples = numpy.load(options.samples)
    samples = samples.reshape(len(samples), -1)
    started = time.monotonic()
    graph = traced(perceptron.read(options.spec), 2)
    ready = time.monotonic() - started
    numpy.save(options.outputs, graph.predict(samples))
    speeds = {
        threads: rates.rate(lambda own, threads=threads: graph.predict(own, n_threads=threads), samples)
        for threads in options.threads}
    print(json.dumps({"ready_seconds": ready, "samples_per_second": speeds}))


if __name__ == "__main__":
    main()
