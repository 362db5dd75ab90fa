"""What the functions that build cases share: their registry, random inputs and random layers.

A function that `case` registers is a case: its name is the folder's, its docstring the purpose
that stands in the spec and in the table. It returns the case and the checks that the case meets
the corner that it is there for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod

from case import (
    Case,
    Check,
    Input,
    Random,
    Trace,
    assert_off_grid,
    random_samples,
    random_weights,
)
from model import Dense, Layer, Precision

VU13P, KU115 = "xcvu13p-flga2577-2-e", "xcku115-flvb2104-2-i"

Build = Callable[[Random], tuple[Case, Check]]
CASES: list[Build] = []


def case(build: Build) -> Build:
    """Registers the function as a case."""
    CASES.append(build)
    return build


def new(build: Build, inputs: list[Input], layers: Sequence[Layer], **others) -> Case:
    assert build.__doc__
    return Case(build.__name__, build.__doc__, inputs, list(layers), **others)


def unchecked(trace: Trace) -> None:
    """For cases whose corner is plain from the spec."""


def types(weight: str, bias: str = "", accum: str = "auto", result: str = "auto") -> Precision:
    """The types of a dense layer; the bias has the weights' type unless it is given."""
    return weight, bias or weight, accum, result


def random_input(
    random: Random, shape: list[int], precision: str, count: int = 40, name: str = "x"
) -> Input:
    return Input(name, shape, precision, random_samples(random, precision, count, prod(shape)))


def random_dense(
    random: Random,
    name: str,
    n_in: int,
    n_out: int,
    precision: Precision,
    bias: bool = True,
    **others,
) -> Dense:
    """A dense layer with random weights, some of which its types round."""
    weight = random_weights(random, precision[0], n_in, n_out)
    biases = random_weights(random, precision[1], n_out) if bias else None
    layer = Dense(name, weight, biases, precision, **others)
    assert_off_grid(layer)
    return layer


def by_mode(layer: Dense, modes: Sequence[str], part: str, precision: str) -> list[Dense]:
    """Copies of a layer that read the input `x`, one a mode and named after it. The mode stands
    for `MODE` in the precision of the part."""
    parts = dict(zip(["weight", "bias", "accum", "result"], layer.precision, strict=True))

    def copy(mode: str) -> Dense:
        replaced = parts | {name: precision.replace("MODE", mode) for name in part.split()}
        return replace(layer, name=mode.lower(), inputs=["x"], precision=types(**replaced))

    return [copy(mode) for mode in modes]


def names(layers: Sequence[Layer]) -> list[str]:
    return [layer.name for layer in layers]


def exact_sums(layer: Dense, trace: Trace) -> list[Fraction]:
    """The sums of the layer on the input `x`, were its accumulator wide enough."""
    weight, bias, *_ = layer.precision
    wide = replace(layer, precision=types(weight, bias))
    return [total for tensors in trace for total in wide.sums(tensors["x"].values)]
