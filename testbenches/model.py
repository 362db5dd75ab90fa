"""The independent model: what the layers compute, on exact rational numbers.

It is written from the definitions of the modes and layers, product by product, and shares
nothing with the tool that it judges: neither code nor language. Every number is a `Fraction`;
floats appear only where weights and inputs are read, whose exact value is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, prod

import numpy as np

ROUNDINGS = ["TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV"]
OVERFLOWS = ["WRAP", "SAT", "SAT_ZERO", "SAT_SYM"]
HALF = Fraction(1, 2)

TYPE_PATTERN = re.compile(r"(?:ap_)?(u?)(fixed|int)<([^>]*)>")


@dataclass(frozen=True)
class Type:
    """A fixed-point type: a mantissa m stands for m / 2**(width - integer_bits)."""

    signed: bool
    width: int
    integer_bits: int
    rounding: str = "TRN"
    overflow: str = "WRAP"

    @classmethod
    def parse(cls, text: str) -> Type:
        found = TYPE_PATTERN.fullmatch(text)
        assert found, f"not a type: {text}"
        unsigned, kind, parameters = found.groups()
        numbers: list[str] = []
        modes: list[str] = []
        for parameter in parameters.split(","):
            parameter = parameter.strip().removeprefix("AP_")
            (numbers if re.fullmatch(r"-?\d+", parameter) else modes).append(parameter)
        width = int(numbers[0])
        integer_bits = width if kind == "int" else int(numbers[1])
        parsed = cls(not unsigned, width, integer_bits, *modes)
        assert parsed.rounding in ROUNDINGS and parsed.overflow in OVERFLOWS, text
        return parsed

    @property
    def step(self) -> Fraction:
        """The value of the last bit."""
        return Fraction(2) ** (self.integer_bits - self.width)

    @property
    def low(self) -> int:
        return -(2 ** (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return 2 ** (self.width - 1) - 1 if self.signed else 2**self.width - 1

    def rounded(self, number: Fraction) -> int:
        """The integer that the number becomes on the grid, before overflow is looked at."""
        scaled = number / self.step
        below = floor(scaled)
        rest = scaled - below
        up = {
            "TRN": False,
            "TRN_ZERO": number < 0 and rest > 0,
            "RND": rest >= HALF,
            "RND_MIN_INF": rest > HALF,
            "RND_ZERO": rest > HALF or (rest == HALF and number < 0),
            "RND_INF": rest > HALF or (rest == HALF and number >= 0),
            "RND_CONV": rest > HALF or (rest == HALF and below % 2 == 1),
        }[self.rounding]
        return below + up

    def mantissa(self, number: Fraction) -> int:
        """The mantissa that the number is cast to."""
        m = self.rounded(number)
        low, high = self.low, self.high
        if self.overflow == "WRAP":
            return (m - low) % 2**self.width + low
        if self.overflow == "SAT_ZERO":
            return m if low <= m <= high else 0
        if self.overflow == "SAT_SYM" and self.signed:
            low = -high
        return max(low, min(high, m))

    def cast(self, number: Fraction) -> Fraction:
        return self.mantissa(number) * self.step


def cast(number: Fraction, precision: str) -> Fraction:
    """The cast that a `precision` of the spec asks for; `auto` is none."""
    return number if precision == "auto" else Type.parse(precision).cast(number)


@dataclass
class Tensor:
    """The values of one sample, row-major."""

    shape: list[int]
    values: list[Fraction]


class Layer:
    """What all layers have."""

    name: str
    # What the layer reads; the layer before it where nothing is named.
    inputs: list[str] | None

    def apply(self, x: Tensor) -> Tensor:
        """What the layer makes of one sample."""
        raise NotImplementedError


# The types of a dense layer's weight, bias, accumulator and result, in this order.
Precision = tuple[str, str, str, str]


@dataclass
class Dense(Layer):
    """y[j] = result(bias[j] + sum of x[k] * weight[k][j]), over the last axis, k ascending."""

    name: str
    weight: np.ndarray
    bias: np.ndarray | None
    precision: Precision
    inputs: list[str] | None = None
    # What stands in the spec; none of it changes what is computed.
    strategy: str | None = None
    reuse_factor: int | None = None
    multiplier: str | None = None
    # How the numbers are stored: `npz`, `npy` or `inline`.
    store: str = "npz"

    def column(self, j: int) -> list[Fraction]:
        weight_type = Type.parse(self.precision[0])
        return [weight_type.cast(Fraction(float(number))) for number in self.weight[:, j]]

    def start(self, j: int) -> Fraction:
        if self.bias is None:
            return Fraction(0)
        return Type.parse(self.precision[1]).cast(Fraction(float(self.bias[j])))

    def sums(self, x: Sequence[Fraction], order: Iterable[int] | None = None) -> list[Fraction]:
        """What enters the cast to the result. Another `order` is for checks of the cases."""
        accum = self.precision[2]
        order = list(range(len(x)) if order is None else order)
        assert sorted(order) == list(range(len(x)))
        sums = []
        for j in range(self.weight.shape[1]):
            column = self.column(j)
            total = cast(self.start(j), accum)
            for k in order:
                product = cast(x[k] * column[k], accum)
                total = cast(total + product, accum)
            sums.append(total)
        return sums

    def apply(self, x: Tensor) -> Tensor:
        n_in, n_out = self.weight.shape
        assert x.shape[-1] == n_in
        values = []
        for first in range(0, len(x.values), n_in):
            sums = self.sums(x.values[first : first + n_in])
            values += [cast(total, self.precision[3]) for total in sums]
        return Tensor([*x.shape[:-1], n_out], values)


@dataclass
class Elementwise(Layer):
    """`relu`: result(max(x, 0)); `quantize`: result(x)."""

    name: str
    kind: str
    precision: str
    inputs: list[str] | None = None

    def apply(self, x: Tensor) -> Tensor:
        values = [max(value, Fraction(0)) if self.kind == "relu" else value for value in x.values]
        return Tensor(x.shape, [cast(value, self.precision) for value in values])


@dataclass
class Reshape(Layer):
    """The same values, row-major, in another shape; without a shape, in one axis."""

    name: str
    shape: list[int] | None = None
    inputs: list[str] | None = None

    def apply(self, x: Tensor) -> Tensor:
        shape = self.shape or [len(x.values)]
        assert prod(shape) == len(x.values)
        return Tensor(shape, x.values)
