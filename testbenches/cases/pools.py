"""Pooling: windows, padding that does not count, quotients, the whole image at once."""

from __future__ import annotations

from fractions import Fraction

from building import case, names, new, random_input, unchecked
from case import Input, Random, Trace, all_values, assert_all_differ
from windows import Pool, Window

X = "fixed<7,4>"


@case
def max_pool1d(random: Random):
    """Max pooling 1D: windows side by side that leave a step over, and windows that overlap."""
    x = random_input(random, [7, 3], X, 32)
    layers = [
        Pool("side_by_side", False, X, "auto", "auto", Window([2]), 1, ["x"]),
        Pool("overlapping", False, X, "auto", "fixed<5,3,RND,SAT>", Window([3], [1]), 1, ["x"]),
        Pool("padded", False, X, "auto", "auto", Window([3], [2], "same"), 1, ["x"]),
    ]
    return new(max_pool1d, [x], layers, outputs=names(layers)), unchecked


@case
def max_pool2d(random: Random):
    """Max pooling 2D, 2 by 3, of negative and equal values, also cast to an accumulator."""
    x = random_input(random, [4, 6, 2], X, 32)
    # All negative, and all equal, in every window.
    x.samples[10] = [-5 - k % 4 for k in range(48)]
    x.samples[11] = [9] * 48
    accum, result = "fixed<6,3,TRN,SAT_SYM>", "fixed<5,3,RND,WRAP>"
    layers = [
        Pool("plain", False, X, "auto", "auto", Window([2, 3]), inputs=["x"]),
        Pool("cast", False, X, accum, result, Window([2, 3]), inputs=["x"]),
    ]

    def check(trace: Trace) -> None:
        assert max(trace[10]["plain"].values) < 0
        assert_all_differ(trace, names(layers))

    return new(max_pool2d, [x], layers, outputs=names(layers)), check


@case
def max_pool2d_same(random: Random):
    """Max pooling 2D, same padding: the cells beyond the edges never win over negative values."""
    x = random_input(random, [5, 4, 2], X, 32)
    x.samples[10] = [-1 - k % 7 for k in range(40)]
    pool = Pool("pool", False, X, "auto", "auto", Window([3, 3], [2, 2], "same"))

    def check(trace: Trace) -> None:
        assert max(trace[10]["pool"].values) < 0

    return new(max_pool2d_same, [x], [pool]), check


@case
def max_pool2d_same_unsigned(random: Random):
    """Max pooling 2D, same padding, unsigned: cells beyond the edges never win."""
    x = random_input(random, [3, 5, 2], "ufixed<6,3>", 32)
    x.samples[10] = [k % 3 for k in range(30)]
    pool = Pool("pool", False, "ufixed<6,3>", "auto", "auto", Window([2, 2], [2, 2], "same"))

    def check(trace: Trace) -> None:
        assert max(trace[10]["pool"].values) <= Fraction(2, 8)

    return new(max_pool2d_same_unsigned, [x], [pool]), check


@case
def average_pool1d(random: Random):
    """Average pooling 1D over three steps: negative quotients are truncated towards zero."""
    x = random_input(random, [7, 2], X, 40)
    layers = [
        Pool("exact", True, X, "auto", "auto", Window([3], [2]), 1, ["x"]),
        Pool("coarse", True, X, "fixed<8,5>", "auto", Window([3], [2]), 1, ["x"]),
        Pool("rounded", True, X, "auto", "fixed<6,4,RND,SAT>", Window([3], [2]), 1, ["x"]),
    ]

    def check(trace: Trace) -> None:
        # -1/8 - 1/8 + 0 = -2 steps, a third of which is no step: 0 and not -1.
        assert_all_differ(trace, names(layers))
        sums = [
            sum(tensors["x"].values[2 * k : 2 * k + 6 : 2]) * 8
            for tensors in trace
            for k in [0, 2, 4]
        ]
        assert any(total < 0 and total % 3 for total in sums)

    return new(average_pool1d, [x], layers, outputs=names(layers)), check


@case
def average_pool1d_same(random: Random):
    """Average pooling 1D, same padding: the divisor is the number of cells inside the image."""
    x = random_input(random, [5, 2], X, 32)
    pool = Pool("pool", True, X, "auto", "auto", Window([4], [1], "same"), 1)
    counts = {len([p for p in ps if p is not None]) for ps in pool.over([5, 2]).slide([5, 2])[1]}
    assert counts == {2, 3, 4} or counts == {3, 4}, counts
    return new(average_pool1d_same, [x], [pool]), unchecked


@case
def average_pool1d_accum(random: Random):
    """Average pooling 1D, an accumulator that saturates: what came first shows."""
    x = random_input(random, [8, 2], X, 40)
    layers = [
        Pool(mode.lower(), True, X, f"fixed<6,4,RND,{mode}>", "fixed<6,4>", Window([4]), 1, ["x"])
        for mode in ["WRAP", "SAT", "SAT_ZERO"]
    ]
    return new(average_pool1d_accum, [x], layers, outputs=names(layers)), (
        lambda trace: assert_all_differ(trace, names(layers))
    )


@case
def average_pool2d(random: Random):
    """Average pooling 2D: 2 by 2, a shift but for negative sums, and 3 by 2 with overlap."""
    x = random_input(random, [4, 5, 2], X, 32)
    layers = [
        Pool("four", True, X, "fixed<9,6>", "auto", Window([2, 2]), inputs=["x"]),
        Pool("six", True, X, "auto", "fixed<8,4,RND_CONV>", Window([3, 2], [1, 2]), inputs=["x"]),
    ]

    def check(trace: Trace) -> None:
        # Truncation towards zero gives 0 for a small negative sum, where a shift gives a step.
        assert 0 in all_values(trace, "four") and min(all_values(trace, "four")) < 0

    return new(average_pool2d, [x], layers, outputs=names(layers)), check


@case
def average_pool2d_same(random: Random):
    """Average pooling 2D, 3 by 3, same padding: divisors of 4, 6 and 9 in one image."""
    x = random_input(random, [4, 4, 2], X, 32)
    pool = Pool("pool", True, X, "auto", "auto", Window([3, 3], [1, 1], "same"))
    windows = pool.over([4, 4, 2]).slide([4, 4, 2])[1]
    assert {sum(pixel is not None for pixel in pixels) for pixels in windows} == {4, 6, 9}
    return new(average_pool2d_same, [x], [pool]), unchecked


@case
def average_pool_unsigned(random: Random):
    """Average pooling of unsigned values, an accumulator without a sign, same padding."""
    x = random_input(random, [6, 2], "ufixed<6,3>", 32)
    reads, accum = "ufixed<6,3>", "ufixed<8,5>"
    pool = Pool("pool", True, reads, accum, "ufixed<5,3,RND,SAT>", Window([3], [2], "same"), 1)
    return new(average_pool_unsigned, [x], [pool]), unchecked


@case
def global_pools1d(random: Random):
    """Global pooling 1D, maximum and average over 7 steps: a result of one axis, the channels."""
    x = random_input(random, [7, 3], X, 40)
    layers = [
        Pool("largest", False, X, "auto", "fixed<5,3,RND,SAT>", None, 1, ["x"]),
        Pool("mean", True, X, "auto", "auto", None, 1, ["x"]),
        Pool("cast", True, X, "fixed<8,5,RND,SAT>", "fixed<8,4>", None, 1, ["x"]),
    ]
    return new(global_pools1d, [x], layers, outputs=names(layers)), unchecked


@case
def global_pools2d(random: Random):
    """Global pooling 2D, maximum and average over 3 by 4 pixels, with ties and negative images."""
    x = random_input(random, [3, 4, 2], X, 40)
    x.samples[10] = [-7] * 24
    x.samples[11] = [-1] * 23 + [-2]
    layers = [
        Pool("largest", False, X, "auto", "auto", inputs=["x"]),
        Pool("mean", True, X, "auto", "fixed<9,4>", inputs=["x"]),
    ]

    def check(trace: Trace) -> None:
        assert trace[10]["largest"].values == [Fraction(-7, 8)] * 2
        assert trace[11]["largest"].values == [Fraction(-1, 8)] * 2

    return new(global_pools2d, [x], layers, outputs=names(layers)), check


@case
def pool_sweep(random: Random):
    """Average pooling of pairs: 6-bit values of both signs, halves truncated towards zero."""
    rows = [[v, w, -v - 1, v] for v in range(-32, 32) for w in [-1 - v, 3]]
    x = Input("x", [4, 1], "fixed<6,6>", rows[::3])
    pool = Pool("pool", True, "fixed<6,6>", "fixed<8,8>", "auto", Window([2], [1]), 1)

    def check(trace: Trace) -> None:
        sums = [sum(tensors["x"].values[:2]) for tensors in trace]
        assert any(total % 2 and total < 0 for total in sums)

    return new(pool_sweep, [x], [pool]), check
