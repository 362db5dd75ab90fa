"""A case: its description, its folder, and what cases are built and checked with.

Guarantees, asserted when a folder is written: an output is exact, so that a float64 holds it and
equal means equal in every bit; an input lies on its type's grid and in its range, so that
reading it changes nothing; the same bytes come out every time, because no clock, no path and no
library's random numbers go in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from pathlib import Path

import numpy as np

from model import Dense, ElementTypes, Layer, Tensor, Type


@dataclass
class Input:
    name: str
    shape: list[int]
    precision: str | ElementTypes
    # The mantissas, one row a sample.
    samples: list[list[int]]

    def types(self) -> list[Type]:
        """The type of each element."""
        if isinstance(self.precision, ElementTypes):
            return self.precision.types(self.shape)
        return [Type.parse(self.precision)] * prod(self.shape)

    def sample(self, index: int) -> Tensor:
        row, types = self.samples[index], self.types()
        assert len(row) == len(types), f"{self.name}: {len(row)} values"
        pairs = list(zip(row, types, strict=True))
        assert all(ty.low <= mantissa <= ty.high for mantissa, ty in pairs), self.name
        return Tensor(self.shape, [mantissa * ty.step for mantissa, ty in pairs])


@dataclass
class Case:
    name: str
    purpose: str
    inputs: list[Input]
    layers: list[Layer]
    # The outputs; the last layer where none is named.
    outputs: list[str] = field(default_factory=list)
    part: str = "xcvu9p-flga2104-2-i"
    clock: str = "200 MHz"
    io: str = "parallel"
    defaults: dict[str, object] = field(default_factory=dict)

    @property
    def output_names(self) -> list[str]:
        return self.outputs or [self.layers[-1].name]

    def sample_count(self) -> int:
        counts = {len(x.samples) for x in self.inputs}
        assert len(counts) == 1 and counts <= set(range(20, 61)), f"{self.name}: {counts}"
        return counts.pop()

    def trace(self) -> list[dict[str, Tensor]]:
        """Every tensor of the network, for each sample."""
        traces = []
        for index in range(self.sample_count()):
            tensors = {x.name: x.sample(index) for x in self.inputs}
            previous = self.inputs[0].name if len(self.inputs) == 1 else None
            for layer in self.layers:
                read = layer.operands(previous or "")
                assert all(read), f"{self.name}: say which input {layer.name} reads"
                tensors[layer.name] = layer.apply(*(tensors[name] for name in read))
                previous = layer.name
            traces.append(tensors)
        return traces

    def yaml(self) -> str:
        lines = [
            f"# {self.purpose}",
            "# Written by testbenches/make.py, like the weights and vectors: change it there.",
            f"name: {self.name}",
            f"target: {{part: {self.part}, clock: {self.clock}}}",
            f"io: {self.io}",
        ]
        if self.defaults:
            pairs = ", ".join(f"{key}: {value}" for key, value in self.defaults.items())
            lines.append(f"defaults: {{{pairs}}}")
        lines.append("inputs:")
        for x in self.inputs:
            shape, precision = flow(x.shape), quoted(x.precision, x.name)
            lines.append(f"  - {{name: {x.name}, shape: {shape}, precision: {precision}}}")
        lines.append("layers:")
        lines += [f"  {line}" for layer in self.layers for line in layer_yaml(layer)]
        if self.outputs:
            lines.append(f"outputs: {flow(self.outputs)}")
        return "\n".join(lines) + "\n"


# ---------------------------------------------------------------------------------------------
# Writing a case.
# ---------------------------------------------------------------------------------------------


def flow(items: Iterable[object]) -> str:
    """A list on one line of YAML."""
    return f"[{', '.join(map(str, items))}]"


def quoted(precision: str | ElementTypes, name: str) -> str:
    if isinstance(precision, ElementTypes):
        return precision.yaml(name)
    return precision if precision == "auto" else f'"{precision}"'


def inline(part: str, numbers: np.ndarray) -> list[str]:
    """Numbers in the spec itself, as the shortest decimal text that reads back to the same."""

    def texts(row: np.ndarray) -> list[str]:
        found = [repr(float(number)) for number in row]
        # Versions of YAML disagree on whether 1e-05 is a number.
        assert not any("e" in text for text in found), found
        return found

    if numbers.ndim == 1:
        return [f"  {part}: {flow(texts(numbers))}"]
    return [f"  {part}:", *(f"    - {flow(texts(row))}" for row in numbers)]


def scalar(item: object) -> str:
    """A setting on one line of YAML."""
    return flow(scalar(inner) for inner in item) if isinstance(item, list) else str(item)


def layer_yaml(layer: Layer) -> list[str]:
    """The layer as an item of the spec's list: on one line where it has no numbers."""
    inputs = {"inputs": layer.inputs} if layer.inputs else {}
    head = {"name": layer.name, "type": layer.kind}
    precisions = layer.precisions()
    if not layer.numbers() and not layer.implementation():
        keys = {key: scalar(item) for key, item in (head | inputs | layer.settings()).items()}
        if isinstance(precisions, (str, ElementTypes)):
            keys["precision"] = quoted(precisions, layer.name)
        elif precisions is not None:
            pairs = precisions.items()
            items = ", ".join(f"{key}: {quoted(value, layer.name)}" for key, value in pairs)
            keys["precision"] = f"{{{items}}}"
        return [f"- {{{', '.join(f'{key}: {text}' for key, text in keys.items())}}}"]
    lines = [f"  {key}: {scalar(item)}" for key, item in (head | layer.settings() | inputs).items()]
    lines[0] = "- " + lines[0].strip()
    for part, numbers in layer.numbers().items():
        if layer.store == "inline":
            lines += inline(part, numbers)
        elif layer.store == "npy":
            lines.append(f"  {part}: {layer.name}.{part}.npy")
        else:
            lines.append(f"  {part}: weights.npz:{layer.name}.{part}")
    if isinstance(precisions, (str, ElementTypes)):
        lines.append(f"  precision: {quoted(precisions, layer.name)}")
    elif precisions is not None:
        lines.append("  precision:")
        lines += [f"    {key}: {quoted(value, layer.name)}" for key, value in precisions.items()]
    return lines + [f"  {key}: {item}" for key, item in layer.implementation().items()]


def stacked(samples: Sequence[Tensor]) -> np.ndarray:
    """Samples as one array of float64, which must hold them exactly."""
    numbers = [[float(value) for value in sample.values] for sample in samples]
    for sample, row in zip(samples, numbers, strict=True):
        assert [Fraction(number) for number in row] == sample.values, "not exact in float64"
    return np.array(numbers).reshape([len(samples), *samples[0].shape])


def write(case: Case, trace: list[dict[str, Tensor]], root: Path) -> None:
    folder = root / case.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.yaml").write_text(case.yaml(), encoding="utf-8", newline="\n")

    def save(prefix: str, names: list[str]) -> None:
        for name in names:
            file = f"{prefix}.npy" if len(names) == 1 else f"{prefix}.{name}.npy"
            np.save(folder / file, stacked([tensors[name] for tensors in trace]))

    save("x", [x.name for x in case.inputs])
    save("y", case.output_names)
    archive = {}
    for x in case.inputs:
        if isinstance(x.precision, ElementTypes):
            archive |= x.precision.arrays(x.name)
    for layer in case.layers:
        precisions = layer.precisions()
        several = precisions.values() if isinstance(precisions, dict) else [precisions]
        for precision in several:
            if isinstance(precision, ElementTypes):
                archive |= precision.arrays(layer.name)
        if layer.store != "inline":
            for part, numbers in layer.numbers().items():
                if layer.store == "npy":
                    np.save(folder / f"{layer.name}.{part}.npy", numbers)
                else:
                    archive[f"{layer.name}.{part}"] = numbers
    if archive:
        np.savez(folder / "weights.npz", **archive)
    size = sum(file.stat().st_size for file in folder.iterdir())
    assert size < 60_000, f"{case.name} takes {size} bytes"


# ---------------------------------------------------------------------------------------------
# Random numbers, weights and samples.
# ---------------------------------------------------------------------------------------------


class Random:
    """SplitMix64, so that the cases depend on no library's choice of generator."""

    def __init__(self, seed: str) -> None:
        self.state = int.from_bytes(seed.encode(), "little")

    def bits(self) -> int:
        mask = 2**64 - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    def between(self, low: int, high: int) -> int:
        return low + self.bits() % (high - low + 1)

    def choice(self, items: Sequence[int]) -> int:
        return items[self.between(0, len(items) - 1)]


def random_weights(random: Random, precision: str, *shape: int) -> np.ndarray:
    """Numbers of the type's whole range; every other one lies off its grid, some on a half."""
    ty = Type.parse(precision)
    eighths = [0, 0, 0, 0, 0, 0, 4, -4, 1, -1, 3, -3]

    def number() -> float:
        mantissa = random.between(ty.low, ty.high)
        return float((mantissa + Fraction(random.choice(eighths), 8)) * ty.step)

    return np.array([number() for _ in range(prod(shape))]).reshape(shape)


def element_samples(random: Random, types: Sequence[Type], count: int) -> list[list[int]]:
    """Samples of a type for each element: both ends first, then random values."""
    rows = [[ty.low for ty in types], [ty.high for ty in types], [0 for _ in types]]
    rest = range(count - len(rows))
    return rows + [[random.between(ty.low, ty.high) for ty in types] for _ in rest]


def random_samples(random: Random, precision: str, count: int, features: int) -> list[list[int]]:
    """Corners first (both ends of the range, zero, one step, ends in turn), then random values,
    a quarter of which are an end of the range."""
    ty = Type.parse(precision)
    low, high = ty.low, ty.high
    rows = [
        [low] * features,
        [high] * features,
        [0] * features,
        [max(low, -1)] * features,
        [min(high, 1)] * features,
        [low if k % 2 else high for k in range(features)],
        [high if k % 2 else low for k in range(features)],
        # Large values first, then large ones of the other sign: sums that leave a saturating
        # accumulator's range come back in one order only.
        [high if k < features // 2 else low for k in range(features)],
        [low if k < features // 2 else high for k in range(features)],
    ]

    def value() -> int:
        return (
            random.choice([low, high]) if random.between(0, 3) == 0 else random.between(low, high)
        )

    rows += [[value() for _ in range(features)] for _ in range(count - len(rows))]
    return rows


def sweep(precision: str, features: int) -> list[list[int]]:
    """Every value of the type once, in rows of `features`."""
    ty = Type.parse(precision)
    values = list(range(ty.low, ty.high + 1))
    assert len(values) % features == 0
    return [values[first : first + features] for first in range(0, len(values), features)]


# ---------------------------------------------------------------------------------------------
# What the checks of the cases ask.
# ---------------------------------------------------------------------------------------------

# Every tensor of the network, for each sample.
Trace = list[dict[str, Tensor]]

# Fails where a case does not meet the corner that it is there for.
Check = Callable[[Trace], None]


def all_values(trace: Trace, name: str) -> list[Fraction]:
    return [value for tensors in trace for value in tensors[name].values]


def assert_all_differ(trace: Trace, names: Sequence[str]) -> None:
    """Each two of the tensors differ somewhere, so that no mode can stand in for another."""
    values = {name: all_values(trace, name) for name in names}
    for index, name in enumerate(names):
        for other in names[:index]:
            assert values[name] != values[other], f"{name} and {other} are equal"


def assert_order_matters(case: Case, trace: Trace, name: str) -> None:
    """Descending order, and where inputs are shared over time the order of one multiplier's
    inputs after the other's, give other sums than ascending order does."""
    [layer] = [layer for layer in case.layers if layer.name == name]
    assert isinstance(layer, Dense)
    [read] = layer.inputs or [case.inputs[0].name]
    n_in = layer.weight.shape[0]
    reuse = layer.reuse_factor or 1
    orders = [list(range(n_in))[::-1]]
    if 1 < reuse < n_in:
        orders.append([k for first in range(reuse) for k in range(first, n_in, reuse)])
    for order in orders:
        samples = [tensors[read].values for tensors in trace]
        assert any(layer.sums(x, order) != layer.sums(x) for x in samples), order


def assert_off_grid(layer: Dense) -> None:
    """Some weight is rounded by its type."""
    step = Type.parse(layer.precision[0]).step
    assert any(Fraction(float(number)) % step for number in layer.weight.flat), layer.name
