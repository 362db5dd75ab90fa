"""The files of a convolutional example: specifications, weights, test vectors, and the summary.

Guarantee: equal arguments give equal bytes; the specifications of one network differ only in
how it is built, never in what it computes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from examples.training.example_files import exact_float32
from examples.training.fixed_point import Format
from examples.training.quantized_cnn import (
    Add,
    Conv2d,
    Dense,
    Flatten,
    GlobalAverage,
    MaxPool,
    Network,
    Node,
    Relu,
    Weighted,
)
from examples.training.quantized_mlp import Floats, Integers


@dataclass(frozen=True)
class CnnSpec:
    """One specification file; the fields are the keys of the file."""

    name: str
    about: str
    """One or more lines that open the file as a comment."""
    clock: str
    io: str
    input_shape: tuple[int, ...]
    input_format: Format
    nodes: list[Node]
    implementation: dict[str, dict[str, object]] = field(default_factory=dict)
    """How each layer is built that departs from the default, fully parallel, layer."""


def write_cnn_spec(path: Path, spec: CnnSpec) -> None:
    """Write the specification, one key a line where a reader will want to change one."""
    lines = [f"# {line}" for line in spec.about.splitlines()]
    lines += [
        f"name: {spec.name}",
        f"target: {{part: xcvu9p-flga2104-2-i, clock: {spec.clock}}}",
        f"io: {spec.io}",
        "inputs:",
        f'  - {{name: x, shape: {list(spec.input_shape)}, precision: "{spec.input_format}"}}',
        "layers:",
    ]
    for node in spec.nodes:
        lines += [f"  {line}" for line in node_lines(node)]
        lines += [
            f"    {key}: {value}" for key, value in spec.implementation.get(node.name, {}).items()
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def node_lines(node: Node) -> list[str]:
    """A layer as an item of the specification's list."""
    if isinstance(node, Weighted):
        return weighted_lines(node)
    if isinstance(node, Relu):
        keys = f'type: relu, precision: "{node.result}"'
    elif isinstance(node, MaxPool):
        size = [node.size, node.size]
        keys = f"type: max_pool2d, pool_size: {size}, strides: {size}, padding: valid"
        keys += ", precision: {accum: auto, result: auto}"
    elif isinstance(node, Add):
        keys = f'type: add, inputs: [{", ".join(node.reads)}], precision: "{node.result}"'
    elif isinstance(node, GlobalAverage):
        keys = "type: global_average_pool2d, precision: "
        keys += f'{{accum: auto, result: "{node.result}"}}'
    else:
        if not isinstance(node, Flatten):
            raise TypeError(f"no words for {node}")
        keys = "type: flatten"
    return [f"- {{name: {node.name}, {keys}}}"]


def weighted_lines(node: Weighted) -> list[str]:
    lines = [f"- name: {node.name}"]
    if isinstance(node, Conv2d):
        lines += [
            "  type: conv2d",
            f"  filters: {node.filters}",
            f"  kernel_size: {[node.kernel, node.kernel]}",
            f"  strides: {[node.stride, node.stride]}",
            f"  padding: {'same' if node.same else 'valid'}",
        ]
    else:
        if not isinstance(node, Dense):
            raise TypeError(f"no words for {node}")
        lines += ["  type: dense", f"  units: {node.filters}"]
    return [
        *lines,
        f"  weight: weights.npz:{node.name}.weight",
        f"  bias: weights.npz:{node.name}.bias",
        "  precision:",
        f'    weight: "{node.weight}"',
        f'    bias: "{node.bias}"',
        "    accum: auto",
        f'    result: "{node.result}"' if node.result else "    result: auto",
    ]


def write_cnn_arrays(
    folder: Path, network: Network, x: Floats, labels: Integers, y: Floats
) -> None:
    """Write the weights, already on their formats' grids, and the test vectors."""
    weights: dict[str, Any] = {}
    for name, parameters in network.items():
        weights[f"{name}.weight"] = exact_float32(parameters.weight)
        weights[f"{name}.bias"] = exact_float32(parameters.bias)
    np.savez(folder / "weights.npz", **weights)
    np.save(folder / "x.npy", exact_float32(x))
    np.save(folder / "labels.npy", labels.astype(np.int64))
    np.save(folder / "y.npy", exact_float32(y))


def print_cnn_summary(nodes: list[Node], network: Network) -> None:
    """Print what the weights cost: a zero costs nothing, a power of two no multiplier."""
    print("layer    weights    zero    +-2^k")
    for node in nodes:
        if isinstance(node, Weighted):
            magnitudes = np.abs(node.weight.mantissas(network[node.name].weight))
            zero = magnitudes == 0
            power_of_two = ~zero & ((magnitudes & (magnitudes - 1)) == 0)
            print(
                f"{node.name:8} {magnitudes.size:7}  {zero.mean():6.1%} {power_of_two.mean():7.1%}"
            )
