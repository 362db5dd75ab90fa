"""Networks as numbers: what a spec and its weights say, for tools that read no specs.

Guarantees: what `read` returns computes what rtl4ml computes of the same spec, bit for bit; a spec
for which that could not be promised is refused with the reason. Understood are chains of `dense` and
`conv2d` with exact sums, `max_pool2d`, `relu`, `quantize`, `flatten` and `reshape`, from one input.
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
    """The network is no such chain, or has a key that would change what it computes."""


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

    def __str__(self):
        kind = "ap_fixed" if self.signed else "ap_ufixed"
        return f"{kind}<{self.width},{self.integer},AP_{self.rounding},AP_{self.overflow}>"

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
    weight_type: Format
    bias_type: Format | None

    def matrix(self):
        """What the flat input is multiplied by, and what is added."""
        return self.weight, self.bias


@dataclass
class Window:
    """Where the windows of a layer lie on an image of `shape` (height, width, channels)."""

    shape: list[int]
    size: list[int]
    strides: list[int]
    padding: str

    def starts(self, axis):
        """The first row, or column, of each window; beyond the image where it is padded."""
        extent, size, stride = self.shape[axis], self.size[axis], self.strides[axis]
        if self.padding == "valid":
            return [stride * place for place in range((extent - size) // stride + 1)]
        count = -(-extent // stride)
        padded = max((count - 1) * stride + size - extent, 0)
        return [stride * place - padded // 2 for place in range(count)]

    def places(self):
        """The rows and columns where windows begin, in the order of the outputs."""
        return [(row, column) for row in self.starts(0) for column in self.starts(1)]

    def output(self, channels):
        return [len(self.starts(0)), len(self.starts(1)), channels]

    def cells(self, row, column):
        """The cells of a window that are on the image: offsets in the window, and the pixel's number."""
        height, width, _ = self.shape
        for y in range(self.size[0]):
            for x in range(self.size[1]):
                if 0 <= row + y < height and 0 <= column + x < width:
                    yield y, x, (row + y) * width + column + x


@dataclass
class Conv2D(Dense):
    window: Window

    def matrix(self):
        """The convolution as a product with a matrix, and what is added."""
        channels, filters = self.weight.shape[2:]
        places = self.window.places()
        matrix = numpy.zeros((int(numpy.prod(self.window.shape)), len(places) * filters))
        for place, start in enumerate(places):
            for y, x, pixel in self.window.cells(*start):
                rows = slice(pixel * channels, (pixel + 1) * channels)
                matrix[rows, place * filters:(place + 1) * filters] = self.weight[y, x]
        return matrix, None if self.bias is None else numpy.tile(self.bias, len(places))


@dataclass
class MaxPool2D:
    window: Window

    def groups(self):
        """For each output the flat inputs of which it is the largest."""
        channels = self.window.shape[2]
        return [
            [pixel * channels + channel for _, _, pixel in self.window.cells(*start)]
            for start in self.window.places() for channel in range(channels)]


@dataclass
class Relu:
    pass


@dataclass
class Network:
    """What is computed: steps, each a layer or a `Format` that is cast to."""

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


HOW = {"strategy", "reuse_factor", "multiplier", "parallelization_factor"}
KEYS = {
    "dense": {"weight", "bias", "units", "use_bias", *HOW},
    "conv2d": {"weight", "bias", "filters", "kernel_size", "strides", "padding", *HOW},
    "max_pool2d": {"pool_size", "strides", "padding"},
    "relu": set(),
    "quantize": set(),
    "flatten": set(),
    "reshape": {"shape"},
}


def trained(folder, layer):
    """Weights and bias of a layer with their types."""
    precision = layer.get("precision")
    if not isinstance(precision, dict) or precision.get("accum", "auto") != "auto":
        raise NotUnderstood(f"layer `{layer['name']}`: needs its types, and exact sums (`accum: auto`)")
    numbers, types = [], []
    for key in ("weight", "bias"):
        kind = Format.parse(precision[key]) if key in layer else None
        numbers.append(kind.cast(weights(folder, layer[key])) if kind else None)
        types.append(kind)
    return [*numbers, *types]


def layer_steps(folder, layer, shape):
    """What a layer does with a tensor of a shape, and the shape of its result."""
    name, kind = layer["name"], layer["type"]
    more = set(layer) - {"name", "type", "precision"} - KEYS.get(kind, set())
    if kind not in KEYS or more:
        what = f"keys {', '.join(sorted(more))}" if kind in KEYS else f"type `{kind}`"
        raise NotUnderstood(f"layer `{name}`: {what} not understood here")
    precision = layer.get("precision")
    if kind == "dense":
        step = Dense(*trained(folder, layer))
        return [step, *result_type(precision)], [step.weight.shape[1]]
    if kind == "conv2d":
        window = Window(shape, layer["kernel_size"], layer.get("strides", [1, 1]), layer.get("padding", "valid"))
        step = Conv2D(*trained(folder, layer), window)
        return [step, *result_type(precision)], window.output(step.weight.shape[3])
    if kind == "max_pool2d":
        size = layer["pool_size"]
        if isinstance(precision, dict) and precision.get("accum", "auto") != "auto":
            raise NotUnderstood(f"layer `{name}`: `accum`")
        window = Window(shape, size, layer.get("strides", size), layer.get("padding", "valid"))
        return [MaxPool2D(window), *result_type(precision)], window.output(shape[2])
    if kind == "relu":
        return [Relu(), *result_type(precision)], shape
    if kind == "quantize":
        return result_type(precision), shape
    return [], layer.get("shape", [int(numpy.prod(shape))])


def read(path):
    """The network of a spec, which rtl4ml has checked."""
    path = Path(path)
    spec = yaml.safe_load(path.read_text())
    if len(spec["inputs"]) != 1 or "outputs" in spec or spec.get("io", "parallel") != "parallel":
        raise NotUnderstood("only networks with one input, one output and `io: parallel`")
    if "precision" in spec.get("defaults", {}):
        raise NotUnderstood("`defaults` with a `precision`")
    of_input = spec["inputs"][0]
    steps, shape = [], of_input["shape"]
    for layer in spec["layers"]:
        own, shape = layer_steps(path.parent, layer, shape)
        steps += own
    return Network(spec.get("name", path.stem), of_input["shape"], Format.parse(of_input["precision"]), steps)


def mapped(path, folder, **keys):
    """Writes the spec anew into a folder, all layers by distributed arithmetic; `keys` replace its own."""
    path, folder = Path(path), Path(folder)
    spec = yaml.safe_load(path.read_text())
    for layer in spec["layers"]:
        for key in HOW:
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
