"""Small random networks, of every kind of layer and implementation, for the calibration.

`network(number)` is always the same network for the same number. Their weights are inline, so a
spec is one file; JSON is YAML.
"""

import random

PART = "xcvu9p-flga2104-2-i"


class Draw:
    """The choices of one network."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def width(self, least, most):
        return self.random.randint(least, most)

    def numbers(self, *extents, zeros=0.1):
        """Weights in (-1, 1), some of them 0, in nested lists."""
        if extents:
            return [self.numbers(*extents[1:], zeros=zeros) for _ in range(extents[0])]
        if self.random.random() < zeros:
            return 0.0
        return round(max(-0.99, min(0.99, self.random.gauss(0, 0.45))), 6)

    def signed(self, least, most, integer=2):
        return f"fixed<{self.width(least, most)},{integer}>"

    def cast(self, least, most, signed=False):
        """A type that a result is rounded to and saturated by."""
        width, kind = self.width(least, most), "fixed" if signed else "ufixed"
        rounding = self.pick(["TRN", "RND", "RND", "RND_CONV"])
        return f"{kind}<{width},{self.pick([2, 3])},{rounding},{self.pick(['SAT', 'SAT', 'WRAP'])}>"


def divisors(number, least, most):
    return [factor for factor in range(least, most + 1) if number % factor == 0]


def trained(draw, kind, weight_shape, n_out, weight, name, **keys):
    return {
        "name": name, "type": kind, "weight": draw.numbers(*weight_shape), "bias": draw.numbers(n_out),
        "precision": {"weight": weight, "bias": "fixed<10,3>"}, **keys}


def relu(draw, name, least=3, most=10):
    return {"name": name, "type": "relu", "precision": draw.cast(least, most)}


def dense_chain(draw, sizes, widths, **keys):
    """Dense layers with ReLU between them."""
    layers = []
    for index, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
        weight = draw.signed(*widths)
        layers.append(trained(draw, "dense", (n_in, n_out), n_out, weight, f"fc{index}", **keys))
        if index + 2 < len(sizes):
            layers.append(relu(draw, f"relu{index}"))
    return layers


def spec(draw, shape, layers, precision, io="parallel", inputs=1, outputs=None):
    names = ["x"] if inputs == 1 else [f"x{index}" for index in range(inputs)]
    result = {
        "target": {"part": PART, "clock": f"{draw.pick([160, 200, 240, 320, 360])} MHz"},
        "io": io,
        "inputs": [{"name": name, "shape": shape, "precision": precision} for name in names],
        "layers": layers,
    }
    if outputs:
        result["outputs"] = outputs
    return result


def dense_lut(draw):
    sizes = [draw.width(8, 24), draw.width(6, 24)]
    layers = dense_chain(draw, sizes, (3, 10), multiplier="lut") + [relu(draw, "last")]
    return spec(draw, sizes[:1], layers, draw.signed(4, 12))


def dense_adders(draw):
    sizes = [draw.width(8, 24), draw.width(8, 20), draw.width(3, 8)]
    keys = {"strategy": "distributed_arithmetic"}
    return spec(draw, sizes[:1], dense_chain(draw, sizes, (3, 9), **keys), draw.signed(3, 10))


def perceptron(draw):
    sizes = [draw.width(8, 16), draw.width(8, 20), draw.width(8, 16), draw.width(2, 5)]
    return spec(draw, sizes[:1], dense_chain(draw, sizes, (3, 7), multiplier="lut"), draw.signed(4, 10))


def dense_dsp(draw):
    sizes = [draw.width(6, 14), draw.width(4, 10)]
    layers = dense_chain(draw, sizes, (10, 16), multiplier="dsp")
    return spec(draw, sizes[:1], layers, draw.signed(10, 16, 4))


def dense_shared(draw, strategy, multiplier):
    sizes = [draw.width(8, 24), draw.pick([6, 8, 12, 16])]
    factor = draw.pick(divisors(sizes[0] * sizes[1], 2, 96))
    keys = {"strategy": strategy, "reuse_factor": factor, "multiplier": multiplier}
    layers = dense_chain(draw, sizes, (4, 14), **keys) + [relu(draw, "last")]
    return spec(draw, sizes[:1], layers, draw.signed(6, 16, 3))


def dense_resource(draw):
    return dense_shared(draw, "resource", "dsp")


def dense_resource_lut(draw):
    return dense_shared(draw, "resource", "lut")


def dense_deep(draw):
    """Shared so often that the weights go to block RAM."""
    sizes = [draw.width(16, 32), draw.pick([8, 16])]
    factor = draw.pick(divisors(sizes[0] * sizes[1], 65, 256))
    keys = {"strategy": "resource", "reuse_factor": factor, "multiplier": "dsp"}
    layers = dense_chain(draw, sizes, (6, 16), **keys)
    return spec(draw, sizes[:1], layers, draw.signed(8, 16, 3))


def dense_latency_reuse(draw):
    return dense_shared(draw, "latency", draw.pick(["lut", "dsp"]))


def dense_accumulator(draw):
    sizes = [draw.width(8, 20), draw.width(4, 8)]
    layers = dense_chain(draw, sizes, (4, 9), multiplier="lut")
    accumulator = f"fixed<{draw.width(10, 16)},5,{draw.pick(['TRN', 'RND'])},{draw.pick(['WRAP', 'SAT'])}>"
    layers[0]["precision"].update(accum=accumulator, result=draw.cast(6, 10, signed=True))
    return spec(draw, sizes[:1], layers, draw.signed(6, 10))


def mixed_reuse(draw):
    sizes = [16, draw.pick([12, 16, 24]), 8, draw.width(2, 5)]
    layers = dense_chain(draw, sizes, (4, 10))
    layers[0].update(strategy="latency", multiplier="lut")
    layers[2].update(strategy="resource", multiplier=draw.pick(["lut", "dsp"]), reuse_factor=draw.pick([4, 8, 16]))
    layers[4].update(strategy="latency", multiplier="lut")
    return spec(draw, sizes[:1], layers, draw.signed(5, 10))


def conv1d(draw):
    steps, channels, filters = draw.width(5, 8), draw.width(2, 4), draw.width(2, 5)
    weight = draw.signed(3, 7)
    layers = [trained(
        draw, "conv1d", (3, channels, filters), filters, weight, "conv", multiplier="lut",
        padding=draw.pick(["same", "valid"])), relu(draw, "relu")]
    return spec(draw, [steps, channels], layers, draw.signed(4, 8))


def conv2d_passes(draw):
    rows, columns, channels, filters = draw.width(4, 6), 6, draw.width(1, 3), draw.width(2, 4)
    positions = (rows - 2) * (columns - 2)
    weight = draw.signed(3, 8)
    layers = [trained(
        draw, "conv2d", (3, 3, channels, filters), filters, weight, "conv", multiplier="lut",
        parallelization_factor=draw.pick(divisors(positions, 1, positions // 2))), relu(draw, "relu")]
    return spec(draw, [rows, columns, channels], layers, draw.signed(4, 9))


def pools(draw):
    shape = [draw.width(4, 8), draw.width(4, 8), draw.width(2, 5)]
    kind = draw.pick(["max_pool2d", "average_pool2d"])
    layers = [{
        "name": "pool", "type": kind, "pool_size": draw.pick([[2, 2], [3, 3], [3, 2]]), "strides": [2, 2],
        "padding": draw.pick(["same", "valid"])}]
    if kind == "average_pool2d":
        layers[0]["precision"] = draw.cast(6, 10, signed=True)
    else:
        layers.append(relu(draw, "relu"))
    return spec(draw, shape, layers, draw.signed(6, 14, 3))


def merges(draw):
    size = draw.width(12, 40)
    first, second = draw.pick(["add", "subtract", "maximum", "minimum"]), draw.pick(["add", "average", "maximum"])
    layers = [
        {"name": "m0", "type": first, "inputs": ["x0", "x1"], "precision": draw.cast(6, 12, signed=True)},
        {"name": "m1", "type": second, "inputs": ["m0", "x1"], "precision": draw.cast(5, 12, signed=True)},
        {"name": "m2", "type": "concatenate", "inputs": ["m1", "x0"]},
        relu(draw, "last"),
    ]
    return spec(draw, [size], layers, draw.signed(6, 14, 4), inputs=2)


def products(draw):
    size = draw.width(6, 16)
    layers = [
        {"name": "m0", "type": "multiply", "inputs": ["x0", "x1"], "precision": draw.cast(8, 14, signed=True)},
        {"name": "m1", "type": "add", "inputs": ["m0", "x0"], "precision": draw.cast(8, 14, signed=True)},
    ]
    return spec(draw, [size], layers, draw.signed(5, 16, 4), inputs=2)


def residual(draw):
    size = draw.width(8, 14)
    layers = dense_chain(draw, [size, size], (3, 6), multiplier="lut") + [relu(draw, "relu")]
    layers += [{"name": "sum", "type": "add", "inputs": ["relu", "x"], "precision": draw.cast(6, 10, signed=True)}]
    layers += dense_chain(draw, [size, 6], (3, 6), multiplier="lut")
    layers[-1]["name"] = "last"
    return spec(draw, [size], layers, draw.signed(4, 9))


def functions(draw):
    size = draw.width(6, 20)
    kind = draw.pick(["sigmoid", "tanh", "softplus", "elu"])
    result = draw.cast(6, 10, signed=True)
    layers = [{"name": "f", "type": kind, "precision": {"result": result}}]
    if kind == "elu":
        layers[0]["precision"]["alpha"] = "fixed<8,2>"
    layers += dense_chain(draw, [size, 4], (3, 7), multiplier="lut")
    return spec(draw, [size], layers, f"fixed<{draw.width(6, 9)},{draw.pick([3, 4])}>")


def functions_deep(draw):
    """Tables that are so long that they go to block RAM."""
    layers = [{"name": "f", "type": draw.pick(["sigmoid", "tanh"]), "precision": {"result": "fixed<12,2,RND,SAT>"}}]
    layers += dense_chain(draw, [6, 4], (4, 8), multiplier="lut")
    return spec(draw, [6], layers, f"fixed<{draw.width(11, 13)},3>")


def slopes(draw):
    size = draw.width(16, 48)
    layers = [
        {"name": "bn", "type": "batch_norm", "scale": draw.numbers(size), "shift": draw.numbers(size), "fold": False,
         "precision": {"scale": draw.signed(5, 10), "shift": "fixed<8,3>", "result": draw.cast(6, 12, signed=True)}},
        {"name": "prelu", "type": "prelu", "alpha": draw.numbers(size),
         "precision": {"alpha": draw.signed(4, 8, 1), "result": draw.cast(5, 10, signed=True)}},
    ]
    return spec(draw, [size], layers, draw.signed(6, 12, 3))


def softmax(draw):
    size = draw.width(5, 10)
    layers = dense_chain(draw, [draw.width(8, 14), size], (3, 6), multiplier="lut")
    layers[0]["precision"]["result"] = f"fixed<{draw.width(6, 8)},4,RND,SAT>"
    layers.append({"name": "softmax", "type": "softmax", "precision": f"ufixed<{draw.width(6, 9)},0,RND,SAT>"})
    return spec(draw, [len(layers[0]["weight"])], layers, draw.signed(4, 8))


def stream_conv2d(draw):
    channels, filters = draw.width(1, 3), draw.width(2, 4)
    layers = [
        trained(draw, "conv2d", (3, 3, channels, filters), filters, draw.signed(3, 7), "conv",
                multiplier="lut", padding=draw.pick(["same", "valid"])),
        relu(draw, "relu"),
        {"name": "pool", "type": "max_pool2d", "pool_size": [2, 2]},
    ]
    return spec(draw, [draw.width(6, 9), draw.width(6, 12), channels], layers, draw.signed(4, 9), io="stream")


def stream_conv1d(draw):
    channels, filters = draw.width(2, 6), draw.width(3, 6)
    factor = draw.pick(divisors(3 * channels * filters, 1, 12))
    layers = [
        trained(draw, "conv1d", (3, channels, filters), filters, draw.signed(3, 8), "conv",
                strategy="resource", reuse_factor=factor, multiplier=draw.pick(["lut", "dsp"])),
        relu(draw, "relu"),
    ]
    return spec(draw, [draw.width(8, 20), channels], layers, draw.signed(6, 10), io="stream")


def stream_residual(draw):
    channels = draw.width(3, 6)
    layers = [
        trained(draw, "conv1d", (3, channels, channels), channels, draw.signed(3, 6), "conv",
                multiplier="lut", padding="same"),
        relu(draw, "relu"),
        {"name": "sum", "type": "add", "inputs": ["relu", "x"], "precision": draw.cast(5, 9, signed=True)},
    ]
    return spec(draw, [draw.width(8, 24), channels], layers, draw.signed(4, 8), io="stream")


def stream_image(draw):
    """A residual over an image: what waits for the convolution waits in block RAM."""
    channels = draw.width(1, 2)
    layers = [
        trained(draw, "conv2d", (3, 3, channels, channels), channels, draw.signed(3, 6), "conv",
                multiplier="lut", padding="same"),
        {"name": "sum", "type": "add", "inputs": ["conv", "x"], "precision": draw.cast(5, 9, signed=True)},
    ]
    return spec(draw, [draw.width(6, 8), draw.width(64, 100), channels], layers, draw.signed(4, 8), io="stream")


def conv1d_adders(draw):
    steps, channels, filters = draw.width(4, 7), draw.width(2, 4), draw.width(3, 6)
    layers = [trained(
        draw, "conv1d", (3, channels, filters), filters, draw.signed(3, 8), "conv",
        strategy="distributed_arithmetic"), relu(draw, "relu")]
    return spec(draw, [steps, channels], layers, draw.signed(4, 8))


def stream_dense(draw):
    size = draw.width(8, 16)
    layers = dense_chain(draw, [size, draw.width(8, 16), 5], (3, 7), multiplier="lut")
    return spec(draw, [size], layers, draw.signed(4, 9), io="stream")


KINDS = [
    dense_lut, perceptron, dense_dsp, dense_adders, dense_resource, dense_resource_lut, dense_deep,
    dense_latency_reuse, dense_accumulator, mixed_reuse, conv1d, conv1d_adders, conv2d_passes, pools, merges, products,
    residual, functions, functions_deep, slopes, softmax, stream_conv2d, stream_conv1d, stream_residual, stream_image,
    stream_dense,
]


def network(number):
    """The name of a network, and its spec."""
    kind = KINDS[number % len(KINDS)]
    name = f"{kind.__name__}_{number // len(KINDS)}"
    return name, {"name": name, **kind(Draw(number))}
