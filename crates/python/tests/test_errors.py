"""Mistakes are exceptions that say what is legal."""

import numpy as np
import pytest
from conftest import SPECS

import rtl4ml


def test_every_mistake_of_a_spec_is_told_with_its_place():
    with pytest.raises(rtl4ml.Error) as caught:
        rtl4ml.load(SPECS / "broken.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) > 1
    mistakes = caught.value.mistakes
    assert len(mistakes) == len(lines)
    for line, mistake in zip(lines, mistakes):
        place = "{file}:{line}:{column}: error: {message}".format(**mistake)
        assert line.startswith(place)


def test_a_spec_that_is_not_there_is_an_error():
    with pytest.raises(rtl4ml.Error, match="none.yaml:1:1: error: the spec cannot be read"):
        rtl4ml.load(SPECS / "none.yaml")


def test_a_wrong_shape_says_what_is_expected(tiny, branches):
    with pytest.raises(ValueError, match=r"\[4, 2\]; legal for `x`: \[N, 3\] for N samples, \[3\]"):
        tiny[0].predict(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="2 samples of `b`, but 3 samples of `a`"):
        branches[0].predict(a=np.zeros((3, 2)), b=np.zeros((2, 2, 2)))


@pytest.mark.parametrize("dtype", ["c16", "U3", "O", "M8[s]", np.longdouble])
def test_a_wrong_dtype_says_what_is_expected(tiny, dtype):
    with pytest.raises(TypeError, match="`x`: the dtype is .*; legal: float64, float32, float16"):
        tiny[0].predict(np.zeros((4, 3), dtype=dtype))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_found(tiny, number):
    x = np.zeros((300_000, 3), dtype=np.float32)
    x[270_000, 1] = number
    with pytest.raises(ValueError, match=r"`x`: -?(NaN|inf) in sample 270000, element \[1\]"):
        tiny[0].predict(x)


def test_each_input_must_be_given_once(tiny, branches):
    model, inputs, _ = branches
    a, b = inputs["a"], inputs["b"]
    with pytest.raises(TypeError, match="no samples are given for `x`"):
        tiny[0].predict()
    with pytest.raises(TypeError, match="the network has the inputs `a`, `b`; give each by its"):
        model.predict(a)
    with pytest.raises(TypeError, match="no samples are given for `b`"):
        model.predict(a=a)
    with pytest.raises(TypeError, match="`c` is none of the network's inputs; legal: `a`, `b`"):
        model.predict(a=a, b=b, c=a)
    with pytest.raises(TypeError, match="not both"):
        model.predict({"a": a}, b=b)


@pytest.mark.parametrize("call", ["predict", "trace", "report"])
def test_threads_are_at_least_one(tiny, call):
    model, x, _ = tiny
    arguments = [] if call == "report" else [x]
    with pytest.raises(ValueError, match="`threads` is 0; legal: 1 to 65535"):
        getattr(model, call)(*arguments, threads=0)


def test_a_contract_that_cannot_be_kept_is_an_error():
    model = rtl4ml.load(SPECS / "contract.yaml")
    with pytest.raises(rtl4ml.Error, match="contract.yaml: error: "):
        model.report()


def test_a_model_comes_only_from_load():
    with pytest.raises(TypeError):
        rtl4ml.Model()
