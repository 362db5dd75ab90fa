"""Writes the arrays beside this file: inputs of the specs here, and what the networks make of them.

    python make.py              # needs numpy
"""

import os

import numpy as np


def save(name, array):
    np.save(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), array)


def main():
    # tiny: weights rounded to sixteenths by hand; 0.3 becomes 5/16.
    x = np.array([[1.0, 2.0, -1.0], [-8.0, 7.9375, 0.5], [0.0, 0.0, 0.0], [3.0, -2.5, 7.0]])
    weight = np.array([[0.5, -1.25], [1.0, 0.0], [-0.75, 0.3125]])
    exact = x @ weight + np.array([0.25, -0.5])
    y = np.clip(np.floor(np.maximum(exact, 0) * 8 + 0.5), 0, 63) / 8
    save("tiny.x.npy", x)
    save("tiny.y.npy", y)
    wrong = y.copy()
    wrong[1, 0] += 0.125
    wrong[3, 1] = 0.5
    save("tiny.wrong.npy", wrong)
    save("tiny.short.npy", y[:3])
    # Between grid points and beyond the ends of the type, in single precision.
    save("tiny.rough.npy", np.array([[0.03, 1.0, -100.0]], dtype=np.float32))
    save("tiny.one.npy", np.array([1, 2, -1], dtype=np.int8))
    save("tiny.nan.npy", np.array([[1.0, 2.0, 3.0], [0.0, np.nan, 1.0]]))
    save("tiny.shape.npy", np.zeros((4, 2)))
    save("tiny.text.npy", np.array(["one", "two"]))
    # stream and passes
    save("stream.x.npy", (np.arange(24) * 5 % 16 - 8).astype(np.int8).reshape(4, 3, 2, 1))
    save("stream.offset.npy", (np.arange(8) * 3 % 8 - 4).astype(np.int8).reshape(4, 2))
    # branches
    a = np.array([[-3, 5], [31, -32], [0, 1]], dtype=np.int64)
    b = np.array([[[1, -2], [3, -4]], [[31, -32], [15, 16]], [[0, 0], [-16, -17]]], dtype=np.int64)
    save("in.a.npy", a)
    save("in.b.npy", b.reshape(3, 4))
    np.savez(os.path.join(os.path.dirname(os.path.abspath(__file__)), "in.npz"), a=a, b=b)
    save("y.left.npy", np.maximum(a, 0).astype(float))
    save("y.right.npy", np.clip(b, -16, 15).astype(float))
    # wide: 39 significant bits times 24.
    save("wide.x.npy", np.array([[524287.99999904633], [1.0]]))


main()
