"""Dense networks as numbers: what a spec and its weights say, for tools that read no specs.

Guarantees: what `read` returns computes what rtl4ml computes of the same spec, bit for bit; a spec
for which that could not be promised is refused with the reason. Understood are chains of `dense` with
exact sums, `relu`, `quantize`, `flatten` and `reshape`, from one input.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy
import yaml

FORMAT = re.compile(r"(?:ap_)?(u?)(fixed|int)<(\d+)(?:,(-?\d+))?(?:,([A-Z_]+))?(?:,([A-Z_]+))?>", re.IGNORECASE)


# What `mapped` calls every network; the Verilog's top module has the name.
TOP = "mapped"


class NotUnderstood(Exception):
    """The network is no chain of dense layers, or has a key that would change what it computes."""


@dataclass
class Format:
    """A fixed-point type: `width` bits, `integer` of them, the sign included, before the point."""

    signed: bool
    width: int
    integer: int
    rounding: str
    overflow: str

    @classmethod
    def parse(cls, text):
        found = FORMAT.fullmatch(text.replace(" ", ""))
        if not found:
            raise NotUnderstood(f"`{text}` is no type that is understood here")
        unsigned, word, width, integer, rounding, overflow = found.groups()
        integer = width if word.lower() == "int" else integer
        kind = cls(not unsigned, int(width), int(integer), (rounding or "TRN").upper(), (overflow or "WRAP").upper())
        if kind.rounding not in ("TRN", "RND") or kind.overflow not in ("WRAP", "SAT"):
            raise NotUnderstood(f"`{text}`: only TRN, RND, WRAP and SAT are understood here")
        return kind

    @property
    def fraction(self):
        return self.width - self.integer

    @property
    def magnitude(self):
        """Integer bits without the sign."""
        return self.integer - self.signed

    def cast(self, numbers):
        """The nearest numbers of the type, by its modes."""
        half = 0.5 if self.rounding == "RND" else 0.0
        mantissas = numpy.floor(numpy.asarray(numbers, float) * 2.0**self.fraction + half)
        low = -(2.0 ** (self.width - 1)) if self.signed else 0.0
        if self.overflow == "SAT":
            mantissas = numpy.clip(mantissas, low, low + 2.0**self.width - 1)
        else:
            mantissas = (mantissas - low) % 2.0**self.width + low
        return mantissas / 2.0**self.fraction


@dataclass
class Dense:
    weight: numpy.ndarray
    bias: numpy.ndarray | None


@dataclass
class Relu:
    pass


@dataclass
class Network:
    """What is computed: steps, each a `Dense`, a `Relu` or a `Format` that is cast to."""

    name: str
    shape: list[int]
    input: Format
    steps: list

    @property
    def n_in(self):
        return int(numpy.prod(self.shape))


def weights(folder, value):
    """Numbers that are in the spec, or in the file that it names."""
    if not isinstance(value, str):
        return numpy.array(value, float)
    file, _, key = value.partition(":")
    loaded = numpy.load(folder / file)
    return numpy.asarray(loaded[key] if key else loaded, float)


def result_type(precision):
    """What a layer's result is cast to, if anything."""
    text = precision if isinstance(precision, str) else (precision or {}).get("result", "auto")
    return [] if text == "auto" else [Format.parse(text)]


KEYS = {
    "dense": {"weight", "bias", "units", "use_bias", "strategy", "reuse_factor", "multiplier"},
    "relu": set(),
    "quantize": set(),
    "flatten": set(),
    "reshape": {"shape"},
}


def layer_steps(folder, layer):
    name, kind = layer["name"], layer["type"]
    more = set(layer) - {"name", "type", "precision"} - KEYS.get(kind, set())
    if kind not in KEYS or more:
        what = f"keys {', '.join(sorted(more))}" if kind in KEYS else f"type `{kind}`"
        raise NotUnderstood(f"layer `{name}`: {what} not understood here")
    precision = layer.get("precision")
    if kind == "dense":
        if not isinstance(precision, dict) or precision.get("accum", "auto") != "auto":
            raise NotUnderstood(f"layer `{name}`: needs its types, and exact sums (`accum: auto`)")
        weight = Format.parse(precision["weight"]).cast(weights(folder, layer["weight"]))
        bias = None
        if "bias" in layer:
            bias = Format.parse(precision["bias"]).cast(weights(folder, layer["bias"]))
        return [Dense(weight, bias), *result_type(precision)]
    if kind == "relu":
        return [Relu(), *result_type(precision)]
    return result_type(precision) if kind == "quantize" else []


def read(path):
    """The network of a spec, which rtl4ml has checked."""
    path = Path(path)
    spec = yaml.safe_load(path.read_text())
    if len(spec["inputs"]) != 1 or "outputs" in spec or spec.get("io", "parallel") != "parallel":
        raise NotUnderstood("only networks with one input, one output and `io: parallel`")
    if "precision" in spec.get("defaults", {}):
        raise NotUnderstood("`defaults` with a `precision`")
    of_input = spec["inputs"][0]
    steps = [step for layer in spec["layers"] for step in layer_steps(path.parent, layer)]
    return Network(spec.get("name", path.stem), of_input["shape"], Format.parse(of_input["precision"]), steps)


def mapped(path, folder, **keys):
    """Writes the spec anew into a folder, all layers by distributed arithmetic; `keys` replace its own."""
    path, folder = Path(path), Path(folder)
    spec = yaml.safe_load(path.read_text())
    for layer in spec["layers"]:
        for key in ("strategy", "reuse_factor", "multiplier"):
            layer.pop(key, None)
    spec["defaults"] = {"strategy": "distributed_arithmetic"}
    spec.update(keys, name=TOP)
    folder.mkdir(parents=True, exist_ok=True)
    for file in path.parent.glob("*.np[yz]"):
        (folder / file.name).write_bytes(file.read_bytes())
    result = folder / "network.yaml"
    result.write_text(json.dumps(spec, indent=1))
    return result


def write_random(folder, name, sizes, input_type, weight_bits, relu_type=None, seed=1):
    """A perceptron with uniformly random integer weights; returns its spec's path.

    Between the layers is a ReLU that keeps `relu_type`. There is no bias.
    """
    random = numpy.random.default_rng(seed)
    layers, arrays = [], {}
    for index, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
        half = 2 ** (weight_bits - 1)
        arrays[f"fc{index}"] = random.integers(-half, half, (n_in, n_out)).astype(float)
        layers.append({
            "name": f"fc{index}", "type": "dense", "weight": f"weights.npz:fc{index}",
            "precision": {"weight": f"int<{weight_bits}>"}})
        if index + 2 < len(sizes):
            layers.append({"name": f"relu{index}", "type": "relu", "precision": relu_type})
    folder.mkdir(parents=True, exist_ok=True)
    numpy.savez(folder / "weights.npz", **arrays)
    inputs = [{"name": "x", "shape": [sizes[0]], "precision": input_type}]
    path = folder / "network.yaml"
    path.write_text(json.dumps({"name": name, "inputs": inputs, "layers": layers}, indent=1))
    return path
