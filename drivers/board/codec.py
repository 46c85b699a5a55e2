"""Bytes <-> Harp frames, in either role, without a port or a clock of its own.

Theory. A Harp frame has no start mark that cannot occur inside it; only its header's few legal
values and an 8-bit checksum tell it from noise. So the codec tries every place. A header that is
none is passed by one byte; a frame whose checksum fails is passed by one byte too, because the real
frame may lie inside it. What remains is a false header that promises more bytes than are there: it
is settled once 257 bytes have come (no frame is longer), and after 10 ms without a byte the codec
looks *behind* it. A whole good frame found there wins, and what stood before it was noise. A partial
frame with nothing good behind it is kept for another second, since USB bridges (up to 16 ms) and a
busy reader (up to 60 ms) do split good frames; then it is given up as well.

Hence the property that the tests hold it to: of N good frames planted in noise all are found once
257 clean bytes or 10 ms of idle follow; nothing raises; every byte is either in a frame, counted as
dropped, or one of at most 256 that wait.
"""

from __future__ import annotations

import re
from typing import Final
from zlib import adler32

from drivers.board.wire import FORMATS, HEADER_BYTES, KINDS, MIN_FRAME, STAMPED, Frame, frame_size
from rig.events import WireNoise
from rig.units import NS_PER_MS, NS_PER_S

IDLE_NS: Final = 10 * NS_PER_MS
"""After this long without a byte, look behind a partial frame."""

GIVE_UP_NS: Final = NS_PER_S
"""After this long without a byte, a partial frame is noise."""

_KNOWN_HEADERS: Final = 1024
"""Headers remembered as good; a talk with one device has a few dozen."""


def _alternatives(values: tuple[int, ...]) -> bytes:
    return b"[" + b"".join(re.escape(bytes((value,))) for value in values) + b"]"


# A header, or the beginning of one at the very end: C finds the next candidate in noise for us.
_HEADER: Final = re.compile(
    rb"%s(?:\Z|[\x04-\xff](?:\Z|.(?:\Z|\xff(?:\Z|%s))))"
    % (_alternatives(KINDS), _alternatives(tuple(t | s for t in FORMATS for s in (0, STAMPED)))),
    re.DOTALL,
)


class HarpCodec:
    """Incremental Harp framer with a bounded buffer.

    Parameters
    ----------
    source
        Name used in `WireNoise`.

    Attributes
    ----------
    frames, dropped
        Frames found and bytes dropped since the start.
    """

    def __init__(self, source: str = "harp") -> None:
        self.source = source
        self.frames = 0
        self.dropped = 0
        self._rest = b""
        self._stale = 0  # how many bytes of the rest lay there before the last silence
        self._looked = False
        self._heard_ns = 0
        self._sizes: dict[bytes, int] = {}

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return len(self._rest)

    @property
    def wanted(self) -> int:
        """The least number of further bytes that can complete the frame that waits."""
        rest = self._rest
        size = rest[1] + 2 if len(rest) > 1 else MIN_FRAME
        return max(1, size - len(rest))

    def deadline_ns(self) -> int | None:
        """When `idle` should be called next, or None."""
        if not self._rest:
            return None
        return self._heard_ns + (GIVE_UP_NS if self._looked else IDLE_NS)

    def reset(self) -> int:
        """Forget a partial frame (the port was opened anew); return how many bytes it had."""
        forgotten = len(self._rest)
        self.dropped += forgotten
        self._rest, self._stale = b"", 0
        return forgotten

    def feed(self, data: bytes, t_ns: int) -> list[Frame | WireNoise]:
        """Take bytes as they came; return the frames and the noise among them, in order.

        Parameters
        ----------
        data
            Any bytes, whole frames or pieces.
        t_ns
            When they came, on any clock in nanoseconds.
        """
        if not data:
            return self.idle(t_ns)
        found: list[Frame | WireNoise] = []
        if self._rest:
            silence = t_ns - self._heard_ns
            if silence >= GIVE_UP_NS:
                found = self.idle(t_ns)
            elif silence >= IDLE_NS:
                self._stale = len(self._rest)
            data = self._rest + data
        self._heard_ns = t_ns
        return self._scan(data, found)

    def idle(self, t_ns: int) -> list[Frame | WireNoise]:
        """Let time pass without a byte: look behind a partial frame, or give it up."""
        silence = t_ns - self._heard_ns
        if not self._rest or silence < IDLE_NS:
            return []
        self._stale = len(self._rest)
        found: list[Frame | WireNoise] = [] if self._looked else self._scan(self._rest, [])
        if self._rest and silence >= GIVE_UP_NS:
            self._drop(len(self._rest), "unfinished frame", found)
            self._rest, self._stale = b"", 0
        self._looked = True
        return found

    def _drop(self, count: int, reason: str, found: list[Frame | WireNoise]) -> None:
        self.dropped += count
        found.append(WireNoise(source=self.source, dropped=count, reason=reason))

    def _scan(self, data: bytes, found: list[Frame | WireNoise]) -> list[Frame | WireNoise]:
        """Find all frames in `data`; keep what may still become one."""
        sizes, before = self._sizes, len(found)
        end, at, done, kept = len(data), 0, 0, -1  # done: bytes accounted for; kept: a partial frame's place
        noise = 0
        while at < end:
            size = sizes.get(data[at : at + HEADER_BYTES])
            if size is None:
                at, size = self._candidate(data, at)
                if at == end:
                    break
            stop = at + size
            if size and stop <= end:
                raw = data[at:stop]
                # The lower half of Adler-32 is 1 + the sum of all bytes (a frame's sum stays below its
                # modulus 65521); C adds them up two and a half times faster than `sum` does.
                if (adler32(raw) - 1 - 2 * raw[-1]) & 0xFF == 0:
                    if at > done:
                        self._drop(at - done, "no Harp frame", found)
                        noise += 1
                    found.append(Frame(raw))
                    done = at = stop
                    kept = -1
                    continue
            elif kept < 0:
                kept = at  # may become a frame
                if at >= self._stale:
                    break
            elif at >= self._stale:
                break
            at += 1
        kept = at if kept < 0 else kept
        if kept > done:
            self._drop(kept - done, "no Harp frame", found)
            noise += 1
        self.frames += len(found) - before - noise
        self._rest = data[kept:]
        self._stale = max(0, self._stale - kept)
        self._looked = False
        return found

    def _candidate(self, data: bytes, at: int) -> tuple[int, int]:
        """Place and size of the next possible frame from `at` on; size 0 if its header is not whole."""
        while match := _HEADER.search(data, at):
            at, header = match.start(), match.group()
            if len(header) < HEADER_BYTES:
                return at, 0
            size = frame_size(header)
            if size:
                if len(self._sizes) < _KNOWN_HEADERS:
                    self._sizes[header] = size
                return at, size
            at += 1
        return len(data), 0
