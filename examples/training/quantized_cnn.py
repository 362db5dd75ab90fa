"""A small convolutional network: training, and its exact fixed-point meaning.

A network is a list of nodes in the order of the specification; a node reads the one before it
unless it names what it reads, so that skip connections are possible. Training is plain numpy, as
in `quantized_mlp`: Adam on the cross entropy, first in floating point, then with every weight
and result rounded in the forward pass and the rounding ignored in the backward pass.

Guarantee: `predict_exact` computes on integers what the specification of the network says, and
`exact_test_outputs` checks that the quantised `forward` gives the same values.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from examples.training.fixed_point import Format, cast_mantissas
from examples.training.quantized_mlp import Floats, Integers, Schedule, adam_step, softmax

INPUT = "x"


@dataclass(frozen=True)
class Node:
    """What every layer has."""

    name: str


@dataclass(frozen=True)
class Weighted(Node):
    """A layer that sums products with trained weights."""

    filters: int
    weight: Format
    bias: Format
    result: Format | None
    """The cast of the sum; None is `result: auto`, the exact sum."""


@dataclass(frozen=True)
class Conv2d(Weighted):
    """A convolution with a square kernel; `same` pads its image with zeros."""

    kernel: int = 3
    stride: int = 1
    same: bool = True


@dataclass(frozen=True)
class Dense(Weighted):
    """A dense layer on a vector."""


@dataclass(frozen=True)
class Relu(Node):
    """The cast of max(0, x)."""

    result: Format


@dataclass(frozen=True)
class MaxPool(Node):
    """The largest of each square of `size` by `size` pixels, side by side."""

    size: int


@dataclass(frozen=True)
class Add(Node):
    """The cast of the sum of the two nodes that it reads."""

    reads: tuple[str, str]
    result: Format


@dataclass(frozen=True)
class GlobalAverage(Node):
    """The cast of each channel's mean over the image, whose pixels are a power of two."""

    result: Format


@dataclass(frozen=True)
class Flatten(Node):
    """The image as a vector, row-major."""


@dataclass
class Parameters:
    """The trained numbers of a weighted node; a kernel is [rows, columns, channels, filters]."""

    weight: Floats
    bias: Floats


Network = dict[str, Parameters]
Values = dict[str, Floats]


def reads_of(nodes: list[Node], index: int) -> tuple[str, ...]:
    """The names of what a node reads."""
    node = nodes[index]
    if isinstance(node, Add):
        return node.reads
    return (nodes[index - 1].name if index else INPUT,)


def initial_network(nodes: list[Node], shape: tuple[int, ...], rng: np.random.Generator) -> Network:
    """Draw weights with the variance that keeps the signal's size through ReLU layers."""
    network: Network = {}
    x = np.zeros((1, *shape))
    values: Values = {INPUT: x}
    for index, node in enumerate(nodes):
        read = [values[name] for name in reads_of(nodes, index)]
        if isinstance(node, Weighted):
            cells = (node.kernel, node.kernel) if isinstance(node, Conv2d) else ()
            n_in = int(np.prod(cells, dtype=int)) * read[0].shape[-1]
            weight = rng.normal(
                0.0, np.sqrt(2.0 / n_in), size=(*cells, read[0].shape[-1], node.filters)
            )
            network[node.name] = Parameters(weight, np.zeros(node.filters))
        values[node.name] = exact(node, network.get(node.name), read)
    return network


def rounded_network(nodes: list[Node], network: Network) -> Network:
    """Return the network with its numbers on their formats' grids."""
    return {
        node.name: Parameters(
            node.weight.round_floats(network[node.name].weight),
            node.bias.round_floats(network[node.name].bias),
        )
        for node in nodes
        if isinstance(node, Weighted)
    }


def same_padding(node: Conv2d, extent: int) -> tuple[int, int]:
    """The zeros before and after an axis, the odd one after it."""
    if not node.same:
        return 0, 0
    total = max((-(-extent // node.stride) - 1) * node.stride + node.kernel - extent, 0)
    return total // 2, total - total // 2


def padded(node: Conv2d, x: NDArray) -> NDArray:
    sides = [same_padding(node, extent) for extent in x.shape[1:3]]
    return np.pad(x, [(0, 0), *sides, (0, 0)])


def columns(node: Conv2d, x: NDArray) -> NDArray:
    """The windows of images: [images, rows, columns, kernel rows, kernel columns, channels]."""
    windows = sliding_window_view(padded(node, x), (node.kernel, node.kernel), axis=(1, 2))
    return windows[:, :: node.stride, :: node.stride].transpose(0, 1, 2, 4, 5, 3)


def pooled_cells(node: MaxPool, x: NDArray) -> NDArray:
    """The cells of each square: [images, rows, columns, channels, cells]."""
    n, rows, cols, channels = x.shape
    size = node.size
    blocks = x.reshape(n, rows // size, size, cols // size, size, channels)
    return blocks.transpose(0, 1, 3, 5, 2, 4).reshape(
        n, rows // size, cols // size, channels, size * size
    )


def exact(node: Node, parameters: Parameters | None, read: list[Floats]) -> Floats:
    """What a node makes of its inputs before the cast to its result."""
    x = read[0]
    if isinstance(node, Weighted):
        assert parameters is not None
        if isinstance(node, Conv2d):
            return np.tensordot(columns(node, x), parameters.weight, axes=3) + parameters.bias
        return x @ parameters.weight + parameters.bias
    if isinstance(node, Relu):
        return np.maximum(x, 0.0)
    if isinstance(node, MaxPool):
        return pooled_cells(node, x).max(axis=-1)
    if isinstance(node, Add):
        return x + read[1]
    if isinstance(node, GlobalAverage):
        return x.mean(axis=(1, 2))
    return x.reshape(len(x), -1)


def result_format(node: Node) -> Format | None:
    """The format that a node casts to; None where it keeps what it has."""
    return getattr(node, "result", None)


def forward(
    nodes: list[Node], network: Network, x: Floats, quantised: bool
) -> tuple[Values, Values]:
    """Return every node's result, the input's included, and what it was before its cast."""
    results: Values = {INPUT: x}
    before_cast: Values = {}
    for index, node in enumerate(nodes):
        read = [results[name] for name in reads_of(nodes, index)]
        value = exact(node, network.get(node.name), read)
        before_cast[node.name] = value
        target = result_format(node)
        results[node.name] = target.round_floats(value) if quantised and target else value
    return results, before_cast


def logits(nodes: list[Node], network: Network, x: Floats, quantised: bool) -> Floats:
    return forward(nodes, network, x, quantised)[0][nodes[-1].name]


def conv_backward(node: Conv2d, weight: Floats, x: Floats, delta: Floats) -> tuple[Floats, Floats]:
    """Return the gradients by the weights and by the input."""
    by_weight = np.tensordot(columns(node, x), delta, axes=([0, 1, 2], [0, 1, 2]))
    by_padded = np.zeros_like(padded(node, x))
    rows, cols = delta.shape[1] * node.stride, delta.shape[2] * node.stride
    for i in range(node.kernel):
        for j in range(node.kernel):
            # The last window's cell may be followed by less than a stride.
            place = by_padded[:, i : i + rows : node.stride, j : j + cols : node.stride]
            place += delta @ weight[i, j].T
    (top, _), (left, _) = (same_padding(node, extent) for extent in x.shape[1:3])
    return by_weight, by_padded[:, top : top + x.shape[1], left : left + x.shape[2]]


def input_deltas(
    node: Node, parameters: Parameters | None, read: list[Floats], value: Floats, delta: Floats
) -> tuple[list[Floats], tuple[Floats, Floats] | None]:
    """Return the gradients by what the node read, and those by its weights and bias."""
    x = read[0]
    if isinstance(node, Weighted):
        assert parameters is not None
        by_bias = delta.reshape(-1, node.filters).sum(axis=0)
        if isinstance(node, Conv2d):
            by_weight, by_x = conv_backward(node, parameters.weight, x, delta)
        else:
            by_weight, by_x = x.T @ delta, delta @ parameters.weight.T
        return [by_x], (by_weight, by_bias)
    if isinstance(node, Relu):
        return [delta * (x > 0.0)], None
    if isinstance(node, MaxPool):
        cells = pooled_cells(node, x)
        first = cells.argmax(axis=-1)[..., None] == np.arange(cells.shape[-1])
        n, rows, cols, channels = value.shape
        spread = (first * delta[..., None]).reshape(n, rows, cols, channels, node.size, node.size)
        return [spread.transpose(0, 1, 4, 2, 5, 3).reshape(x.shape)], None
    if isinstance(node, Add):
        return [delta, delta], None
    if isinstance(node, GlobalAverage):
        pixels = x.shape[1] * x.shape[2]
        return [np.broadcast_to(delta[:, None, None, :] / pixels, x.shape)], None
    return [delta.reshape(x.shape)], None


def gradients(
    nodes: list[Node], network: Network, x: Floats, labels: Integers, quantised: bool
) -> dict[str, tuple[Floats, Floats]]:
    """Return the gradient of the mean cross entropy by each node's weights and bias.

    Rounding counts as the identity; beyond the ends of a format the gradient is zero.
    """
    used = rounded_network(nodes, network) if quantised else network
    results, before_cast = forward(nodes, used, x, quantised)
    delta = softmax(results[nodes[-1].name])
    delta[np.arange(len(labels)), labels] -= 1.0
    deltas: Values = {nodes[-1].name: delta / len(labels)}
    found: dict[str, tuple[Floats, Floats]] = {}
    for index in reversed(range(len(nodes))):
        node = nodes[index]
        names = reads_of(nodes, index)
        value, delta = before_cast[node.name], deltas.pop(node.name)
        target = result_format(node)
        if quantised and target is not None:
            delta = delta * ((value >= target.lowest) & (value <= target.highest))
        read = [results[name] for name in names]
        by_inputs, by_parameters = input_deltas(node, used.get(node.name), read, value, delta)
        if by_parameters is not None:
            found[node.name] = by_parameters
        for name, by_input in zip(names, by_inputs, strict=True):
            deltas[name] = deltas[name] + by_input if name in deltas else by_input
    return found


def train(
    nodes: list[Node],
    network: Network,
    x: Floats,
    labels: Integers,
    schedule: Schedule,
    rng: np.random.Generator,
    quantised: bool,
) -> None:
    """Train `network` in place, as `quantized_mlp.train` does, without pruning."""
    steps = schedule.epochs * (len(x) // schedule.batch_size)
    weighted = [node for node in nodes if isinstance(node, Weighted)]
    parameters = [
        array for node in weighted for array in (network[node.name].weight, network[node.name].bias)
    ]
    first_moments = [np.zeros_like(array) for array in parameters]
    second_moments = [np.zeros_like(array) for array in parameters]
    step = 0
    for _ in range(schedule.epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x) - schedule.batch_size + 1, schedule.batch_size):
            batch = order[start : start + schedule.batch_size]
            rate = schedule.learning_rate * 0.5 * (1.0 + np.cos(np.pi * step / steps))
            step += 1
            found = gradients(nodes, network, x[batch], labels[batch], quantised)
            flat = [array for node in weighted for array in found[node.name]]
            for value, gradient, first, second in zip(
                parameters, flat, first_moments, second_moments, strict=True
            ):
                adam_step(value, gradient, first, second, step, rate, schedule.weight_decay)
            if quantised:
                for node in weighted:
                    for array, target in zip(
                        (network[node.name].weight, network[node.name].bias),
                        (node.weight, node.bias),
                        strict=True,
                    ):
                        np.clip(array, target.lowest, target.highest, out=array)


def train_float_then_quantised(
    nodes: list[Node],
    x: Floats,
    labels: Integers,
    float_schedule: Schedule,
    quantised_schedule: Schedule,
    rng: np.random.Generator,
) -> tuple[Network, Network]:
    """Return the network trained in floating point and the one on its formats' grids."""
    float_network = initial_network(nodes, x.shape[1:], rng)
    train(nodes, float_network, x, labels, float_schedule, rng, quantised=False)
    network = copy.deepcopy(float_network)
    train(nodes, network, x, labels, quantised_schedule, rng, quantised=True)
    return float_network, rounded_network(nodes, network)


def predict_exact(nodes: list[Node], network: Network, x: Floats, input_format: Format) -> Floats:
    """Return the logits as the specification defines them, computed on integers alone."""
    results = {INPUT: (input_format.mantissas(x), input_format.fraction_bits)}
    for index, node in enumerate(nodes):
        read = [results[name] for name in reads_of(nodes, index)]
        mantissas, fraction_bits = exact_mantissas(node, network.get(node.name), read)
        target = result_format(node)
        if target is not None:
            mantissas = cast_mantissas(mantissas, fraction_bits, target)
            fraction_bits = target.fraction_bits
        results[node.name] = mantissas, fraction_bits
    mantissas, fraction_bits = results[nodes[-1].name]
    return np.ldexp(mantissas.astype(np.float64), -fraction_bits)


def exact_mantissas(
    node: Node, parameters: Parameters | None, read: list[tuple[Integers, int]]
) -> tuple[Integers, int]:
    """What a node makes of mantissas before its cast, and the fraction bits of it."""
    x, fraction_bits = read[0]
    if isinstance(node, Weighted):
        assert parameters is not None
        weight = node.weight.mantissas(parameters.weight)
        # The sum has the product's fraction bits; the bias is shifted onto the same grid.
        total_bits = fraction_bits + node.weight.fraction_bits
        bias = node.bias.mantissas(parameters.bias) << (total_bits - node.bias.fraction_bits)
        if isinstance(node, Conv2d):
            return np.tensordot(columns(node, x), weight, axes=3) + bias, total_bits
        return x @ weight + bias, total_bits
    if isinstance(node, Relu):
        return np.maximum(x, 0), fraction_bits
    if isinstance(node, MaxPool):
        return pooled_cells(node, x).max(axis=-1), fraction_bits
    if isinstance(node, Add):
        other, other_bits = read[1]
        finest = max(fraction_bits, other_bits)
        return (x << (finest - fraction_bits)) + (other << (finest - other_bits)), finest
    if isinstance(node, GlobalAverage):
        pixels = x.shape[1] * x.shape[2]
        if pixels & (pixels - 1):
            raise ValueError(f"{node.name}: {pixels} pixels are no power of two")
        # The mean's mantissa with so many more fraction bits is the sum itself.
        return x.sum(axis=(1, 2)), fraction_bits + pixels.bit_length() - 1
    return x.reshape(len(x), -1), fraction_bits


def exact_test_outputs(
    nodes: list[Node], network: Network, x: Floats, input_format: Format
) -> Floats:
    """Return `predict_exact`, after a check that the trained forward pass gives every bit of it."""
    outputs = predict_exact(nodes, network, x, input_format)
    if not np.array_equal(outputs, logits(nodes, network, x, quantised=True)):
        raise AssertionError("the integer model and the trained network disagree")
    return outputs
