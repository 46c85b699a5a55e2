"""Data words <-> counts, volts and digital inputs; the same on the wire and in files."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from drivers.pyphotometry.wire import CLIPPING, LARGEST, VOLTS_PER_COUNT, Mode

Words = NDArray[np.uint16]
Floats = NDArray[np.float64]


class Decoded(msgspec.Struct, frozen=True, eq=False):
    """Samples of all signals.

    Attributes
    ----------
    volts
        float64, shape (samples, signals): with the light on minus before it. The makers' live view holds it
        at zero; here it stays as it is, so that noise keeps its mean.
    digital
        uint8, shape (samples, digitals): 0 or 1.
    clipped
        bool, shape (samples,): a reading was at the upper end, or at nothing at all.
    """

    volts: Floats
    digital: NDArray[np.uint8]
    clipped: NDArray[np.bool_]


def decode(words: Words, mode: Mode, volts_per_count: float = VOLTS_PER_COUNT) -> Decoded:
    """Read words.

    Parameters
    ----------
    words
        uint16, any shape that holds whole samples in order.
    """
    rows = words.reshape(-1, mode.words)
    counts = (rows >> 1).astype(np.int32)
    lit = counts[:, ::2] if mode.pulsed else counts
    signal = lit - counts[:, 1::2] if mode.pulsed else counts
    step = mode.words // mode.signals
    return Decoded(
        volts=signal.astype(np.float64) * volts_per_count,
        digital=(rows[:, : step * mode.digitals : step] & 1).astype(np.uint8),
        clipped=(counts > CLIPPING).any(axis=1) | (lit == 0).any(axis=1),
    )


def encode(
    lit: NDArray[np.integer], dark: NDArray[np.integer] | None, digital: NDArray[np.integer], mode: Mode
) -> Words:
    """Write words, as the board does.

    Parameters
    ----------
    lit
        Counts with the light on, shape (samples, signals); held to what 15 bits carry.
    dark
        Counts before it, same shape; None in continuous mode.
    digital
        Shape (samples, digitals): 0 or 1.

    Examples
    --------
    >>> from drivers.pyphotometry.wire import MODES
    >>> mode = MODES["2EX_2EM_pulsed"]
    >>> words = encode(np.array([[1000, 2000]]), np.array([[500, 700]]), np.array([[1, 0]]), mode)
    >>> words.tolist(), decode(words, mode).digital.tolist()
    ([[2001, 1000, 4000, 1400]], [[1, 0]])
    """
    step = mode.words // mode.signals
    words = np.zeros((len(lit), mode.words), dtype=np.uint16)
    words[:, ::step] = np.clip(lit, 0, LARGEST) << 1
    if dark is not None:
        words[:, 1::2] = np.clip(dark, 0, LARGEST) << 1
    words[:, : step * mode.digitals : step] |= digital.astype(np.uint16)
    return words
