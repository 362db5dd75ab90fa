"""The independent model of softmax, in the ways that hls4ml has, and of argmax."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import trunc

import numpy as np

from functions import last_axis, single
from model import Layer, Tensor, Type, cast


def index_of(value: Fraction, ty: Type, entries: int) -> int:
    """The top bits of the value's bit pattern: what is not negative comes first."""
    pattern = int(value / ty.step) % 2**ty.width
    return pattern >> (ty.width - (entries.bit_length() - 1))


def value_of(index: int, ty: Type, entries: int) -> Fraction:
    """What an entry stands for: the index as the top bits, the rest zero."""
    pattern = index << (ty.width - (entries.bit_length() - 1))
    return (pattern - 2**ty.width if pattern > ty.high else pattern) * ty.step


def tree_sum(terms: Sequence[Fraction], accum: str) -> Fraction:
    """Split at the largest power of two below the length, every pairwise sum cast."""
    if len(terms) == 1:
        return terms[0]
    half = 1 << ((len(terms) - 1).bit_length() - 1)
    return cast(tree_sum(terms[:half], accum) + tree_sum(terms[half:], accum), accum)


def largest_or_zero(ty: Type) -> Fraction:
    """What the reciprocal of zero, an infinity, is cast to."""
    return ty.high * ty.step if ty.overflow in ["SAT", "SAT_SYM"] else Fraction(0)


def first_maximum(x: Sequence[Fraction]) -> int:
    return list(x).index(max(x))


@dataclass
class Softmax(Layer):
    """result(exp(x[i]) / sum of exp(x[j])) over the last axis, by tables.

    - `stable` subtracts from the maximum, in an unsigned type of one bit less than a signed
      input has, in which large differences wrap; `latency` does not subtract.
    - `legacy` sums exp(x[j] - x[i]) for each i, in one type for tables and sums.
    - `argmax`: 1 at the first maximum, 0 elsewhere.
    """

    name: str
    implementation_word: str
    table_size: int
    # The type of what is read.
    reads: str
    # Of the exponentials, the reciprocals, the index of these, and the accumulator; one type for
    # `legacy`, none for `argmax`.
    types: list[str]
    result: str
    inputs: list[str] | None = None
    kind = "softmax"

    def apply(self, *inputs: Tensor) -> Tensor:
        [x] = inputs
        assert all(Type.parse(self.reads).cast(value) == value for value in x.values), self.name
        ways: dict[str, Callable[[list[Fraction]], list[Fraction]]] = {
            "stable": self.by_tables,
            "latency": self.by_tables,
            "legacy": self.by_pairs,
            "argmax": lambda row: [Fraction(k == first_maximum(row)) for k in range(len(row))],
        }
        exact = [value for row in last_axis(x) for value in ways[self.implementation_word](row)]
        return Tensor(x.shape, [cast(value, self.result) for value in exact])

    def by_tables(self, row: list[Fraction]) -> list[Fraction]:
        exp_table, inv_table, inv_inp, accum = self.types
        stable = self.implementation_word == "stable"
        reads = replace(Type.parse(self.reads), rounding="TRN", overflow="WRAP")
        indexed = reads
        inv_type = Type.parse(inv_inp)
        size = min(self.table_size, 2**reads.width, 2 ** Type.parse(inv_table).width)
        exp_size = size
        if stable and reads.signed:
            indexed = Type(False, reads.width - 1, reads.integer_bits - 1)
            exp_size = min(size, 2**indexed.width)

        def exponential(value: Fraction) -> Fraction:
            place = indexed.cast(max(row) - value if stable else value)
            power = value_of(index_of(place, indexed, exp_size), indexed, exp_size)
            number = single(math.exp(-power if stable else power))
            return cast(cast(Fraction(number), exp_table), accum)

        exponentials = [exponential(value) for value in row]
        total = cast(tree_sum(exponentials, accum), inv_inp)
        divisor = value_of(index_of(total, inv_type, size), inv_type, size)
        if divisor == 0:
            reciprocal = largest_or_zero(Type.parse(inv_table))
        else:
            quotient = float(np.float32(1) / np.float32(float(divisor)))
            reciprocal = cast(Fraction(quotient), inv_table)
        return [value * reciprocal for value in exponentials]

    def by_pairs(self, row: list[Fraction]) -> list[Fraction]:
        [table], n = self.types, self.table_size

        def exponential(difference: Fraction) -> Fraction:
            index = max(0, min(n - 1, trunc(difference * n / 16) + n // 2))
            return cast(Fraction(single(math.exp(16 * (index - n / 2) / n))), table)

        values = []
        for i in range(len(row)):
            total = Fraction(0)
            for j in range(len(row)):
                total = cast(total + (1 if i == j else exponential(row[j] - row[i])), table)
            index = max(0, min(n - 1, trunc(total * n / 64)))
            quotient = Fraction(n / (64 * index)) if index else Fraction(0)
            values.append(cast(quotient, table))
        return values

    def settings(self) -> dict[str, object]:
        size = {} if self.implementation_word == "argmax" else {"table_size": self.table_size}
        return {"implementation": self.implementation_word} | size

    def precisions(self) -> dict[str, str]:
        keys = ["table"] if len(self.types) == 1 else ["exp_table", "inv_table", "inv_inp", "accum"]
        return dict(zip(keys, self.types, strict=bool(self.types))) | {"result": self.result}


@dataclass
class Argmax(Layer):
    """The index of the first maximum over the last axis, whose extent becomes 1."""

    name: str
    inputs: list[str] | None = None
    kind = "argmax"

    def apply(self, *inputs: Tensor) -> Tensor:
        [x] = inputs
        values = [Fraction(first_maximum(row)) for row in last_axis(x)]
        return Tensor([*x.shape[:-1], 1], values)
