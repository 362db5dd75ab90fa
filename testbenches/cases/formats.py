"""Formats at their limits, and exact results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from building import (
    KU115,
    VU13P,
    case,
    names,
    new,
    random_dense,
    random_input,
    types,
    unchecked,
)
from case import (
    Input,
    Random,
    Trace,
    all_values,
    element_samples,
    random_samples,
    random_weights,
)
from cases.convolutions import random_conv
from model import (
    Dense,
    ElementTypes,
    Elementwise,
    Reshape,
)
from windows import Window


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


@case
def element_types(random: Random):
    """A type for each element: inputs, sums and activations of 0 to 9 bits, some with a sign."""
    inputs = ElementTypes([4, 0, 6, 3, 1], [2, 1, 3, -1, 1], [1, 1, 0, 1, 0], stored=True)
    x = Input("x", [5], inputs, element_samples(random, inputs.types([5]), 40))
    sums = ElementTypes([6, 0, 9, 4, 7, 2], [3, 0, 5, 6, 2, 0], 1, "RND", "SAT_SYM", stored=True)
    acts = ElementTypes([5, 3, 0, 4, 2, 1], [3, 3, 0, 5, 2, -1], 0, "RND_CONV", "WRAP")
    last = ElementTypes([3, 5, 4], [3, 1, 2], [0, 1, 1], "TRN_ZERO", "SAT_ZERO")
    layers = [
        random_dense(random, "fc1", 5, 6, types("fixed<6,2,RND,SAT>", result=sums)),
        Elementwise("act", "relu", acts),
        random_dense(random, "fc2", 6, 3, types("fixed<5,1,RND,SAT>")),
        Elementwise("out", "quantize", last),
    ]

    def check(trace: Trace) -> None:
        for name, used in [("fc1", [0, 2, 3, 4, 5]), ("act", [0, 3, 4])]:
            columns = list(zip(*(tensors[name].values for tensors in trace), strict=True))
            assert all(any(columns[i]) for i in used), name
            assert not any(columns[1]), name

    return new(element_types, [x], layers, outputs=["fc1", "out"]), check


@case
def element_types_of_images(random: Random):
    """Types for each channel, for each pixel and for each element of an image; reuse factors."""
    rows = [[[4]], [[6]], [[5]]]
    pixels = ElementTypes(rows, [[[2], [1], [3]]], 1)
    x = Input("x", [3, 3, 2], pixels, element_samples(random, pixels.types([3, 3, 2]), 24))
    channels = ElementTypes([7, 0, 5], [4, 2, 3], 1, "RND", "SAT")
    widths = [[[3, 4, 2], [5, 3, 4]], [[2, 0, 6], [4, 4, 1]]]
    each = ElementTypes(widths, [4, 2, 3], [1, 1, 0], "TRN", "WRAP", stored=True)
    weight = "fixed<4,1,RND,SAT>"
    conv = random_conv(random, "conv", 2, 3, Window([2, 2]), types(weight, result=channels))
    outputs = ElementTypes([6, 4], 4, 1, "RND", "SAT")
    layers = [
        replace(conv, parallelization_factor=2, reuse_factor=4),
        Elementwise("act", "relu", each),
        Reshape("flat"),
        random_dense(random, "fc", 12, 2, types(weight, result=outputs), reuse_factor=6),
    ]
    return new(element_types_of_images, [x], layers, outputs=["conv", "fc"]), unchecked
