"""Live samples of fibres, as they come on the *arrays* channel. Knows no Qt."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from rig.runtime.client import ArrayBlock

PREFIX = "photometry/"
COLUMNS = 3


class FibreSamples(msgspec.Struct, frozen=True, eq=False):
    """Consecutive samples of one fibre.

    Attributes
    ----------
    first, board_us
        Number of the first sample, and when it was taken (-1: not known).
    values
        float32, shape (samples, 3): signal, control, dF/F; not a number where there is none.
    """

    source: str
    fibre: str
    rate_hz: float
    first: int
    board_us: int
    values: NDArray[np.float32]


def samples_of(block: ArrayBlock) -> FibreSamples | None:
    """Return the samples in a block; None if it holds something else, or nothing that can be read."""
    header = block.header
    if not header.name.startswith(PREFIX) or header.dtype != "<f4":
        return None
    shape, info = header.shape, header.info
    if len(shape) != 2 or shape[1] != COLUMNS or len(block.buffer) != 4 * shape[0] * shape[1]:
        return None
    try:
        return FibreSamples(
            source=str(info["source"]),
            fibre=str(info["fibre"]),
            rate_hz=float(info["rate_hz"]),
            first=int(info["first"]),
            board_us=int(info["board_us"]),
            values=np.frombuffer(block.buffer, "<f4").reshape(shape),
        )
    except (KeyError, ValueError):
        return None
