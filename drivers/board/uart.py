"""The chip's serial line in computed time: ten bits a byte, a ring of 256 bytes each way.

Nothing here looks at the wall clock. A byte written by the host is in the chip's ring when its last
bit has come; a byte that finds the ring full is lost, as on the chip. A byte that the chip puts into
its sending ring can be had by the host when its last bit has gone.
"""

from __future__ import annotations

from collections import deque
from typing import Final

RING_BYTES: Final = 256
NEVER: Final = 1 << 200


def byte_us(baud: int) -> int:
    """Microseconds that one byte takes on the line (8N1: ten bits), rounded up.

    Examples
    --------
    >>> byte_us(1_000_000)
    10
    """
    return -(-10_000_000 // baud)


class Receiver:
    """From the host's write to the chip's ring.

    Parameters
    ----------
    per_byte_us
        Time of one byte on the line.
    deaf
        So many bytes at the beginning are not heard (a chip just out of reset).

    Attributes
    ----------
    lost
        Bytes that found the ring full, or the chip deaf.
    """

    def __init__(self, per_byte_us: int, deaf: int = 0) -> None:
        self.lost = 0
        self._deaf = deaf
        self._per_byte_us = per_byte_us
        self._line: deque[tuple[int, bytes]] = deque()  # when its first byte began, bytes
        self._free_us = 0
        self._ring = bytearray()

    @property
    def busy(self) -> bool:
        """Whether bytes are on the line or in the ring."""
        return bool(self._line or self._ring)

    def write(self, data: bytes, now_us: int) -> None:
        """Let the host write `data`; it follows what is still on the line."""
        if not data:
            return
        begin_us = max(now_us, self._free_us)
        self._line.append((begin_us, data))
        self._free_us = begin_us + len(data) * self._per_byte_us

    def due_us(self, wanted: int) -> int:
        """When `wanted` bytes are in the ring, or all that were written if they are fewer."""
        missing, due = wanted - len(self._ring), (0 if self._ring else NEVER)
        for begin_us, data in self._line:
            if missing <= 0:
                break
            due = begin_us + min(missing, len(data)) * self._per_byte_us
            missing -= len(data)
        return due

    def take(self, most: int, now_us: int) -> bytes:
        """Return up to `most` bytes of those that have come by now."""
        self.hear(now_us)
        taken = bytes(self._ring[:most])
        del self._ring[:most]
        return taken

    def hear(self, now_us: int) -> None:
        """Move what has come by now into the ring; what does not fit is lost."""
        while self._line:
            begin_us, data = self._line[0]
            come = min(len(data), (now_us - begin_us) // self._per_byte_us)
            if come <= 0:
                return
            self._line.popleft()
            if come < len(data):
                self._line.appendleft((begin_us + come * self._per_byte_us, data[come:]))
            deaf = min(self._deaf, come)
            self._deaf -= deaf
            heard = data[deaf:come]
            room = RING_BYTES - len(self._ring)
            self._ring += heard[:room]
            self.lost += come - min(room, len(heard))


class Sender:
    """From the chip's ring to the host."""

    def __init__(self, per_byte_us: int) -> None:
        self._per_byte_us = per_byte_us
        self._queue: deque[tuple[int, bytes]] = deque()  # when its first byte begins, bytes
        self._free_us = 0

    def room_us(self, size: int) -> int:
        """When the ring has room for `size` more bytes."""
        return self._free_us - (RING_BYTES - size) * self._per_byte_us

    def put(self, frame: bytes, now_us: int) -> None:
        """Put a frame behind what is in the ring; the caller has waited for room."""
        begin_us = max(now_us, self._free_us)
        self._queue.append((begin_us, frame))
        self._free_us = begin_us + len(frame) * self._per_byte_us

    def due_us(self) -> int:
        """When the first frame in the ring will have gone."""
        if not self._queue:
            return NEVER
        begin_us, frame = self._queue[0]
        return begin_us + len(frame) * self._per_byte_us

    def gone(self, now_us: int) -> bytes:
        """Return the bytes whose last bit has gone by now; each is returned once."""
        out = b""
        while self._queue:
            begin_us, frame = self._queue[0]
            count = min(len(frame), (now_us - begin_us) // self._per_byte_us)
            if count <= 0:
                break
            self._queue.popleft()
            out += frame[:count]
            if count < len(frame):
                self._queue.appendleft((begin_us + count * self._per_byte_us, frame[count:]))
        return out
