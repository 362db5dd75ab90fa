"""A dense network with ReLU between its layers: training and its exact fixed-point meaning.

Training is plain numpy: Adam on the cross entropy, first in floating point, then with every
weight and activation rounded in the forward pass and the rounding ignored in the backward
pass (the straight-through estimator), while the smallest weights are pruned step by step.

Guarantee: `predict_exact` computes on integers what the specification of the network says,
and `forward` of a quantised network gives the same values, because float64 holds every sum
of these narrow numbers exactly. `exact_test_outputs` checks that the two agree.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from examples.training.fixed_point import Format, cast_mantissas

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class DenseSpec:
    """What the specification says about one dense layer and the ReLU after it."""

    name: str
    units: int
    weight: Format
    bias: Format
    result: Format | None
    """The cast of the layer's sum; None is `result: auto`, the exact sum."""
    relu: tuple[str, Format] | None
    """Name and result format of the ReLU that follows; None for the last layer."""
    pruned_share: float
    """The share of the weights, smallest magnitudes first, that training sets to zero."""


@dataclass
class Dense:
    """The parameters of one dense layer; `kept` is 0 where a weight was pruned, else 1."""

    weight: Floats
    bias: Floats
    kept: Floats


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train; the learning rate falls to zero along a half cosine."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float


def initial_network(specs: list[DenseSpec], inputs: int, rng: np.random.Generator) -> list[Dense]:
    """Draw weights with the variance that keeps the signal's size through ReLU layers."""
    network = []
    for spec in specs:
        weight = rng.normal(0.0, np.sqrt(2.0 / inputs), size=(inputs, spec.units))
        network.append(Dense(weight, np.zeros(spec.units), np.ones_like(weight)))
        inputs = spec.units
    return network


def rounded_network(specs: list[DenseSpec], network: list[Dense]) -> list[Dense]:
    """Return the network with pruned weights at zero and the rest on their formats' grids."""
    return [
        Dense(
            spec.weight.round_floats(layer.weight * layer.kept),
            spec.bias.round_floats(layer.bias),
            layer.kept,
        )
        for spec, layer in zip(specs, network, strict=True)
    ]


def forward(
    specs: list[DenseSpec], network: list[Dense], x: Floats, quantised: bool
) -> tuple[Floats, list[Floats], list[Floats]]:
    """Return the logits, the input of every layer, and what every layer's ReLU is given."""
    layer_inputs, results = [], []
    for spec, layer in zip(specs, network, strict=True):
        layer_inputs.append(x)
        x = x @ layer.weight + layer.bias
        if quantised and spec.result is not None:
            x = spec.result.round_floats(x)
        results.append(x)
        if spec.relu is not None:
            x = np.maximum(x, 0.0)
            x = spec.relu[1].round_floats(x) if quantised else x
    return x, layer_inputs, results


def gradients(
    specs: list[DenseSpec], network: list[Dense], x: Floats, labels: Integers, quantised: bool
) -> list[tuple[Floats, Floats]]:
    """Return the gradient of the mean cross entropy by the weight and bias of every layer.

    Rounding counts as the identity. Saturation does not: beyond the highest value that an
    activation's format holds, its gradient is zero, as it is below zero.
    """
    used = rounded_network(specs, network) if quantised else network
    logits, layer_inputs, results = forward(specs, used, x, quantised)
    delta = softmax(logits)
    delta[np.arange(len(labels)), labels] -= 1.0
    delta /= len(labels)
    found: list[tuple[Floats, Floats]] = []
    for index in reversed(range(len(specs))):
        relu = specs[index].relu
        if relu is not None:
            passes = results[index] > 0.0
            if quantised:
                passes &= results[index] < relu[1].highest
            delta = delta * passes
        found.append((layer_inputs[index].T @ delta, delta.sum(axis=0)))
        delta = delta @ used[index].weight.T
    return found[::-1]


def train(
    specs: list[DenseSpec],
    network: list[Dense],
    x: Floats,
    labels: Integers,
    schedule: Schedule,
    rng: np.random.Generator,
    quantised: bool,
) -> None:
    """Train `network` in place; a quantised training also prunes to each layer's share."""
    steps = schedule.epochs * (len(x) // schedule.batch_size)
    parameters = [array for layer in network for array in (layer.weight, layer.bias)]
    first_moments = [np.zeros_like(array) for array in parameters]
    second_moments = [np.zeros_like(array) for array in parameters]
    step = 0
    for epoch in range(schedule.epochs):
        if quantised:
            # Half of the epochs prune, the other half let the remaining weights settle.
            prune(specs, network, progress=min(1.0, 2.0 * epoch / schedule.epochs))
        order = rng.permutation(len(x))
        for start in range(0, len(x) - schedule.batch_size + 1, schedule.batch_size):
            batch = order[start : start + schedule.batch_size]
            rate = schedule.learning_rate * 0.5 * (1.0 + np.cos(np.pi * step / steps))
            step += 1
            found = gradients(specs, network, x[batch], labels[batch], quantised)
            flat = [array for pair in found for array in pair]
            for value, gradient, first, second in zip(
                parameters, flat, first_moments, second_moments, strict=True
            ):
                adam_step(value, gradient, first, second, step, rate, schedule.weight_decay)
            if quantised:
                clip_to_formats(specs, network)


def train_float_then_quantised(
    specs: list[DenseSpec],
    x: Floats,
    labels: Integers,
    input_format: Format,
    float_schedule: Schedule,
    quantised_schedule: Schedule,
    rng: np.random.Generator,
) -> tuple[list[Dense], list[Dense]]:
    """Return the network trained in floating point and the one that was made of it.

    The second is pruned, and its weights and biases are on the grids of their formats.
    """
    float_network = initial_network(specs, x.shape[1], rng)
    train(specs, float_network, x, labels, float_schedule, rng, quantised=False)
    network = copy.deepcopy(float_network)
    x_on_grid = input_format.round_floats(x)
    train(specs, network, x_on_grid, labels, quantised_schedule, rng, quantised=True)
    return float_network, rounded_network(specs, network)


def adam_step(
    value: Floats,
    gradient: Floats,
    first: Floats,
    second: Floats,
    step: int,
    rate: float,
    weight_decay: float,
) -> None:
    """Move `value` by one step of Adam with decoupled weight decay; biases do not decay."""
    first += 0.1 * (gradient - first)
    second += 0.001 * (gradient * gradient - second)
    unbiased_first = first / (1.0 - 0.9**step)
    unbiased_second = second / (1.0 - 0.999**step)
    if value.ndim > 1:
        value *= 1.0 - rate * weight_decay
    value -= rate * unbiased_first / (np.sqrt(unbiased_second) + 1e-8)


def prune(specs: list[DenseSpec], network: list[Dense], progress: float) -> None:
    """Prune every layer to its share, reached at progress 1 along a cubic that slows down."""
    for spec, layer in zip(specs, network, strict=True):
        share = spec.pruned_share * (1.0 - (1.0 - progress) ** 3)
        # A pruned weight counts as magnitude zero, so that it stays pruned.
        magnitudes = np.abs(layer.weight * layer.kept).ravel()
        smallest = np.argsort(magnitudes, kind="stable")[: round(share * magnitudes.size)]
        layer.kept.ravel()[smallest] = 0.0


def clip_to_formats(specs: list[DenseSpec], network: list[Dense]) -> None:
    """Keep the trained floats inside their formats, where the rounded values can follow them."""
    for spec, layer in zip(specs, network, strict=True):
        np.clip(layer.weight, spec.weight.lowest, spec.weight.highest, out=layer.weight)
        np.clip(layer.bias, spec.bias.lowest, spec.bias.highest, out=layer.bias)


def predict_exact(
    specs: list[DenseSpec], network: list[Dense], x: Floats, input_format: Format
) -> Floats:
    """Return the logits as the specification defines them, computed on integers alone."""
    mantissas, fraction_bits = input_format.mantissas(x), input_format.fraction_bits
    for spec, layer in zip(specs, network, strict=True):
        weight, bias = spec.weight.mantissas(layer.weight), spec.bias.mantissas(layer.bias)
        # The sum has the product's fraction bits; the bias is shifted onto the same grid.
        fraction_bits += spec.weight.fraction_bits
        bias_shift = fraction_bits - spec.bias.fraction_bits
        if bias_shift < 0:
            raise ValueError(f"{spec.name}: the bias has a finer grid than the products")
        mantissas = mantissas @ weight + (bias << bias_shift)
        if spec.result is not None:
            mantissas = cast_mantissas(mantissas, fraction_bits, spec.result)
            fraction_bits = spec.result.fraction_bits
        if spec.relu is not None:
            relu_format = spec.relu[1]
            mantissas = cast_mantissas(np.maximum(mantissas, 0), fraction_bits, relu_format)
            fraction_bits = relu_format.fraction_bits
    return np.ldexp(mantissas.astype(np.float64), -fraction_bits)


def exact_test_outputs(
    specs: list[DenseSpec], network: list[Dense], x: Floats, input_format: Format
) -> Floats:
    """Return `predict_exact`, after a check that the trained forward pass gives every bit of it."""
    exact = predict_exact(specs, network, x, input_format)
    if not np.array_equal(exact, forward(specs, network, x, quantised=True)[0]):
        raise AssertionError("the integer model and the trained network disagree")
    return exact


def softmax(logits: Floats) -> Floats:
    powers: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    sums: Floats = powers.sum(axis=1, keepdims=True)
    return powers / sums


def accuracy(logits: Floats, labels: Integers) -> float:
    """Return the share of samples whose largest logit, the first of equals, is the true class."""
    return float(np.mean(np.argmax(logits, axis=1) == labels))
