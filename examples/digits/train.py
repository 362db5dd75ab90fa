"""Train a small network on handwritten digits and write every file of this example.

Run from the top of the repository:

    python -m examples.digits.train
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from examples.training.example_files import (
    NetworkSpec,
    print_weight_summary,
    write_arrays,
    write_spec,
)
from examples.training.fixed_point import Format
from examples.training.quantized_mlp import (
    DenseSpec,
    Schedule,
    accuracy,
    exact_test_outputs,
    forward,
    train_float_then_quantised,
)

FOLDER = Path(__file__).parent
SEED = 0
TEST_IMAGES = 450
IMAGE_SHAPE = (8, 8)

# A pixel counts 0 to 16; divided by 16 it is 0 to 1 in sixteenths, which this format holds
# exactly, so that its input is the data itself.
INPUT = Format.parse("ufixed<5,1>")
# Weight decay keeps nearly all weights within +-1; training holds the few others at the edge.
WEIGHT = Format.parse("fixed<6,1,RND,SAT>")
# fc1's sums stay below 8; fewer than one in 200 of fc2's passes 16 and saturates.
FIRST_ACTIVATION = Format.parse("ufixed<6,3,RND,SAT>")
SECOND_ACTIVATION = Format.parse("ufixed<6,4,RND,SAT>")

LAYERS = [
    DenseSpec("fc1", 32, WEIGHT, WEIGHT, None, ("relu1", FIRST_ACTIVATION), 0.4),
    DenseSpec("fc2", 16, WEIGHT, WEIGHT, None, ("relu2", SECOND_ACTIVATION), 0.3),
    DenseSpec("output", 10, WEIGHT, WEIGHT, None, None, 0.1),
]

FLOAT_SCHEDULE = Schedule(epochs=100, batch_size=32, learning_rate=3e-3, weight_decay=0.1)
QUANTISED_SCHEDULE = Schedule(epochs=100, batch_size=32, learning_rate=1e-3, weight_decay=0.1)

ABOUT = """\
Handwritten digits: an image of 8 x 8 pixels in, one logit for each digit out.
Fully parallel: a new image every clock cycle.
Written by train.py, like the weights and the test vectors: change it there."""


def main() -> None:
    digits = load_digits()
    pixels = digits.data / 16.0
    # Each digit has the same share in the training set as in the test set.
    x_train, x_test, labels_train, labels_test = train_test_split(
        pixels, digits.target, test_size=TEST_IMAGES, random_state=SEED, stratify=digits.target
    )

    float_network, network = train_float_then_quantised(
        LAYERS,
        x_train,
        labels_train,
        INPUT,
        FLOAT_SCHEDULE,
        QUANTISED_SCHEDULE,
        np.random.default_rng(SEED),
    )

    y = exact_test_outputs(LAYERS, network, x_test, INPUT)
    float_logits = forward(LAYERS, float_network, x_test, quantised=False)[0]
    print(f"{len(x_train)} training images, {len(x_test)} test images")
    print(f"float        accuracy {accuracy(float_logits, labels_test):.2%}")
    print(f"fixed point  accuracy {accuracy(y, labels_test):.2%}")
    print_weight_summary(LAYERS, network)

    spec = NetworkSpec(
        name="digits",
        about=ABOUT,
        clock="240 MHz",
        input_shape=IMAGE_SHAPE,
        input_format=INPUT,
        layers=LAYERS,
    )
    write_spec(FOLDER / "network.yaml", spec)
    images = x_test.reshape(-1, *IMAGE_SHAPE)
    write_arrays(FOLDER, LAYERS, network, images, labels_test, y)


if __name__ == "__main__":
    # One thread adds in one order, which keeps the result independent of the number of cores.
    with threadpool_limits(limits=1):
        main()
