"""Write the trained network as other tools have it: QONNX, Keras, and an hls4ml project.

All three hold the numbers of `weights.npz`. The QONNX file and the project also hold the formats
of `network.yaml`, so that what is imported gives the outputs of `y.npy`, bit for bit; the Keras
model alone is in floating point.

Run from the top of the repository, with the packages of `examples/digits/export-requirements.txt`:

    python -m examples.digits.export
"""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "numpy")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from onnx import TensorProto, checker, helper, numpy_helper, save  # noqa: E402

FOLDER = Path(__file__).parent
EXPORTED = FOLDER / "exported"

# Bits after the binary point, and all bits, of the formats in network.yaml.
INPUT = (4, 5)
WEIGHT = (5, 6)
ACTIVATIONS = {"relu1": (3, 6), "relu2": (2, 6)}
LAYERS = [("fc1", "relu1"), ("fc2", "relu2"), ("output", None)]

PROJECT = """\
# The network as an hls4ml project: the Keras model beside this file, and the formats of
# ../network.yaml. Written by export.py.
KerasModel: digits.keras
ProjectName: digits
OutputDir: digits_prj
Backend: Vitis
Part: xcvu9p-flga2104-2-i
ClockPeriod: 5
IOType: io_parallel
HLSConfig:
  Model:
    Precision: ap_fixed<16,6>
    ReuseFactor: 1
    Strategy: Latency
  LayerType:
    Dense:
      Precision:
        weight: ap_fixed<6,1,AP_RND,AP_SAT>
        bias: ap_fixed<6,1,AP_RND,AP_SAT>
        accum: auto
        result: auto
  LayerName:
    x:
      Precision: ap_ufixed<5,1>
    relu1:
      Precision: ap_ufixed<6,3,AP_RND,AP_SAT>
    relu2:
      Precision: ap_ufixed<6,4,AP_RND,AP_SAT>
"""


class Graph:
    """An ONNX graph in the making."""

    def __init__(self) -> None:
        self.nodes = []
        self.constants = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def quantized(self, x: str, format_bits: tuple[int, int], signed: bool, output: str) -> str:
        """What a cast to nearest, ties away from zero, makes of x; it saturates."""
        fraction, bits = format_bits
        parameters = [
            self.constant(f"{output}_scale", np.float32(2.0**-fraction)),
            self.constant(f"{output}_zero", np.float32(0)),
            self.constant(f"{output}_bits", np.float32(bits)),
        ]
        return self.node(
            "Quant",
            [x, *parameters],
            output,
            domain="qonnx.custom_op.general",
            signed=int(signed),
            narrow=0,
            rounding_mode="HALF_UP",
        )


def write_qonnx(weights: dict[str, np.ndarray], path: Path) -> None:
    graph = Graph()
    x = graph.quantized("x", INPUT, signed=False, output="x_quant")
    x = graph.node("Flatten", [x], "flatten", axis=1)
    for name, activation in LAYERS:
        parts = []
        for part in ("weight", "bias"):
            constant = graph.constant(f"{name}_{part}", weights[f"{name}.{part}"])
            parts.append(graph.quantized(constant, WEIGHT, signed=True, output=f"{name}_{part}_q"))
        product = graph.node("MatMul", [x, parts[0]], f"{name}_product")
        x = graph.node("Add", [product, parts[1]], name)
        if activation is not None:
            x = graph.node("Relu", [x], activation)
            bits = ACTIVATIONS[activation]
            x = graph.quantized(x, bits, signed=False, output=f"{activation}_quant")
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 8, 8]), (x, [1, 10]))
    ]
    made = helper.make_graph(graph.nodes, "digits", ends[:1], ends[1:], graph.constants)
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("qonnx.custom_op.general", 1)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=8, producer_name="export.py")
    checker.check_model(model)
    save(model, path)


def write_keras(weights: dict[str, np.ndarray], path: Path) -> None:
    stack = [keras.Input((8, 8), name="x"), keras.layers.Flatten(name="flatten")]
    for name, activation in LAYERS:
        stack.append(keras.layers.Dense(weights[f"{name}.bias"].size, name=name))
        if activation is not None:
            stack.append(keras.layers.ReLU(name=activation))
    model = keras.Sequential(stack, name="digits")
    for name, _ in LAYERS:
        model.get_layer(name).set_weights([weights[f"{name}.weight"], weights[f"{name}.bias"]])
    model.save(path)
    remove_dates(path)


def remove_dates(path: Path) -> None:
    """Writes a Keras archive anew, so that the same weights give the same file on any day."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    metadata = json.loads(parts["metadata.json"])
    del metadata["date_saved"]
    parts["metadata.json"] = json.dumps(metadata).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content)


def main() -> None:
    EXPORTED.mkdir(exist_ok=True)
    weights = dict(np.load(FOLDER / "weights.npz"))
    write_qonnx(weights, EXPORTED / "digits.onnx")
    write_keras(weights, EXPORTED / "digits.keras")
    (EXPORTED / "hls4ml.yml").write_text(PROJECT)


if __name__ == "__main__":
    main()
