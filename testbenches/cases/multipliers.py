"""Multipliers and their reuse."""

from __future__ import annotations

from dataclasses import replace

from building import (
    VU13P,
    Build,
    case,
    names,
    new,
    random_dense,
    random_input,
    types,
    unchecked,
)
from case import (
    Random,
    Trace,
    all_values,
    assert_all_differ,
    assert_order_matters,
)
from model import (
    Elementwise,
)


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
def chosen_strategies(random: Random):
    """Strategies auto, auto with a reuse factor of 6, distributed arithmetic and resource."""
    x = random_input(random, [8], "fixed<8,4,RND,SAT>", 32)
    w = "fixed<6,1,RND,SAT>"
    narrow = types(w, w, result="fixed<9,5,RND,SAT>")
    layers = [
        random_dense(random, "fc1", 8, 6, narrow),
        random_dense(random, "fc2", 6, 6, narrow, reuse_factor=6),
        random_dense(random, "fc3", 6, 5, narrow, strategy="distributed_arithmetic"),
        random_dense(random, "fc4", 5, 4, types(w), strategy="resource", reuse_factor=4),
    ]
    defaults = {"strategy": "auto"}
    return new(chosen_strategies, [x], layers, defaults=defaults), unchecked


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


@case
def known_inputs(random: Random):
    """Inputs that are always the same, multiplied in DSP blocks, in tables, and one after another."""
    x = random_input(random, [4], "fixed<7,3>", 30)
    w = "fixed<6,2,RND,SAT>"
    first = random_dense(random, "first", 4, 5, types(w, w), inputs=["x"])
    # The first and the last output are the bias alone.
    first.weight[:, [0, 4]] = 0
    in_dsp = random_dense(
        random, "in_dsp", 5, 3, types(w, w), inputs=["first"], multiplier="dsp"
    )
    # The last sum is of what is known alone.
    in_dsp.weight[1:4, 2] = 0
    shared = replace(in_dsp, name="in_dsp_shared", strategy="resource", reuse_factor=5)
    in_lut = replace(in_dsp, name="in_lut", multiplier="lut")
    layers = [first, in_dsp, shared, in_lut]
    outputs = ["in_dsp", "in_dsp_shared", "in_lut"]

    def check(trace: Trace) -> None:
        assert len(set(all_values(trace, "first")[::5])) == 1
        assert all(all_values(trace, name) == all_values(trace, "in_lut") for name in outputs)

    return new(known_inputs, [x], layers, outputs=outputs), check
