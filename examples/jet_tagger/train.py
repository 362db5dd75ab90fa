"""Train the jet tagger on synthetic jets and write every file of this example.

Run from the top of the repository:

    python -m examples.jet_tagger.train
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from examples.jet_tagger.toy_jets import CLASSES, draw_jets
from examples.training.example_files import (
    NetworkSpec,
    print_weight_summary,
    write_arrays,
    write_spec,
)
from examples.training.fixed_point import Format
from examples.training.quantized_mlp import (
    DenseSpec,
    Floats,
    Integers,
    Schedule,
    accuracy,
    exact_test_outputs,
    forward,
    softmax,
    train_float_then_quantised,
)

FOLDER = Path(__file__).parent
SEED = 1
TRAINING_JETS = 80_000
TEST_JETS = 20_000
WRITTEN_JETS = 1_000
"""The first of the test jets, those that the repository keeps as test vectors."""

# Standardised features leave +-8 standard deviations only in rare tails, which saturate, and
# a step of 1/64 of a standard deviation costs no accuracy.
INPUT = Format.parse("fixed<10,4,RND,SAT>")
# Trained in floating point, the weights of fc1 reach +-2 and those of fc3 +-1.3. Of fc2 and
# output all but a few stay within +-1: they get a finer step for the same eight bits.
WIDE_WEIGHT = Format.parse("fixed<8,2,RND,SAT>")
FINE_WEIGHT = Format.parse("fixed<8,1,RND,SAT>")
# relu1 and relu2 saturate at 8, which fewer than one value in 400 reaches; relu3 at 16.
ACTIVATION = Format.parse("ufixed<8,3,RND,SAT>")
LAST_ACTIVATION = Format.parse("ufixed<8,4,RND,SAT>")
# Logits stay within +-16, which leaves a bit to spare; one 16-bit word for each class.
LOGIT = Format.parse("fixed<16,6,RND,SAT>")

LAYERS = [
    DenseSpec("fc1", 64, WIDE_WEIGHT, WIDE_WEIGHT, None, ("relu1", ACTIVATION), 0.4),
    DenseSpec("fc2", 32, FINE_WEIGHT, FINE_WEIGHT, None, ("relu2", ACTIVATION), 0.5),
    DenseSpec("fc3", 32, WIDE_WEIGHT, WIDE_WEIGHT, None, ("relu3", LAST_ACTIVATION), 0.5),
    DenseSpec("output", 5, FINE_WEIGHT, FINE_WEIGHT, LOGIT, None, 0.2),
]

FLOAT_SCHEDULE = Schedule(epochs=30, batch_size=256, learning_rate=3e-3, weight_decay=0.01)
QUANTISED_SCHEDULE = Schedule(epochs=30, batch_size=256, learning_rate=1e-3, weight_decay=0.01)

WRITTEN_BY = "Written by train.py, like the weights and the test vectors: change it there."
ABOUT = (
    "Jet tagger on synthetic jets (a toy): 16 features in, one logit each for g, q, W, Z, t out."
)


def write_specs() -> None:
    """Write the same network in three hardware shapes; what it computes is the same in each."""
    variants: list[tuple[str, dict[str, int], str]] = [
        ("", {}, "Fully parallel: a new jet every clock cycle."),
        (
            "_r4",
            {"fc1": 4, "fc2": 4, "fc3": 4, "output": 4},
            "Every multiplier works four times a jet: a new jet every four clock cycles.",
        ),
        (
            "_mixed",
            {"fc1": 16, "fc2": 4, "fc3": 2},
            "Each layer has its own reuse factor (output: the default, 1); the largest sets the\n"
            "interval: a new jet every 16 clock cycles.",
        ),
    ]
    for suffix, reuse_factors, shape in variants:
        spec = NetworkSpec(
            name=f"jet_tagger{suffix}",
            about=f"{ABOUT}\n{shape}\n{WRITTEN_BY}",
            clock="360 MHz",
            input_shape=(16,),
            input_format=INPUT,
            layers=LAYERS,
            reuse_factors=reuse_factors,
        )
        write_spec(FOLDER / f"network{suffix}.yaml", spec)


def print_quality(what: str, logits: Floats, labels: Integers) -> None:
    """Print the accuracy and, by class, the area under the curve of that class against the rest."""
    chances = softmax(logits)
    areas = (
        f"{name} {roc_auc_score(labels == index, chances[:, index]):.3f}"
        for index, name in enumerate(CLASSES)
    )
    print(f"{what:38} accuracy {accuracy(logits, labels):.2%}   AUC {'  '.join(areas)}")


def main() -> None:
    rng = np.random.default_rng(SEED)
    features, labels = draw_jets(TRAINING_JETS + TEST_JETS, rng)
    scaler = StandardScaler().fit(features[:TRAINING_JETS])
    standardised = scaler.transform(features)
    x_train, x_test = standardised[:TRAINING_JETS], standardised[TRAINING_JETS:]
    labels_train, labels_test = labels[:TRAINING_JETS], labels[TRAINING_JETS:]

    float_network, network = train_float_then_quantised(
        LAYERS, x_train, labels_train, INPUT, FLOAT_SCHEDULE, QUANTISED_SCHEDULE, rng
    )

    x_on_grid = INPUT.round_floats(x_test)
    y = exact_test_outputs(LAYERS, network, x_on_grid, INPUT)
    float_logits = forward(LAYERS, float_network, x_test, quantised=False)[0]
    written = slice(WRITTEN_JETS)
    print_quality(f"float, {TEST_JETS} test jets", float_logits, labels_test)
    print_quality(f"fixed point, {TEST_JETS} test jets", y, labels_test)
    print_quality(
        f"float, the {WRITTEN_JETS} in x.npy", float_logits[written], labels_test[written]
    )
    print_quality(f"fixed point, the {WRITTEN_JETS} in x.npy", y[written], labels_test[written])
    print_weight_summary(LAYERS, network)

    write_specs()
    write_arrays(FOLDER, LAYERS, network, x_on_grid[written], labels_test[written], y[written])


if __name__ == "__main__":
    # One thread adds in one order, which keeps the result independent of the number of cores.
    with threadpool_limits(limits=1):
        main()
