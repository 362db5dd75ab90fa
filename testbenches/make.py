"""Writes the cases of the conformance suite: one folder each, with spec, weights and vectors.

`python make.py` writes all of them beside this file, and their table into README.md;
`python make.py FOLDER` writes the folders elsewhere, for example to compare. The cases are the
functions in `cases/`, in the order of the files named here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from building import CASES
from case import Case, Random, all_values, write

FAMILIES = ["casts", "formats", "weights", "multipliers", "graphs", "convolutions", "pools"]
FAMILIES += ["activations", "tables", "softmaxes", "merges", "moves", "streams"]

TABLE_START, TABLE_END = "<!-- cases: written by make.py -->", "<!-- end of cases -->"


def write_table(cases: Sequence[Case], readme: Path) -> None:
    """Puts the table of cases between its marks in the README."""
    before, rest = readme.read_text(encoding="utf-8").split(TABLE_START)
    after = rest.split(TABLE_END)[1]
    rows = [f"| `{case.name}` | {case.purpose} |" for case in cases]
    table = [TABLE_START, "| case | what it is for |", "|---|---|", *rows, TABLE_END]
    readme.write_text(before + "\n".join(table) + after, encoding="utf-8", newline="\n")


def main() -> None:
    here = Path(__file__).resolve().parent
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else here
    for family in FAMILIES:
        import_module(f"cases.{family}")
    cases = []
    for build in CASES:
        built, check = build(Random(build.__name__))
        trace = built.trace()
        check(trace)
        for name in built.output_names:
            assert any(all_values(trace, name)), f"{built.name}: {name} is always 0"
        write(built, trace, root)
        cases.append(built)
    if root == here:
        write_table(cases, here / "README.md")
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
