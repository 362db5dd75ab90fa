"""The independent model: what the layers compute, on exact rational numbers.

It is written from the definitions of the modes and layers, product by product, and shares
nothing with the tool that it judges: neither code nor language. Every number is a `Fraction`;
floats appear only where weights and inputs are read, whose exact value is taken, and in the
contents of tables. Here are types, casts and the layers of dense networks; `windows.py` has
convolutions and pooling, `functions.py` and `softmax.py` activations, `merges.py` layers that
combine and move tensors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
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
    @cache
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
        return -(2 ** (self.width - 1)) if self.signed and self.width else 0

    @property
    def high(self) -> int:
        if self.width == 0:
            return 0
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
        """The mantissa that the number is cast to; of no bits, 0."""
        if self.width == 0:
            return 0
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


@dataclass(frozen=True)
class ElementTypes:
    """Types that differ between the elements of a tensor: a number for all, or nested lists whose
    shapes broadcast to the tensor's."""

    width: object
    integer: object
    # 1 or 0 for each element; a word in the spec where it is one for all.
    signed: object = 1
    rounding: str = "TRN"
    overflow: str = "WRAP"
    # Whether the lists stand beside the weights instead of in the spec.
    stored: bool = False

    def types(self, shape: Sequence[int]) -> list[Type]:
        """The type of each element, row-major."""
        rows = [np.broadcast_to(part, shape).flat for part in self.parts().values()]
        return [
            Type(bool(signed), int(width), int(integer), self.rounding, self.overflow)
            for signed, width, integer in zip(*rows, strict=True)
        ]

    def parts(self) -> dict[str, object]:
        return {"signed": self.signed, "width": self.width, "integer": self.integer}

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """What is stored beside the weights, by its name there."""
        lists = {key: part for key, part in self.parts().items() if isinstance(part, list)}
        return {f"{name}.{key}": np.array(part) for key, part in lists.items() if self.stored}

    def yaml(self, name: str) -> str:
        """The mapping in the spec."""
        keys = {key: self.text(name, key, part) for key, part in self.parts().items()}
        if not isinstance(self.signed, list):
            del keys["signed"]
            keys = {"type": "fixed" if self.signed else "ufixed"} | keys
        keys |= {"rounding": self.rounding, "overflow": self.overflow}
        return f"{{{', '.join(f'{key}: {text}' for key, text in keys.items())}}}"

    def text(self, name: str, key: str, part: object) -> str:
        return f"weights.npz:{name}.{key}" if f"{name}.{key}" in self.arrays(name) else str(part)


def cast(number: Fraction, precision: str) -> Fraction:
    """The cast that a `precision` of the spec asks for; `auto` is none."""
    return number if precision == "auto" else Type.parse(precision).cast(number)


def cast_all(
    numbers: Sequence[Fraction], shape: Sequence[int], precision: str | ElementTypes
) -> list[Fraction]:
    """The same for each element of a tensor."""
    if isinstance(precision, str):
        return [cast(number, precision) for number in numbers]
    return [ty.cast(number) for number, ty in zip(numbers, precision.types(shape), strict=True)]


@dataclass
class Tensor:
    """The values of one sample, row-major."""

    shape: list[int]
    values: list[Fraction]


class Layer:
    """What all layers have: what they compute, and what stands in the spec about them."""

    name: str
    # The type's word in the spec.
    kind: str
    # What the layer reads; the layer before it where nothing is named.
    inputs: list[str] | None
    # How the numbers are stored: `npz`, `npy` or `inline`.
    store: str = "npz"

    def operands(self, previous: str) -> list[str]:
        """The tensors that `apply` is given."""
        return self.inputs or [previous]

    def apply(self, *inputs: Tensor) -> Tensor:
        """What the layer makes of one sample."""
        raise NotImplementedError

    def settings(self) -> dict[str, object]:
        """The keys that say what is computed, beside those that every layer has."""
        return {}

    def numbers(self) -> dict[str, np.ndarray]:
        """The tensors of numbers that the layer has, by their key."""
        return {}

    def precisions(self) -> str | ElementTypes | dict[str, str | ElementTypes] | None:
        """The types: one or those of the result, or several by their keys."""
        return None

    def implementation(self) -> dict[str, object]:
        """The keys that say how it is built, none of which changes what is computed."""
        return {}


def read(numbers: np.ndarray, precision: str) -> list[Fraction]:
    """Stored numbers as their type holds them."""
    return [Type.parse(precision).cast(Fraction(float(number))) for number in numbers.flat]


def accumulate(
    x: Sequence[Fraction],
    weights: Sequence[Fraction],
    start: Fraction,
    accum: str,
    order: Iterable[int],
) -> Fraction:
    """start + the sum of x[k] * weights[k], every product and every sum cast to the accumulator."""
    total = cast(start, accum)
    for k in order:
        total = cast(total + cast(x[k] * weights[k], accum), accum)
    return total


# The types of a dense layer's weight, bias, accumulator and result, in this order.
Precision = tuple[str, str, str, str | ElementTypes]


class Summing(Layer):
    """What layers have that sum products with weights, and perhaps a bias."""

    weight: np.ndarray
    bias: np.ndarray | None
    precision: Precision
    strategy: str | None = None
    reuse_factor: int | None = None
    multiplier: str | None = None

    def start(self, j: int) -> Fraction:
        return Fraction(0) if self.bias is None else read(self.bias, self.precision[1])[j]

    def numbers(self) -> dict[str, np.ndarray]:
        if self.bias is None:
            return {"weight": self.weight}
        return {"weight": self.weight, "bias": self.bias}

    def precisions(self) -> dict[str, str | ElementTypes]:
        named = dict(zip(["weight", "bias", "accum", "result"], self.precision, strict=True))
        if self.bias is None:
            del named["bias"]
        return named

    def implementation(self) -> dict[str, object]:
        keys = ["strategy", "reuse_factor", "multiplier"]
        return {key: getattr(self, key) for key in keys if getattr(self, key) is not None}


@dataclass
class Dense(Summing):
    """y[j] = result(bias[j] + sum of x[k] * weight[k][j]), over the last axis, k ascending."""

    name: str
    weight: np.ndarray
    bias: np.ndarray | None
    precision: Precision
    inputs: list[str] | None = None
    strategy: str | None = None
    reuse_factor: int | None = None
    multiplier: str | None = None
    store: str = "npz"
    kind = "dense"

    def column(self, j: int) -> list[Fraction]:
        return read(self.weight[:, j], self.precision[0])

    def sums(self, x: Sequence[Fraction], order: Iterable[int] | None = None) -> list[Fraction]:
        """What enters the cast to the result. Another `order` is for checks of the cases."""
        order = list(range(len(x)) if order is None else order)
        assert sorted(order) == list(range(len(x)))
        return [
            accumulate(x, self.column(j), self.start(j), self.precision[2], order)
            for j in range(self.weight.shape[1])
        ]

    def apply(self, *inputs: Tensor) -> Tensor:
        [x] = inputs
        n_in, n_out = self.weight.shape
        assert x.shape[-1] == n_in
        values = []
        for first in range(0, len(x.values), n_in):
            values += self.sums(x.values[first : first + n_in])
        shape = [*x.shape[:-1], n_out]
        return Tensor(shape, cast_all(values, shape, self.precision[3]))

    def settings(self) -> dict[str, object]:
        return {"units": self.weight.shape[1]}


@dataclass
class Elementwise(Layer):
    """`relu`: result(max(x, 0)); `quantize`: result(x)."""

    name: str
    kind: str
    precision: str | ElementTypes
    inputs: list[str] | None = None

    def apply(self, *inputs: Tensor) -> Tensor:
        [x] = inputs
        values = [max(value, Fraction(0)) if self.kind == "relu" else value for value in x.values]
        return Tensor(x.shape, cast_all(values, x.shape, self.precision))

    def precisions(self) -> str | ElementTypes:
        return self.precision


@dataclass
class Reshape(Layer):
    """The same values, row-major, in another shape; without a shape, in one axis."""

    name: str
    shape: list[int] | None = None
    inputs: list[str] | None = None

    @property
    def kind(self) -> str:
        return "flatten" if self.shape is None else "reshape"

    def apply(self, *inputs: Tensor) -> Tensor:
        [x] = inputs
        shape = self.shape or [len(x.values)]
        assert prod(shape) == len(x.values)
        return Tensor(shape, x.values)

    def settings(self) -> dict[str, object]:
        return {} if self.shape is None else {"shape": self.shape}
