"""Activations of straight lines and steps, and batch normalisation: each over all inputs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from building import case, names, new, random_dense, random_input, types, unchecked
from case import Input, Random, Trace, all_values, assert_all_differ, random_weights, sweep
from cases.convolutions import random_conv
from functions import Activation, BatchNorm, BatchNormStatistics, FoldedBatchNorm, Sloped
from windows import Window


def every(precision: str) -> Input:
    """Every value of a type of eight or nine bits, in 32 samples."""
    ty = precision.split("<")[1].split(",")[0]
    features = 2 ** int(ty) // 32
    return Input("x", [features], precision, sweep(precision, features))


@case
def batch_norm(random: Random):
    """Batch normalisation of a vector: scales of both signs, one zero, shifts on a finer grid."""
    x = random_input(random, [6], "fixed<7,3>", 40)
    scale, shift = random_weights(random, "fixed<6,2>", 6), random_weights(random, "fixed<9,3>", 6)
    scale[2] = 0.0
    layers = [
        BatchNorm("exact", scale, shift, ("fixed<6,2,RND,SAT>", "fixed<9,3>", "auto"), ["x"]),
        BatchNorm("cast", scale, shift, ("fixed<6,2>", "fixed<9,3>", "fixed<7,4,RND,SAT>"), ["x"]),
    ]
    return new(batch_norm, [x], layers, outputs=names(layers)), (
        lambda trace: assert_all_differ(trace, names(layers))
    )


@case
def batch_norm_image(random: Random):
    """Batch normalisation of an image: a scale and a shift for each channel at every pixel."""
    x = random_input(random, [3, 4, 3], "fixed<6,3>", 24)
    scale, shift = random_weights(random, "fixed<5,1>", 3), random_weights(random, "fixed<6,3>", 3)
    norm = BatchNorm("norm", scale, shift, ("fixed<5,1>", "fixed<6,3>", "fixed<8,5,RND,SAT>"))
    return new(batch_norm_image, [x], [norm, Activation("act", "hard_tanh", "auto")]), unchecked


@case
def batch_norm_statistics(random: Random):
    """Batch normalisation from mean and variance, gamma and beta: scale and shift are computed."""
    x = random_input(random, [4], "fixed<7,3>", 40)
    numbers = {
        "gamma": np.array([1.0, -0.7, 0.4, 1.9]),
        "beta": np.array([0.3, -0.2, 0.0, 1.1]),
        "mean": np.array([0.9, -1.3, 0.2, 2.2]),
        "variance": np.array([0.8, 0.05, 1.7, 3.1]),
    }
    of_types = ("fixed<8,3,RND,SAT>", "fixed<8,3,RND,SAT>", "fixed<9,6,RND,SAT>")
    plain = {key: numbers[key] for key in ["mean", "variance"]}
    layers = [
        BatchNormStatistics.of("whole", numbers, 0.001, of_types, ["x"]),
        BatchNormStatistics.of("plain", plain, 0.01, of_types, ["x"]),
    ]
    return new(batch_norm_statistics, [x], layers, outputs=names(layers)), unchecked


@case
def batch_norm_folded(random: Random):
    """Batch normalisation folded into a convolution and into a dense layer after it."""
    x = random_input(random, [3, 4, 2], "fixed<6,3>", 24)
    precision = types("fixed<7,3,RND,SAT>", result="fixed<9,5>")
    conv = random_conv(random, "conv", 2, 3, Window([2, 2]), precision, inputs=["x"])
    dense = random_dense(random, "fc", 3, 2, precision, inputs=["norm1"])
    numbers = [random_weights(random, "fixed<5,1>", channels) for channels in [3, 3, 2, 2]]
    layers = [
        conv,
        FoldedBatchNorm("norm1", conv, *numbers[:2], "fixed<8,4,RND,SAT>"),
        dense,
        FoldedBatchNorm("norm2", dense, *numbers[2:]),
    ]
    return new(batch_norm_folded, [x], layers), unchecked


@case
def leaky_relu(random: Random):
    """Leaky ReLU over every input: slopes that are rounded, above one, negative, and zero."""
    x = every("fixed<8,4>")
    slopes = {
        "third": (0.3, "ufixed<8,0>", "auto"),
        "steep": (1.6, "fixed<5,2,RND>", "fixed<9,5,RND,SAT>"),
        "mirrored": (-0.25, "fixed<4,1>", "fixed<7,4,RND_CONV,SAT>"),
        "flat": (0.01, "ufixed<4,0>", "ufixed<6,3,RND,SAT>"),
    }
    layers = [
        Sloped(name, "leaky_relu", np.array(alpha), ty, result, ["x"])
        for name, (alpha, ty, result) in slopes.items()
    ]

    def check(trace: Trace) -> None:
        assert_all_differ(trace, names(layers))
        # Truncated to eight bits, 0.3 is 76/256; to four bits, 0.01 is zero.
        assert min(all_values(trace, "third")) == Fraction(-8 * 76, 256)
        assert min(all_values(trace, "mirrored")) == 0

    return new(leaky_relu, [x], layers, outputs=names(layers)), check


@case
def prelu(random: Random):
    """Parametric ReLU: a slope for each element, and one for each channel of an image."""
    x = random_input(random, [3, 2, 4], "fixed<7,3>", 24)
    of_elements = random_weights(random, "fixed<6,1>", 3, 2, 4)
    of_channels = random_weights(random, "fixed<6,1>", 1, 1, 4)
    result = "fixed<8,4,RND_CONV,SAT>"
    layers = [
        Sloped("of_elements", "prelu", of_elements, "fixed<6,1,RND,SAT>", result, ["x"]),
        Sloped("of_channels", "prelu", of_channels, "fixed<6,1>", "auto", ["x"]),
    ]
    return new(prelu, [x], layers, outputs=names(layers)), unchecked


@case
def relu_max_value(random: Random):
    """ReLU with a maximum of 6, one off the input's grid, and one that the result does not hold."""
    x = every("fixed<8,5>")
    layers = [
        Activation("six", "relu", "auto", ["x"], 6),
        Activation("off_grid", "relu", "ufixed<6,2,RND,SAT>", ["x"], 2.71875),
        Activation("wrapped", "relu", "ufixed<5,3>", ["x"], 9.5),
    ]

    def check(trace: Trace) -> None:
        assert max(all_values(trace, "six")) == 6
        assert max(all_values(trace, "off_grid")) == Fraction(44, 16)
        assert max(all_values(trace, "wrapped")) < 8

    return new(relu_max_value, [x], layers, outputs=names(layers)), check


@case
def hard_functions(random: Random):
    """Hard sigmoid and hard tanh over every input: both bounds and the line between."""
    x = every("fixed<8,4>")
    layers = [
        Activation("sigmoid_fine", "hard_sigmoid", "ufixed<18,1>", ["x"]),
        Activation("sigmoid_round", "hard_sigmoid", "ufixed<6,0,RND,SAT>", ["x"]),
        Activation("sigmoid_wrap", "hard_sigmoid", "fixed<6,1>", ["x"]),
        Activation("tanh_auto", "hard_tanh", "auto", ["x"]),
        Activation("tanh_narrow", "hard_tanh", "fixed<3,1,RND,SAT>", ["x"]),
    ]

    def check(trace: Trace) -> None:
        fine = all_values(trace, "sigmoid_fine")
        assert {Fraction(0), Fraction(1, 2), Fraction(1)} <= set(fine)
        # 1 does not fit and wraps to -1.
        assert min(all_values(trace, "sigmoid_wrap")) == -1
        assert set(all_values(trace, "tanh_auto")) == {Fraction(k, 16) for k in range(-16, 17)}

    return new(hard_functions, [x], layers, outputs=names(layers)), check


@case
def step_functions(random: Random):
    """Binary and ternary tanh over every input: 0, 1/2 and -1/2 themselves, results of few bits."""
    x = every("fixed<8,3>")
    layers = [
        Activation("binary", "binary_tanh", "auto", ["x"]),
        Activation("ternary", "ternary_tanh", "auto", ["x"]),
        Activation("narrow", "ternary_tanh", "fixed<3,1,RND,SAT>", ["x"]),
    ]

    def check(trace: Trace) -> None:
        at = dict(zip(all_values(trace, "x"), all_values(trace, "ternary"), strict=True))
        half, step = Fraction(1, 2), Fraction(1, 32)
        assert [at[k] for k in [half, half + step, -half, step - half]] == [0, 1, -1, 0]
        signs = dict(zip(all_values(trace, "x"), all_values(trace, "binary"), strict=True))
        assert [signs[k] for k in [Fraction(0), -step]] == [1, -1]

    return new(step_functions, [x], layers, outputs=names(layers)), check


@case
def step_between_layers(random: Random):
    """A binarised network: binary tanh between two dense layers, integers as inputs."""
    x = random_input(random, [5], "int<4>")
    layers = [
        random_dense(random, "fc1", 5, 6, types("fixed<4,2,RND,SAT>")),
        Activation("sign", "binary_tanh", "int<2>"),
        random_dense(random, "fc2", 6, 3, types("fixed<4,2,RND,SAT>")),
        Activation("third", "ternary_tanh", "int<2>"),
    ]

    def check(trace: Trace) -> None:
        assert set(all_values(trace, "sign")) == {-1, 1}
        assert set(all_values(trace, "third")) == {-1, 0, 1}

    return new(step_between_layers, [x], layers), check
