import os
from typing import Any, Mapping, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Error", "Model", "Tensor", "__version__", "load"]

__version__: str

class Error(Exception):
    mistakes: list[dict[str, Any]]

@final
class Tensor:
    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def precision(self) -> str: ...

@final
class Model:
    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> list[Tensor]: ...
    @property
    def outputs(self) -> list[Tensor]: ...
    @property
    def layers(self) -> list[str]: ...
    @property
    def part(self) -> str: ...
    @property
    def clock_period_ns(self) -> float: ...
    # An array, or a dictionary of them where the network has several outputs: which, only the spec
    # knows.
    def predict(
        self,
        x: ArrayLike | Mapping[str, ArrayLike] | None = None,
        /,
        *,
        threads: int | None = None,
        **inputs: ArrayLike,
    ) -> Any: ...
    def trace(
        self,
        x: ArrayLike | Mapping[str, ArrayLike] | None = None,
        /,
        *,
        threads: int | None = None,
        **inputs: ArrayLike,
    ) -> dict[str, NDArray[np.float64]]: ...
    def build(
        self,
        dir: str | os.PathLike[str],
        /,
        *,
        vectors: int | None = None,
        threads: int | None = None,
    ) -> dict[str, Any]: ...
    def report(self, *, threads: int | None = None) -> dict[str, Any]: ...

def load(path: str | os.PathLike[str], /) -> Model: ...
