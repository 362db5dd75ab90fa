"""The Python that the benchmarks run in: a virtual environment with pinned versions, made once."""

import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "target" / "benchmarks-python"
REQUIREMENTS = Path(__file__).resolve().with_name("requirements.txt")


def enter(*modules):
    """Starts the running script again in the environment, unless the modules are there already."""
    if all(importlib.util.find_spec(module) for module in modules):
        return
    python = FOLDER / "bin" / "python"
    if Path(sys.prefix).resolve() == FOLDER.resolve():
        sys.exit(f"{FOLDER} lacks one of {', '.join(modules)}: delete the folder and try again")
    if not python.exists():
        venv.create(FOLDER, with_pip=True)
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS], check=True)
    os.execv(python, [str(python), *sys.argv])
