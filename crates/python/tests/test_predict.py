"""What `predict` and `trace` compute."""

import numpy as np
import pytest
from conftest import EXAMPLES, SPECS, load

import rtl4ml


@pytest.mark.parametrize("name", ["digits", "digits_cnn", "jet_tagger", "skip"])
def test_predict_gives_the_committed_outputs_of_an_example(name):
    folder = EXAMPLES / name
    model, x, y = load(folder / "network.yaml", folder / "x.npy", folder / "y.npy")
    found = model.predict(x)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, y)
    np.testing.assert_array_equal(model.predict(x, threads=1), y)


def test_more_samples_than_a_piece_come_in_order():
    folder = EXAMPLES / "jet_tagger"
    model, x, y = load(folder / "network.yaml", folder / "x.npy", folder / "y.npy")
    found = model.predict(np.concatenate([x] * 120))
    np.testing.assert_array_equal(found, np.concatenate([y] * 120))


def test_trace_gives_every_layer(tiny):
    model, x, y = tiny
    layers = model.trace(x)
    assert list(layers) == model.layers == ["fc", "act"]
    # The weights of the spec, rounded to its sixteenths; the result of `fc` is exact.
    weight = np.array([[0.5, -1.25], [1.0, 0.0], [-0.75, 0.3125]])
    np.testing.assert_array_equal(layers["fc"], x @ weight + [0.25, -0.5])
    np.testing.assert_array_equal(layers["act"], y)


def test_trace_has_the_shapes_of_the_layers():
    model = rtl4ml.load(EXAMPLES / "digits_cnn" / "network.yaml")
    x = np.load(EXAMPLES / "digits_cnn" / "x.npy")[:5]
    layers = model.trace(x=x, threads=1)
    assert layers["conv1"].ndim == 4
    assert layers["flatten"].shape == (5, layers["pool2"][0].size)
    np.testing.assert_array_equal(layers["relu1"], np.maximum(layers["relu1"], 0))


def test_several_inputs_and_outputs_go_by_name(branches):
    model, inputs, outputs = branches
    archive = np.load(SPECS / "in.npz")
    for found in [model.predict(inputs), model.predict(**inputs), model.predict(archive)]:
        assert list(found) == ["left", "right"]
        for name, expected in outputs.items():
            np.testing.assert_array_equal(found[name], expected)
    assert list(model.trace(**inputs)) == ["left", "right"]


def test_one_sample_may_come_without_its_axis(tiny):
    model, x, y = tiny
    np.testing.assert_array_equal(model.predict(x[1]), y[1:2])
    np.testing.assert_array_equal(model.predict(list(x[1])), y[1:2])


def test_no_samples_give_no_outputs(tiny):
    model, _, _ = tiny
    assert model.predict(np.zeros((0, 3))).shape == (0, 2)


def test_outputs_are_numpys_to_write_to(tiny):
    model, x, y = tiny
    found = model.predict(x)
    found += 1
    np.testing.assert_array_equal(found, y + 1)
    np.testing.assert_array_equal(model.predict(x), y)


def test_a_number_that_float64_does_not_hold_is_warned_of():
    model = rtl4ml.load(SPECS / "wide.yaml")
    with pytest.warns(UserWarning, match="fc: 1 of 2 numbers have more than 53 significant bits"):
        model.predict(np.load(SPECS / "wide.x.npy"))


def test_a_model_says_what_it_is(tiny):
    model, _, _ = tiny
    assert model.name == "tiny"
    assert model.part == "xcvu9p-flga2104-2-i"
    assert model.clock_period_ns == 5.0
    (x,), (act,) = model.inputs, model.outputs
    assert (x.name, x.shape, x.precision) == ("x", (3,), "fixed<8,4,RND,SAT>")
    assert (act.name, act.shape, act.precision) == ("act", (2,), "ufixed<6,3>")
    assert repr(model) == "<rtl4ml.Model tiny>"
    assert repr(x) == "<rtl4ml.Tensor x [3] of fixed<8,4,RND,SAT>>"
