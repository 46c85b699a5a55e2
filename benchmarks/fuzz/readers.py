"""Everything that reads what a stranger may have made, and good examples for each.

A reader takes bytes and returns, or raises one of our own errors, whose text is one sentence for people.
Anything else it raises, and anything that takes seconds or grows without end, is a fault.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from rig.errors import DopaloopError

SEAM: Final = b"\x1e\x1f\x1e"
"""Between the parts of a multipart message."""
Good = tuple[type[Exception], ...]


@dataclasses.dataclass(frozen=True)
class Reader:
    """One reader.

    Parameters
    ----------
    make
        From a folder of its own: a function that takes one input.
    corpus
        From that folder: good inputs.
    allowed
        What it may raise.
    fresh
        After so many inputs it is made anew: what keeps a state is given many.
    """

    name: str
    what: str
    make: Callable[[Path], Callable[[bytes], object]]
    corpus: Callable[[Path], Sequence[bytes]]
    tokens: tuple[bytes, ...] = ()
    allowed: Good = (DopaloopError,)
    fresh: int = 500


def parts(data: bytes) -> list[bytes]:
    """Take a joined multipart message apart."""
    return data.split(SEAM)


def readers() -> tuple[Reader, ...]:
    """Return all readers; what they need is imported now."""
    from benchmarks.fuzz import files, host, wires

    return (*wires.READERS, *host.READERS, *files.READERS)
