"""Graphs, shapes and names."""

from __future__ import annotations

from building import (
    case,
    new,
    random_dense,
    random_input,
    types,
    unchecked,
)
from case import (
    Random,
)
from model import (
    Elementwise,
    Reshape,
)


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
