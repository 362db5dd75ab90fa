"""Functions by a table: clamped ends, the bin around zero, sizes that are no power of two."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from building import KU115, case, names, new, random_dense, random_input, types, unchecked
from case import Input, Random, Trace, all_values, assert_all_differ, sweep
from cases.activations import every
from functions import Function, GivenTable, RoundedFunction
from model import Layer


def sizes(kind: str, result: str, tables: dict[int, str], **others) -> list[Function]:
    """The same function by tables of several sizes, each with its type."""
    return [
        Function(f"{kind}{size}", kind, size, table, result, inputs=["x"], **others)
        for size, table in tables.items()
    ]


def mapping(trace: Trace, name: str) -> dict[Fraction, Fraction]:
    return dict(zip(all_values(trace, "x"), all_values(trace, name), strict=True))


@case
def sigmoid(random: Random):
    """Sigmoid over every input from -16 to 16: beyond 8 the ends of tables of 64, 75 and 1024."""
    tables = {64: "ufixed<8,0,RND,SAT>", 75: "fixed<10,2>", 1024: "fixed<18,8>"}
    layers = sizes("sigmoid", "ufixed<9,1,RND,SAT>", tables)

    def check(trace: Trace) -> None:
        at = mapping(trace, "sigmoid64")
        # The bin around zero is two entries wide; the last entry serves everything beyond.
        assert at[Fraction(-3, 16)] == at[Fraction(0)] == at[Fraction(3, 16)] != at[Fraction(1, 4)]
        assert at[Fraction(-16)] == at[Fraction(-8)] and at[Fraction(255, 16)] == at[Fraction(8)]
        assert_all_differ(trace, names(layers))

    return new(sigmoid, [every("fixed<9,5>")], layers, outputs=names(layers)), check


@case
def tanh(random: Random):
    """Tanh over every input from -8 to 8: tables of 32 and 100 entries that end at -4 and 4."""
    tables = {32: "fixed<8,1,RND,SAT>", 100: "fixed<9,2>"}
    layers = sizes("tanh", "fixed<8,1,RND,SAT>", tables)

    def check(trace: Trace) -> None:
        at = mapping(trace, "tanh32")
        assert at[Fraction(-7, 32)] == at[Fraction(7, 32)] == 0 and at[Fraction(-1, 4)] < 0
        assert at[Fraction(-8)] == at[Fraction(-4)] == -1
        assert_all_differ(trace, names(layers))

    return new(tanh, [every("fixed<9,4>")], layers, outputs=names(layers), part=KU115), check


@case
def softplus(random: Random):
    """Softplus over every input from -16 to 16: tables that saturate, wrap, and hold everything."""
    x = every("fixed<9,5>")
    layers = [
        Function("saturating", "softplus", 64, "ufixed<6,2,RND,SAT>", "auto", inputs=["x"]),
        Function("wrapping", "softplus", 64, "ufixed<6,2>", "auto", inputs=["x"]),
        Function("whole", "softplus", 512, "ufixed<12,4,RND>", "fixed<7,5,RND>", inputs=["x"]),
    ]

    def check(trace: Trace) -> None:
        assert_all_differ(trace, names(layers))
        assert max(all_values(trace, "saturating")) == Fraction(63, 16)

    return new(softplus, [x], layers, outputs=names(layers)), check


@case
def softsign(random: Random):
    """Softsign of unsigned inputs, which read the upper half of the table only, and of signed."""
    signed = every("fixed<8,4>")
    rows = sweep("ufixed<8,4>", 8)
    unsigned = Input("u", [8], "ufixed<8,4>", rows)
    layers = [
        Function("signed", "softsign", 128, "fixed<9,1,RND,SAT>", "fixed<8,1>", inputs=["x"]),
        Function("unsigned", "softsign", 64, "ufixed<9,0>", "ufixed<7,0,RND,SAT>", inputs=["u"]),
    ]

    def check(trace: Trace) -> None:
        # The lower half would be negative.
        assert min(all_values(trace, "unsigned")) == 0

    return new(softsign, [signed, unsigned], layers, outputs=names(layers)), check


@case
def elu(random: Random):
    """ELU over every input from -16 to 16: below -8 the last entry, an alpha that is rounded."""
    layers = [
        Function("plain", "elu", 256, "fixed<10,1,RND,SAT>", "auto", 1.0, "fixed<3,2>", ["x"]),
        Function("third", "elu", 100, "fixed<8,2>", "fixed<9,5>", 0.3, "ufixed<6,0>", ["x"]),
        Function("big", "elu", 64, "fixed<8,1>", "fixed<7,4,RND,SAT>", 2.6, "fixed<6,3>", ["x"]),
    ]

    def check(trace: Trace) -> None:
        at = mapping(trace, "plain")
        assert at[Fraction(-16)] == at[Fraction(-8)] and at[Fraction(31, 16)] == Fraction(31, 16)
        assert_all_differ(trace, names(layers))

    return new(elu, [every("fixed<9,5>")], layers, outputs=names(layers)), check


@case
def selu(random: Random):
    """SELU over every input from -16 to 16: its constants, and a table that truncates."""
    layers = sizes("selu", "auto", {256: "fixed<10,2,RND,SAT>", 75: "fixed<8,2>"})
    layers[1].result = "fixed<10,6,RND,SAT>"

    def check(trace: Trace) -> None:
        # 1.0507.. is held with 15 bits after the point.
        assert mapping(trace, "selu256")[Fraction(1)] == Fraction(34429, 32768)

    return new(selu, [every("fixed<9,5>")], layers, outputs=names(layers)), check


@case
def rounded_functions(random: Random):
    """Functions without a word about tables: the nearest number of the result for every input."""
    results = {"sigmoid": "ufixed<8,0,RND,SAT>", "tanh": "fixed<8,1>", "softplus": "auto"}
    results["softsign"] = "fixed<6,0,TRN,SAT>"
    layers: list[Layer] = [
        RoundedFunction(f"by_{kind}", kind, result, inputs=["x"])
        for kind, result in results.items()
    ]
    layers.append(RoundedFunction("by_elu", "elu", "fixed<9,4>", 1.3, "fixed<6,3>", ["x"]))
    # Every input is below 2**4.
    for result in ["auto", "fixed<8,6,RND,SAT>", "fixed<30,6,RND,SAT>"]:
        bits = result.split(",")[0].removeprefix("fixed<")
        layers.append(RoundedFunction(f"by_selu_{bits}", "selu", result, inputs=["x"], log2_x=4))

    def check(trace: Trace) -> None:
        # Below 1, the largest number of the type; -1 itself is there.
        tanhs = all_values(trace, "by_tanh")
        assert max(tanhs) == Fraction(127, 128) and min(tanhs) == -1
        # Large positive numbers wrap, which no table does.
        assert mapping(trace, "by_elu")[Fraction(8)] == -8
        # With two bits after the point the constant has seven, with 24 it has no more than those.
        largest = Fraction(255, 16)
        assert mapping(trace, "by_selu_auto")[largest] == largest * Fraction(34429, 32768)
        assert mapping(trace, "by_selu_8")[largest] == Fraction(67, 4)
        exact = largest * Fraction(17627837, 2**24)
        assert abs(mapping(trace, "by_selu_30")[largest] - exact) <= Fraction(1, 2**25)

    return new(rounded_functions, [every("fixed<9,5>")], layers, outputs=names(layers)), check


@case
def coarse_table_inputs(random: Random):
    """Tables read by numbers coarser than their entries, by two bits, and by tiny numbers."""
    coarse = Input("x", [2], "fixed<6,8>", sweep("fixed<6,8>", 2))
    pairs = [(a, b) for a in range(-2, 2) for b in range(-2, 2)] * 2
    bits = Input("b", [3], "fixed<2,3>", [[a, b, -a - 1] for a, b in pairs])
    fine = random_input(random, [4], "fixed<8,-2>", 32, "f")
    table = "fixed<10,2,RND,SAT>"
    layers = [
        Function("of_coarse", "sigmoid", 64, table, "auto", inputs=["x"]),
        Function("of_bits", "tanh", 64, table, "fixed<6,1,RND,SAT>", inputs=["b"]),
        Function("of_fine", "tanh", 1024, "fixed<14,1>", "auto", inputs=["f"]),
    ]
    return new(coarse_table_inputs, [coarse, bits, fine], layers, outputs=names(layers)), unchecked


@case
def given_table(random: Random):
    """Tables of the author's: half a period of a sine, and steps over an interval off zero."""
    x = every("fixed<8,4>")
    sine = np.array([round(100 * np.sin(np.pi * k / 32)) / 100 for k in range(32)])
    layers = [
        GivenTable("sine", sine, (-4.0, 4.0), "ufixed<6,1,RND,SAT>", "auto", ["x"]),
        GivenTable(
            "steps", np.array([-3.5, 0.25, 1.0, -0.5]), (-1.0, 7.0), "fixed<6,3>",
            "fixed<4,3,RND_ZERO,SAT>", ["x"], "npz",
        ),
    ]  # fmt: skip

    def check(trace: Trace) -> None:
        at = mapping(trace, "steps")
        # The intervals are closed below and open above.
        assert at[Fraction(1)] != at[Fraction(15, 16)] and at[Fraction(-8)] == at[Fraction(-1)]

    return new(given_table, [x], layers, outputs=names(layers)), check


@case
def tables_between_layers(random: Random):
    """A small network with tanh and sigmoid between dense layers, as an autoencoder has them."""
    x = random_input(random, [4], "fixed<6,3>")
    w = "fixed<5,2,RND,SAT>"
    layers = [
        random_dense(random, "fc1", 4, 4, types(w, result="fixed<9,4,RND,SAT>")),
        Function("tanh", "tanh", 128, "fixed<8,1,RND,SAT>", "fixed<8,1>"),
        random_dense(random, "fc2", 4, 3, types(w)),
        Function("sigmoid", "sigmoid", 256, "ufixed<8,0,RND,SAT>", "ufixed<8,0>"),
    ]
    return new(tables_between_layers, [x], layers), unchecked
