"""The independent model of layers that combine several tensors, and of those that move elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import add, mul

import numpy as np

from model import Layer, Tensor, cast


def places(shape: Sequence[int]) -> np.ndarray:
    """The row-major index of each element, in its place."""
    return np.arange(int(np.prod(shape))).reshape(shape)


def taken(x: Tensor, indices: np.ndarray) -> Tensor:
    """The elements with these indices; zeros for negative ones."""
    values = [x.values[index] if index >= 0 else Fraction(0) for index in indices.flat]
    return Tensor(list(indices.shape), values)


@dataclass
class Merge(Layer):
    """result(sum, difference, product, average, maximum or minimum of the elements at a place).

    Shapes are aligned at the last axis; an extent of 1 serves every index.
    """

    name: str
    kind: str
    result: str
    inputs: list[str] | None = None

    def merged(self, terms: Sequence[Fraction]) -> Fraction:
        if self.kind == "subtract":
            first, second = terms
            return first - second
        if self.kind == "average":
            return reduce(add, terms) / len(terms)
        return {
            "add": lambda: reduce(add, terms),
            "multiply": lambda: reduce(mul, terms),
            "maximum": lambda: max(terms),
            "minimum": lambda: min(terms),
        }[self.kind]()

    def apply(self, *inputs: Tensor) -> Tensor:
        assert len(inputs) >= 2
        indices = np.broadcast_arrays(*(places(x.shape) for x in inputs))
        rows = [taken(x, index).values for x, index in zip(inputs, indices, strict=True)]
        values = [cast(self.merged(terms), self.result) for terms in zip(*rows, strict=True)]
        return Tensor(list(indices[0].shape), values)

    def precisions(self) -> str:
        return self.result


@dataclass
class Concatenate(Layer):
    """The tensors one after the other along an axis, cast to the result. The axes count from 1,
    because 0 is that of the samples; negative ones from the last."""

    name: str
    axis: int
    result: str
    inputs: list[str] | None = None

    kind = "concatenate"

    def apply(self, *inputs: Tensor) -> Tensor:
        assert self.axis != 0
        axis = self.axis - 1 if self.axis > 0 else self.axis
        values = [cast(value, self.result) for x in inputs for value in x.values]
        firsts = np.cumsum([0, *(len(x.values) for x in inputs)])
        shifted = [places(x.shape) + first for x, first in zip(inputs, firsts, strict=False)]
        return taken(Tensor([len(values)], values), np.concatenate(shifted, axis))

    def settings(self) -> dict[str, object]:
        return {"axis": self.axis}

    def precisions(self) -> str:
        return self.result


@dataclass
class Dot(Layer):
    """y = result(sum of a[k] * b[k]), k ascending; products and sums are cast to the accum."""

    name: str
    accum: str
    result: str
    inputs: list[str] | None = None
    kind = "dot"

    def apply(self, *inputs: Tensor) -> Tensor:
        a, b = inputs
        total = Fraction(0)
        for left, right in zip(a.values, b.values, strict=True):
            total = cast(total + cast(left * right, self.accum), self.accum)
        return Tensor([1], [cast(total, self.result)])

    def precisions(self) -> dict[str, str]:
        return {"accum": self.accum, "result": self.result}


class Move(Layer):
    """What layers have that only move elements; types stay what they are."""

    def moved(self, indices: np.ndarray) -> np.ndarray:
        """Which element comes to each place; -1 is a zero."""
        raise NotImplementedError

    def apply(self, *inputs: Tensor) -> Tensor:
        [x] = inputs
        return taken(x, self.moved(places(x.shape)))


@dataclass
class Permute(Move):
    """Axis i of the result is axis dims[i] of the input; dims count from 1."""

    name: str
    dims: list[int]
    inputs: list[str] | None = None
    kind = "permute"

    def moved(self, indices: np.ndarray) -> np.ndarray:
        return indices.transpose([dim - 1 for dim in self.dims])

    def settings(self) -> dict[str, object]:
        return {"dims": self.dims}


@dataclass
class ZeroPadding(Move):
    """So many zeros before and after, for each spatial axis."""

    name: str
    padding: list[list[int]]
    inputs: list[str] | None = None

    @property
    def kind(self) -> str:
        return f"zero_padding{len(self.padding)}d"

    def moved(self, indices: np.ndarray) -> np.ndarray:
        assert indices.ndim == len(self.padding) + 1
        return np.pad(indices, [*self.padding, [0, 0]], constant_values=-1)

    def settings(self) -> dict[str, object]:
        return {"padding": self.padding[0] if len(self.padding) == 1 else self.padding}


@dataclass
class Cropping(Move):
    """So many elements dropped before and after, for each spatial axis."""

    name: str
    cropping: list[list[int]]
    inputs: list[str] | None = None

    @property
    def kind(self) -> str:
        return f"cropping{len(self.cropping)}d"

    def moved(self, indices: np.ndarray) -> np.ndarray:
        assert indices.ndim == len(self.cropping) + 1
        for axis, (before, after) in enumerate(self.cropping):
            kept = np.arange(before, indices.shape[axis] - after)
            indices = indices.take(kept, axis)
        return indices

    def settings(self) -> dict[str, object]:
        return {"cropping": self.cropping[0] if len(self.cropping) == 1 else self.cropping}


@dataclass
class UpSampling(Move):
    """Each element so many times, for each spatial axis."""

    name: str
    size: list[int]
    inputs: list[str] | None = None

    @property
    def kind(self) -> str:
        return f"up_sampling{len(self.size)}d"

    def moved(self, indices: np.ndarray) -> np.ndarray:
        assert indices.ndim == len(self.size) + 1
        for axis, times in enumerate(self.size):
            indices = indices.repeat(times, axis)
        return indices

    def settings(self) -> dict[str, object]:
        return {"size": self.size[0] if len(self.size) == 1 else self.size}
