"""What the comparisons share: running programs, synthesis that is done once, ratios."""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import synthesize

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent


class Refused(Exception):
    """A program ended with an error; the message is what it said."""


def run(*command):
    """Standard output of a program."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused((done.stderr.strip() or done.stdout.strip())[-2000:])
    return done.stdout


def timed(*command):
    """Standard output of a program, the seconds from its start to its end, and those of its processor."""
    before, started = os.times(), time.monotonic()
    output = run(*command)
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return output, time.monotonic() - started, processor


def emulation_arguments(description):
    """The command line of a peer's emulator."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec")
    parser.add_argument("samples")
    parser.add_argument("outputs")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    return parser.parse_args()


def rtl4ml_binary():
    """Builds rtl4ml as a user gets it, and returns its path."""
    command = ["cargo", "build", "--locked", "--release", "--package", "rtl4ml", "--message-format", "json"]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit("rtl4ml was not built")
    messages = (json.loads(line) for line in done.stdout.splitlines())
    return next(message["executable"] for message in messages if message.get("executable"))


class Synthesis:
    """Synthesis with synthesize.py; the figures of Verilog that was seen before are kept in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder) / "synthesis"

    def figures(self, files, top):
        flow = (HERE / "synthesize.py").read_bytes() + (HERE / "requirements.txt").read_bytes()
        digest = hashlib.sha256(flow + top.encode())
        for file in files:
            digest.update(Path(file).read_bytes())
        kept = self.folder / f"{digest.hexdigest()}.json"
        if not kept.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(synthesize.synthesize(files, top)))
        return json.loads(kept.read_text())


def table(header, rows):
    """A table in Markdown; numbers to the right."""
    widths = [max(len(str(cell)) for cell in column) for column in zip(header, *rows)]

    def line(cells):
        aligned = [
            cell.ljust(width) if isinstance(cell, str) and index == 0 else str(cell).rjust(width)
            for index, (cell, width) in enumerate(zip(cells, widths))]
        return "| " + " | ".join(aligned) + " |"

    rule = "|" + "|".join("-" * (width + 1) + ("-" if index == 0 else ":") for index, width in enumerate(widths)) + "|"
    return "\n".join([line(header), rule, *(line(row) for row in rows)])


def ratio(ours, theirs):
    """Ours over theirs, where there is something to divide by."""
    return round(ours / theirs, 3) if ours is not None and theirs else None
