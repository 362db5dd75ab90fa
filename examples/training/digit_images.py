"""Handwritten digits as images, split the same way for every example that learns them."""

from __future__ import annotations

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from examples.training.fixed_point import Format
from examples.training.quantized_mlp import Floats, Integers

TEST_IMAGES = 450
IMAGE_SHAPE = (8, 8, 1)

# A pixel counts 0 to 16; divided by 16 it is 0 to 1 in sixteenths, which this format holds
# exactly, so that a network's input is the data itself.
INPUT_FORMAT = Format.parse("ufixed<5,1>")


def split_digits(seed: int) -> tuple[Floats, Floats, Integers, Integers]:
    """Return training images, test images, training labels, test labels; each digit has the same
    share in both sets."""
    digits = load_digits()
    images = (digits.data / 16.0).reshape(-1, *IMAGE_SHAPE)
    x_train, x_test, labels_train, labels_test = train_test_split(
        images, digits.target, test_size=TEST_IMAGES, random_state=seed, stratify=digits.target
    )
    return x_train, x_test, labels_train, labels_test
