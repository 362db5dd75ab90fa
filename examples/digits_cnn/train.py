"""Train a small convolutional network on handwritten digits and write every file of this example.

Run from the top of the repository:

    python -m examples.digits_cnn.train
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
    Conv2d,
    Dense,
    Flatten,
    MaxPool,
    Relu,
    exact_test_outputs,
    logits,
    train_float_then_quantised,
)
from examples.training.quantized_mlp import Schedule, accuracy

FOLDER = Path(__file__).parent
SEED = 0

# Weight decay keeps nearly all weights within +-1; training holds the few others at the edge.
WEIGHT = Format.parse("fixed<6,1,RND,SAT>")
SUM = Format.parse("fixed<12,4,RND,SAT>")
ACTIVATION = Format.parse("ufixed<8,3,RND,SAT>")
LOGIT = Format.parse("fixed<14,6,RND,SAT>")

NODES = [
    Conv2d("conv1", 4, WEIGHT, WEIGHT, SUM),
    Relu("relu1", ACTIVATION),
    MaxPool("pool1", 2),
    Conv2d("conv2", 8, WEIGHT, WEIGHT, SUM),
    Relu("relu2", ACTIVATION),
    MaxPool("pool2", 2),
    Flatten("flatten"),
    Dense("output", 10, WEIGHT, WEIGHT, LOGIT),
]

FLOAT_SCHEDULE = Schedule(epochs=100, batch_size=32, learning_rate=3e-3, weight_decay=0.1)
QUANTISED_SCHEDULE = Schedule(epochs=60, batch_size=32, learning_rate=1e-3, weight_decay=0.1)

# Each layer takes 32 cycles for an image: passes over its positions times its reuse factor.
PARALLEL = {
    "conv1": {"strategy": "resource", "reuse_factor": 2, "parallelization_factor": 4},
    "conv2": {"strategy": "resource", "reuse_factor": 8, "parallelization_factor": 4},
    "output": {"strategy": "resource", "reuse_factor": 32},
}
# A pixel a cycle: conv2 reads an image of 16 pixels and the dense layer a single vector, while
# the next image's 64 pixels come in.
STREAM = {
    "conv2": {"strategy": "resource", "reuse_factor": 4},
    "output": {"strategy": "resource", "reuse_factor": 64},
}

ABOUT = """\
Handwritten digits: an image of 8 x 8 pixels in, one logit for each digit out, by two convolutions.
{}
Written by train.py, like the weights and the test vectors: change it there."""
ABOUT_PARALLEL = "The whole image at once; each layer shares its multipliers over 32 cycles."
ABOUT_STREAM = "Pixel by pixel; the same network and weights as network.yaml."


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

    variants = [
        ("network.yaml", "digits_cnn", "parallel", ABOUT_PARALLEL, PARALLEL),
        ("stream.yaml", "digits_cnn_stream", "stream", ABOUT_STREAM, STREAM),
    ]
    for file, name, io, about, implementation in variants:
        spec = CnnSpec(
            name=name,
            about=ABOUT.format(about),
            clock="240 MHz",
            io=io,
            input_shape=IMAGE_SHAPE,
            input_format=INPUT_FORMAT,
            nodes=NODES,
            implementation=implementation,
        )
        write_cnn_spec(FOLDER / file, spec)
    write_cnn_arrays(FOLDER, network, x_test, labels_test, y)


if __name__ == "__main__":
    # One thread adds in one order, which keeps the result independent of the number of cores.
    with threadpool_limits(limits=1):
        main()
