"""Train a small residual network on handwritten digits and write every file of this example.

Run from the top of the repository:

    python -m examples.skip.train
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from examples.training.cnn_files import (
    CnnSpec,
    print_cnn_summary,
    write_cnn_arrays,
    write_cnn_spec,
)
from examples.training.digit_images import IMAGE_SHAPE, INPUT_FORMAT, split_digits
from examples.training.fixed_point import Format
from examples.training.quantized_cnn import (
    Add,
    Conv2d,
    Dense,
    GlobalAverage,
    Relu,
    exact_test_outputs,
    logits,
    train_float_then_quantised,
)
from examples.training.quantized_mlp import Schedule, accuracy

FOLDER = Path(__file__).parent
SEED = 0
CHANNELS = 12

WEIGHT = Format.parse("fixed<6,1,RND,SAT>")
SUM = Format.parse("fixed<12,4,RND,SAT>")
ACTIVATION = Format.parse("ufixed<8,3,RND,SAT>")
# The mean of 16 pixels, with two bits more than a pixel has.
MEAN = Format.parse("ufixed<10,3,RND,SAT>")
LOGIT = Format.parse("fixed<14,6,RND,SAT>")

# The stem halves the image to 4 x 4 pixels; the block of two convolutions adds to what it reads.
NODES = [
    Conv2d("stem", CHANNELS, WEIGHT, WEIGHT, SUM, stride=2),
    Relu("relu0", ACTIVATION),
    Conv2d("conv1", CHANNELS, WEIGHT, WEIGHT, SUM),
    Relu("relu1", ACTIVATION),
    Conv2d("conv2", CHANNELS, WEIGHT, WEIGHT, SUM),
    Add("skip", ("relu0", "conv2"), SUM),
    Relu("relu2", ACTIVATION),
    GlobalAverage("mean", MEAN),
    Dense("output", 10, WEIGHT, WEIGHT, LOGIT),
]

FLOAT_SCHEDULE = Schedule(epochs=80, batch_size=32, learning_rate=3e-3, weight_decay=0.05)
QUANTISED_SCHEDULE = Schedule(epochs=40, batch_size=32, learning_rate=1e-3, weight_decay=0.05)

# The stem gives 16 pixels for the 64 that come in, so that what follows has four cycles for each.
STREAM = {
    "conv1": {"strategy": "resource", "reuse_factor": 4},
    "conv2": {"strategy": "resource", "reuse_factor": 4},
    "output": {"strategy": "resource", "reuse_factor": 60},
}

ABOUT = """\
Handwritten digits: an image of 8 x 8 pixels in, one logit for each digit out, by a residual block.
Pixel by pixel; the skip connection waits in a buffer for the two convolutions beside it.
Written by train.py, like the weights and the test vectors: change it there."""


def main() -> None:
    x_train, x_test, labels_train, labels_test = split_digits(SEED)
    float_network, network = train_float_then_quantised(
        NODES,
        x_train,
        labels_train,
        FLOAT_SCHEDULE,
        QUANTISED_SCHEDULE,
        np.random.default_rng(SEED),
    )
    y = exact_test_outputs(NODES, network, x_test, INPUT_FORMAT)
    float_logits = logits(NODES, float_network, x_test, quantised=False)
    print(f"{len(x_train)} training images, {len(x_test)} test images")
    print(f"float        accuracy {accuracy(float_logits, labels_test):.2%}")
    print(f"fixed point  accuracy {accuracy(y, labels_test):.2%}")
    print_cnn_summary(NODES, network)

    spec = CnnSpec(
        name="skip",
        about=ABOUT,
        clock="240 MHz",
        io="stream",
        input_shape=IMAGE_SHAPE,
        input_format=INPUT_FORMAT,
        nodes=NODES,
        implementation=STREAM,
    )
    write_cnn_spec(FOLDER / "network.yaml", spec)
    write_cnn_arrays(FOLDER, network, x_test, labels_test, y)


if __name__ == "__main__":
    # One thread adds in one order, which keeps the result independent of the number of cores.
    with threadpool_limits(limits=1):
        main()
