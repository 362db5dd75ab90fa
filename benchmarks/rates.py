"""How many samples a second a function computes."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy

# A turn takes this long, if there are samples enough.
TURN_SECONDS = 0.5

# How often the measurement is made; the median counts.
ROUNDS = 5


def rate(predict, samples):
    """The median of samples a second, over turns of as many samples as take half a second."""

    def turn(count):
        started = time.perf_counter()
        predict(samples[:count])
        return time.perf_counter() - started

    count = min(64, len(samples))
    while (seconds := turn(count)) < TURN_SECONDS and count < len(samples):
        count = min(4 * count, len(samples))
    return count / statistics.median([seconds, *(turn(count) for _ in range(ROUNDS - 1))])


def in_threads(predict, threads):
    """The function on several threads at once, for one that leaves Python's lock alone."""
    if threads == 1:
        return predict

    def several(samples):
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(predict, numpy.array_split(samples, threads)))

    return several
