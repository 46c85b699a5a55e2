"""Run the drills and print the table: `python -m benchmarks.faults [--tries N] [FAULT ...]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.faults import catalogue, port, sources
from benchmarks.faults.drill import Drill
from benchmarks.faults.judge import Found
from benchmarks.faults.report import Row, markdown, row, source_row

SPEEDS = (1, 5, 20)
"""Drills in computed time are run at these in turn: heartbeats and time-outs are wall time."""
HEADINGS = {
    "board": "The board's wire, in computed time",
    "stream": "The neural stream, in computed time",
    "port": "The whole engine over a real pseudo-terminal",
    "photometry": "A photometry board on a serial line",
    "program": "Samples from a program on ZeroMQ",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 if a promise was not kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("faults", nargs="*", help="names of faults; all if none are given")
    parser.add_argument("--tries", type=int, default=30, help="of each fault; a sixth of it over a real port")
    parser.add_argument("--seed", type=int, default=1, help="the first of the seeds")
    asked = parser.parse_args(arguments)
    seeds = range(asked.seed, asked.seed + asked.tries)
    kept = True
    heading = ""
    for part, one in _rows(seeds, frozenset(asked.faults)):
        if part != heading:
            heading = part
            print(f"\n### {HEADINGS[part]}\n\n{markdown()}")
        print(markdown(one), flush=True)
        for text in one.broken[:5]:
            print(f"broken, {one.name}: {text}", file=sys.stderr)
        kept &= not one.broken or bool(one.blind)
    return 0 if kept else 1


def _rows(seeds: range, only: frozenset[str]) -> Iterator[tuple[str, Row]]:
    for part, faults in (("board", catalogue.BOARD), ("stream", catalogue.STREAM)):
        for fault in faults:
            if not only or fault.name in only:
                yield part, row(fault.name, fault.what, [_drilled(fault, s) for s in seeds], fault.blind)
    for bad in port.PORT:
        if not only or bad.name in only:
            with tempfile.TemporaryDirectory() as folder:
                few = seeds[: max(1, len(seeds) // 6)]
                yield "port", row(bad.name, bad.what, [port.run(bad, s, Path(folder)) for s in few])
    for part, kinds in (("photometry", sources.PHOTOMETRY), ("program", sources.PROGRAM)):
        for kind in kinds:
            if not only or kind.name in only:
                yield part, source_row(kind.name, kind.what, [kind.run(s) for s in seeds], kind.blind)


def _drilled(fault: catalogue.Fault, seed: int) -> Found:
    speed = SPEEDS[seed % len(SPEEDS)]
    return Drill(fault.make(seed, speed), seed=seed, speed=speed).run()


if __name__ == "__main__":
    sys.exit(main())
