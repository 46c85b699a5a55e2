"""What the fuzzers of `firmware/host` begin with: talks and tables that mean something."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.firmware.scripts import Draws, random_image
from benchmarks.firmware.wire import random_steps

_PIECE: Final = 250
_LONG_PAUSE: Final = 0x80
"""The fuzz target passes 20 cycles a count with this bit set."""


def frames_sample(seed: int, number: int) -> bytes:
    """Return a random talk in the form of `fuzz_frames.c`."""
    out, cycle = b"", 0
    for step in random_steps(seed, number)[:20]:
        pause = step.cycle - cycle
        cycle = step.cycle
        for at in range(0, len(step.data), _PIECE):
            piece = step.data[at : at + _PIECE]
            out += bytes((len(piece),)) + piece
            out += bytes((pause if pause < _LONG_PAUSE else _LONG_PAUSE | min(pause // 20, 127),))
            pause = 0
    return out


def table_sample(seed: int, number: int) -> bytes:
    """Return a random table and what happens to it in the form of `fuzz_tables.c`."""
    draws = Draws(seed, number, 0x7AB1E)
    image = random_image(draws)
    return len(image).to_bytes(2, "little") + image + draws.bytes(draws.below(200))


def write_corpora(folder: Path, seed: int, count: int) -> tuple[Path, Path]:
    """Write `count` samples for each target; return the folders (frames, tables)."""
    frames, tables = folder / "frames", folder / "tables"
    for kind, sample in ((frames, frames_sample), (tables, table_sample)):
        kind.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (kind / f"{seed}-{number}").write_bytes(sample(seed, number))
    return frames, tables
