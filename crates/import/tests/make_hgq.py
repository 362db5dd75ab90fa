"""Writes the models `models/hgq_*` of the tests: small networks of HGQ2 whose quantisers have other
widths for each element, with samples and what HGQ2 itself predicts for them.

    pip install hgq2 jax        # written with hgq2 0.2.0, keras 3.15.1, jax 0.10.2
    KERAS_BACKEND=jax python make_hgq.py [FOLDER]

The numbers of the quantisers are drawn instead of trained: what a training finds has no order
that a test could rely on.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from hgq.config import QuantizerConfig, QuantizerConfigScope
from hgq.layers import (
    QAdd,
    QAveragePooling1D,
    QBatchNormalization,
    QBatchNormDense,
    QConv1D,
    QConv2D,
    QDense,
    QEinsumDense,
    QMaxPooling2D,
    QMultiply,
    QSoftmax,
    QUnaryFunctionLUT,
)
from hgq.quantizer import Quantizer
from hgq.quantizer.internal import FixedPointQuantizerKBI, FixedPointQuantizerKIF

SAMPLES = 40


def config(place, **settings):
    return QuantizerConfig("default", place, **settings)


def quantizers(layer):
    """The quantisers of a model, the outermost layers first."""
    for inner in layer._flatten_layers(include_self=False):
        if isinstance(inner, FixedPointQuantizerKBI | FixedPointQuantizerKIF):
            yield inner


def draw(model, random):
    """Gives every quantiser and every weight other numbers."""
    for quantizer in quantizers(model):
        if "_table" in quantizer._k.path:
            # What is drawn for the sums of a softmax leaves nothing of them.
            continue
        shape = quantizer._k.shape
        # What is trained need not be an integer.
        near = random.uniform(-0.4, 0.4, shape)
        # Where all elements have the same type, it has bits.
        is_wide = np.bool_(np.prod(shape) > 1)
        if isinstance(quantizer, FixedPointQuantizerKIF):
            i = random.integers(-1, 4, shape)
            f = random.integers(0, 5, shape) - ((random.random(shape) < 0.15) & is_wide) * 9
            quantizer._f.assign(f + near)
        else:
            i = random.integers(-1, 3, shape)
            b = random.integers(2, 7, shape) * ((random.random(shape) > 0.15) | ~is_wide)
            quantizer._b.assign(b + np.abs(near))
        quantizer._i.assign(i - near)
        quantizer._k.assign((random.random(shape) < 0.7).astype("uint8"))
    for variable in model.weights:
        name = variable.path.rsplit("/", 1)[-1]
        if name in ("kernel", "bias", "bn_beta", "moving_mean"):
            variable.assign(random.normal(0, 1.2, variable.shape))
        elif name in ("bn_gamma", "moving_variance"):
            variable.assign(random.uniform(0.5, 2, variable.shape))


def dense():
    """As HGQ2 has it by default: kif with WRAP for signals, kbi with SAT_SYM for weights."""
    layers = [keras.Input((6,)), QDense(8, activation="relu"), QDense(5), QDense(3)]
    return keras.Sequential(layers)


def modes():
    """Other roundings and overflows, one width for all elements, quantisers of outputs."""
    one = {"heterogeneous_axis": (), "homogeneous_axis": None}
    layers = [keras.Input((5,))]
    for units, rounding, overflow, kind in [
        (6, "TRN", "SAT", "kif"),
        (6, "RND_CONV", "SAT_SYM", "kbi"),
        (5, "RND", "SAT", "kbi"),
        (4, "TRN", "WRAP", "kbi"),
    ]:
        def settings(place):
            return QuantizerConfig(kind, place, round_mode=rounding, overflow_mode=overflow)

        weights = {"kq_conf": settings("weight"), "bq_conf": settings("bias")}
        layers.append(QDense(units, iq_conf=settings("datalane"), **weights))
    layers[-2] = QDense(5, iq_conf=config("datalane", **one), activation="relu")
    layers.append(QDense(3, enable_oq=True, oq_conf=config("datalane", overflow_mode="SAT")))
    return keras.Sequential(layers)


def conv2d():
    """An image: types for each channel, for each row, and for each element."""
    row = {"heterogeneous_axis": (1,), "homogeneous_axis": None}
    every = {"heterogeneous_axis": (1, 2, 3), "homogeneous_axis": None}
    channel = {"heterogeneous_axis": (3,), "homogeneous_axis": None}
    layers = [
        keras.Input((6, 5, 2)),
        QConv2D(3, 3, padding="same", activation="relu", iq_conf=config("datalane", **row)),
        QMaxPooling2D(2, iq_conf=config("datalane", **channel)),
        QConv2D(4, (2, 1), iq_conf=config("datalane", **every)),
        keras.layers.Flatten(),
        QDense(3),
    ]
    return keras.Sequential(layers)


def functional():
    """A graph: a quantiser of its own, normalisations, a sum and a product of branches."""
    x = keras.Input((6, 4), name="x")
    y = Quantizer(config("datalane"), name="quantised")(x)
    a = QConv1D(4, 3, padding="same", name="a")(y)
    a = QBatchNormalization(name="norm")(a)
    b = QDense(4, activation="relu", name="b")(y)
    s = QAdd(name="sum")([a, b])
    p = QMultiply(name="product", enable_oq=True)([s, b])
    p = QAveragePooling1D(2, name="mean")(p)
    z = keras.layers.Flatten()(p)
    return keras.Model(x, QBatchNormDense(3, name="out")(z))


def branches():
    """An input that two layers read, each with a quantiser of its own."""
    x = keras.Input((5,), name="x")
    a = QDense(4, activation="relu", name="a")(x)
    b = QDense(4, name="b")(x)
    return keras.Model(x, QDense(3, name="out")(QAdd(name="sum")([a, b])))


def functions():
    """Functions by tables, whose entries have one width, or another for each element."""
    every = config("table", heterogeneous_axis=(1,), homogeneous_axis=None)
    settings = {
        "tanh": config("table"),
        "sigmoid": every,
        "silu": config("table", round_mode="TRN"),
        "hard_sigmoid": config("table", overflow_mode="SAT"),
    }
    x = keras.Input((5,), name="x")
    y = QDense(6, name="y")(x)
    curves = [QUnaryFunctionLUT(f, oq_conf=c, name=f"f_{f}")(y) for f, c in settings.items()]
    return keras.Model(x, QDense(3, name="out")(keras.layers.Concatenate()(curves)))


def einsum():
    """Dense layers that are written as sums over indices."""
    layers = [
        keras.Input((4, 5)),
        QEinsumDense("bnc,cd->bnd", (4, 6), bias_axes="d", activation="relu"),
        QEinsumDense("...x,xy->...y", 3),
        QEinsumDense("bnc,ncd->bd", 5, bias_axes="d"),
        QEinsumDense("bi,oi->bo", 3, bias_axes="o"),
    ]
    return keras.Sequential(layers)


def softmax():
    """Softmax by two tables, over each row and over all, with the maximum taken away and without."""
    x = keras.Input((3, 4), name="x")
    sums = config("datalane", i0=5, f0=4)
    q = Quantizer(config("datalane"), name="quantised")(x)
    rows = QSoftmax(name="rows")(QDense(4, enable_iq=False, name="a")(q))
    y = QDense(5, enable_iq=False, name="b")(keras.layers.Flatten()(q))
    y = QSoftmax(stable=False, enable_iq=True, input_scaler=0.5, inv_iq_conf=sums, name="all")(y)
    return keras.Model(x, keras.layers.Concatenate()([keras.layers.Flatten()(rows), y]))


def write(name, build, folder):
    seed = sum(name.encode())
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    with (
        QuantizerConfigScope(place="weight", overflow_mode="SAT_SYM"),
        QuantizerConfigScope(place="bias", overflow_mode="WRAP"),
        QuantizerConfigScope(place="datalane", overflow_mode="WRAP"),
    ):
        model = build()
    draw(model, random)
    x = random.normal(0, 2.5, (SAMPLES, *model.input_shape[1:])).astype("float32")
    y = np.asarray(model(x, training=False)).astype("float64")
    assert all(np.ptp(column) > 0 for column in y.reshape(SAMPLES, -1).T), name
    target = folder / name
    target.mkdir(exist_ok=True)
    model.save(target / "model.keras")
    # A model that was read again gives the same.
    again = keras.models.load_model(target / "model.keras")
    assert np.array_equal(np.asarray(again(x, training=False)), y)
    np.save(target / "x.npy", x)
    np.save(target / "y.npy", y)
    text = f"""# {name}
- what: {build.__doc__}
- from: made by make_hgq.py with HGQ2; free to use
- match: exact
"""
    (target / "info.md").write_text(text, encoding="utf-8")


def main():
    here = Path(__file__).resolve().parent / "models"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else here
    for build in (dense, modes, conv2d, functional, branches, functions, einsum, softmax):
        write(f"hgq_{build.__name__}", build, folder)


if __name__ == "__main__":
    main()
