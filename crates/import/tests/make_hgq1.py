"""Writes the models `models/hgq1_*` of the tests: small networks of HGQ's first version, each as HGQ
saves it and as the proxy that `to_proxy_model` makes of it, with samples and what HGQ predicts.

    pip install 'tensorflow-cpu==2.15.1' tqdm pyyaml && pip install --no-deps 'HGQ==0.2.6'
    python make_hgq1.py [FOLDER]

The networks are trained for some steps, and then widths are drawn: what so short a training finds
is nearly the same for all elements. Samples of a model are those that its ranges were traced on;
those of a proxy go beyond them, so that its types wrap or saturate.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import tensorflow as tf
from HGQ import get_default_kq_conf, get_default_paq_conf, to_proxy_model, trace_minmax
from HGQ.layers import (
    HActivation,
    HAdd,
    HConv1D,
    HConv2D,
    HConv2DBatchNorm,
    HDense,
    HDenseBatchNorm,
    HQuantize,
    PAveragePooling1D,
    PConcatenate,
    PDropout,
    PFlatten,
    PMaxPooling2D,
    PReshape,
    Signature,
)

SAMPLES = 40


def results(**settings):
    """How results are quantised."""
    return {"paq_conf": {**get_default_paq_conf(), "init_bw": 4, **settings}}


def both(**settings):
    """How results and kernels are."""
    return {**results(**settings), "kq_conf": {**get_default_kq_conf(), "init_bw": 4}}


def dense():
    """Bits for each weight and for each element; some have none."""
    layers = [
        keras.layers.Input((6,)),
        HQuantize(**results()),
        HDense(8, activation="relu", beta=1e-5, **both()),
        PDropout(0.1),
        HDense(5, **both(rnd_strategy="auto")),
        HDense(3, use_bias=False, **both(rnd_strategy="floor")),
    ]
    return keras.Sequential(layers)


def conv2d():
    """An image: bits for each element, each channel, or all; pooling; a fused normalisation."""
    layers = [
        keras.layers.Input((6, 5, 2)),
        HQuantize(**results(skip_dims="all")),
        HConv2D(3, 3, padding="same", activation="relu", **both(skip_dims="except_last")),
        PMaxPooling2D(2),
        HConv2DBatchNorm(4, (2, 1), activation="relu", **both()),
        PFlatten(),
        HDense(3, **both()),
    ]
    return keras.Sequential(layers)


def normalised():
    """Normalisations that become part of dense layers, and inputs whose types are given."""
    layers = [
        keras.layers.Input((5,)),
        Signature(1, [[6, 7, 5, 6, 8]], [[3, 2, 3, 4, 3]]),
        HDenseBatchNorm(8, activation="relu", beta=1e-5, **both()),
        HDenseBatchNorm(4, **both(rnd_strategy="floor")),
    ]
    return keras.Sequential(layers)


def functional():
    """A graph: functions, a sum and branches."""
    x = keras.layers.Input((6, 4), name="x")
    y = HQuantize(name="quantised", **results())(x)
    a = HConv1D(4, 3, padding="same", name="a", **both())(y)
    a = HActivation("tanh", name="squashed", **results())(a)
    b = HDense(4, activation="relu", name="b", **both())(y)
    s = HAdd(name="sum", **results())([a, b])
    p = PAveragePooling1D(2, name="mean")(s)
    p = PReshape((12,), name="row")(p)
    c = HDense(4, name="c", **both(skip_dims="all"))(p)
    d = HActivation("sigmoid", name="gate", **results(skip_dims="all"))(c)
    e = HActivation("softsign", name="soft", **results(rnd_strategy="floor"))(c)
    z = PConcatenate(name="beside")([d, e])
    return keras.Model(x, HDense(3, name="out", **both())(z))


def draw(model, random):
    """Gives every quantiser other bits."""
    for layer in model.layers:
        for name, least, most in (("kq", 0, 6), ("paq", 1, 6)):
            quantizer = getattr(layer, name, None)
            if quantizer is None:
                continue
            shape = quantizer.fbw.shape
            bits = random.integers(least, most, shape) + random.uniform(-0.4, 0.4, shape)
            # So few bits that nothing is left.
            bits -= 9 * ((random.random(shape) < 0.15) & (np.prod(shape) > 4))
            quantizer.fbw.assign(bits.astype("float32"))


def write(name, what, model, ending, x, folder):
    target = folder / name
    target.mkdir(exist_ok=True)
    y = model.predict(x, verbose=0)
    assert all(np.ptp(column) > 0 for column in y.reshape(len(x), -1).T), name
    model.save(target / f"model{ending}", **({"include_optimizer": False} if ending == ".h5" else {}))
    np.save(target / "x.npy", x)
    np.save(target / "y.npy", y.astype("float64"))
    text = f"""# {name}
- what: {what}
- from: made by make_hgq1.py with HGQ 0.2.6; free to use
- match: exact
"""
    (target / "info.md").write_text(text, encoding="utf-8")


def make(build, seed, endings, folder, **proxied):
    tf.keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    model = build()
    shape = model.input_shape[1:]
    x = random.normal(0, 1.5, (256, *shape)).astype("float32")
    if any(isinstance(layer, Signature) for layer in model.layers):
        # Inputs are what the model says that they are.
        layer = next(layer for layer in model.layers if isinstance(layer, Signature))
        k, b, i = (np.asarray(n, "float32") for n in (layer.keep_negative, layer.bits, layer.int_bits))
        step = 2.0 ** (i - b)
        x = np.clip(np.floor(x / step), -(2 ** (b - k)), 2 ** (b - k) - 1) * step
    y = np.tanh(x.reshape(256, -1) @ random.normal(0, 1, (np.prod(shape), model.output_shape[-1])))
    model.compile("sgd", "mse")
    model.fit(x, y, epochs=3, batch_size=32, verbose=0)
    draw(model, random)
    samples = x[:SAMPLES]
    trace_minmax(model, samples, verbose=False)
    proxy = to_proxy_model(model, **proxied)
    assert np.array_equal(model.predict(samples, verbose=0), proxy.predict(samples, verbose=0))
    name, what = f"hgq1_{build.__name__}", build.__doc__
    write(name, what, model, endings[0], samples, folder)
    # What goes beyond the ranges that were traced.
    beyond = np.concatenate([samples[:20], x[SAMPLES:][:20] * 2])
    write(f"{name}_proxy", f"The proxy of {name}. {what}", proxy, endings[1], beyond, folder)


def main():
    here = Path(__file__).resolve().parent / "models"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else here
    make(dense, 11, (".h5", ".h5"), folder)
    make(conv2d, 12, (".h5", ".keras"), folder, aggressive=False)
    make(normalised, 13, (".keras", ".h5"), folder)
    make(functional, 14, (".h5", ".h5"), folder, unary_lut_max_table_size=1024)


if __name__ == "__main__":
    main()
