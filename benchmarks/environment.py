"""The Python that the benchmarks run in: a virtual environment with pinned versions, made once."""

import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "target" / "benchmarks-python"
HERE = Path(__file__).resolve().parent


def install(requirements, python=sys.executable):
    """Installs what a file beside this one names, unless it is there already."""
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", HERE / requirements]
    subprocess.run(command, check=True)


def enter(*modules, requirements="requirements.txt"):
    """Starts the running script again in the environment, unless the modules are there already.

    `requirements` is the file, beside this one, of what they are installed from.
    """
    if all(importlib.util.find_spec(module) for module in modules):
        return
    python = FOLDER / "bin" / "python"
    if Path(sys.prefix).resolve() == FOLDER.resolve():
        sys.exit(f"{FOLDER} lacks one of {', '.join(modules)}: delete the folder and try again")
    if not python.exists():
        venv.create(FOLDER, with_pip=True)
    install(requirements, python)
    os.execv(python, [str(python), *sys.argv])
