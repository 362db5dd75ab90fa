"""Synthetic jets: sixteen numbers a jet that resemble jet-substructure observables.

This is a toy. No physics generator, detector or data stands behind it: every constant below
was chosen by hand, so that the classes overlap about as much as they do in the public studies
of this benchmark, and the features are correlated and skewed as such observables are. What a
network reaches on these jets says nothing about real physics.

A jet is drawn in two steps. First its hidden properties: how many hard prongs it shows, its
mass, its soft activity, how two- or three-pronged it looks. Then the features, each a
formula of the hidden properties with noise of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLASSES = ("g", "q", "W", "Z", "t")

FEATURES = (
    "mass_groomed",
    "mass_ungroomed",
    "multiplicity",
    "pt_d",
    "z_log_z",
    "girth",
    "c1_b1",
    "c1_b2",
    "c2_b1",
    "c2_b2",
    "d2_b1",
    "d2_b2",
    "m2_b1",
    "n2_b1",
    "tau21",
    "tau32",
)

# The chance of one, two and three visible prongs. Decay products outside the jet take prongs
# away from W, Z and t; a hard gluon emission gives g and q a second one.
PRONG_CHANCES = np.array(
    [
        [0.90, 0.10, 0.00],
        [0.93, 0.07, 0.00],
        [0.09, 0.91, 0.00],
        [0.09, 0.91, 0.00],
        [0.07, 0.23, 0.70],
    ]
)

# Median mass in GeV and relative spread, by class and number of prongs. A resonance that shows
# all its prongs has a narrow peak; whatever lost some has a broad spectrum, as g and q have.
MEDIAN_MASS_GEV = np.array(
    [
        [52.0, 78.0, 90.0],
        [40.0, 72.0, 90.0],
        [42.0, 80.4, 90.0],
        [44.0, 91.2, 90.0],
        [60.0, 95.0, 172.5],
    ]
)
MASS_SPREAD = np.array(
    [
        [0.50, 0.35, 0.35],
        [0.50, 0.35, 0.35],
        [0.50, 0.075, 0.35],
        [0.50, 0.075, 0.35],
        [0.50, 0.25, 0.10],
    ]
)

# Median number of constituents. A gluon radiates most; W and Z are two quarks, t is three.
MEDIAN_MULTIPLICITY = np.array([64.0, 44.0, 46.0, 47.0, 66.0])

# The mean of the two-prong and of the three-prong shape by number of prongs: low is prong-like.
TWO_PRONG_SHAPE = np.array([0.9, -0.9, 0.1])
THREE_PRONG_SHAPE = np.array([0.5, 0.3, -1.2])

TRANSVERSE_MOMENTUM_GEV = 1000.0


def draw_jets(
    count: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return `count` jets [count, 16], in the units of each feature, and their classes."""
    labels = rng.integers(0, len(CLASSES), size=count)

    def noise(size: float) -> NDArray[np.float64]:
        return rng.normal(0.0, size, size=count)

    # The hidden properties.
    thresholds = np.cumsum(PRONG_CHANCES, axis=1)[labels]
    prongs = np.sum(rng.random(count)[:, None] > thresholds[:, :2], axis=1)
    log_pt = np.log(TRANSVERSE_MOMENTUM_GEV) + noise(0.08)
    relative_mass = noise(1.0)
    log_mass = np.log(MEDIAN_MASS_GEV[labels, prongs]) + MASS_SPREAD[labels, prongs] * relative_mass
    # A jet that radiates more is heavier as well, hence the common term.
    log_activity = np.log(MEDIAN_MULTIPLICITY[labels]) + 0.06 * relative_mass + noise(0.18)
    hardness = noise(1.0)
    two_prong = TWO_PRONG_SHAPE[prongs] + noise(0.7)
    three_prong = THREE_PRONG_SHAPE[prongs] + 0.25 * two_prong + noise(0.6)

    # The features. Masses over momenta set the angular scale of a jet.
    log_angle = log_mass - log_pt
    ungroomed_mass = np.exp(log_mass + noise(0.03)) + np.exp(
        2.6 + 0.5 * (log_activity - 4.0) + noise(0.5)
    )
    features = [
        np.exp(log_mass + noise(0.02)),
        ungroomed_mass,
        np.round(np.exp(log_activity)),
        np.exp(-1.2 - 0.45 * (log_activity - 4.0) + 0.18 * hardness + noise(0.08)),
        -2.6 - 0.75 * (log_activity - 4.0) + 0.25 * hardness + noise(0.12),
        np.exp(0.1 + 0.85 * log_angle + 0.05 * two_prong + noise(0.15)),
        np.exp(-0.7 + 0.9 * log_angle - 0.06 * hardness + noise(0.12)),
        np.exp(0.3 + 1.9 * log_angle - 0.08 * hardness + noise(0.15)),
        np.exp(-2.0 + 0.22 * two_prong + 0.10 * three_prong + 0.15 * log_angle + noise(0.15)),
        np.exp(-2.9 + 0.34 * two_prong + 0.16 * three_prong + 0.30 * log_angle + noise(0.22)),
        np.exp(0.5 + 0.32 * two_prong - 0.10 * log_angle + noise(0.18)),
        np.exp(0.4 + 0.48 * two_prong - 0.25 * log_angle + noise(0.30)),
        np.exp(
            -2.6 + 0.16 * two_prong + 0.14 * three_prong + 0.20 * (log_activity - 4.0) + noise(0.15)
        ),
        np.exp(-1.2 + 0.20 * two_prong + 0.05 * three_prong + noise(0.10)),
        1.0 / (1.0 + np.exp(-0.1 - 0.75 * two_prong - 0.6 * (log_activity - 4.0) + noise(0.35))),
        1.0 / (1.0 + np.exp(-0.5 - 0.85 * three_prong - 0.4 * (log_activity - 4.0) + noise(0.35))),
    ]
    return np.stack(features, axis=1), labels
