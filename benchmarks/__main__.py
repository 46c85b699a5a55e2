"""Run every benchmark with short rounds and print one table: `python -m benchmarks`."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Row, rows

HERE = Path(__file__).resolve().parent
WIDTH = 130


def main(arguments: Sequence[str] = ()) -> int:
    """Run all; or what `arguments` choose, which go to pytest, a path first. Return pytest's exit code."""
    where = [] if arguments and Path(arguments[0]).exists() else [str(HERE)]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        options = ["-q", "--benchmark-quiet", f"--benchmark-json={out}", "-p", "no:cacheprovider"]
        code = pytest.main([*options, *where, *arguments])
        measured = json.loads(out.read_text() or "{}") if out.exists() else {}
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.print(table(rows(measured.get("benchmarks", []))))
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    console.print(machine, highlight=False)
    return int(code)


def table(found: Sequence[Row]) -> Table:
    """Lay the rows out; a ratio is our figure over the baseline's."""
    made = Table(title="figures beside their baselines")
    for heading in ("what", "figure", "baseline", "ratio", "aim", "met"):
        made.add_column(heading, justify="right" if heading == "ratio" else "left")
    before = ""
    for row in found:
        met = {None: "", True: "yes", False: "no"}[row.met]
        what = f"{row.what}: {row.ours}" if row.ours else row.what
        made.add_row(
            "" if what == before else what, row.figure, row.baseline, f"{row.ratio:.2f}", row.aim, met
        )
        before = what
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
