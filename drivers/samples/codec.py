"""One message of the sample stream <-> one block of samples, in both roles. `decode` never raises."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from drivers.samples.wire import DTYPES, Header
from rig.errors import EncodeError

Floats = NDArray[np.float64]
_HEADER = msgspec.json.Decoder(Header)


class Block(msgspec.Struct, frozen=True, eq=False):
    """One message, read.

    Attributes
    ----------
    values
        float64, shape (samples, channels); not a number where the sender said so.
    digital
        uint8, shape (samples, lines): 0 or 1.
    """

    header: Header
    values: Floats
    digital: NDArray[np.uint8]


class Malformed(msgspec.Struct, frozen=True):
    """Parts that are no message of the stream."""

    dropped: int
    reason: str


def decode(parts: Sequence[bytes]) -> Block | Malformed:
    """Read one multipart message.

    Examples
    --------
    >>> decode([b"photometry", b"{}", b""]).reason
    'unreadable header: Object missing required field `stream`'
    """
    dropped = sum(len(part) for part in parts)
    if len(parts) not in (2, 3):
        return Malformed(dropped, f"{len(parts)} parts where a message has 2, or 3 with a topic")
    text, buffer = parts[-2:]
    try:
        header = _HEADER.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        return Malformed(dropped, f"unreadable header: {problem}")
    dtype = DTYPES.get(header.dtype)
    if dtype is None:
        return Malformed(dropped, f"dtype '{header.dtype}' is none of {', '.join(DTYPES)}")
    if len(set(header.channels)) != len(header.channels):
        return Malformed(dropped, "two channels have the same name")
    width = len(header.channels) * dtype.itemsize
    count, over = divmod(len(buffer), width + bool(header.digital))
    if over or not count:
        return Malformed(
            dropped, f"{len(buffer)} bytes are no whole number of samples of {width + bool(header.digital)}"
        )
    numbers = np.frombuffer(buffer, dtype, count * len(header.channels))
    values = numbers.reshape(count, -1).astype(np.float64)
    values[np.isinf(values)] = np.nan
    levels = np.zeros((count, header.digital), dtype=np.uint8)
    if header.digital:
        bits = np.frombuffer(buffer, np.uint8, count, count * width)
        levels[:] = bits[:, None] >> np.arange(header.digital, dtype=np.uint8) & 1
    return Block(header, values, levels)


def encode(
    header: Header, values: NDArray[np.generic], digital: NDArray[np.generic] | None = None
) -> list[bytes]:
    """Write one message: header and buffer.

    Parameters
    ----------
    values
        Shape (samples, channels).
    digital
        Shape (samples, lines), 0 or 1; None without lines.

    Raises
    ------
    EncodeError
        If header and arrays do not fit.
    """
    dtype, lines = DTYPES.get(header.dtype), 0 if digital is None else digital.shape[1]
    if (
        dtype is None
        or values.ndim != 2
        or values.shape[1] != len(header.channels)
        or lines != header.digital
    ):
        raise EncodeError(
            f"samples of shape {values.shape} and {lines} lines are not {len(header.channels)} channels of "
            f"{header.dtype} and {header.digital} lines"
        )
    buffer = np.ascontiguousarray(values, dtype=dtype).tobytes()
    if digital is not None and lines:
        packed = (digital.astype(np.uint8) & 1) << np.arange(lines, dtype=np.uint8)
        buffer += packed.sum(axis=1, dtype=np.uint8).tobytes()
    return [msgspec.json.encode(header), buffer]
