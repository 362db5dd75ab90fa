"""Writes the models `models/q_widths_*` of the tests: QONNX quantisers whose widths differ between
channels and elements, with samples and outputs by qonnx' executor.

    pip install qonnx numpy     # written with qonnx 1.0.0
    python make_widths.py [FOLDER]

The executor takes one width at a time: it is run for each of a quantiser's widths, and each element
gets the number of its own.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import qonnx.core.onnx_exec as executor
import qonnx.custom_op.general.intquant as intquant
import qonnx.custom_op.general.quant as quant
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_shapes import InferShapes

SAMPLES = 40
DOMAIN = "qonnx.custom_op.general"
of_one_width = intquant.int_quant


def of_widths(x, scale, zero_point, widths, *rest):
    """The quantiser of qonnx, for each width that there is."""
    widths = np.broadcast_to(widths, x.shape)
    result = np.zeros_like(x)
    for width in np.unique(widths):
        result = np.where(
            widths == width, of_one_width(x, scale, zero_point, np.array(width), *rest), result
        )
    return result.astype(np.float32)


intquant.int_quant = of_widths
quant.quant = of_widths


class Graph:
    def __init__(self, extents):
        self.nodes, self.initializers, self.count = [], [], 0
        self.extents, self.last = extents, "x"

    def constant(self, numbers):
        self.count += 1
        name = f"c{self.count}"
        numbers = np.asarray(numbers, dtype=np.float32)
        self.initializers.append(numpy_helper.from_array(numbers, name))
        return name

    def node(self, op, *inputs, domain="", **attributes):
        self.count += 1
        output = f"t{self.count}"
        self.nodes.append(
            helper.make_node(op, list(inputs), [output], name=output, domain=domain, **attributes)
        )
        return output

    def quant(self, x, scale, widths, zero_point=0.0, signed=1, narrow=0, rounding="ROUND"):
        parameters = [self.constant(part) for part in (scale, zero_point, widths)]
        attributes = {"signed": signed, "narrow": narrow, "rounding_mode": rounding}
        return self.node("Quant", x, *parameters, domain=DOMAIN, **attributes)

    def write(self, name, what, output, folder, random):
        final = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        first = helper.make_tensor_value_info("x", TensorProto.FLOAT, self.extents)
        graph = helper.make_graph(self.nodes, name, [first], [final], self.initializers)
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        target = folder / name
        target.mkdir(exist_ok=True)
        onnx.save(model, target / "model.onnx")
        # Numbers that the importer's own type of inputs holds, should a quantiser not come first.
        x = random.normal(0, 2, (SAMPLES, *self.extents[1:]))
        x = (np.round(x * 1024) / 1024).astype(np.float32)
        wrapped = ModelWrapper(model).transform(InferShapes())
        rows = [executor.execute_onnx(wrapped, {"x": row[None]})[output] for row in x]
        np.save(target / "x.npy", x)
        np.save(target / "y.npy", np.concatenate(rows))
        text = f"# {name}\n- what: {what}\n- from: made by make_widths.py; free to use\n- match: exact\n"
        (target / "info.md").write_text(text, encoding="utf-8")


def dense(folder):
    random = np.random.default_rng(1)
    graph = Graph([1, 6])
    x = graph.quant("x", 0.25, [[3, 4, 5, 6, 2, 4]])
    weight = graph.constant(random.normal(0, 1, (6, 5)))
    # A width for each weight, and one for each column.
    weight = graph.quant(weight, 0.125, random.integers(2, 7, (6, 5)), narrow=1)
    y = graph.node("MatMul", x, weight)
    y = graph.node("Relu", y)
    scales = [[0.5, 0.25, 0.25, 0.5, 0.125]]
    y = graph.quant(y, scales, [[3, 2, 4, 5, 6]], signed=0, rounding="FLOOR")
    weight = graph.quant(graph.constant(random.normal(0, 1, (5, 3))), 0.25, [3, 4, 2])
    y = graph.quant(graph.node("MatMul", y, weight), 0.5, [[5, 4, 6]], narrow=1)
    graph.write("q_widths_dense", "dense layers, a width for each element and weight", y, folder, random)


def conv(folder):
    random = np.random.default_rng(2)
    graph = Graph([1, 2, 5, 4])
    widths = random.integers(3, 6, (1, 2, 5, 4))
    x = graph.quant("x", 0.25, widths)
    weight = graph.constant(random.normal(0, 0.7, (3, 2, 2, 3)))
    weight = graph.quant(weight, 0.25, [[[[3]]], [[[5]]], [[[2]]]])
    y = graph.node("Conv", x, weight, kernel_shape=[2, 3])
    # A width for each channel, which comes first. The scale is no power of two, and five times the
    # step of the sums, so that none is half-way between two.
    y = graph.quant(y, 0.3125, np.array([4, 6, 5]).reshape(1, 3, 1, 1))
    graph.write("q_widths_conv", "a convolution, a width for each pixel and channel", y, folder, random)


def main():
    here = Path(__file__).resolve().parent / "models"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else here
    dense(folder)
    conv(folder)


if __name__ == "__main__":
    main()
