"""Casts: rounding and overflow of inputs, weights, accumulators and results."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from building import (
    KU115,
    by_mode,
    case,
    exact_sums,
    names,
    new,
    random_dense,
    random_input,
    types,
)
from case import (
    Input,
    Random,
    Trace,
    all_values,
    assert_all_differ,
    assert_order_matters,
    sweep,
)
from model import (
    HALF,
    OVERFLOWS,
    ROUNDINGS,
    Dense,
    Elementwise,
    Type,
)


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
