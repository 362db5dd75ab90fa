"""Networks whose images come pixel by pixel (`io: stream`): the outputs are those of `parallel`."""

from __future__ import annotations

from functools import partial

from building import case, random_dense, random_input, types, unchecked
from building import new as parallel
from case import Input, Random, element_samples
from cases.convolutions import random_conv, random_depthwise, random_separable
from functions import BatchNorm, Function
from merges import Concatenate, Cropping, Merge, UpSampling, ZeroPadding
from model import ElementTypes, Elementwise, Reshape
from softmax import Softmax
from windows import Pool, Window

new = partial(parallel, io="stream")
W = "fixed<5,2,RND,SAT>"
NARROW = types(W, result="fixed<8,4,RND,SAT>")
X = "fixed<6,3>"
RELU = "ufixed<6,4,RND,SAT>"


@case
def conv2d_same_stream(random: Random):
    """Stream: Conv2D with same padding, windows beyond each edge, and images back to back."""
    x = random_input(random, [5, 4, 2], X, 30)
    layers = [
        random_conv(random, "conv", 2, 3, Window([3, 3], padding="same"), NARROW),
        Elementwise("act", "relu", RELU),
    ]
    return new(conv2d_same_stream, [x], layers), unchecked


@case
def conv2d_valid_stride2_stream(random: Random):
    """Stream: Conv2D, strides of 2 by 3 that leave pixels over; a saturating accumulator."""
    x = random_input(random, [6, 7, 2], X, 24)
    precision = types(W, W, "fixed<8,4,RND,SAT>", "fixed<7,4>")
    conv = random_conv(random, "conv", 2, 2, Window([3, 2], [2, 3]), precision)
    return new(conv2d_valid_stride2_stream, [x], [conv]), unchecked


@case
def conv2d_reuse_stream(random: Random):
    """Stream: Conv2D with 6 steps of multipliers a pixel, then pointwise with 4."""
    x = random_input(random, [4, 4, 2], X, 24)
    shared = {"strategy": "resource"}
    layers = [
        random_conv(
            random, "conv", 2, 2, Window([3, 3], padding="same"), NARROW, reuse_factor=6, **shared
        ),
        random_conv(random, "point", 2, 2, Window([1, 1]), NARROW, reuse_factor=4, **shared),
    ]
    return new(conv2d_reuse_stream, [x], layers), unchecked


@case
def conv1d_stride2_stream(random: Random):
    """Stream: Conv1D with same padding and strides of 2 on an odd number of steps."""
    x = random_input(random, [7, 3], X, 30)
    layers = [
        random_conv(random, "conv", 3, 2, Window([3], [2], "same"), NARROW),
        Elementwise("act", "relu", RELU),
    ]
    return new(conv1d_stride2_stream, [x], layers), unchecked


@case
def conv1d_causal_stream(random: Random):
    """Stream: Conv1D, causal with dilation, as networks for sampled signals have it."""
    x = random_input(random, [8, 1], X, 30)
    layers = [
        random_conv(random, "conv1", 1, 2, Window([3], padding="causal"), NARROW),
        Elementwise("relu1", "relu", RELU),
        random_conv(random, "conv2", 2, 2, Window([2], None, "causal", [3]), NARROW),
    ]
    return new(conv1d_causal_stream, [x], layers), unchecked


@case
def depthwise_conv2d_stream(random: Random):
    """Stream: depthwise Conv2D, two filters a channel, same padding, strides of 2."""
    x = random_input(random, [5, 4, 2], X, 30)
    conv = random_depthwise(random, "conv", 2, 2, Window([3, 3], [2, 2], "same"), NARROW)
    return new(depthwise_conv2d_stream, [x], [conv]), unchecked


@case
def separable_conv1d_stream(random: Random):
    """Stream: separable Conv1D, whose two parts are layers of their own in the pipeline."""
    x = random_input(random, [6, 2], X, 30)
    layers = [random_separable(random, [3], 1, "auto")]
    return new(separable_conv1d_stream, [x], layers), unchecked


@case
def pools_stream(random: Random):
    """Stream: max pooling that leaves a row and a column over, then overlapping averages."""
    x = random_input(random, [7, 9, 2], X, 20)
    layers = [
        Pool("largest", False, X, "auto", "auto", Window([2, 2])),
        Pool("mean", True, X, "auto", "fixed<7,3,RND,SAT>", Window([2, 3], [1, 1])),
    ]
    return new(pools_stream, [x], layers), unchecked


@case
def pool_same_stream(random: Random):
    """Stream: average and max pooling with same padding; what lies beyond does not count."""
    x = random_input(random, [5, 5, 1], X, 30)
    x.samples[9] = [-1 - k % 5 for k in range(25)]
    layers = [
        Pool("mean", True, X, "auto", X, Window([3, 3], [1, 1], "same")),
        Pool("largest", False, X, "auto", "auto", Window([3, 2], [2, 2], "same")),
    ]
    return new(pool_same_stream, [x], layers), unchecked


@case
def conv2d_flatten_dense_stream(random: Random):
    """Stream: a convolution, flattened, and a dense layer that reads the whole image at once."""
    x = random_input(random, [4, 4, 1], X, 30)
    layers = [
        random_conv(random, "conv", 1, 2, Window([2, 2], [2, 2]), NARROW),
        Elementwise("act", "relu", RELU),
        Reshape("flat"),
        random_dense(random, "fc", 8, 3, types(W, result="fixed<10,6,RND,SAT>")),
    ]
    return new(conv2d_flatten_dense_stream, [x], layers), unchecked


@case
def dense_positions_stream(random: Random):
    """Stream: a dense layer at each step of a sequence, its multipliers shared over 4 cycles."""
    x = random_input(random, [5, 4], X, 30)
    layers = [
        random_dense(random, "fc", 4, 2, NARROW, strategy="resource", reuse_factor=4),
        Elementwise("act", "relu", RELU),
    ]
    return new(dense_positions_stream, [x], layers), unchecked


@case
def dense_stream(random: Random):
    """Stream: a vector is one element of a stream; two dense layers with ReLU between."""
    x = random_input(random, [5], X)
    layers = [
        random_dense(random, "fc1", 5, 4, NARROW),
        Elementwise("act", "relu", RELU),
        random_dense(random, "fc2", 4, 3, types(W)),
    ]
    return new(dense_stream, [x], layers), unchecked


@case
def skip_connection_stream(random: Random):
    """Stream: a residual block; the skip connection waits for two convolutions' lines of pixels."""
    x = random_input(random, [4, 5, 2], "ufixed<5,2>", 24)
    window = Window([3, 3], padding="same")
    layers = [
        random_conv(random, "conv1", 2, 2, window, NARROW),
        Elementwise("relu1", "relu", "ufixed<5,3,RND,SAT>"),
        random_conv(random, "conv2", 2, 2, window, NARROW),
        Merge("skip", "add", "fixed<9,5>", ["x", "conv2"]),
        Elementwise("relu2", "relu", RELU),
    ]
    return new(skip_connection_stream, [x], layers), unchecked


@case
def projection_stream(random: Random):
    """Stream: a skip connection through a strided pointwise convolution, beside a strided block."""
    x = random_input(random, [5, 6, 2], "ufixed<5,2>", 24)
    layers = [
        random_conv(random, "conv", 2, 2, Window([3, 3], [2, 2], "same"), NARROW),
        random_conv(random, "short", 2, 2, Window([1, 1], [2, 2]), NARROW, inputs=["x"]),
        Merge("skip", "add", "fixed<9,5>", ["conv", "short"]),
        Elementwise("act", "relu", RELU),
    ]
    return new(projection_stream, [x], layers), unchecked


@case
def two_outputs_stream(random: Random):
    """Stream: an image that is an output, pooled on into a second, slower output."""
    x = random_input(random, [2, 7, 2], X, 24)
    layers = [
        random_conv(random, "image", 2, 2, Window([2, 3], padding="same"), NARROW),
        Pool("largest", False, "fixed<8,4>", "auto", "auto", Window([2, 2]), inputs=["image"]),
        Reshape("flat"),
        random_dense(random, "numbers", 6, 2, types(W)),
    ]
    return new(two_outputs_stream, [x], layers, outputs=["image", "numbers"]), unchecked


@case
def add_stream(random: Random):
    """Stream: two inputs added pixel by pixel, on other grids and of other signs."""
    a = random_input(random, [3, 4, 2], X, 24, "a")
    b = random_input(random, [3, 4, 2], "ufixed<5,1>", 24, "b")
    layer = Merge("sum", "add", "fixed<7,4,RND,SAT>", ["a", "b"])
    return new(add_stream, [a, b], [layer]), unchecked


@case
def concatenate_stream(random: Random):
    """Stream: channels of two branches, one of them past a convolution, joined pixel by pixel."""
    x = random_input(random, [4, 4, 2], X, 24)
    layers = [
        random_conv(random, "conv", 2, 2, Window([3, 3], padding="same"), NARROW),
        Concatenate("joined", -1, "fixed<8,4,RND,SAT>", ["conv", "x"]),
        random_conv(random, "point", 4, 2, Window([1, 1]), NARROW),
    ]
    return new(concatenate_stream, [x], layers), unchecked


@case
def global_pool_stream(random: Random):
    """Stream: global average pooling of negative and positive images, then a dense layer."""
    x = random_input(random, [3, 4, 2], X, 30)
    layers = [
        Pool("mean", True, X, "auto", "fixed<8,3,RND,SAT>"),
        random_dense(random, "fc", 2, 3, types(W)),
    ]
    return new(global_pool_stream, [x], layers), unchecked


@case
def global_max_pool1d_stream(random: Random):
    """Stream: global max pooling over all steps, which must forget the sequence before."""
    x = random_input(random, [6, 3], X, 30)
    x.samples[10], x.samples[11] = [31] * 18, [-32] * 18
    pool = Pool("pool", False, X, "auto", "auto", rank=1)
    return new(global_max_pool1d_stream, [x], [pool]), unchecked


@case
def up_sampling_stream(random: Random):
    """Stream: up-sampling by 2 by 3, which gives six pixels for one, then a convolution."""
    x = random_input(random, [2, 3, 2], X, 24)
    layers = [
        UpSampling("up", [2, 3]),
        random_conv(random, "conv", 2, 1, Window([2, 2]), NARROW),
    ]
    return new(up_sampling_stream, [x], layers), unchecked


@case
def zero_padding_stream(random: Random):
    """Stream: zeros around an image, other numbers at each side, then cropped on the far side."""
    x = random_input(random, [3, 3, 2], X, 24)
    layers = [
        ZeroPadding("pad", [[1, 0], [2, 1]]),
        random_conv(random, "conv", 2, 2, Window([2, 3]), NARROW),
        Cropping("crop", [[0, 1], [1, 0]]),
    ]
    return new(zero_padding_stream, [x], layers), unchecked


@case
def batch_norm_tanh_stream(random: Random):
    """Stream: batch normalisation of each channel and a table at each pixel."""
    x = random_input(random, [3, 3, 2], X, 24)
    conv = random_conv(random, "scales", 2, 1, Window([1, 1]))
    norm = BatchNorm("norm", conv.weight.flatten(), conv.weight.flatten()[::-1], (W, W, X))
    layers = [norm, Function("tanh", "tanh", 64, "fixed<6,1,RND,SAT>", "auto")]
    return new(batch_norm_tanh_stream, [x], layers), unchecked


@case
def softmax_stream(random: Random):
    """Stream: a convolution, global pooling and softmax of four classes."""
    x = random_input(random, [4, 4, 1], X, 30)
    result = "fixed<8,4,RND,SAT>"
    tables = ["ufixed<10,1,RND,SAT>"] * 2 + ["ufixed<10,3,RND,SAT>"] * 2
    layers = [
        random_conv(random, "conv", 1, 4, Window([3, 3]), NARROW),
        Pool("mean", True, result, "auto", result),
        Softmax("prob", "stable", 256, result, tables, "ufixed<8,1,RND,SAT>"),
    ]
    return new(softmax_stream, [x], layers), unchecked


@case
def element_types_stream(random: Random):
    """Stream: types for each channel, the same at each pixel; one of them without bits."""
    inputs = ElementTypes([5, 3], [2, 3], [1, 0])
    x = Input("x", [4, 4, 2], inputs, element_samples(random, inputs.types([4, 4, 2]), 24))
    sums = ElementTypes([6, 0, 8, 4], [3, 1, 4, 3], 1, "RND", "SAT")
    acts = ElementTypes([4, 3, 5, 2], 3, 0, "TRN", "WRAP", stored=True)
    last = ElementTypes([7, 5, 6], [4, 3, 5], 1, "RND", "SAT")
    weight = "fixed<4,1,RND,SAT>"
    conv = random_conv(
        random, "conv", 2, 4, Window([3, 3], padding="same"), types(weight, result=sums)
    )
    layers = [
        conv,
        Elementwise("act", "relu", acts),
        random_dense(random, "fc", 4, 3, types(weight, result=last), reuse_factor=2),
    ]
    return new(element_types_stream, [x], layers, io="stream"), unchecked
