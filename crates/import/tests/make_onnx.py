"""Writes the models `models/onnx_runtime_*` of the tests: corners of ONNX operators, with samples and
outputs by ONNX Runtime.

    pip install onnx onnxruntime numpy     # written with onnx 1.23.2, onnxruntime 1.32.0
    python make_onnx.py [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SAMPLES = 40


def constant(name, numbers, kind=np.float32):
    return numpy_helper.from_array(np.asarray(numbers, dtype=kind), name)


def quarters(random, *extents):
    return random.integers(-6, 7, size=extents) / 4


def write(folder, name, what, match, extents, nodes, constants, kind=TensorProto.FLOAT):
    """Writes the model, samples that its input's type holds, and what ONNX Runtime makes of them."""
    first = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *extents])
    final = helper.make_tensor_value_info("y", kind, None)
    graph = helper.make_graph(nodes, name, [first], [final], constants)
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    target = folder / name
    target.mkdir(exist_ok=True)
    onnx.save(model, target / "model.onnx")
    x = quarters(np.random.default_rng(0), SAMPLES, *extents).astype(np.float32)
    np.save(target / "x.npy", x)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    np.save(target / "y.npy", session.run(None, {"x": x})[0].astype(np.float32))
    text = f"""# {name}
- what: {what}
- from: made by make_onnx.py
- y by onnxruntime {onnxruntime.__version__}, float32
- match: {match}
"""
    (target / "info.md").write_text(text, encoding="utf-8", newline="\n")


def main():
    here = Path(__file__).resolve().parent / "models"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else here
    random = np.random.default_rng(1)
    node = helper.make_node
    window = {"kernel_shape": [2, 2], "strides": [1, 2]}
    write(
        folder, "onnx_runtime_average_pads",
        "averages over the cells on the image, with pads of one side and by rounding up; and with "
        "pads that count beside cells that do not",
        "abs <= 1e-5 for a float64 evaluation",
        [2, 5, 5],
        [
            node("AveragePool", ["x"], ["a"], name="on_image", pads=[1, 1, 0, 0], **window),
            node("AveragePool", ["a"], ["b"], name="ceil", ceil_mode=1, kernel_shape=[2, 2],
                 strides=[2, 2]),
            node("AveragePool", ["b"], ["y"], name="counted", ceil_mode=1, count_include_pad=1,
                 kernel_shape=[2, 2], strides=[2, 2], pads=[1, 0, 0, 0]),
        ],
        [],
    )  # fmt: skip
    write(
        folder, "onnx_runtime_factor_and_bias",
        "a factor of 3/2 in front of a convolution whose bias is no multiple of it",
        "exact (all numbers are on grids of powers of two)",
        [3, 6],
        [
            node("Mul", ["factor", "x"], ["a"], name="factor"),
            node("Conv", ["a", "weight", "bias"], ["b"], name="conv", pads=[1, 0]),
            node("LeakyRelu", ["b"], ["y"], name="leaky", alpha=0.5),
        ],
        [
            constant("factor", 1.5),
            constant("weight", quarters(random, 2, 3, 2)),
            constant("bias", [-2.5, 1.25]),
        ],
    )
    write(
        folder, "onnx_runtime_argmax",
        "the index of the largest of a vector, without an axis of its own",
        "exact (integers)",
        [6],
        [
            node("MatMul", ["x", "weight"], ["a"], name="matmul"),
            node("ArgMax", ["a"], ["y"], name="largest", axis=-1, keepdims=0),
        ],
        [constant("weight", quarters(random, 6, 4))],
        TensorProto.INT64,
    )  # fmt: skip
    write(
        folder, "onnx_runtime_softsign",
        "softsign of numbers far beyond the interval in which it is steep",
        "abs <= 1e-5 for a float64 evaluation",
        [3],
        [
            node("MatMul", ["x", "weight"], ["a"], name="matmul"),
            node("Softsign", ["a"], ["y"], name="softsign"),
        ],
        [constant("weight", 1000 * quarters(random, 3, 4) + quarters(random, 3, 4) / 64)],
    )  # fmt: skip


if __name__ == "__main__":
    main()
