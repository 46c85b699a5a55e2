r"""What was pulled from an LSL stream, as one multipart message: recorded and replayed like any other.

LSL has no bytes of its own that we could keep: its library hands over numbers. They are packed here at once,
and everything after that is decoded from the packed form, live and in replay::

    part 0   b"lsl\0"
    part 1   JSON   {"uid", "name", "kind": "samples" | "markers", "channels", "rate_hz", "offset_ns"}
    part 2   samples   n stamps (float64, s), then n x channels values (float64), little-endian
             markers   JSON [[stamp, text], ...]

Stamps are the sender's, in seconds of its LSL clock. `offset_ns` brings them to the host's clock:
``round(stamp * 1e9) + offset_ns``; it holds LSL's own time correction. `uid` changes when the sender's
clock begins anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

ENVELOPE: Final = b"lsl\x00"
FLOAT_BYTES: Final = 8

Floats = NDArray[np.float64]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says of its stream.

    Parameters
    ----------
    channels
        Names of the channels; of markers none.
    rate_hz
        Nominal; 0 for an irregular stream.
    """

    uid: str
    name: str
    kind: Literal["samples", "markers"]
    channels: tuple[str, ...] = ()
    rate_hz: Annotated[float, msgspec.Meta(ge=0, le=1e9)] = 0.0
    offset_ns: int = 0

    def host_ns(self, stamp_s: float) -> int:
        """Return a stamp on the host's clock."""
        return round(stamp_s * 1e9) + self.offset_ns


class Pulled(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One message, read.

    Parameters
    ----------
    stamps
        Seconds of the sender's clock, shape (n,).
    values
        Shape (n, channels); of markers empty.
    texts
        Of markers one each; of samples none.
    """

    header: Header
    stamps: Floats
    values: Floats
    texts: tuple[str, ...] = ()


_HEADER: Final = msgspec.json.Decoder(Header)
_MARKERS: Final = msgspec.json.Decoder(list[tuple[float, str]])
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError)


def encode_samples(header: Header, stamps: Sequence[float], values: Sequence[Sequence[float]]) -> list[bytes]:
    """Pack samples."""
    body = np.asarray(stamps, "<f8").tobytes() + np.asarray(values, "<f8").tobytes()
    return [ENVELOPE, msgspec.json.encode(header), body]


def encode_markers(header: Header, stamps: Sequence[float], texts: Sequence[str]) -> list[bytes]:
    """Pack markers."""
    pairs = list(zip(stamps, texts, strict=True))
    return [ENVELOPE, msgspec.json.encode(header), msgspec.json.encode(pairs)]


def decode(parts: Sequence[bytes]) -> Pulled | str:
    """Read one message; never raises. What cannot be read comes back as the reason, a text."""
    if len(parts) != 3 or parts[0] != ENVELOPE:
        return "no packed LSL message"
    try:
        header = _HEADER.decode(parts[1])
        if header.kind == "markers":
            pairs = _MARKERS.decode(parts[2])
            stamps = np.array([stamp for stamp, _ in pairs], dtype=np.float64)
            return Pulled(
                header=header, stamps=stamps, values=np.zeros((0, 0)), texts=tuple(text for _, text in pairs)
            )
    except _UNREADABLE as problem:
        return f"unreadable LSL message: {problem}"
    columns = len(header.channels) + 1
    if not header.channels or len(parts[2]) % (FLOAT_BYTES * columns):
        return f"{len(parts[2])} bytes are no samples of {len(header.channels)} channels"
    numbers = np.frombuffer(parts[2], "<f8").astype(np.float64)
    n = numbers.size // columns
    if not np.isfinite(numbers[:n]).all():
        return "time stamps that are no numbers"
    return Pulled(header=header, stamps=numbers[:n], values=numbers[n:].reshape(n, columns - 1))
