#!/usr/bin/env python3
"""How fast hls4ml's compiled emulator computes a network: a process of its own.

    emulate_with_hls4ml.py NETWORK.yaml X.npy Y.npy --threads 1 2

Writes what it makes of the samples, and prints one JSON object as the last line: how long conversion and
compilation took, and samples a second for each number of threads (hls4ml has one; several are given shares
of the samples). Runs in the environment that compare_engines.py makes.
"""

import json
import os
import tempfile
import time

os.environ["KERAS_BACKEND"] = "jax"

import hls4ml  # noqa: E402
import keras  # noqa: E402
import numpy  # noqa: E402
import perceptron  # noqa: E402
import rates  # noqa: E402
from side_by_side import emulation_arguments  # noqa: E402


def keras_layer(step, name):
    """The Keras layer of a step, and the types of it that hls4ml is told."""
    if isinstance(step, perceptron.Conv2D):
        window, bias = step.window, step.bias is not None
        return keras.layers.Conv2D(
            step.weight.shape[3], window.size, window.strides, window.padding, use_bias=bias, name=name)
    if isinstance(step, perceptron.Dense):
        return keras.layers.Dense(step.weight.shape[1], use_bias=step.bias is not None, name=name)
    if isinstance(step, perceptron.MaxPool2D):
        window = step.window
        return keras.layers.MaxPooling2D(window.size, window.strides, window.padding, name=name)
    return keras.layers.Activation("relu", name=name)


def converted(network, folder):
    """The network as hls4ml's compiled model."""
    layers, types, flat = [keras.layers.Input(network.shape)], {}, len(network.shape) == 1
    for index, step in enumerate(network.steps):
        if isinstance(step, perceptron.Format):
            types[layers[-1].name]["result"] = str(step)
            continue
        is_dense = type(step) is perceptron.Dense
        if is_dense and not flat:
            layers.append(keras.layers.Flatten(name=f"flatten{index}"))
            types[layers[-1].name] = {"result": "auto"}
            flat = True
        layers.append(keras_layer(step, f"step{index}"))
        own = types[layers[-1].name] = {"result": "auto"}
        if isinstance(step, perceptron.Dense):
            own.update(weight=str(step.weight_type), accum="auto")
            own.update({"bias": str(step.bias_type)} if step.bias_type else {})
    model = keras.Sequential(layers)
    trained = [step for step in network.steps if isinstance(step, perceptron.Dense)]
    for layer, step in zip([layer for layer in model.layers if layer.weights], trained):
        layer.set_weights([step.weight] if step.bias is None else [step.weight, step.bias])
    config = hls4ml.utils.config_from_keras_model(model, granularity="name", backend="Vitis")
    for name, own in config["LayerName"].items():
        own["Precision"].update(types.get(name, {"result": str(network.input)}))
    return hls4ml.converters.convert_from_keras_model(
        model, hls_config=config, output_dir=folder, backend="Vitis", io_type="io_parallel")


def main():
    options = emulation_arguments(__doc__)
    samples = numpy.load(options.samples).astype(numpy.float32)
    network = perceptron.read(options.spec)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        model = converted(network, folder)
        model.compile()
        ready = time.monotonic() - started
        numpy.save(options.outputs, model.predict(samples).reshape(len(samples), -1))
        speeds = {
            threads: rates.rate(rates.in_threads(model.predict, threads), samples) for threads in options.threads}
    print(json.dumps({"ready_seconds": ready, "samples_per_second": speeds}))


if __name__ == "__main__":
    main()
