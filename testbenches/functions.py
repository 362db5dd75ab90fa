"""The independent model of activations, of unary functions by a table, and of batch normalisation.

A table's contents go through the float32 steps that the numerics of the tables name; everything
else is exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from fractions import Fraction
from math import floor, prod, trunc

import numpy as np

from model import HALF, Dense, Layer, Tensor, Type, cast, read
from windows import Conv

ZERO, ONE = Fraction(0), Fraction(1)
# 0.2 as hls4ml's slope holds it: truncated to 16 bits after the point.
HARD_SIGMOID_SLOPE = Fraction(floor(Fraction("0.2") * 2**16), 2**16)
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def single(number: float) -> float:
    """The number rounded to float32."""
    return float(np.float32(number))


def clamp(number: Fraction, low: Fraction | int, high: Fraction | int) -> Fraction:
    return max(Fraction(low), min(Fraction(high), number))


def map_values(x: Tensor, precision: str, function) -> Tensor:
    return Tensor(x.shape, [cast(function(value), precision) for value in x.values])


@dataclass
class Activation(Layer):
    """One exact function of each element, then the cast to the result.

    - `relu` with a maximum: x between 0 and it.
    - `hard_sigmoid`: x * 13107/65536 + 1/2 between 0 and 1.
    - `hard_tanh`: x between -1 and 1.
    - `binary_tanh`: 1 where x >= 0, else -1.
    - `ternary_tanh`: 1 where x > 1/2, -1 where x <= -1/2, else 0.
    """

    name: str
    kind: str
    precision: str
    inputs: list[str] | None = None
    max_value: float | None = None

    def exact(self, x: Fraction) -> Fraction:
        if self.kind == "relu":
            assert self.max_value is not None
            return clamp(x, 0, Fraction(self.max_value))
        if self.kind == "hard_sigmoid":
            return clamp(x * HARD_SIGMOID_SLOPE + HALF, 0, 1)
        if self.kind == "hard_tanh":
            return clamp(x, -1, 1)
        if self.kind == "binary_tanh":
            return ONE if x >= 0 else -ONE
        assert self.kind == "ternary_tanh"
        return ONE if x > HALF else -ONE if x <= -HALF else ZERO

    def apply(self, *inputs: Tensor) -> Tensor:
        [x] = inputs
        return map_values(x, self.precision, self.exact)

    def settings(self) -> dict[str, object]:
        return {} if self.max_value is None else {"max_value": self.max_value}

    def precisions(self) -> str:
        return self.precision


@dataclass
class Sloped(Layer):
    """`leaky_relu`, `prelu`: result(x) where x > 0, else result(alpha * x), the product exact.

    The alpha of `leaky_relu` is one number. That of `prelu` has a shape that is aligned with the
    input's at the last axis; an extent of 1 serves every index.
    """

    name: str
    kind: str
    alpha: np.ndarray
    alpha_type: str
    result: str
    inputs: list[str] | None = None

    def apply(self, *inputs: Tensor) -> Tensor:
        [x] = inputs
        places = np.broadcast_to(np.arange(self.alpha.size).reshape(self.alpha.shape), x.shape)
        alphas = read(self.alpha, self.alpha_type)
        values = [
            value if value > 0 else alphas[place] * value
            for value, place in zip(x.values, places.flat, strict=True)
        ]
        return Tensor(x.shape, [cast(value, self.result) for value in values])

    def settings(self) -> dict[str, object]:
        return {"alpha": float(self.alpha)} if self.kind == "leaky_relu" else {}

    def numbers(self) -> dict[str, np.ndarray]:
        return {"alpha": self.alpha} if self.kind == "prelu" else {}

    def precisions(self) -> dict[str, str]:
        return {"alpha": self.alpha_type, "result": self.result}


@dataclass
class BatchNorm(Layer):
    """y = result(x * scale[c] + shift[c]), exact before the cast; c counts along the last axis."""

    name: str
    scale: np.ndarray
    shift: np.ndarray
    # The types of scale, shift and result.
    precision: tuple[str, str, str]
    inputs: list[str] | None = None
    kind = "batch_norm"

    def apply(self, *inputs: Tensor) -> Tensor:
        [x] = inputs
        scale, shift = read(self.scale, self.precision[0]), read(self.shift, self.precision[1])
        channels = x.shape[-1]
        assert len(scale) == len(shift) == channels
        values = [
            value * scale[index % channels] + shift[index % channels]
            for index, value in enumerate(x.values)
        ]
        return Tensor(x.shape, [cast(value, self.precision[2]) for value in values])

    def numbers(self) -> dict[str, np.ndarray]:
        return {"scale": self.scale, "shift": self.shift}

    def precisions(self) -> dict[str, str]:
        return dict(zip(["scale", "shift", "result"], self.precision, strict=True))


@dataclass
class BatchNormStatistics(BatchNorm):
    """The same from what training gives: scale = gamma / sqrt(variance + epsilon) and
    shift = beta - mean * scale, in float64."""

    # gamma, beta, mean and variance, each a number for each channel.
    statistics: dict[str, np.ndarray] = field(default_factory=dict)
    epsilon: float = 0.001

    @classmethod
    def of(
        cls,
        name: str,
        statistics: dict[str, np.ndarray],
        epsilon: float,
        precision: tuple[str, str, str],
        inputs: list[str] | None = None,
    ) -> BatchNormStatistics:
        deviation = np.sqrt(statistics["variance"] + epsilon)
        scale = statistics.get("gamma", 1.0) / deviation
        shift = statistics.get("beta", 0.0) - statistics["mean"] * scale
        return cls(name, scale, shift, precision, inputs, statistics, epsilon)

    def settings(self) -> dict[str, object]:
        return {"epsilon": self.epsilon}

    def numbers(self) -> dict[str, np.ndarray]:
        return self.statistics


@dataclass
class FoldedBatchNorm(Layer):
    """Batch normalisation within the weights of the layer before it, which is gone then: weights
    scale * w and biases scale * b + shift in float64, then cast to that layer's types."""

    name: str
    # The layer before, which says itself what it reads.
    linear: Dense | Conv
    scale: np.ndarray
    shift: np.ndarray
    # That of the layer before where there is none.
    result: str | None = None
    kind = "batch_norm"
    inputs: list[str] | None = None

    def operands(self, previous: str) -> list[str]:
        assert previous == self.linear.name and self.linear.inputs
        return self.linear.inputs

    def apply(self, *inputs: Tensor) -> Tensor:
        bias = 0.0 if self.linear.bias is None else self.linear.bias
        folded = replace(
            self.linear,
            weight=self.scale * self.linear.weight,
            bias=self.scale * bias + self.shift,
            precision=(*self.linear.precision[:3], self.result or self.linear.precision[3]),
        )
        return folded.apply(*inputs)

    def settings(self) -> dict[str, object]:
        return {"fold": "true"}

    def numbers(self) -> dict[str, np.ndarray]:
        return {"scale": self.scale, "shift": self.shift}

    def precisions(self) -> str | None:
        return self.result


def sigmoid(u: float) -> float:
    return single(1.0 / single(1.0 + single(math.exp(-u))))


def softplus(u: float) -> float:
    return single(math.log(single(math.exp(u)) + 1.0))


def softsign(u: float) -> float:
    return single(u / (abs(u) + 1.0))


def tanh(u: float) -> float:
    return single(math.tanh(u))


# Each function, and the end of the interval [-end, end) that its table covers.
TABLES = {"sigmoid": (sigmoid, 8), "tanh": (tanh, 4), "softplus": (softplus, 8)}
TABLES["softsign"] = (softsign, 8)


@dataclass
class Function(Layer):
    """A function by a table with `table_size` entries of a type of their own.

    - `sigmoid`, `tanh`, `softplus`, `softsign`: entry trunc(x * n / (2 * end)) + n/2, towards
      zero and then clamped: the bin around zero has double width, and negative numbers use their
      upper neighbour.
    - `elu`: x where x >= 0, else alpha times an entry for exp(x) - 1 over [-8, 0];
      `selu`: the same with its two constants, the one for x >= 0 truncated to 15 bits.
    """

    name: str
    kind: str
    table_size: int
    table: str
    result: str
    alpha: float | None = None
    alpha_type: str | None = None
    inputs: list[str] | None = None

    def entry(self, index: int) -> Fraction:
        n = self.table_size
        if self.kind in ["elu", "selu"]:
            below_zero = single(math.exp(-8 * index / n)) - 1.0
            scaled = SELU_SCALE * (SELU_ALPHA * below_zero)
            number = single(below_zero if self.kind == "elu" else scaled)
        else:
            function, end = TABLES[self.kind]
            number = function(single(2 * end * (index - n / 2) / n))
        return cast(Fraction(number), self.table)

    def index(self, x: Fraction) -> int:
        n = self.table_size
        if self.kind in ["elu", "selu"]:
            return min(floor(-x * n / 8), n - 1)
        end = TABLES[self.kind][1]
        return max(0, min(n - 1, trunc(x * n / (2 * end)) + n // 2))

    def exact(self, x: Fraction) -> Fraction:
        if self.kind == "elu":
            assert self.alpha is not None and self.alpha_type is not None
            alpha = cast(Fraction(self.alpha), self.alpha_type)
            return x if x >= 0 else alpha * self.entry(self.index(x))
        if self.kind == "selu" and x >= 0:
            return x * Fraction(floor(Fraction(SELU_SCALE) * 2**15), 2**15)
        return self.entry(self.index(x))

    def apply(self, *inputs: Tensor) -> Tensor:
        [x] = inputs
        return map_values(x, self.result, self.exact)

    def settings(self) -> dict[str, object]:
        alpha = {"alpha": self.alpha} if self.kind == "elu" else {}
        return alpha | {"table_size": self.table_size}

    def precisions(self) -> dict[str, str]:
        alpha = {"alpha": self.alpha_type} if self.alpha_type else {}
        return alpha | {"table": self.table, "result": self.result}


def decimal(x: Fraction) -> Decimal:
    return Decimal(x.numerator) / x.denominator


def logistic(x: Fraction) -> Fraction:
    return Fraction(1 / (1 + decimal(-x).exp()))


# The functions to far more digits than a result keeps.
PRECISE = {
    "sigmoid": logistic,
    "tanh": lambda x: 2 * logistic(2 * x) - 1,
    "softplus": lambda x: Fraction((1 + decimal(x).exp()).ln()),
    "softsign": lambda x: x / (1 + abs(x)),
    "elu": lambda x: Fraction(decimal(x).exp()) - 1,
    "selu": lambda x: Fraction(SELU_SCALE) * Fraction(SELU_ALPHA) * (Fraction(decimal(x).exp()) - 1),
}


@dataclass
class RoundedFunction(Layer):
    """A function whose table has an entry for each value of its input: the function itself,
    rounded to nearest (a half up) and saturated. The entries have the format of the result, or 10
    bits after the point where that is `auto`. `elu` is result(x) where x >= 0, else by its table.
    So is `selu` with its constant times x, where every x is below 2**log2_x: the constant is rounded to the
    fewest bits, and at most 24, with which the product is off by at most a quarter of a step.
    """

    name: str
    kind: str
    result: str
    alpha: float | None = None
    alpha_type: str | None = None
    inputs: list[str] | None = None
    log2_x: int = 0

    def exact(self, x: Fraction) -> Fraction:
        factor = ONE
        if self.kind == "selu" and x >= 0:
            bits = 10 if self.result == "auto" else int(1 / Type.parse(self.result).step).bit_length() - 1
            steps = 2 ** min(24, bits + self.log2_x + 1)
            return x * floor(Fraction(SELU_SCALE) * steps + HALF) / steps
        if self.kind == "elu":
            if x >= 0:
                return x
            assert self.alpha is not None and self.alpha_type is not None
            factor = cast(Fraction(self.alpha), self.alpha_type)
        entry = Type(True, 64, 54) if self.result == "auto" else Type.parse(self.result)
        with localcontext(prec=60):
            number = factor * PRECISE[self.kind](x)
        return replace(entry, rounding="RND", overflow="SAT").cast(number)

    def apply(self, *inputs: Tensor) -> Tensor:
        [x] = inputs
        return map_values(x, self.result, self.exact)

    def settings(self) -> dict[str, object]:
        return {"alpha": self.alpha} if self.kind == "elu" else {}

    def precisions(self) -> dict[str, str]:
        alpha = {"alpha": self.alpha_type} if self.alpha_type else {}
        return alpha | {"result": self.result}


@dataclass
class GivenTable(Layer):
    """A table of the author's: entry floor((x - low) / step), clamped to the first and the last,
    where the entries share the interval [low, high) evenly."""

    name: str
    values: np.ndarray
    interval: tuple[float, float]
    table: str
    result: str
    inputs: list[str] | None = None
    store: str = "inline"
    kind = "table"

    def apply(self, *inputs: Tensor) -> Tensor:
        [x] = inputs
        entries = read(self.values, self.table)
        low, high = map(Fraction, self.interval)
        step = (high - low) / len(entries)

        def exact(value: Fraction) -> Fraction:
            return entries[max(0, min(len(entries) - 1, floor((value - low) / step)))]

        return map_values(x, self.result, exact)

    def settings(self) -> dict[str, object]:
        return {"range": list(self.interval)}

    def numbers(self) -> dict[str, np.ndarray]:
        return {"values": self.values}

    def precisions(self) -> dict[str, str]:
        return {"table": self.table, "result": self.result}


def last_axis(x: Tensor) -> Sequence[list[Fraction]]:
    """The slices along the last axis."""
    n = x.shape[-1]
    assert prod(x.shape) == len(x.values)
    return [x.values[first : first + n] for first in range(0, len(x.values), n)]
