"""Writes the model `models/keras_groups` of the tests: convolutions in groups, and functions whose
slope depends on the version of Keras, in the old format of files.

    pip install keras jax h5py     # written with Keras 3.15.1
    KERAS_BACKEND=jax python make_keras.py [FOLDER]
"""

import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers


def main():
    here = Path(__file__).resolve().parent / "models"
    target = (Path(sys.argv[1]) if len(sys.argv) > 1 else here) / "keras_groups"
    target.mkdir(exist_ok=True)
    x = first = keras.Input([6, 5, 4])
    x = layers.Conv2D(6, [3, 2], groups=2, padding="same", activation="hard_sigmoid")(x)
    x = layers.Conv2D(12, 2, groups=6, strides=2, activation="hard_silu")(x)
    x = layers.Reshape([6, 12])(x)
    x = layers.Conv1D(4, 3, groups=4, padding="causal")(x)
    model = keras.Model(first, x)
    random = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(random.normal(0, 0.5, weight.shape).astype(np.float32))
    model.save(target / "model.h5")
    samples = (random.integers(-64, 65, size=[20, 6, 5, 4]) / 32).astype(np.float32)
    np.save(target / "x.npy", samples)
    np.save(target / "y.npy", np.asarray(model(samples)))
    text = f"""# keras_groups
- what: convolutions in groups, hard_sigmoid and hard_silu, by Keras 3 in the format of Keras 2
- from: made by make_keras.py
- y by Keras {keras.__version__} ({keras.backend.backend()}), float32
- match: abs <= 1e-5 for a float64 evaluation
"""
    (target / "info.md").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
