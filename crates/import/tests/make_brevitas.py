"""Writes the models `models/brevitas_*` and `models/torch_*` of the tests: small PyTorch networks, trained for some
steps with and without Brevitas' quantisers, exported as docs/import.md says, with samples and PyTorch's outputs.

    pip install brevitas onnx onnxscript onnxoptimizer     # written with torch 2.15.0, brevitas 0.13.4
    python make_brevitas.py [FOLDER]
"""

import sys
import tempfile
from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import onnx
import torch
from brevitas.export import export_qonnx
from brevitas.quant import Int8ActPerTensorFixedPoint as Signed
from brevitas.quant import Int8BiasPerTensorFixedPointInternalScaling as Bias
from brevitas.quant import Int8WeightPerTensorFixedPoint as Weight
from brevitas.quant import Uint8ActPerTensorFixedPoint as Unsigned

SAMPLES = 60


def quantised_dense():
    return torch.nn.Sequential(
        qnn.QuantIdentity(act_quant=Signed, bit_width=8),
        qnn.QuantLinear(16, 12, bias=True, weight_quant=Weight, weight_bit_width=6, bias_quant=Bias),
        qnn.QuantReLU(act_quant=Unsigned, bit_width=6),
        qnn.QuantLinear(12, 5, bias=False, weight_quant=Weight, weight_bit_width=4),
    )


def quantised_conv():
    return torch.nn.Sequential(
        qnn.QuantIdentity(act_quant=Signed, bit_width=8),
        qnn.QuantConv2d(1, 3, 3, padding=1, bias=False, weight_quant=Weight, weight_bit_width=5),
        qnn.QuantReLU(act_quant=Unsigned, bit_width=6),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        qnn.QuantLinear(3 * 3 * 3, 4, bias=False, weight_quant=Weight, weight_bit_width=5),
    )


def float_dense():
    return torch.nn.Sequential(
        torch.nn.Linear(10, 12), torch.nn.BatchNorm1d(12), torch.nn.ReLU(), torch.nn.Linear(12, 4)
    )


def trained(model, shape):
    """The model after some steps towards any labels, so that its scales and statistics are those of data."""
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(60):
        x = torch.randn(64, *shape)
        labels = x.flatten(1)[:, :4].argmax(1)
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def write(folder, name, model, shape, export, what, match):
    torch.manual_seed(0)
    model = trained(model(), shape)
    # On a grid that every input type of the tests has.
    x = torch.randint(-1024, 1024, (SAMPLES, *shape)).float() / 256
    with torch.no_grad():
        y = torch.cat([model(sample[None]) for sample in x])
    own = folder / name
    own.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.onnx"
        export(model, torch.zeros(1, *shape), path)
        exported = onnx.load(path)
    # Where the exporter ran is nobody's business.
    for part in (exported, exported.graph, *exported.graph.node, *exported.graph.value_info):
        del part.metadata_props[:]
    for node in exported.graph.node:
        node.doc_string = ""
    onnx.save(exported, own / "model.onnx")
    np.save(own / "x.npy", x.numpy().astype(np.float64))
    np.save(own / "y.npy", y.numpy().astype(np.float64))
    (own / "info.md").write_text(f"# {name}\n- what: {what}\n- from: made by make_brevitas.py; free to use\n- match: {match}\n")


def qonnx_export(model, example, path):
    export_qonnx(model, args=example, export_path=str(path))


def onnx_export(model, example, path):
    torch.onnx.export(model, (example,), str(path))


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "models"
    write(folder, "brevitas_dense", quantised_dense, (16,), qonnx_export, "dense layers by Brevitas, fixed point", "exact")
    write(folder, "brevitas_conv", quantised_conv, (1, 6, 6), qonnx_export, "a convolution by Brevitas, fixed point", "exact")
    write(
        folder, "torch_dense", float_dense, (10,), onnx_export, "dense layers and a batch normalisation by PyTorch",
        "abs <= 1e-5 for a float64 evaluation")


if __name__ == "__main__":
    main()
