"""Weights that are zero, powers of two, negative, integers, or stored in another way."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from building import (
    KU115,
    VU13P,
    case,
    new,
    random_dense,
    random_input,
    types,
    unchecked,
)
from case import (
    Random,
    Trace,
    all_values,
    assert_off_grid,
)
from model import (
    HALF,
    Dense,
)


@case
def zero_weights(random: Random):
    """Zeros among the weights, an all-zero row and an all-zero column, whose output is its bias."""
    x = random_input(random, [7], "fixed<8,4>")
    precision = types("fixed<6,2,RND,SAT>", "fixed<8,3,RND>", result="fixed<12,7,RND,SAT>")
    fc = random_dense(random, "fc", 7, 5, precision)
    fc.weight[3, :] = 0
    fc.weight[:, 2] = 0
    fc.weight[1::2, 0] = 0
    # Rounded to zero by its type: it costs as little as a zero.
    fc.weight[5, 4] = 0.03

    def check(trace: Trace) -> None:
        assert fc.column(4)[5] == 0
        assert len({tensors["fc"].values[2] for tensors in trace}) == 1

    return new(zero_weights, [x], [fc]), check


@case
def zero_matrix(random: Random):
    """All-zero matrices: without a bias an inner tensor of no bits, with one a constant output."""
    x = random_input(random, [4], "fixed<6,3>", 20)
    zeros, w = np.zeros((4, 3)), "fixed<5,2,RND>"
    layers = [
        Dense("nothing", zeros, None, types(w)),
        random_dense(random, "constant", 3, 2, types(w, result="fixed<7,3>")),
        Dense("biased", zeros, np.array([0.5, -1.25, 0.0]), types(w), ["x"]),
    ]

    def check(trace: Trace) -> None:
        assert set(all_values(trace, "nothing")) == {0}
        assert len({tuple(tensors["constant"].values) for tensors in trace}) == 1
        assert trace[0]["biased"].values == [HALF, Fraction(-5, 4), 0]

    return new(zero_matrix, [x], layers, outputs=["constant", "biased"]), check


@case
def powers_of_two(random: Random):
    """Weights that are powers of two of either sign, or zero: shifts, and no multiplier."""
    x = random_input(random, [8], "fixed<9,3>")
    signs = [random.choice([-1, 1]) for _ in range(8 * 5)]
    weight = np.array([sign * 2.0 ** random.between(-6, 2) for sign in signs]).reshape(8, 5)
    weight[2, 2] = 0.0
    weight[0, 0] = -4.0
    fc = Dense("fc", weight, np.array([1.0, -0.5, 0.0, 2.0, -4.0]), types("fixed<10,4>"))

    def check(trace: Trace) -> None:
        weights = {abs(value) for j in range(5) for value in fc.column(j)}
        assert weights <= {Fraction(2) ** e for e in range(-6, 3)} | {0}

    return new(powers_of_two, [x], [fc], clock="360 MHz"), check


@case
def negative_weights(random: Random):
    """Negative weights only, on unsigned inputs: no sum is above its bias."""
    x = random_input(random, [9], "ufixed<7,3>")
    precision = types("fixed<6,1,TRN_ZERO,SAT>", "fixed<6,3>", result="fixed<13,8,RND_MIN_INF,SAT>")
    fc = random_dense(random, "fc", 9, 4, precision)
    fc.weight = -np.abs(fc.weight) - 1 / 32

    def check(trace: Trace) -> None:
        assert all(value < 0 for j in range(4) for value in fc.column(j))

    return new(negative_weights, [x], [fc]), check


@case
def integer_weights(random: Random):
    """Two-bit integer weights, -2 among them, as plain products."""
    x = random_input(random, [8], "int<6>")
    weight = np.array([float(random.between(-2, 1)) for _ in range(8 * 4)]).reshape(8, 4)
    fc = Dense("fc", weight, None, types("int<2>"), store="npy")

    def check(trace: Trace) -> None:
        assert set(weight.flat) == {-2, -1, 0, 1}

    return new(integer_weights, [x], [fc], clock="100 MHz"), check


@case
def no_bias(random: Random):
    """Layers without a bias; one's weights are stored column by column (Fortran order)."""
    x = random_input(random, [6], "fixed<8,3>")
    second = types("fixed<5,1,RND_CONV>", result="fixed<16,9,RND,SAT>")
    fc1 = random_dense(random, "fc1", 6, 5, types("fixed<6,2,RND>"), bias=False, store="npy")
    fc1.weight = np.asfortranarray(fc1.weight)
    fc2 = random_dense(random, "fc2", 5, 3, second, bias=False)
    return new(no_bias, [x], [fc1, fc2], part=KU115), unchecked


@case
def single_precision(random: Random):
    """Weights stored as float32, and 32 features at 480 MHz: sums of many in many stages."""
    x = random_input(random, [32], "fixed<8,3>", 32)
    thirds = np.array([random.between(-300, 300) / 300 for _ in range(32 * 6)]).reshape(32, 6)
    weight, bias = thirds.astype(np.float32), np.array([-1, -0.6, -0.2, 0.2, 0.6, 1], np.float32)
    fc = Dense("fc", weight, bias, types("fixed<8,1,RND,SAT>", result="fixed<16,7,RND,SAT>"))
    built = new(single_precision, [x], [fc], clock="480 MHz", part=VU13P)
    return built, lambda trace: assert_off_grid(fc)
