"""Arrays of every kind are read where they lie."""

import numpy as np
import pytest
from conftest import EXAMPLES, load


@pytest.fixture
def digits():
    """Images of 8 x 8 numbers on a grid of sixteenths, which any floating point holds."""
    folder = EXAMPLES / "digits"
    return load(folder / "network.yaml", folder / "x.npy", folder / "y.npy")


def strided(x):
    """Every second sample, row and column of a larger array."""
    larger = np.full([2 * extent for extent in x.shape], np.nan)
    larger[::2, 1::2, ::2] = x
    return larger[::2, 1::2, ::2]


def unaligned(x):
    """The same numbers, one byte beside where the processor wants them."""
    room = np.zeros(x.nbytes + 1, dtype=np.uint8)
    moved = np.frombuffer(room.data, dtype=x.dtype, count=x.size, offset=1).reshape(x.shape)
    moved[...] = x
    assert not moved.flags.aligned
    return moved


def of_fields(x):
    """A column of a table of records."""
    table = np.zeros(len(x), dtype=[("label", "i1"), ("x", "f8", x.shape[1:])])
    table["x"] = x
    return table["x"]


@pytest.mark.parametrize(
    "same",
    [
        lambda x: x.astype(np.float64),
        lambda x: x.astype(np.float32),
        lambda x: x.astype(np.float16),
        lambda x: x.astype(">f4"),
        lambda x: np.asfortranarray(x),
        lambda x: x[::-1].copy()[::-1],
        lambda x: np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0),
        lambda x: x.reshape(len(x), -1),
        strided,
        lambda x: unaligned(x.astype(np.float64)),
        of_fields,
    ],
    ids=[
        "float64", "float32", "float16", "big_endian", "fortran", "reversed", "transposed", "flat",
        "strided", "unaligned", "of_fields",
    ],
)  # fmt: skip
def test_what_matters_is_the_numbers(digits, same):
    model, x, y = digits
    np.testing.assert_array_equal(model.predict(same(x)), y)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i4"])
def test_integers_are_numbers(tiny, dtype):
    model, _, _ = tiny
    x = np.array([[1, 2, 0], [7, 0, 3], [5, 5, 5]])
    expected = model.predict(x.astype(np.float64))
    assert len(np.unique(expected)) > 2
    np.testing.assert_array_equal(model.predict(x.astype(dtype)), expected)


def test_bools_are_numbers(tiny):
    model, _, _ = tiny
    x = np.array([[True, True, False], [False, True, True]])
    np.testing.assert_array_equal(model.predict(x), model.predict(x.astype(np.float64)))


def test_a_file_is_read_from_its_map(tmp_path):
    folder = EXAMPLES / "jet_tagger"
    model, x, y = load(folder / "network.yaml", folder / "x.npy", folder / "y.npy")
    np.save(tmp_path / "x.npy", np.concatenate([x] * 2))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(model.predict(mapped), np.concatenate([y] * 2))


def test_a_row_that_stands_for_many_is_read_again_and_again(tiny):
    model, x, y = tiny
    many = np.broadcast_to(x[0], (100_000, 3))
    np.testing.assert_array_equal(model.predict(many), np.broadcast_to(y[0], (100_000, 2)))
