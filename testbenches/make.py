"""Writes the cases of the conformance suite: one folder each, with spec, weights and vectors.

`python make.py` writes all of them beside this file, and their table into README.md;
`python make.py FOLDER` writes the folders elsewhere, for example to compare. A function is a
case: its name is the folder's, its docstring the purpose that stands in the spec and in the
table. It returns the case and the checks that the case meets the corner that it is there for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod
from pathlib import Path

import numpy as np

from case import (
    Case,
    Check,
    Input,
    Random,
    Trace,
    all_values,
    assert_all_differ,
    assert_off_grid,
    assert_order_matters,
    random_samples,
    random_weights,
    sweep,
    write,
)
from model import HALF, OVERFLOWS, ROUNDINGS, Dense, Elementwise, Layer, Precision, Reshape, Type

VU13P, KU115 = "xcvu13p-flga2577-2-e", "xcku115-flvb2104-2-i"

Build = Callable[[Random], tuple[Case, Check]]
CASES: list[Build] = []


def case(build: Build) -> Build:
    """Registers the function as a case."""
    CASES.append(build)
    return build


def new(build: Build, inputs: list[Input], layers: Sequence[Layer], **others) -> Case:
    assert build.__doc__
    return Case(build.__name__, build.__doc__, inputs, list(layers), **others)


def unchecked(trace: Trace) -> None:
    """For cases whose corner is plain from the spec."""


def types(weight: str, bias: str = "", accum: str = "auto", result: str = "auto") -> Precision:
    """The types of a dense layer; the bias has the weights' type unless it is given."""
    return weight, bias or weight, accum, result


def random_input(
    random: Random, shape: list[int], precision: str, count: int = 40, name: str = "x"
) -> Input:
    return Input(name, shape, precision, random_samples(random, precision, count, prod(shape)))


def random_dense(
    random: Random,
    name: str,
    n_in: int,
    n_out: int,
    precision: Precision,
    bias: bool = True,
    **others,
) -> Dense:
    """A dense layer with random weights, some of which its types round."""
    weight = random_weights(random, precision[0], n_in, n_out)
    biases = random_weights(random, precision[1], n_out) if bias else None
    layer = Dense(name, weight, biases, precision, **others)
    assert_off_grid(layer)
    return layer


def by_mode(layer: Dense, modes: Sequence[str], part: str, precision: str) -> list[Dense]:
    """Copies of a layer that read the input `x`, one a mode and named after it. The mode stands
    for `MODE` in the precision of the part."""
    parts = dict(zip(["weight", "bias", "accum", "result"], layer.precision, strict=True))

    def copy(mode: str) -> Dense:
        replaced = parts | {name: precision.replace("MODE", mode) for name in part.split()}
        return replace(layer, name=mode.lower(), inputs=["x"], precision=types(**replaced))

    return [copy(mode) for mode in modes]


def names(layers: Sequence[Layer]) -> list[str]:
    return [layer.name for layer in layers]


def exact_sums(layer: Dense, trace: Trace) -> list[Fraction]:
    """The sums of the layer on the input `x`, were its accumulator wide enough."""
    weight, bias, *_ = layer.precision
    wide = replace(layer, precision=types(weight, bias))
    return [total for tensors in trace for total in wide.sums(tensors["x"].values)]


# ---------------------------------------------------------------------------------------------
# Casts.
# ---------------------------------------------------------------------------------------------


@case
def quantize_overflow(random: Random):
    """Every 8-bit value cast to five bits, signed and unsigned, by each overflow mode."""
    x = Input("x", [8], "int<8>", sweep("int<8>", 8))
    layers = [
        Elementwise(f"{name}_{mode.lower()}", "quantize", f"{kind}<5,TRN,{mode}>", ["x"])
        for name, kind in [("signed", "int"), ("unsigned", "uint")]
        for mode in OVERFLOWS
    ]

    def check(trace: Trace) -> None:
        assert_all_differ(trace, names(layers[:4]))
        # The unsigned types know no symmetry: three different modes remain.
        assert_all_differ(trace, names(layers[4:7]))

    return new(quantize_overflow, [x], layers, outputs=names(layers), clock="480 MHz"), check


@case
def quantize_rounding(random: Random):
    """Every eighth from -4 to 4 cast to integers, by each rounding mode."""
    x = Input("x", [8], "fixed<6,3>", sweep("fixed<6,3>", 8) * 3)
    layers = [
        Elementwise(mode.lower(), "quantize", f"fixed<6,6,{mode},SAT>", ["x"]) for mode in ROUNDINGS
    ]
    built = new(quantize_rounding, [x], layers, outputs=names(layers), part=KU115)
    return built, lambda trace: assert_all_differ(trace, built.outputs)


@case
def quantize_chain(random: Random):
    """Casts in a row around a dense layer: to fewer bits, a finer grid, unsigned by wrapping."""
    x = random_input(random, [6], "fixed<9,4>")
    precision = types("fixed<5,2,RND>", "fixed<6,3,RND_ZERO>", result="fixed<10,6>")
    layers = [
        Elementwise("narrow", "quantize", "ap_fixed<6,3,AP_RND_CONV,AP_SAT>"),
        Elementwise("finer", "quantize", "fixed<12,5>"),
        random_dense(random, "fc", 6, 4, precision),
        Elementwise("wrapped", "quantize", "ufixed<7,4,RND_INF>"),
    ]

    def check(trace: Trace) -> None:
        assert min(all_values(trace, "fc")) < 0
        assert all_values(trace, "finer") == all_values(trace, "narrow")
        assert_all_differ(trace, ["fc", "wrapped"])

    return new(quantize_chain, [x], layers), check


@case
def relu_narrow(random: Random):
    """ReLU into narrower types, with rounding up into the overflow of each mode."""
    x = Input("x", [8], "fixed<8,4>", sweep("fixed<8,4>", 8))
    results = [
        "ufixed<5,2,RND,SAT>",
        "ufixed<5,2,TRN,WRAP>",
        "ufixed<5,2,RND_CONV,SAT_ZERO>",
        "fixed<5,3,RND,SAT_SYM>",
        "fixed<5,3,RND_INF,WRAP>",
        "ufixed<3,4,RND_ZERO,SAT>",
    ]
    layers = [Elementwise(f"relu{i}", "relu", ty, ["x"]) for i, ty in enumerate(results)]

    def check(trace: Trace) -> None:
        assert_all_differ(trace, names(layers))
        # A signed result of a rectified value is negative only by wrapping.
        assert min(all_values(trace, "relu4")) < 0

    return new(relu_narrow, [x], layers, outputs=names(layers)), check


@case
def weight_rounding(random: Random):
    """Weights and biases on quarters and halves between grid points, by each rounding mode."""
    x = random_input(random, [4], "int<5>", 24)
    numbers = [-1.75, -1.5, -0.5, -0.25, 0.25, 0.5, 1.25, 1.5, 2.5, -2.5, 0.1, -0.3]
    weight, bias = np.array(numbers).reshape(4, 3), np.array([-0.5, 0.5, 1.7])
    first = Dense("first", weight, bias, types("int<4>"), store="inline")
    layers = by_mode(first, ROUNDINGS, "weight bias", "int<4,MODE>")
    built = new(weight_rounding, [x], layers, outputs=names(layers))
    return built, lambda trace: assert_all_differ(trace, built.outputs)


@case
def weight_overflow(random: Random):
    """Weights and biases at and beyond the ends of their types, by each overflow mode."""
    x = random_input(random, [4], "fixed<5,3>", 24)
    weight = np.array([[-2.25, -2.0], [-1.9, 1.75], [1.9, 2.0], [-0.125, 5.0]])
    first = Dense("first", weight, np.array([-2.1, 1.99]), types("fixed<4,2>"))
    signed = by_mode(first, OVERFLOWS, "weight bias", "fixed<4,2,RND,MODE>")
    unsigned = by_mode(first, OVERFLOWS[:3], "weight bias", "ufixed<4,2,RND,MODE>")
    unsigned = [replace(layer, name=f"u{layer.name}") for layer in unsigned]
    layers = signed + unsigned

    def check(trace: Trace) -> None:
        assert_all_differ(trace, names(signed))
        assert_all_differ(trace, names(unsigned))

    return new(weight_overflow, [x], layers, outputs=names(layers), clock="240 MHz"), check


@case
def result_rounding(random: Random):
    """Exact sums on halves of both signs, rounded once into the result, by each rounding mode."""
    x = random_input(random, [4], "fixed<6,4>", 60)
    first = random_dense(random, "first", 4, 3, types("fixed<5,2,RND>"), store="inline")
    layers = by_mode(first, ROUNDINGS, "result", "fixed<7,6,MODE,SAT>")

    def check(trace: Trace) -> None:
        assert_all_differ(trace, names(layers))
        # The results step by one half, so that a quarter lies in the middle.
        halves = [total for total in exact_sums(first, trace) if total % HALF == Fraction(1, 4)]
        assert min(halves) < 0 < max(halves)

    return new(result_rounding, [x], layers, outputs=names(layers)), check


@case
def result_overflow(random: Random):
    """Exact sums on, just inside and just beyond the ends of the result, by each overflow mode."""
    # The first feature steps by one through the range and beyond; the second adds a part of one.
    ends = [-18, -17, -16, -15, -1, 0, 1, 14, 15, 16, 17]
    x = Input("x", [2], "int<8>", [[end, part] for end in ends for part in [-2, -1, 0, 1, 2]])
    weight, bias = np.array([[1.0, -1.0], [0.25, 0.25]]), np.array([0.0, 0.25])
    first = Dense("first", weight, bias, types("fixed<4,2>"), store="inline")
    layers = by_mode(first, OVERFLOWS, "result", "fixed<5,5,RND,MODE>")

    def check(trace: Trace) -> None:
        assert_all_differ(trace, names(layers))
        # 15.5 rounds up into the overflow, -16.5 to the lowest value.
        corners = {-17, Fraction(-33, 2), -16, -15, 15, Fraction(31, 2), 16}
        assert corners <= set(exact_sums(first, trace))

    return new(result_overflow, [x], layers, outputs=names(layers), clock="320 MHz"), check


@case
def accum_rounding(random: Random):
    """An accumulator coarser than the products: each one is rounded, by each rounding mode."""
    x = random_input(random, [5], "fixed<6,3>")
    first = random_dense(random, "first", 5, 3, types("fixed<5,2,RND>", "fixed<6,2,RND>"))
    layers = by_mode(first, ROUNDINGS, "accum", "fixed<10,8,MODE>")

    def check(trace: Trace) -> None:
        assert_all_differ(trace, names(layers))
        once = Type.parse("fixed<10,8,RND>")
        rounded_once = [once.cast(total) for total in exact_sums(first, trace)]
        assert rounded_once != all_values(trace, "rnd")

    return new(accum_rounding, [x], layers, outputs=names(layers)), check


@case
def accum_overflow(random: Random):
    """An accumulator narrower than sums and bias, by each overflow mode; the order shows."""
    x = random_input(random, [8], "fixed<6,3>")
    precision = types("fixed<5,2,RND,SAT>", "fixed<9,6,RND,SAT>", result="fixed<8,5,TRN,SAT>")
    first = random_dense(random, "first", 8, 3, precision)
    first.bias = np.array([20.0, -30.5, 1.3])
    layers = by_mode(first, OVERFLOWS, "accum", "fixed<9,5,RND,MODE>")
    built = new(accum_overflow, [x], layers, outputs=names(layers))

    def check(trace: Trace) -> None:
        assert_all_differ(trace, names(layers))
        for name in ["sat", "sat_zero", "sat_sym"]:
            assert_order_matters(built, trace, name)

    return built, check


@case
def accum_unsigned(random: Random):
    """An unsigned saturating accumulator, which makes negative products and sums zero."""
    x = random_input(random, [6], "fixed<5,3>")
    accum, result = "ufixed<8,5,RND_MIN_INF,SAT>", "ufixed<6,4,RND,SAT>"
    precision = types("fixed<4,2,RND_CONV>", "fixed<6,3,RND>", accum, result)
    fc = random_dense(random, "fc", 6, 4, precision, store="npy")

    def check(trace: Trace) -> None:
        clipped_once = [Type.parse(result).cast(total) for total in exact_sums(fc, trace)]
        assert clipped_once != all_values(trace, "fc")

    return new(accum_unsigned, [x], [fc]), check


# ---------------------------------------------------------------------------------------------
# Formats.
# ---------------------------------------------------------------------------------------------


@case
def most_negative(random: Random):
    """The most negative input times the most negative weight, which needs a bit of its own."""
    x = random_input(random, [6], "fixed<8,3>")
    weight = random_weights(random, "fixed<6,2>", 6, 3)
    weight[:, 0] = -2.0
    weight[:, 1] = [-2.0, 1.9375] * 3
    fc = Dense("fc", weight, np.array([-2.0, 1.9375, 0.3]), types("fixed<6,2,RND,SAT>"))

    def check(trace: Trace) -> None:
        assert max(tensors["fc"].values[0] for tensors in trace) == 6 * 8 - 2

    return new(most_negative, [x], [fc], part=VU13P), check


@case
def width_one(random: Random):
    """Inputs, weights and results of one bit: 0 or 1 unsigned, 0 or -1 signed, also scaled."""
    bits = Input("bits", [6], "uint<1>", random_samples(random, "uint<1>", 32, 6))
    signs = Input("signs", [4], "fixed<1,2>", random_samples(random, "fixed<1,2>", 32, 4))
    halves = np.array([random.between(0, 1) / 2 for _ in range(6 * 3)]).reshape(6, 3)
    ones = np.array([[-1.0, 0.0], [-1.0, -0.5], [0.0, -1.0], [-1.0, -0.75]])
    layers = [
        Dense(
            "of_bits", halves, np.array([0.5, 0.0, 0.25]), types("ufixed<1,0,RND,SAT>"), ["bits"]
        ),
        Elementwise("bit", "quantize", "ufixed<1,1,RND,SAT>"),
        Dense("of_signs", ones, np.array([-1.0, -0.5]), types("int<1>"), ["signs"], store="inline"),
        Elementwise("sign", "quantize", "int<1,TRN,SAT>"),
    ]

    def check(trace: Trace) -> None:
        assert set(all_values(trace, "bit")) == {0, 1}
        assert set(all_values(trace, "sign")) == {0, -1}

    return new(width_one, [bits, signs], layers, outputs=["bit", "sign"]), check


@case
def negative_integer_bits(random: Random):
    """Types all of whose bits lie below the point: negative integer bits everywhere."""
    x = random_input(random, [6], "fixed<8,-2>")
    first = types("fixed<6,-1,RND,SAT>", "fixed<7,-3,RND,SAT>", result="fixed<9,-2,RND,SAT>")
    second = types("ufixed<5,-1,RND>", "fixed<6,-4>", "fixed<12,-2,RND,SAT>")
    layers = [
        random_dense(random, "fc1", 6, 4, first, store="npy"),
        Elementwise("relu1", "relu", "ufixed<6,-3,RND_CONV,SAT>"),
        random_dense(random, "fc2", 4, 3, second),
    ]
    return new(negative_integer_bits, [x], layers), unchecked


@case
def integer_bits_beyond_width(random: Random):
    """Types whose last bit is worth more than one: more integer bits than bits."""
    x = random_input(random, [6], "fixed<6,9>")
    first = types("fixed<5,7,RND,SAT>", "fixed<6,12,RND,SAT>", result="fixed<10,20,RND,SAT>")
    second = types(
        "fixed<6,2,RND>", "fixed<8,25>", "fixed<9,22,RND_ZERO,SAT_SYM>", "fixed<8,23,RND>"
    )
    layers = [
        random_dense(random, "fc1", 6, 4, first),
        Elementwise("relu1", "relu", "ufixed<5,20,RND_CONV,SAT>"),
        random_dense(random, "fc2", 4, 3, second),
    ]

    def check(trace: Trace) -> None:
        assert all(value % 2**10 == 0 for value in all_values(trace, "fc1"))

    return new(integer_bits_beyond_width, [x], layers, clock="100 MHz"), check


@case
def mixed_grids(random: Random):
    """Biases on a grid much finer and much coarser than the products, kept exactly."""
    x = random_input(random, [4], "ufixed<5,8>")
    weight, ty = random_weights(random, "fixed<6,-2>", 4, 3), "fixed<6,-2,RND,SAT>"
    fine, coarse = np.array([0.001, -0.0078125, 0.3]), np.array([96.0, -128.0, 40.0])
    layers = [
        Dense("fine_bias", weight, fine, types(ty, "fixed<12,0,RND>"), ["x"]),
        Dense("coarse_bias", weight, coarse, types(ty, "fixed<5,10,RND>"), ["x"]),
    ]
    return new(mixed_grids, [x], layers, outputs=names(layers)), unchecked


@case
def wide_sums(random: Random):
    """Exact sums of more than 40 bits, kept whole at one output and rounded at the other."""
    x = random_input(random, [8], "fixed<20,10>", 32)
    w, b, result = "fixed<18,4,RND,SAT>", "fixed<24,10,RND>", "fixed<16,14,RND_CONV,SAT>"
    whole = random_dense(random, "whole", 8, 3, types(w, b), inputs=["x"])
    # The ends of both types in one column: the largest sum that there is.
    whole.weight[:, 0] = -8.0
    rounded = replace(whole, name="rounded", precision=types(w, b, result=result))

    def check(trace: Trace) -> None:
        mantissas = [value * 2**24 for value in all_values(trace, "whole")]
        assert max(abs(mantissa) for mantissa in mantissas) >= 2**39
        assert any(mantissa % 2 for mantissa in mantissas)

    return new(wide_sums, [x], [whole, rounded], outputs=["whole", "rounded"], part=KU115), check


@case
def relu_auto(random: Random):
    """All results auto, ReLU's between layers and at the output too; several layers a stage."""
    x = random_input(random, [6], "fixed<5,3>")
    layers = [
        random_dense(random, "fc1", 6, 4, types("fixed<4,1,RND,SAT>")),
        Elementwise("relu1", "relu", "auto"),
        random_dense(random, "fc2", 4, 3, types("fixed<4,1,RND,SAT>")),
        Elementwise("relu2", "relu", "auto"),
    ]

    def check(trace: Trace) -> None:
        values = all_values(trace, "relu2")
        assert 0 in values and max(values) > 0

    return new(relu_auto, [x], layers, clock="100 MHz", part=KU115), check


# ---------------------------------------------------------------------------------------------
# Weights.
# ---------------------------------------------------------------------------------------------


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


# ---------------------------------------------------------------------------------------------
# Multipliers and their reuse.
# ---------------------------------------------------------------------------------------------


def reuse(
    build: Build, random: Random, n_in: int, n_out: int, factor: int, strategy: str, store: str
):
    """One matrix twice, the multipliers shared over time: sums that saturate, and exact ones."""
    assert n_in * n_out % factor == 0
    x = random_input(random, [n_in], "fixed<7,3>", 48)
    w = "fixed<6,2,RND,SAT>"
    saturating = random_dense(
        random, "saturating", n_in, n_out, types(w, w, "fixed<10,5,RND,SAT>", "fixed<9,5>"),
        inputs=["x"], strategy=strategy, reuse_factor=factor, store=store,
    )  # fmt: skip
    exact = replace(saturating, name="exact", precision=types(w, result="fixed<14,8,RND,SAT>"))
    built = new(build, [x], [saturating, exact], outputs=["saturating", "exact"])

    def check(trace: Trace) -> None:
        assert_all_differ(trace, ["saturating", "exact"])
        assert_order_matters(built, trace, "saturating")

    return built, check


@case
def reuse_divides_inputs(random: Random):
    """A reuse factor of 4, which divides the 8 inputs; strategy resource."""
    return reuse(reuse_divides_inputs, random, 8, 3, 4, "resource", "npz")


@case
def reuse_multiple_of_inputs(random: Random):
    """A reuse factor of 12, twice the 6 inputs; strategy latency."""
    return reuse(reuse_multiple_of_inputs, random, 6, 4, 12, "latency", "npy")


@case
def reuse_everything(random: Random):
    """One multiplier for all 15 products of a 5 by 3 matrix; strategy resource."""
    return reuse(reuse_everything, random, 5, 3, 15, "resource", "npz")


@case
def reuse_6x4_by_8(random: Random):
    """A reuse factor of 8, neither a divisor nor a multiple of the 6 inputs; strategy resource."""
    built, check = reuse(reuse_6x4_by_8, random, 6, 4, 8, "resource", "npz")
    return replace(built, clock="360 MHz", part=VU13P), check


@case
def reuse_6x4_by_3(random: Random):
    """A reuse factor of 3 for a 6 by 4 matrix; strategy latency."""
    return reuse(reuse_6x4_by_3, random, 6, 4, 3, "latency", "inline")


@case
def mixed_reuse(random: Random):
    """Three layers with reuse factors 4, 1 and 12 and both strategies, some of it by default."""
    x = random_input(random, [8], "fixed<8,4,RND,SAT>", 32)
    w = "fixed<6,1,RND,SAT>"
    saturating = types(w, w, "fixed<12,6,TRN,SAT>", "fixed<10,6,RND>")
    layers = [
        random_dense(random, "fc1", 8, 6, types(w, result="fixed<12,6,RND,SAT>")),
        Elementwise("relu1", "relu", "ufixed<7,4,RND,SAT>"),
        random_dense(random, "fc2", 6, 6, types(w), strategy="latency", reuse_factor=1),
        Elementwise("relu2", "relu", "ufixed<8,5,TRN,SAT>"),
        random_dense(random, "fc3", 6, 4, saturating, reuse_factor=12),
    ]
    defaults = {"strategy": "resource", "reuse_factor": 4}
    return new(mixed_reuse, [x], layers, defaults=defaults, clock="320 MHz"), unchecked


@case
def multiplier_styles(random: Random):
    """The same wide products in DSP blocks, in look-up tables and as the tool chooses."""
    x = random_input(random, [4], "fixed<18,6>", 32)
    precision = types("fixed<16,3,RND,SAT>", result="fixed<24,12,RND_CONV,SAT>")
    chosen = random_dense(random, "chosen", 4, 3, precision, inputs=["x"], multiplier="auto")
    in_dsp = replace(chosen, name="in_dsp", multiplier="dsp")
    shared = replace(in_dsp, name="in_dsp_shared", strategy="resource", reuse_factor=2)
    layers = [in_dsp, shared, replace(chosen, name="in_lut", multiplier="lut"), chosen]

    def check(trace: Trace) -> None:
        assert all(all_values(trace, name) == all_values(trace, "chosen") for name in names(layers))

    built = new(multiplier_styles, [x], layers, outputs=names(layers), clock="480 MHz", part=VU13P)
    return built, check


@case
def positions_reuse(random: Random):
    """A dense layer at each of three positions whose multipliers are shared over time."""
    x = random_input(random, [3, 4], "fixed<7,3>", 30)
    w = "fixed<6,2,RND,SAT>"
    precision = types(w, w, "fixed<10,5,TRN,SAT>", "fixed<9,5,RND,SAT>")
    fc = random_dense(random, "fc", 4, 2, precision, strategy="resource", reuse_factor=4)
    return new(positions_reuse, [x], [fc]), unchecked


# ---------------------------------------------------------------------------------------------
# Graphs, shapes and names.
# ---------------------------------------------------------------------------------------------


@case
def two_depths(random: Random):
    """Two outputs at different depths, the earlier of which is also read on."""
    x = random_input(random, [5], "fixed<7,3>")
    w = "fixed<6,2,RND,SAT>"
    layers = [
        random_dense(random, "fc1", 5, 6, types(w, result="fixed<10,5,RND,SAT>")),
        Elementwise("a", "relu", "ufixed<7,4,RND,SAT>"),
        random_dense(random, "fc2", 6, 4, types(w, result="fixed<12,7,RND,SAT>")),
        Elementwise("relu2", "relu", "auto"),
        random_dense(random, "b", 4, 2, types(w), store="npy"),
    ]
    return new(two_depths, [x], layers, outputs=["a", "b"], clock="360 MHz"), unchecked


@case
def three_branches(random: Random):
    """Branches of one input with different depths and reuse factors, and outputs out of order."""
    x = random_input(random, [6], "fixed<7,3>")
    w = "fixed<5,1,RND,SAT>"
    narrow = types(w, result="fixed<9,5,RND,SAT>")
    layers = [
        random_dense(random, "shared", 6, 4, narrow, strategy="resource", reuse_factor=6),
        random_dense(random, "long", 4, 3, types(w), strategy="latency", reuse_factor=2),
        random_dense(random, "short", 6, 2, types(w), inputs=["x"]),
        Elementwise("copy", "quantize", "fixed<5,3,RND,SAT>", ["x"]),
    ]
    return new(three_branches, [x], layers, outputs=["copy", "long", "short"]), unchecked


@case
def two_inputs(random: Random):
    """Two inputs of different sizes and types, each with its own layers and its own output."""
    tracks = random_input(random, [7], "fixed<8,4>", 30, "tracks")
    towers = random_input(random, [3], "ufixed<6,6>", 30, "towers")
    w = "fixed<6,2,RND,SAT>"
    of_tracks, of_towers = (
        types(w, result=ty) for ty in ["fixed<12,7,RND,SAT>", "fixed<12,9,RND>"]
    )
    layers = [
        random_dense(random, "fc_tracks", 7, 4, of_tracks, inputs=["tracks"]),
        Elementwise("relu_tracks", "relu", "ufixed<8,5,RND,SAT>"),
        random_dense(random, "fc_towers", 3, 5, of_towers, inputs=["towers"], store="inline"),
    ]
    outputs = ["relu_tracks", "fc_towers"]
    return new(two_inputs, [tracks, towers], layers, outputs=outputs), unchecked


@case
def reshape_flatten(random: Random):
    """A [2, 3, 2] input to [4, 3], a dense layer at each position, flattened into another one."""
    x = random_input(random, [2, 3, 2], "fixed<7,3>", 30)
    w = "fixed<5,1,RND,SAT>"
    layers = [
        Reshape("as_rows", [4, 3]),
        random_dense(random, "fc1", 3, 2, types(w, result="fixed<9,5,RND,SAT>")),
        Reshape("flat"),
        random_dense(random, "fc2", 8, 3, types(w), store="inline"),
    ]
    return new(reshape_flatten, [x], layers), unchecked


@case
def positions(random: Random):
    """A dense layer over the last axis of a [3, 4] input, the same at each position."""
    x = random_input(random, [3, 4], "fixed<7,3>", 30)
    layers = [
        random_dense(random, "fc", 4, 5, types("fixed<6,2,RND,SAT>", result="fixed<11,6,RND,SAT>")),
        Elementwise("act", "relu", "ufixed<8,5,TRN,SAT>"),
    ]
    return new(positions, [x], layers), unchecked


@case
def reserved_words(random: Random):
    """Legal names of a spec that are words of Verilog or ports of the top module."""
    x = random_input(random, [3], "fixed<5,3>", 20, "input")
    layers = [
        random_dense(random, "module", 3, 3, types("fixed<4,2,RND,SAT>")),
        Elementwise("signed", "relu", "ufixed<5,3,RND,SAT>"),
        random_dense(random, "clk", 3, 2, types("fixed<4,2,RND,SAT>")),
        Elementwise("out_valid", "quantize", "fixed<4,2,RND,SAT>", ["input"]),
    ]
    return new(reserved_words, [x], layers, outputs=["clk", "out_valid"]), unchecked


# ---------------------------------------------------------------------------------------------
# Writing them all.
# ---------------------------------------------------------------------------------------------

TABLE_START, TABLE_END = "<!-- cases: written by make.py -->", "<!-- end of cases -->"


def write_table(cases: Sequence[Case], readme: Path) -> None:
    """Puts the table of cases between its marks in the README."""
    before, rest = readme.read_text(encoding="utf-8").split(TABLE_START)
    after = rest.split(TABLE_END)[1]
    rows = [f"| `{case.name}` | {case.purpose} |" for case in cases]
    table = [TABLE_START, "| case | what it is for |", "|---|---|", *rows, TABLE_END]
    readme.write_text(before + "\n".join(table) + after, encoding="utf-8", newline="\n")


def main() -> None:
    here = Path(__file__).resolve().parent
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else here
    cases = []
    for build in CASES:
        built, check = build(Random(build.__name__))
        trace = built.trace()
        check(trace)
        for name in built.output_names:
            assert any(all_values(trace, name)), f"{built.name}: {name} is always 0"
        write(built, trace, root)
        cases.append(built)
    if root == here:
        write_table(cases, here / "README.md")
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
