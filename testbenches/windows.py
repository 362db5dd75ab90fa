"""The independent model of convolutions and pooling: what a window that slides over an image reads.

An image has one spatial axis or two, then channels. Cells beyond it are zero for a convolution
and do not exist for pooling: they never win a maximum and do not count in an average.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import ceil, prod

import numpy as np

from model import Layer, Precision, Summing, Tensor, Type, accumulate, cast, cast_all, read


def axis_windows(
    extent: int, size: int, stride: int, dilation: int, padding: str
) -> list[list[int | None]]:
    """For each position along an axis, the places that the window's cells have; None beyond."""
    span = (size - 1) * dilation + 1
    if padding == "same":
        count = ceil(extent / stride)
        before = max((count - 1) * stride + span - extent, 0) // 2
    elif padding == "causal":
        before = span - 1
        count = (extent - 1) // stride + 1
    else:
        assert padding == "valid"
        before, count = 0, (extent - span) // stride + 1
    assert count > 0
    places = [
        [position * stride - before + cell * dilation for cell in range(size)]
        for position in range(count)
    ]
    return [[place if 0 <= place < extent else None for place in window] for window in places]


@dataclass
class Window:
    """A window and how it moves, one number for each spatial axis."""

    size: list[int]
    strides: list[int] | None = None
    padding: str = "valid"
    dilation: list[int] | None = None

    def slide(self, shape: Sequence[int]) -> tuple[list[int], list[list[int | None]]]:
        """The output's spatial extents, and for each position the pixels of the window's cells,
        row-major; None beyond the image."""
        extents = shape[:-1]
        assert len(extents) == len(self.size)
        ones = [1] * len(extents)
        axes = [
            axis_windows(extent, size, stride, dilation, self.padding)
            for extent, size, stride, dilation in zip(
                extents, self.size, self.strides or ones, self.dilation or ones, strict=True
            )
        ]

        def pixel(cell: Iterable[int | None]) -> int | None:
            flat = 0
            for place, extent in zip(cell, extents, strict=True):
                if place is None:
                    return None
                flat = flat * extent + place
            return flat

        positions = [[pixel(cell) for cell in product(*window)] for window in product(*axes)]
        return [len(axis) for axis in axes], positions

    def settings(self, size_key: str) -> dict[str, object]:
        """The keys of the spec; a single axis is written without brackets."""

        def short(numbers: list[int]) -> object:
            return numbers[0] if len(numbers) == 1 else numbers

        keys = {size_key: short(self.size)}
        if self.strides:
            keys["strides"] = short(self.strides)
        keys["padding"] = self.padding
        if self.dilation:
            keys["dilation"] = short(self.dilation)
        return keys


@dataclass
class Conv(Summing):
    """y[position][j] = result(bias[j] + sum over the window's cells and channels of x * weight),
    cells row-major, the channel fastest. The weights are [*window, channels, filters]."""

    name: str
    weight: np.ndarray
    bias: np.ndarray | None
    precision: Precision
    window: Window
    inputs: list[str] | None = None
    strategy: str | None = None
    reuse_factor: int | None = None
    parallelization_factor: int | None = None
    multiplier: str | None = None
    store: str = "npz"

    @property
    def kind(self) -> str:
        return f"conv{len(self.window.size)}d"

    def kernels(self, channels: int) -> list[tuple[list[int], list[Fraction]]]:
        """For each output channel the input channels that it reads and its weights."""
        assert list(self.weight.shape[:-1]) == [*self.window.size, channels]
        columns = self.weight.reshape(-1, self.weight.shape[-1])
        return [
            (list(range(channels)), read(columns[:, j], self.precision[0]))
            for j in range(columns.shape[1])
        ]

    def sums(self, x: Tensor, descending: bool = False) -> Iterator[Fraction]:
        """What enters the casts to the result; another order is for checks of the cases."""
        channels = x.shape[-1]
        kernels = self.kernels(channels)
        starts = [self.start(j) for j in range(len(kernels))]
        for pixels in self.window.slide(x.shape)[1]:
            for (of_channels, weights), start in zip(kernels, starts, strict=True):
                cells = [
                    Fraction(0) if pixel is None else x.values[pixel * channels + channel]
                    for pixel in pixels
                    for channel in of_channels
                ]
                order = range(len(cells))[:: -1 if descending else 1]
                yield accumulate(cells, weights, start, self.precision[2], order)

    def apply(self, *inputs: Tensor) -> Tensor:
        [x] = inputs
        sums = list(self.sums(x))
        extents, positions = self.window.slide(x.shape)
        shape = [*extents, len(sums) // len(positions)]
        return Tensor(shape, cast_all(sums, shape, self.precision[3]))

    def settings(self) -> dict[str, object]:
        return {"filters": self.weight.shape[-1]} | self.window.settings("kernel_size")

    def implementation(self) -> dict[str, object]:
        keys = super().implementation()
        if self.parallelization_factor is not None:
            keys["parallelization_factor"] = self.parallelization_factor
        return keys


@dataclass
class DepthwiseConv(Conv):
    """Each channel by itself: the weights are [*window, channels, multiplier], and the output's
    channel c * multiplier + m comes from the input's channel c."""

    @property
    def kind(self) -> str:
        return f"depthwise_conv{len(self.window.size)}d"

    def kernels(self, channels: int) -> list[tuple[list[int], list[Fraction]]]:
        assert list(self.weight.shape[:-1]) == [*self.window.size, channels]
        cells = self.weight.reshape(-1, channels, self.weight.shape[-1])
        return [
            ([channel], read(cells[:, channel, m], self.precision[0]))
            for channel in range(channels)
            for m in range(cells.shape[2])
        ]

    def settings(self) -> dict[str, object]:
        multiplier = self.weight.shape[-1]
        several = {"depth_multiplier": multiplier} if multiplier > 1 else {}
        return self.window.settings("kernel_size") | several


@dataclass
class SeparableConv(Layer):
    """A depthwise convolution without a bias, then a pointwise one with it: both as they are."""

    name: str
    depthwise: np.ndarray
    # [channels * multiplier, filters]; stored with the window of one cell before these axes.
    pointwise: np.ndarray
    bias: np.ndarray
    # Depthwise weight, accumulator, result; pointwise weight, bias, accumulator, result.
    precision: tuple[str, str, str, str, str, str, str]
    window: Window
    inputs: list[str] | None = None

    @property
    def kind(self) -> str:
        return f"separable_conv{len(self.window.size)}d"

    def stages(self) -> tuple[DepthwiseConv, Conv]:
        weight, accum, result, *of_pointwise = self.precision
        pointwise_weight, bias, pointwise_accum, pointwise_result = of_pointwise
        first = (weight, "auto", accum, result)
        second = (pointwise_weight, bias, pointwise_accum, pointwise_result)
        point = Window([1] * len(self.window.size))
        return (
            DepthwiseConv("depthwise", self.depthwise, None, first, self.window),
            Conv("pointwise", self.point_weight(), self.bias, second, point),
        )

    def point_weight(self) -> np.ndarray:
        return self.pointwise.reshape(*[1] * len(self.window.size), *self.pointwise.shape)

    def apply(self, *inputs: Tensor) -> Tensor:
        depthwise, pointwise = self.stages()
        return pointwise.apply(depthwise.apply(*inputs))

    def settings(self) -> dict[str, object]:
        return {"filters": self.pointwise.shape[-1]} | self.window.settings("kernel_size")

    def numbers(self) -> dict[str, np.ndarray]:
        return {"depthwise": self.depthwise, "pointwise": self.point_weight(), "bias": self.bias}

    def precisions(self) -> dict[str, str]:
        keys = ["depthwise", "depthwise_accum", "depthwise_result"]
        keys += ["pointwise", "bias", "pointwise_accum", "result"]
        return dict(zip(keys, self.precision, strict=True))


@dataclass
class Pool(Layer):
    """The maximum or the average of each channel over a window; without one, over the image, and
    the result has no spatial axes.

    - maximum: result(accum(largest cell)).
    - average: the cells are added row-major, every sum cast to the accumulator; the sum's mantissa
      is divided by the number of cells, the quotient truncated towards zero. With `accum: auto`
      the sum is exact and has ceil(log2(cells of the window)) more bits after the binary point
      than what is read.
    """

    name: str
    average: bool
    # The type of what is read.
    reads: str
    accum: str
    result: str
    window: Window | None = None
    # The spatial axes, which the words of the global layers name.
    rank: int = 2
    inputs: list[str] | None = field(default=None)

    @property
    def kind(self) -> str:
        pool = "average_pool" if self.average else "max_pool"
        return f"{pool}{self.rank}d" if self.window else f"global_{pool}{self.rank}d"

    def over(self, shape: Sequence[int]) -> Window:
        """The window; strides that are not given are the window's own size."""
        if self.window is None:
            return Window(list(shape[:-1]))
        window = self.window
        return Window(window.size, window.strides or window.size, window.padding)

    def apply(self, *inputs: Tensor) -> Tensor:
        [x] = inputs
        channels = x.shape[-1]
        extents, positions = self.over(x.shape).slide(x.shape)
        values = []
        for pixels in positions:
            inside = [pixel for pixel in pixels if pixel is not None]
            for channel in range(channels):
                cells = [x.values[pixel * channels + channel] for pixel in inside]
                assert all(Type.parse(self.reads).cast(cell) == cell for cell in cells), self.name
                pooled = self.mean(cells, len(pixels)) if self.average else self.largest(cells)
                values.append(cast(pooled, self.result))
        return Tensor([*extents, channels] if self.window else [channels], values)

    def largest(self, cells: Sequence[Fraction]) -> Fraction:
        return cast(max(cells), self.accum)

    def mean(self, cells: Sequence[Fraction], window_cells: int) -> Fraction:
        total = Fraction(0)
        for cell in cells:
            total = cast(total + cell, self.accum)
        if self.accum == "auto":
            guard_bits = (window_cells - 1).bit_length()
            step = Type.parse(self.reads).step / 2**guard_bits
        else:
            step = Type.parse(self.accum).step
        mantissa = total / step
        assert mantissa.denominator == 1
        quotient = abs(mantissa.numerator) // len(cells)
        return (quotient if mantissa > 0 else -quotient) * step

    def settings(self) -> dict[str, object]:
        assert self.window is None or prod(self.window.size) > 1
        return self.window.settings("pool_size") if self.window else {}

    def precisions(self) -> dict[str, str]:
        return {"accum": self.accum, "result": self.result}
