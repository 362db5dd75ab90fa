"""Bit-exact emulation and proven Verilog of quantised neural networks.

>>> import numpy as np, rtl4ml
>>> model = rtl4ml.load("network.yaml")
>>> y = model.predict(np.load("x.npy"))
"""

from ._native import Error, Model, Tensor, __version__, load

__all__ = ["Error", "Model", "Tensor", "__version__", "load"]
