"""Layers that only move elements: permutation, zeros around an image, cropping, up-sampling."""

from __future__ import annotations

from building import case, names, new, random_dense, random_input, types, unchecked
from case import Random, Trace
from cases.convolutions import random_conv
from merges import Cropping, Permute, UpSampling, ZeroPadding
from model import Elementwise, Reshape
from windows import Window


@case
def permute(random: Random):
    """Permutations of three axes, a rotation and a swap, and of two axes before a dense layer."""
    x = random_input(random, [2, 3, 4], "fixed<6,3>", 24)
    layers = [
        Permute("rotated", [3, 1, 2], ["x"]),
        Permute("swapped", [2, 1, 3], ["x"]),
        Reshape("matrix", [6, 4], ["x"]),
        Permute("transposed", [2, 1]),
        random_dense(random, "fc", 6, 2, types("fixed<5,2,RND,SAT>")),
    ]

    def check(trace: Trace) -> None:
        assert trace[0]["rotated"].shape == [4, 2, 3]
        assert trace[9]["rotated"].values != trace[9]["swapped"].values

    return new(permute, [x], layers, outputs=["rotated", "swapped", "fc"]), check


@case
def zero_padding(random: Random):
    """Zeros around steps and around an image, other numbers of them at each side, none at one."""
    steps = random_input(random, [3, 2], "fixed<6,3>", 24, "steps")
    image = random_input(random, [2, 3, 2], "ufixed<5,3>", 24, "image")
    layers = [
        ZeroPadding("around_steps", [[1, 2]], ["steps"]),
        ZeroPadding("around_image", [[0, 1], [2, 1]], ["image"]),
    ]
    return new(zero_padding, [steps, image], layers, outputs=names(layers)), unchecked


@case
def zero_padding_conv2d(random: Random):
    """Zeros around an image, then a valid convolution: the padding that strided networks use."""
    x = random_input(random, [4, 4, 2], "fixed<6,3>", 30)
    precision = types("fixed<5,2,RND,SAT>", result="fixed<9,5,RND,SAT>")
    layers = [
        ZeroPadding("pad", [[0, 1], [1, 0]]),
        random_conv(random, "conv", 2, 2, Window([3, 3], [2, 2]), precision),
    ]
    return new(zero_padding_conv2d, [x], layers), unchecked


@case
def cropping(random: Random):
    """Cropping of steps and of an image, other numbers at each side, down to a single row."""
    steps = random_input(random, [5, 2], "fixed<6,3>", 24, "steps")
    image = random_input(random, [4, 4, 2], "fixed<5,3>", 24, "image")
    layers = [
        Cropping("of_steps", [[1, 2]], ["steps"]),
        Cropping("of_image", [[0, 1], [2, 1]], ["image"]),
        Cropping("one_row", [[1, 2], [0, 0]], ["image"]),
    ]
    return new(cropping, [steps, image], layers, outputs=names(layers)), unchecked


@case
def up_sampling(random: Random):
    """Up-sampling of steps by 3 and of an image by 2 by 3: each element repeated on the spot."""
    steps = random_input(random, [3, 2], "fixed<6,3>", 24, "steps")
    image = random_input(random, [2, 2, 2], "fixed<5,3>", 24, "image")
    layers = [
        UpSampling("of_steps", [3], ["steps"]),
        UpSampling("of_image", [2, 3], ["image"]),
    ]
    return new(up_sampling, [steps, image], layers, outputs=names(layers)), unchecked


@case
def up_and_down(random: Random):
    """An image up-sampled, convolved and cropped back, as decoders do; flattened at the end."""
    x = random_input(random, [2, 3, 2], "fixed<6,3>", 30)
    precision = types("fixed<5,2,RND,SAT>", result="fixed<9,5,RND,SAT>")
    layers = [
        UpSampling("up", [2, 2]),
        random_conv(random, "conv", 2, 2, Window([2, 2], padding="same"), precision),
        Elementwise("act", "relu", "ufixed<7,4,RND,SAT>"),
        Cropping("crop", [[1, 1], [0, 2]]),
        Reshape("flat"),
    ]
    return new(up_and_down, [x], layers), unchecked
