"""Several multipart messages in one payload, so that a burst of a stream costs one input record.

The layout, all numbers little-endian ``u32``::

    count of messages
      count of parts          } for each message
        length, bytes         }   for each part

Nothing else is in it, so a payload has one encoding only, and a damaged one is always found out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final

from rig.errors import PackError

_WORD: Final = 4
_word_at: Final = struct.Struct("<I").unpack_from
MAX_MESSAGES: Final = 1 << 16
"""More messages (or parts of one message) than this in a payload are taken for damage."""


def pack(messages: Iterable[Sequence[bytes]]) -> bytes:
    """Pack multipart messages into one payload.

    Examples
    --------
    >>> unpack(pack([[b"EVENT", b"{}"], [b"DATA"]]))
    [(b'EVENT', b'{}'), (b'DATA',)]
    """
    pieces: list[bytes] = [b""]
    count = 0
    for parts in messages:
        count += 1
        pieces.append(len(parts).to_bytes(_WORD, "little"))
        for part in parts:
            pieces.append(len(part).to_bytes(_WORD, "little"))
            pieces.append(part)
    pieces[0] = count.to_bytes(_WORD, "little")
    return b"".join(pieces)


def unpack(payload: bytes) -> list[tuple[bytes, ...]]:
    """Take a packed payload apart again.

    Raises
    ------
    PackError
        If the payload is cut, has bytes left over, or claims more than it can hold.
    """
    messages: list[tuple[bytes, ...]] = []
    end = len(payload)
    count, at = _count(payload, 0)
    for _ in range(count):
        n_parts, at = _count(payload, at)
        parts: list[bytes] = []
        for _ in range(n_parts):
            if at + _WORD > end:
                raise PackError(f"packed messages are cut at byte {at} of {end}")
            (size,) = _word_at(payload, at)
            at += _WORD
            stop = at + size
            if stop > end:
                raise PackError(f"a packed part claims to end at byte {stop} of {end}")
            parts.append(payload[at:stop])
            at = stop
        messages.append(tuple(parts))
    if at != end:
        raise PackError(f"{end - at} bytes are left over after the packed messages")
    return messages


def _count(payload: bytes, at: int) -> tuple[int, int]:
    """Read a count at `at`; return it and where the next thing begins."""
    if at + _WORD > len(payload):
        raise PackError(f"packed messages are cut at byte {at} of {len(payload)}")
    (count,) = _word_at(payload, at)
    if count > MAX_MESSAGES or count * _WORD > len(payload) - at:
        raise PackError(f"packed messages claim {count} items in {len(payload) - at} bytes")
    return count, at + _WORD
