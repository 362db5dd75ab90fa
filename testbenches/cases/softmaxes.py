"""Softmax in hls4ml's ways, and argmax: ties, wrapping differences, saturated sums."""

from __future__ import annotations

from fractions import Fraction

from building import case, names, new, random_dense, random_input, types, unchecked
from case import Random, Trace, assert_all_differ
from softmax import Argmax, Softmax

DEFAULT = "fixed<18,8,RND,SAT>"


@case
def softmax_stable(random: Random):
    """Softmax, stable, of five classes: an odd tree of sums, ties, differences that wrap."""
    reads = "fixed<8,4>"
    x = random_input(random, [5], reads)
    x.samples[10] = [17, 17, -100, 17, 16]
    # The classes lie more than half of the range apart.
    x.samples[11] = [127, -128, 0, -1, 126]
    layers = [
        Softmax("wide", "stable", 1024, reads, [DEFAULT] * 4, "ufixed<10,1,RND,SAT>", ["x"]),
        Softmax("coarse", "stable", 32, reads, [DEFAULT] * 4, "ufixed<8,1,RND,SAT>", ["x"]),
    ]

    def check(trace: Trace) -> None:
        assert_all_differ(trace, names(layers))
        tied = trace[10]["wide"].values
        assert tied[0] == tied[1] == tied[3] > tied[4] > tied[2]

    return new(softmax_stable, [x], layers, outputs=names(layers)), check


@case
def softmax_stable_types(random: Random):
    """Softmax, stable, with a type of its own for each table, of an unsigned input and a signed."""
    of_signed = ["ufixed<8,1,RND,SAT>", "ufixed<9,1,RND,SAT>", "ufixed<8,3,RND,SAT>"]
    of_unsigned = ["ufixed<7,1>", "fixed<8,2,TRN,SAT_ZERO>", "ufixed<10,4>", "ufixed<10,3,TRN,SAT>"]
    signed, unsigned = "fixed<7,3>", "ufixed<6,3>"
    x, u = random_input(random, [6], signed), random_input(random, [3], unsigned, name="u")
    layers = [
        Softmax(
            "signed", "stable", 64, signed, [*of_signed, "ufixed<9,3,RND,SAT>"],
            "ufixed<8,0,RND,SAT>", ["x"],
        ),
        Softmax("unsigned", "stable", 128, unsigned, of_unsigned, "fixed<9,2>", ["u"]),
    ]  # fmt: skip
    return new(softmax_stable_types, [x, u], layers, outputs=names(layers)), unchecked


@case
def softmax_latency(random: Random):
    """Softmax, latency: exponentials of the input itself, whose sum saturates its type."""
    reads = "fixed<7,4>"
    x = random_input(random, [4], reads)
    narrow = ["ufixed<10,6,RND,SAT>", "ufixed<10,1,RND,SAT>", "ufixed<9,6,RND,SAT>", "ufixed<12,8>"]
    layers = [
        Softmax("wide", "latency", 128, reads, [DEFAULT] * 4, "ufixed<9,1,RND,SAT>", ["x"]),
        Softmax("narrow", "latency", 64, reads, narrow, "ufixed<9,1>", ["x"]),
    ]

    def check(trace: Trace) -> None:
        assert_all_differ(trace, names(layers))

    return new(softmax_latency, [x], layers, outputs=names(layers)), check


@case
def softmax_legacy(random: Random):
    """Softmax, legacy: differences of all pairs, clamped to the table's ends, and ties."""
    reads = "fixed<7,4>"
    x = random_input(random, [4], reads)
    x.samples[10] = [5, 5, 5, 4]
    layers = [
        Softmax("wide", "legacy", 1024, reads, ["fixed<18,8>"], "ufixed<9,1,RND,SAT>", ["x"]),
        Softmax("small", "legacy", 100, reads, ["fixed<12,6,RND,SAT>"], "ufixed<8,1>", ["x"]),
    ]

    def check(trace: Trace) -> None:
        assert_all_differ(trace, names(layers))

    return new(softmax_legacy, [x], layers, outputs=names(layers)), check


@case
def softmax_argmax(random: Random):
    """Softmax, argmax: 1 at the first maximum, also where the result does not hold a 1."""
    reads = "fixed<6,3>"
    x = random_input(random, [5], reads)
    x.samples[10] = [-3, 9, 9, 9, -32]
    layers = [
        Softmax("one", "argmax", 0, reads, [], "ufixed<1,1>", ["x"]),
        Softmax("below_one", "argmax", 0, reads, [], "ufixed<4,0,RND,SAT>", ["x"]),
    ]

    def check(trace: Trace) -> None:
        assert trace[10]["one"].values == [0, 1, 0, 0, 0]
        assert max(trace[10]["below_one"].values) == Fraction(15, 16)

    return new(softmax_argmax, [x], layers, outputs=names(layers)), check


@case
def softmax_positions(random: Random):
    """Softmax of each row of a matrix by itself, after a dense layer at each row."""
    x = random_input(random, [3, 4], "fixed<6,3>", 30)
    result = "fixed<8,4,RND,SAT>"
    # The sum of three exponentials is below 4: each entry of the reciprocals stands for 1/16.
    tables = [DEFAULT, DEFAULT, "ufixed<18,2,RND,SAT>", DEFAULT]
    layers = [
        random_dense(random, "fc", 4, 3, types("fixed<5,2,RND,SAT>", result=result)),
        Softmax("prob", "stable", 64, result, tables, "ufixed<8,1,RND,SAT>"),
    ]

    def check(trace: Trace) -> None:
        sums = [sum(tensors["prob"].values[k : k + 3]) for tensors in trace for k in [0, 3, 6]]
        assert max(sums) < Fraction(5, 4)

    return new(softmax_positions, [x], layers), check


@case
def argmax(random: Random):
    """Argmax of five classes, and of each row of a matrix: the first of equal maxima."""
    x = random_input(random, [5], "fixed<5,3>")
    m = random_input(random, [2, 3], "ufixed<3,1>", name="m")
    x.samples[10] = [-2, 3, -7, 3, 3]
    layers = [Argmax("of_vector", ["x"]), Argmax("of_rows", ["m"])]

    def check(trace: Trace) -> None:
        assert trace[10]["of_vector"].values == [1] and trace[0]["of_rows"].shape == [2, 1]
        assert {tensors["of_vector"].values[0] for tensors in trace} == set(range(5))

    return new(argmax, [x, m], layers, outputs=names(layers)), check
