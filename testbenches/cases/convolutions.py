"""Convolutions: windows at every edge, strides that leave pixels over, dilation, groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from building import VU13P, case, names, new, random_input, types, unchecked
from case import Check, Random, Trace, all_values, assert_all_differ, random_weights
from model import Elementwise, Precision
from windows import Conv, DepthwiseConv, SeparableConv, Window

W = "fixed<6,2,RND,SAT>"
NARROW = types(W, result="fixed<10,6,RND,SAT>")


def random_conv(
    random: Random,
    name: str,
    channels: int,
    filters: int,
    window: Window,
    precision: Precision = NARROW,
    bias: bool = True,
    **others,
) -> Conv:
    """A convolution with random weights, some of which its types round."""
    weight = random_weights(random, precision[0], *window.size, channels, filters)
    biases = random_weights(random, precision[1], filters) if bias else None
    return Conv(name, weight, biases, precision, window, **others)


def random_depthwise(
    random: Random,
    name: str,
    channels: int,
    multiplier: int,
    window: Window,
    precision: Precision = NARROW,
    **others,
) -> DepthwiseConv:
    weight = random_weights(random, precision[0], *window.size, channels, multiplier)
    bias = random_weights(random, precision[1], channels * multiplier)
    return DepthwiseConv(name, weight, bias, precision, window, **others)


def order_matters(layers: list[Conv]) -> Check:
    """The sums in descending order differ somewhere from those in ascending order."""

    def check(trace: Trace) -> None:
        for layer in layers:
            samples = [tensors[layer.inputs[0] if layer.inputs else "x"] for tensors in trace]
            orders = [list(layer.sums(x, down)) for down in [False, True] for x in samples]
            assert orders[: len(samples)] != orders[len(samples) :], layer.name

    return check


def assert_padded(layer: Conv, shape: list[int]) -> None:
    """Some window has cells beyond the image before its first pixel, and some after its last."""
    positions = layer.window.slide(shape)[1]
    assert positions[0][0] is None or positions[-1][-1] is None


@case
def conv1d_same(random: Random):
    """Conv1D, same padding: an even kernel pads one step more after the image than before it."""
    x = random_input(random, [7, 2], "fixed<7,3>", 32)
    conv = random_conv(random, "conv", 2, 3, Window([4], padding="same"))
    assert_padded(conv, x.shape)
    return new(
        conv1d_same, [x], [conv, Elementwise("act", "relu", "ufixed<6,4,RND,SAT>")]
    ), unchecked


@case
def conv1d_valid_stride3(random: Random):
    """Conv1D, valid, strides of 3 on 9 steps: the last two steps belong to no window."""
    x = random_input(random, [9, 3], "fixed<7,3>", 32)
    conv = random_conv(random, "conv", 3, 2, Window([4], [3]), types(W))
    assert len(conv.window.slide(x.shape)[1]) == 2
    return new(conv1d_valid_stride3, [x], [conv]), unchecked


@case
def conv1d_same_stride2(random: Random):
    """Conv1D, same padding with strides of 2 on an even and on an odd number of steps."""
    x = random_input(random, [8, 2], "fixed<6,3>", 32)
    window = Window([3], [2], "same")
    layers = [
        random_conv(random, "even", 2, 3, window),
        random_conv(random, "crop", 3, 2, Window([2])),
        random_conv(random, "odd", 2, 2, window, types(W)),
    ]
    # Nothing is padded before eight steps, one cell before three.
    assert window.slide([8, 2])[1][0][0] == 0 and window.slide([3, 2])[1][0][0] is None
    return new(conv1d_same_stride2, [x], layers, clock="320 MHz"), unchecked


@case
def conv1d_causal(random: Random):
    """Conv1D, causal padding, also with strides and with dilation: no window looks ahead."""
    x = random_input(random, [6, 2], "fixed<7,3>", 32)
    windows = {
        "plain": Window([3], padding="causal"),
        "strided": Window([3], [2], "causal"),
        "dilated": Window([2], padding="causal", dilation=[3]),
    }
    layers = [
        random_conv(random, name, 2, 2, window, inputs=["x"]) for name, window in windows.items()
    ]

    def check(trace: Trace) -> None:
        for layer in layers:
            first = layer.window.slide([6, 2])[1][0]
            assert first[-1] == 0 and set(first[:-1]) == {None}

    return new(conv1d_causal, [x], layers, outputs=names(layers)), check


@case
def conv1d_dilated(random: Random):
    """Conv1D, kernels with holes: dilation 2 valid, dilation 3 with same padding."""
    x = random_input(random, [9, 2], "fixed<7,3>", 32)
    layers = [
        random_conv(random, "holes", 2, 2, Window([3], dilation=[2]), inputs=["x"]),
        random_conv(
            random, "padded", 2, 2, Window([2], padding="same", dilation=[3]), inputs=["x"]
        ),
    ]
    return new(conv1d_dilated, [x], layers, outputs=names(layers)), unchecked


@case
def conv1d_accum(random: Random):
    """Conv1D, saturating and rounding accumulators: cells come before channels in their order."""
    x = random_input(random, [5, 3], "fixed<6,3>", 40)
    modes = {"sat": "RND,SAT", "sat_zero": "TRN,SAT_ZERO", "wrap": "RND_CONV,WRAP"}
    window = Window([3], padding="same")
    first = random_conv(random, "first", 3, 2, window)
    layers = [
        replace(first, name=name, inputs=["x"], precision=types(W, W, f"fixed<8,4,{mode}>"))
        for name, mode in modes.items()
    ]

    def check(trace: Trace) -> None:
        assert_all_differ(trace, names(layers))
        order_matters(layers[:2])(trace)

    return new(conv1d_accum, [x], layers, outputs=names(layers)), check


@case
def conv1d_reuse(random: Random):
    """Conv1D, one multiplier for six products and two positions at a time; sums that saturate."""
    x = random_input(random, [6, 2], "fixed<6,3>", 32)
    precision = types(W, W, "fixed<9,4,RND,SAT>", "fixed<8,4>")
    conv = random_conv(
        random, "conv", 2, 3, Window([3], padding="same"), precision,
        strategy="resource", reuse_factor=6, parallelization_factor=2,
    )  # fmt: skip
    return new(conv1d_reuse, [x], [conv]), order_matters([conv])


@case
def conv2d_same(random: Random):
    """Conv2D, 3 by 3, same padding: windows that reach beyond each edge and each corner."""
    x = random_input(random, [4, 5, 2], "fixed<7,3>", 32)
    conv = random_conv(random, "conv", 2, 3, Window([3, 3], padding="same"))
    reached = {tuple(cell is None for cell in cells) for cells in conv.window.slide(x.shape)[1]}
    assert len(reached) == 9
    return new(conv2d_same, [x], [conv]), unchecked


@case
def conv2d_same_even(random: Random):
    """Conv2D, a kernel of 2 by 4 with same padding, strides of 2 and 3: more cells pad the end."""
    x = random_input(random, [5, 6, 2], "fixed<7,3>", 32)
    conv = random_conv(random, "conv", 2, 2, Window([2, 4], [2, 3], "same"), types(W))
    extents, positions = conv.window.slide(x.shape)
    # Nothing is padded above and left, a row below and one column right.
    assert extents == [3, 2] and positions[0][0] == 0 and positions[-1][-1] is None
    return new(conv2d_same_even, [x], [conv], part=VU13P), unchecked


@case
def conv2d_valid_stride2(random: Random):
    """Conv2D, valid, strides of 2 by 3, which leave a row and two columns over."""
    x = random_input(random, [6, 7, 1], "fixed<7,3>", 32)
    conv = random_conv(random, "conv", 1, 3, Window([3, 2], [2, 3]))
    assert conv.window.slide(x.shape)[0] == [2, 2]
    return new(conv2d_valid_stride2, [x], [conv]), unchecked


@case
def conv2d_dilated(random: Random):
    """Conv2D with holes in the kernel, other ones in each axis, and same padding around them."""
    x = random_input(random, [5, 6, 1], "fixed<7,3>", 32)
    layers = [
        random_conv(random, "valid", 1, 2, Window([2, 3], dilation=[3, 2]), inputs=["x"]),
        random_conv(random, "same", 1, 2, Window([3, 2], None, "same", [2, 3]), inputs=["x"]),
    ]
    return new(conv2d_dilated, [x], layers, outputs=names(layers)), unchecked


@case
def conv2d_pointwise(random: Random):
    """Conv2D of one cell: a dense layer at each pixel, without a bias, then a strided one."""
    x = random_input(random, [3, 4, 4], "ufixed<6,3>", 32)
    layers = [
        random_conv(random, "point", 4, 3, Window([1, 1]), bias=False),
        Elementwise("act", "relu", "ufixed<6,4,RND,SAT>"),
        random_conv(random, "strided", 3, 2, Window([1, 1], [2, 2])),
    ]
    return new(conv2d_pointwise, [x], layers), unchecked


@case
def conv2d_accum(random: Random):
    """Conv2D, accumulators that saturate: rows, columns, then channels, whatever is padded."""
    x = random_input(random, [3, 4, 2], "fixed<6,3>", 40)
    modes = {"sat": "RND,SAT", "sat_sym": "TRN_ZERO,SAT_SYM", "unsigned": "RND,SAT"}
    first = random_conv(random, "first", 2, 2, Window([2, 3], padding="same"))
    layers = [
        replace(
            first,
            name=name,
            inputs=["x"],
            precision=types(W, W, f"{'u' * (name == 'unsigned')}fixed<9,5,{mode}>", "fixed<8,5>"),
        )
        for name, mode in modes.items()
    ]

    def check(trace: Trace) -> None:
        assert_all_differ(trace, names(layers))
        # Unsigned and saturating, the sums only grow, in whichever order.
        order_matters(layers[:2])(trace)

    return new(conv2d_accum, [x], layers, outputs=names(layers)), check


@case
def conv2d_binary_weights(random: Random):
    """Conv2D, weights of -1, 0 and 1 only: sums and differences, and no multiplier."""
    x = random_input(random, [4, 4, 2], "fixed<5,3>", 32)
    conv = random_conv(random, "conv", 2, 3, Window([3, 3]), types("fixed<2,2>"))
    conv.weight = np.array([random.between(-1, 1) for _ in range(54)], float).reshape(3, 3, 2, 3)
    conv.bias = np.array([1.0, 0.0, -1.0])
    return new(conv2d_binary_weights, [x], [conv]), unchecked


@case
def conv2d_reuse(random: Random):
    """Conv2D, multipliers shared over 9 steps, three positions at a time, then all of them."""
    x = random_input(random, [3, 3, 2], "fixed<6,3>", 32)
    window = Window([3, 3], padding="same")
    accum = types(W, W, "fixed<9,5,TRN,SAT>", "fixed<8,5>")
    shared = {"strategy": "resource", "reuse_factor": 9}
    layers = [
        random_conv(random, "first", 2, 2, window, accum, parallelization_factor=3, **shared),
        random_conv(random, "second", 2, 2, window, **shared),
    ]
    return new(conv2d_reuse, [x], layers), order_matters(layers[:1])


@case
def conv2d_one_at_a_time(random: Random):
    """Conv2D, one position after the other through one array of multipliers, reuse factor 1."""
    x = random_input(random, [4, 3, 2], "fixed<6,3>", 32)
    conv = random_conv(
        random, "conv", 2, 2, Window([2, 2], padding="same"),
        reuse_factor=1, parallelization_factor=1,
    )  # fmt: skip
    return new(conv2d_one_at_a_time, [x], [conv]), unchecked


@case
def depthwise_conv1d(random: Random):
    """Depthwise Conv1D, one filter a channel, same padding, strides of 2; saturating sums."""
    x = random_input(random, [7, 3], "fixed<6,3>", 40)
    precision = types(W, W, "fixed<8,4,RND,SAT>", "fixed<7,4>")
    conv = random_depthwise(random, "conv", 3, 1, Window([4], [2], "same"), precision)
    return new(depthwise_conv1d, [x], [conv]), order_matters([conv])


@case
def depthwise_conv2d(random: Random):
    """Depthwise Conv2D, one filter a channel: no channel reaches another, padding on all sides."""
    x = random_input(random, [4, 4, 3], "fixed<7,3>", 32)
    conv = random_depthwise(random, "conv", 3, 1, Window([3, 3], padding="same"))
    return new(depthwise_conv2d, [x], [conv]), unchecked


@case
def depthwise_conv2d_multiplier2(random: Random):
    """Depthwise Conv2D, two filters a channel: channel c gives the channels 2c and 2c + 1."""
    x = random_input(random, [4, 5, 2], "fixed<7,3>", 32)
    conv = random_depthwise(random, "conv", 2, 2, Window([2, 3], [1, 2]))

    def check(trace: Trace) -> None:
        assert trace[0]["conv"].shape == [3, 2, 4]

    return new(depthwise_conv2d_multiplier2, [x], [conv]), check


@case
def depthwise_conv2d_reuse(random: Random):
    """Depthwise Conv2D, two filters a channel, a reuse factor of 4 within each channel."""
    x = random_input(random, [3, 4, 2], "fixed<6,3>", 32)
    conv = random_depthwise(
        random, "conv", 2, 2, Window([2, 2]), strategy="resource", reuse_factor=4
    )
    return new(depthwise_conv2d_reuse, [x], [conv]), unchecked


def random_separable(random: Random, size: list[int], multiplier: int, accum: str) -> SeparableConv:
    depthwise = random_weights(random, "fixed<6,2,RND,SAT>", *size, 2, multiplier)
    pointwise = random_weights(random, "fixed<5,1,RND,SAT>", 2 * multiplier, 3)
    precision = (
        "fixed<6,2,RND,SAT>", accum, "fixed<8,5,RND,SAT>",
        "fixed<5,1,RND,SAT>", "fixed<6,3,RND,SAT>", accum, "fixed<10,6,RND,SAT>",
    )  # fmt: skip
    bias = random_weights(random, "fixed<6,3,RND,SAT>", 3)
    return SeparableConv(
        "conv", depthwise, pointwise, bias, precision, Window(size, padding="same")
    )


@case
def separable_conv1d(random: Random):
    """Separable Conv1D, two filters a channel before the pointwise part; exact sums."""
    x = random_input(random, [6, 2], "fixed<6,3>", 32)
    return new(separable_conv1d, [x], [random_separable(random, [3], 2, "auto")]), unchecked


@case
def separable_conv2d(random: Random):
    """Separable Conv2D, both parts with a saturating accumulator, the bias in the second only."""
    x = random_input(random, [3, 4, 2], "fixed<6,3>", 40)
    built = random_separable(random, [2, 2], 1, "fixed<9,5,RND,SAT>")

    def check(trace: Trace) -> None:
        depthwise, pointwise = built.stages()
        order_matters([depthwise])(trace)
        depthwise_result = [{"x": depthwise.apply(tensors["x"])} for tensors in trace]
        order_matters([pointwise])(depthwise_result)
        assert any(all_values(trace, "conv"))

    return new(separable_conv2d, [x], [built]), check
