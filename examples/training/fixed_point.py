"""Fixed-point formats and the cast into them, on integers.

A value of a format is an integer mantissa m that stands for m * 2**-fraction_bits.
Guarantee: `cast_mantissas` uses integer arithmetic only, so that what it returns is the
meaning of the specification and never an accident of floating point. It knows the modes
that the examples use (TRN, RND; WRAP, SAT) and refuses every other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

type_pattern = re.compile(r"(u?)fixed<(\d+),(-?\d+)(?:,(TRN|RND),(WRAP|SAT))?>")


@dataclass(frozen=True)
class Format:
    """A fixed-point format; the sign bit counts among the integer bits, as in ap_fixed."""

    signed: bool
    total_bits: int
    integer_bits: int
    rounding: str = "TRN"
    overflow: str = "WRAP"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a format as the specification spells it, for example fixed<8,2,RND,SAT>."""
        found = type_pattern.fullmatch(text)
        if found is None:
            raise ValueError(f"not a format that the examples know: {text}")
        unsigned, total, integer, rounding, overflow = found.groups()
        return cls(unsigned == "", int(total), int(integer), rounding or "TRN", overflow or "WRAP")

    def __str__(self) -> str:
        modes = (self.rounding, self.overflow)
        suffix = "" if modes == ("TRN", "WRAP") else f",{self.rounding},{self.overflow}"
        return f"{'' if self.signed else 'u'}fixed<{self.total_bits},{self.integer_bits}{suffix}>"

    @property
    def fraction_bits(self) -> int:
        return self.total_bits - self.integer_bits

    @property
    def lowest_mantissa(self) -> int:
        return -(1 << (self.total_bits - 1)) if self.signed else 0

    @property
    def highest_mantissa(self) -> int:
        return (1 << (self.total_bits - self.signed)) - 1

    @property
    def lowest(self) -> float:
        return float(np.ldexp(self.lowest_mantissa, -self.fraction_bits))

    @property
    def highest(self) -> float:
        return float(np.ldexp(self.highest_mantissa, -self.fraction_bits))

    def round_floats(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cast floats into the format and return them as floats.

        Training needs this on every step, and every format in the examples is narrow enough
        for float64 to hold the scaled value exactly.
        """
        scaled = np.ldexp(values, self.fraction_bits)
        rounded = np.floor(scaled + 0.5) if self.rounding == "RND" else np.floor(scaled)
        if self.overflow == "SAT":
            rounded = np.clip(rounded, self.lowest_mantissa, self.highest_mantissa)
        else:
            span = float(1 << self.total_bits)
            rounded = np.mod(rounded - self.lowest_mantissa, span) + self.lowest_mantissa
        return np.ldexp(rounded, -self.fraction_bits)

    def mantissas(self, values: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the mantissas of floats that are on the grid; refuse any that is not."""
        scaled = np.ldexp(np.asarray(values, dtype=np.float64), self.fraction_bits)
        mantissas = scaled.astype(np.int64)
        on_grid = np.array_equal(mantissas.astype(np.float64), scaled)
        in_range = (
            mantissas.min() >= self.lowest_mantissa and mantissas.max() <= self.highest_mantissa
        )
        if not (on_grid and in_range):
            raise ValueError(f"a value is not on the grid of {self}")
        return mantissas


def cast_mantissas(
    mantissas: NDArray[np.int64], fraction_bits: int, target: Format
) -> NDArray[np.int64]:
    """Cast values given as mantissas with `fraction_bits` into `target`: round, then overflow."""
    dropped_bits = fraction_bits - target.fraction_bits
    if dropped_bits <= 0:
        rounded = mantissas << -dropped_bits
    elif target.rounding == "RND":
        # Half an output step is added before the floor, so that ties go towards plus infinity.
        rounded = (mantissas + (1 << (dropped_bits - 1))) >> dropped_bits
    else:
        rounded = mantissas >> dropped_bits
    if target.overflow == "SAT":
        rounded = np.clip(rounded, target.lowest_mantissa, target.highest_mantissa)
    else:
        # The low bits, read as a number of the target's signedness.
        low_bits = (rounded - target.lowest_mantissa) & ((1 << target.total_bits) - 1)
        rounded = low_bits + target.lowest_mantissa
    return rounded.astype(np.int64)
