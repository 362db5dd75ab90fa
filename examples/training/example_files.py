"""The files of an example: specification, weights, test vectors, and the printed summary.

Guarantee: equal arguments give equal bytes. Arrays are stored as float32 only after a check
that float32 holds each value exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from examples.training.fixed_point import Format
from examples.training.quantized_mlp import Dense, DenseSpec, Floats, Integers


@dataclass(frozen=True)
class NetworkSpec:
    """One specification file; the fields are the keys of the file."""

    name: str
    about: str
    """One or more lines that open the file as a comment."""
    clock: str
    input_shape: tuple[int, ...]
    input_format: Format
    layers: list[DenseSpec]
    reuse_factors: dict[str, int] = field(default_factory=dict)
    """Reuse factor of each layer that departs from the default, fully parallel, layer."""


def write_spec(path: Path, spec: NetworkSpec) -> None:
    """Write the specification, one key a line where a reader will want to change one."""
    lines = [f"# {line}" for line in spec.about.splitlines()]
    lines += [
        f"name: {spec.name}",
        f"target: {{part: xcvu9p-flga2104-2-i, clock: {spec.clock}}}",
        "io: parallel",
        "defaults:",
        "  strategy: latency",
        "  reuse_factor: 1",
        "inputs:",
        f'  - {{name: x, shape: {list(spec.input_shape)}, precision: "{spec.input_format}"}}',
        "layers:",
    ]
    if len(spec.input_shape) > 1:
        lines.append("  - {name: flatten, type: flatten}")
    for layer in spec.layers:
        lines += [
            f"  - name: {layer.name}",
            "    type: dense",
            f"    units: {layer.units}",
            f"    weight: weights.npz:{layer.name}.weight",
            f"    bias: weights.npz:{layer.name}.bias",
            "    precision:",
            f'      weight: "{layer.weight}"',
            f'      bias: "{layer.bias}"',
            "      accum: auto",
            f'      result: "{layer.result}"' if layer.result else "      result: auto",
        ]
        if layer.name in spec.reuse_factors:
            lines += [
                "    strategy: resource",
                f"    reuse_factor: {spec.reuse_factors[layer.name]}",
            ]
        if layer.relu is not None:
            name, result = layer.relu
            lines.append(f'  - {{name: {name}, type: relu, precision: "{result}"}}')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def exact_float32(values: Floats) -> NDArray[np.float32]:
    """Return the values as float32, half the size; refuse if that changes any of them."""
    narrow = values.astype(np.float32)
    if not np.array_equal(narrow.astype(np.float64), values):
        raise ValueError("float32 does not hold these values exactly")
    return narrow


def write_arrays(
    folder: Path,
    specs: list[DenseSpec],
    network: list[Dense],
    x: Floats,
    labels: Integers,
    y: Floats,
) -> None:
    """Write the weights, already on their formats' grids, and the test vectors."""
    weights: dict[str, Any] = {}
    for spec, layer in zip(specs, network, strict=True):
        weights[f"{spec.name}.weight"] = exact_float32(layer.weight)
        weights[f"{spec.name}.bias"] = exact_float32(layer.bias)
    np.savez(folder / "weights.npz", **weights)
    np.save(folder / "x.npy", exact_float32(x))
    np.save(folder / "labels.npy", labels.astype(np.int64))
    np.save(folder / "y.npy", exact_float32(y))


def print_weight_summary(specs: list[DenseSpec], network: list[Dense]) -> None:
    """Print what the weights cost: a zero costs nothing, a power of two no multiplier."""
    print("layer    weights   range               zero    +-2^k")
    for spec, layer in zip(specs, network, strict=True):
        magnitudes = np.abs(spec.weight.mantissas(layer.weight))
        zero = magnitudes == 0
        power_of_two = ~zero & ((magnitudes & (magnitudes - 1)) == 0)
        value_range = f"[{layer.weight.min():+.4f}, {layer.weight.max():+.4f}]"
        print(
            f"{spec.name:8} {magnitudes.size:7}   {value_range:18}"
            f" {zero.mean():6.1%} {power_of_two.mean():7.1%}"
        )
