"""Layers that combine several tensors: merges with skip connections, concatenation, dot."""

from __future__ import annotations

from building import case, names, new, random_dense, random_input, types, unchecked
from case import Input, Random, Trace, all_values, assert_all_differ
from cases.convolutions import random_conv
from merges import Concatenate, Dot, Merge
from model import Elementwise
from windows import Window

W = "fixed<5,2,RND,SAT>"


def operands(random: Random, shape: list[int], count: int = 40) -> list[Input]:
    """Two inputs with other widths, binary points and signs; equal numbers in one sample."""
    a = random_input(random, shape, "fixed<6,4>", count, "a")
    b = random_input(random, shape, "ufixed<6,3>", count, "b")
    features = len(a.samples[0])
    a.samples[9] = [k % 8 for k in range(features)]
    b.samples[9] = [2 * (k % 8) for k in range(features)]
    return [a, b]


@case
def merge_sums(random: Random):
    """Add, subtract and average of inputs on other grids: exact, and cast with saturation."""
    layers = [
        Merge(f"{kind}_{end}", kind, result, ["a", "b"])
        for kind in ["add", "subtract", "average"]
        for end, result in [("auto", "auto"), ("cast", "fixed<5,4,RND_CONV,SAT>")]
    ]
    # The difference the other way round, in an unsigned type.
    layers.append(Merge("reverse", "subtract", "ufixed<6,4,TRN,SAT>", ["b", "a"]))
    return new(merge_sums, operands(random, [6]), layers, outputs=names(layers)), (
        lambda trace: assert_all_differ(trace, names(layers))
    )


@case
def merge_products(random: Random):
    """Multiply of two inputs: the most negative times the largest, exact and cast; a square."""
    layers = [
        Merge("exact", "multiply", "auto", ["a", "b"]),
        Merge("cast", "multiply", "fixed<7,5,RND_INF,SAT_SYM>", ["a", "b"]),
        Merge("square", "multiply", "auto", ["a", "a"]),
    ]

    def check(trace: Trace) -> None:
        assert max(all_values(trace, "square")) == 64 and min(all_values(trace, "square")) == 0

    return new(merge_products, operands(random, [5]), layers, outputs=names(layers)), check


@case
def merge_extremes(random: Random):
    """Maximum and minimum of inputs on other grids and signs, with ties; negative to unsigned."""
    layers = [
        Merge("largest", "maximum", "auto", ["a", "b"]),
        Merge("smallest", "minimum", "auto", ["a", "b"]),
        Merge("clipped", "minimum", "ufixed<4,3,RND,SAT>", ["b", "a"]),
    ]

    def check(trace: Trace) -> None:
        assert trace[9]["largest"].values == trace[9]["smallest"].values

    return new(merge_extremes, operands(random, [6]), layers, outputs=names(layers)), check


@case
def merge_several(random: Random):
    """Merges of three and four inputs: sum, product, extremes, and an average of four."""
    inputs = [
        random_input(random, [3], precision, 40, name)
        for name, precision in [("a", "fixed<5,3>"), ("b", "ufixed<4,2>"), ("c", "fixed<4,1>")]
    ]
    read = [x.name for x in inputs]
    layers = [
        Merge("total", "add", "auto", read),
        Merge("product", "multiply", "fixed<9,6,RND,SAT>", read),
        Merge("largest", "maximum", "auto", read),
        Merge("smallest", "minimum", "fixed<4,3,RND,SAT>", read),
        Merge("mean", "average", "fixed<6,3,TRN_ZERO>", [*read, "a"]),
    ]
    return new(merge_several, inputs, layers, outputs=names(layers)), unchecked


@case
def merge_broadcast(random: Random):
    """Merges of shapes that differ: a number for each channel, and one for each pixel."""
    image = random_input(random, [2, 3, 2], "fixed<5,3>", 30, "image")
    channels = random_input(random, [2], "fixed<4,2>", 30, "channels")
    mask = random_input(random, [2, 3, 1], "uint<1>", 30, "mask")
    layers = [
        Merge("biased", "add", "auto", ["image", "channels"]),
        Merge("masked", "multiply", "auto", ["image", "mask"]),
        Merge("difference", "subtract", "fixed<5,3,RND,SAT>", ["channels", "image"]),
    ]
    return new(merge_broadcast, [image, channels, mask], layers, outputs=names(layers)), unchecked


@case
def skip_connection(random: Random):
    """A skip connection past a dense layer, and one past two of them: operands of other depths."""
    x = random_input(random, [4], "fixed<6,3>")
    narrow = types(W, result="fixed<8,4,RND,SAT>")
    layers = [
        random_dense(random, "fc1", 4, 4, narrow),
        Merge("skip1", "add", "fixed<8,5,RND,SAT>", ["x", "fc1"]),
        Elementwise("relu1", "relu", "ufixed<6,4,RND,SAT>"),
        random_dense(random, "fc2", 4, 4, narrow),
        Merge("skip2", "add", "auto", ["fc2", "relu1", "x"]),
        random_dense(random, "fc3", 4, 3, types(W)),
    ]
    return new(skip_connection, [x], layers, clock="360 MHz"), unchecked


@case
def skip_connection_reuse(random: Random):
    """A skip connection past layers whose multipliers are shared, one for 8 and one for 4 steps."""
    x = random_input(random, [4], "fixed<6,3>")
    narrow = types(W, result="fixed<8,4,RND,SAT>")
    layers = [
        random_dense(random, "fc1", 4, 4, narrow, strategy="resource", reuse_factor=8),
        Elementwise("relu1", "relu", "ufixed<6,4,RND,SAT>"),
        random_dense(random, "fc2", 4, 4, narrow, strategy="resource", reuse_factor=4),
        Merge("skip", "add", "fixed<8,5,RND,SAT>", ["fc2", "x"]),
    ]
    return new(skip_connection_reuse, [x], layers), unchecked


@case
def residual_block(random: Random):
    """A residual block of two convolutions with same padding, added to what they read."""
    x = random_input(random, [4, 3, 2], "ufixed<5,2>", 30)
    precision = types(W, result="fixed<8,4,RND,SAT>")
    window = Window([3, 3], padding="same")
    layers = [
        random_conv(random, "conv1", 2, 2, window, precision),
        Elementwise("relu1", "relu", "ufixed<5,3,RND,SAT>"),
        random_conv(random, "conv2", 2, 2, window, precision),
        Merge("skip", "add", "fixed<9,5>", ["x", "conv2"]),
        Elementwise("relu2", "relu", "ufixed<6,4,RND,SAT>"),
    ]
    return new(residual_block, [x], layers), unchecked


@case
def concatenate(random: Random):
    """Concatenation of vectors on other grids: cast, kept exactly, and the same one twice."""
    a, b = operands(random, [4])
    layers = [
        Concatenate("cast", -1, "fixed<5,4,RND,SAT>", ["a", "b"]),
        Concatenate("exact", 1, "auto", ["b", "a", "b"]),
    ]
    return new(concatenate, [a, b], layers, outputs=names(layers)), unchecked


@case
def concatenate_axes(random: Random):
    """Concatenation of images along rows, columns and channels, axes from the front and the end."""
    a = random_input(random, [2, 3, 2], "fixed<5,3>", 24, "a")
    b = random_input(random, [2, 3, 2], "fixed<4,2>", 24, "b")
    layers = [
        Concatenate(name, axis, "fixed<5,3,RND,SAT>", ["a", "b"])
        for name, axis in [("rows", 1), ("columns", 2), ("channels", 3), ("also_columns", -2)]
    ]

    def check(trace: Trace) -> None:
        assert [trace[0][name].shape for name in names(layers)] == (
            [[4, 3, 2], [2, 6, 2], [2, 3, 4], [2, 6, 2]]
        )
        assert_all_differ(trace, names(layers[:3]))

    return new(concatenate_axes, [a, b], layers, outputs=names(layers)), check


@case
def concatenate_branches(random: Random):
    """Branches of other depths and types joined by a concatenation, then read by one layer."""
    x = random_input(random, [4], "fixed<6,3>")
    layers = [
        random_dense(random, "deep1", 4, 3, types(W, result="fixed<8,4,RND,SAT>"), inputs=["x"]),
        random_dense(random, "deep2", 3, 2, types(W)),
        random_dense(random, "short", 4, 2, types(W), inputs=["x"]),
        Concatenate("joined", -1, "auto", ["deep2", "short", "x"]),
        random_dense(random, "fc", 8, 2, types(W)),
    ]
    return new(concatenate_branches, [x], layers), unchecked


@case
def dot(random: Random):
    """The scalar product of two vectors: exact, and in an accumulator that saturates in order."""
    inputs = operands(random, [6])
    layers = [
        Dot("exact", "auto", "auto", ["a", "b"]),
        Dot("saturating", "fixed<7,5,RND,SAT>", "fixed<6,5>", ["a", "b"]),
        Dot("square", "auto", "ufixed<9,8,RND,SAT>", ["a", "a"]),
    ]

    def check(trace: Trace) -> None:
        backwards = [
            layers[1].apply(*(type(x)(x.shape, x.values[::-1]) for x in (t["a"], t["b"])))
            for t in trace
        ]
        assert [x.values for x in backwards] != [t["saturating"].values for t in trace]

    return new(dot, inputs, layers, outputs=names(layers)), check
