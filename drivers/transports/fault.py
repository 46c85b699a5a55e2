"""A transport with a bad cable: bytes dropped, doubled, swapped, garbled, late, too many, and the cable cut.

What happens to which byte depends on the seed and on the bytes' places in the stream alone, never on
how the bytes were cut into chunks or when they came. So a fault drill can be repeated. Whole frames and
messages have faults of their own: `drivers.transports.pieces`.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from drivers.transports.contract import Transport
from rig.errors import TransportError

FLOOD_S: Final = 0.005
"""So often noise comes while nothing else does."""
MOST_NOISE: Final = 1 << 16

_BLOCK = 4096


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """How bad one direction is.

    Parameters
    ----------
    drop, double, garble, swap
        Probability of each for a single byte; a garbled byte always differs from the true one, a swapped one
        changes places with the byte after it.
    delay_s
        Every chunk is this late.
    bytes_per_s
        No more than this pass in a second, the rest waits; 0: no limit.
    stall_every, stall_s
        After each `stall_every` bytes nothing passes for `stall_s`; 0 for never.
    flood_per_s
        So many bytes of noise a second come in besides the true ones (incoming only).
    cut_after
        The pipe breaks after this many bytes; None for never.
    """

    drop: float = 0.0
    double: float = 0.0
    garble: float = 0.0
    swap: float = 0.0
    delay_s: float = 0.0
    bytes_per_s: float = 0.0
    stall_every: int = 0
    stall_s: float = 0.0
    flood_per_s: float = 0.0
    cut_after: int | None = None


class FaultyStream:
    """What one direction does to its bytes; without time, for use in virtual time too.

    Attributes
    ----------
    dropped, doubled, garbled, swapped
        How many bytes met each fate so far.
    """

    def __init__(self, faults: Faults, seed: int) -> None:
        self._faults = faults
        self._draws = np.random.Generator(np.random.PCG64(seed))
        self._fates: deque[tuple[float, int]] = deque()
        self._held = b""  # swapped: waits for the byte after it
        self.passed = self.dropped = self.doubled = self.garbled = self.swapped = 0

    @property
    def spoilt(self) -> int:
        """How many bytes met any fate."""
        return self.dropped + self.doubled + self.garbled + self.swapped

    def apply(self, data: bytes) -> bytes:
        """Return what becomes of `data`."""
        out = bytearray()
        faults = self._faults
        for byte in data:
            fate, mask = self._next()
            if fate < faults.drop:
                self.dropped += 1
            elif (fate := fate - faults.drop) < faults.double:
                self.doubled += 1
                out += bytes((byte, byte))
            elif (fate := fate - faults.double) < faults.garble:
                self.garbled += 1
                out.append(byte ^ mask)
            elif fate - faults.garble < faults.swap and not self._held:
                self.swapped += 1
                self._held = bytes((byte,))
                continue
            else:
                out.append(byte)
            if self._held:
                out += self._held
                self._held = b""
        self.passed += len(data)
        return bytes(out)

    def _next(self) -> tuple[float, int]:
        if not self._fates:
            masks = self._draws.integers(1, 256, _BLOCK)
            self._fates.extend(zip(self._draws.random(_BLOCK).tolist(), masks.tolist(), strict=True))
        return self._fates.popleft()


class FaultTransport:
    """Wraps a transport and spoils what passes.

    Parameters
    ----------
    inner
        The good transport.
    incoming, outgoing
        How bad each direction is, seen from the host.
    seed
        Of both directions' draws.
    clock, sleep
        Seconds; for tests.
    """

    def __init__(
        self,
        inner: Transport,
        *,
        incoming: Faults | None = None,
        outgoing: Faults | None = None,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._in_faults, self._out_faults = incoming or Faults(), outgoing or Faults()
        self.incoming = FaultyStream(self._in_faults, 2 * seed)
        self.outgoing = FaultyStream(self._out_faults, 2 * seed + 1)
        self._late: deque[tuple[float, bytes]] = deque()
        self._stalls = 0
        self._free_s = 0.0  # when a slow line has room again
        self._flooded_s = clock()
        self._noise = np.random.Generator(np.random.PCG64([seed, 2]))

    @property
    def name(self) -> str:
        """Name of the transport inside."""
        return self._inner.name

    def read(self, timeout_s: float) -> bytes:
        """Read what has come through.

        Raises
        ------
        TransportError
            As the transport inside, or because the cable is cut.
        """
        end_s = self._clock() + timeout_s
        while True:
            now_s = self._clock()
            if self._late and self._late[0][0] <= now_s:
                return self._late.popleft()[1]
            self._check_cut(self.incoming, self._in_faults)
            wait_s = max(0.0, min(end_s, self._late[0][0] if self._late else end_s) - now_s)
            data = self._inner.read(min(wait_s, FLOOD_S) if self._in_faults.flood_per_s else wait_s)
            if data:
                self._arrive(data)
            noise = self._flood()
            if noise:
                return noise
            if not data and self._clock() >= end_s:
                return b""

    def _flood(self) -> bytes:
        """Return the noise that has come since the last look."""
        now_s = self._clock()
        count = int((now_s - self._flooded_s) * self._in_faults.flood_per_s)
        if not count:
            return b""
        self._flooded_s += count / self._in_faults.flood_per_s
        return self._noise.bytes(min(count, MOST_NOISE))

    def _arrive(self, data: bytes) -> None:
        faults = self._in_faults
        data = _until_cut(data, self.incoming, faults)
        due_s = self._clock() + faults.delay_s
        if faults.stall_every and (self.incoming.passed + len(data)) // faults.stall_every > self._stalls:
            self._stalls = (self.incoming.passed + len(data)) // faults.stall_every
            due_s += faults.stall_s
        if faults.bytes_per_s:
            self._free_s = max(self._clock(), self._free_s) + len(data) / faults.bytes_per_s
            due_s = max(due_s, self._free_s)
        if self._late:
            due_s = max(due_s, self._late[-1][0])
        spoilt = self.incoming.apply(data)
        if spoilt:
            self._late.append((due_s, spoilt))

    def write(self, data: bytes) -> None:
        """Write what gets through.

        Raises
        ------
        TransportError
            As the transport inside, or because the cable is cut.
        """
        with self._lock:
            self._check_cut(self.outgoing, self._out_faults)
            faults = self._out_faults
            if faults.delay_s:
                self._sleep(faults.delay_s)
            if faults.bytes_per_s:
                self._sleep(len(data) / faults.bytes_per_s)
            before = self.outgoing.passed
            data = self.outgoing.apply(_until_cut(data, self.outgoing, faults))
            if (
                faults.stall_every
                and self.outgoing.passed // faults.stall_every > before // faults.stall_every
            ):
                self._sleep(faults.stall_s)
            self._inner.write(data)

    def close(self) -> None:
        """Close the transport inside."""
        self._inner.close()

    def _check_cut(self, stream: FaultyStream, faults: Faults) -> None:
        if faults.cut_after is not None and stream.passed >= faults.cut_after:
            raise TransportError(f"port {self.name} broke: the cable was cut (by a fault drill)")


def _until_cut(data: bytes, stream: FaultyStream, faults: Faults) -> bytes:
    return data if faults.cut_after is None else data[: max(0, faults.cut_after - stream.passed)]
