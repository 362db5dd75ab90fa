"""Networks and samples of the repository, with the outputs that are committed beside them."""

from pathlib import Path

import numpy as np
import pytest

import rtl4ml

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
# The networks of the command line's tests; `make.py` there computes their outputs with NumPy.
SPECS = ROOT / "crates" / "cli" / "tests" / "cli" / "specs"


@pytest.fixture
def tiny():
    """3 features in, 2 out; the model, its samples and its outputs."""
    return load(SPECS / "tiny.yaml", SPECS / "tiny.x.npy", SPECS / "tiny.y.npy")


@pytest.fixture
def branches():
    """Two inputs `a` and `b`, two outputs `left` and `right`."""
    model = rtl4ml.load(SPECS / "branches.yaml")
    inputs = {"a": np.load(SPECS / "in.a.npy"), "b": np.load(SPECS / "in.b.npy")}
    outputs = {"left": np.load(SPECS / "y.left.npy"), "right": np.load(SPECS / "y.right.npy")}
    return model, inputs, outputs


def load(spec, x, y):
    return rtl4ml.load(spec), np.load(x), np.load(y)
