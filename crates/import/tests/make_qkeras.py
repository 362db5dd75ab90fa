"""Writes the models `models/qkeras_auto*` of the tests: QKeras' layers whose scales follow from their
weights, with samples and what QKeras itself predicts for them.

    pip install qkeras 'tensorflow-cpu<2.16'    # written with QKeras 0.9.0, tensorflow 2.15.1
    python make_qkeras.py [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from qkeras import QActivation, QConv2D, QDense, QDepthwiseConv2D

SAMPLES = 40


def po2():
    """Scales that are rounded to powers of two: bits, ternary and binary weights."""
    return [
        tf.keras.Input((6,)),
        QActivation("quantized_bits(6, 2, alpha=1)"),
        QDense(
            8,
            kernel_quantizer="quantized_bits(4, 0, alpha='auto_po2')",
            bias_quantizer="quantized_bits(5, 1, alpha=1)",
        ),
        QActivation("quantized_relu(5, 2)"),
        QDense(7, kernel_quantizer="ternary(alpha='auto_po2')", use_bias=False),
        QActivation("quantized_bits(6, 2, alpha=1)"),
        QDense(3, kernel_quantizer="binary(alpha='auto_po2')", use_bias=False),
        QActivation("quantized_bits(8, 4, alpha=1)"),
    ]


def any_scale():
    """Scales that are any number, one for each channel."""
    return [
        tf.keras.Input((5, 4, 2)),
        QActivation("quantized_bits(5, 1, alpha=1)"),
        QConv2D(
            3,
            (2, 2),
            kernel_quantizer="quantized_bits(5, 1, alpha='auto')",
            bias_quantizer="quantized_bits(5, 1, alpha=1)",
        ),
        QActivation("quantized_relu(5, 2)"),
        QDepthwiseConv2D((2, 2), depthwise_quantizer="quantized_bits(4, 0, alpha='auto')", use_bias=False),
        tf.keras.layers.Flatten(),
        QActivation("quantized_bits(7, 3, alpha=1)"),
        QDense(4, kernel_quantizer="ternary(alpha='auto')", use_bias=False),
        QActivation("quantized_bits(7, 3, alpha=1)"),
        QDense(3, kernel_quantizer="binary(alpha='auto')", use_bias=False),
    ]


def functions():
    """Ternary activations, a rectifier with a slope where x < 0, powers of two as weights."""
    return [
        tf.keras.Input((9,)),
        QActivation("quantized_bits(7, 2, alpha=1)"),
        QActivation("quantized_relu(5, 1, negative_slope=0.25)"),
        QDense(8, kernel_quantizer="quantized_bits(5, 1, alpha=1)", use_bias=False),
        QActivation("ternary(alpha=1)"),
        QDense(
            6,
            kernel_quantizer="ternary(alpha=1)",
            bias_quantizer="quantized_bits(5, 1, alpha=1)",
            activation="ternary(alpha=1, threshold=1.3)",
        ),
        QDense(4, kernel_quantizer="quantized_po2(4)", bias_quantizer="quantized_po2(4, 1)"),
        QActivation("quantized_relu(6, 2, negative_slope=0.125)"),
    ]


def write(name, build, match, folder):
    random = np.random.default_rng(sum(name.encode()))
    model = tf.keras.Sequential(build())
    for layer in model.layers:
        layer.set_weights([random.normal(0, 0.7, w.shape) for w in layer.get_weights()])
    x = random.normal(0, 2, (SAMPLES, *model.input_shape[1:])).astype("float32")
    target = folder / name
    target.mkdir(exist_ok=True)
    model.save(target / "model.h5", include_optimizer=False)
    np.save(target / "x.npy", x)
    np.save(target / "y.npy", model.predict(x, verbose=0))
    text = f"""# {name}
- what: {build.__doc__}
- from: made by make_qkeras.py with QKeras; free to use
- match: {match}
"""
    (target / "info.md").write_text(text, encoding="utf-8")


def main():
    here = Path(__file__).resolve().parent / "models"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else here
    write("qkeras_auto_po2", po2, "exact", folder)
    write("qkeras_functions", functions, "exact", folder)
    write("qkeras_auto", any_scale, "float: its weights are rounded to single precision", folder)


if __name__ == "__main__":
    main()
