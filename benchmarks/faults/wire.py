"""The wires of a rig in computed time, and what can be wrong with them.

`Wire` passes everything on. Its kin spoil what passes, hold it back, cut the cable, or let the device
itself go wrong. Each draws from one seed, and acts at a moment of its own: so many trials in, and a while.

A long file of short classes, one a fault, which differ in one method: they are read beside each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec
import numpy as np

from drivers.board.codec import HarpCodec
from drivers.board.emulator import BoardEmulator
from drivers.board.wire import Frame
from drivers.rig_emulator.world import EmulatedWorld
from drivers.transports.fault import Faults, FaultyStream
from drivers.transports.pieces import FaultyPieces, PieceFaults
from rig.events import BoardEvent, OutputChange, TrialStarted
from rig.units import US_PER_S

Multipart = list[bytes]
_Kept = TypeVar("_Kept")
NEVER: Final = 1 << 60
REOPEN_US: Final = US_PER_S
"""A port that broke is tried again after this long, as the engine does."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """When something goes wrong: so long behind the start, or the valve's opening, of a trial (from 1)."""

    trial: int
    after_us: int
    valve: bool = False


def some_moment(seed: int) -> Moment:
    """Return a moment; every third one lies within an opening of the valve."""
    draws = np.random.Generator(np.random.PCG64([seed, 99]))
    trial = int(draws.integers(2, 7))
    if seed % 3 == 0:
        return Moment(trial=trial, after_us=int(draws.integers(0, 12_000)), valve=True)
    return Moment(trial=trial, after_us=int(draws.integers(0, 3 * US_PER_S)))


class Wire:
    """Both ways of the board's line, and the neural stream's; passes everything on.

    Attributes
    ----------
    spoilt
        How often something went wrong so far (bytes, frames, messages, or occasions).
    cut
        Whether the board's cable is out.
    """

    def __init__(self) -> None:
        self.spoilt = 0
        self.cut = False

    def attach(self, world: EmulatedWorld) -> None:
        """Know the world whose wires these are."""
        self.world = world

    def to_board(self, data: bytes, now_us: int) -> bytes:
        """Return what reaches the board now; called again and again, also with nothing."""
        return data

    def to_host(self, data: bytes, now_us: int) -> bytes:
        """Return what reaches the host now; as `to_board`."""
        return data

    def messages(self, found: list[Multipart], now_us: int) -> list[Multipart]:
        """Return the messages that reach the host now; as `to_board`."""
        return found

    def saw(self, event: BoardEvent) -> None:
        """Take note of what really happened on the board."""

    def news(self, now_us: int) -> bool | None:
        """Return whether the port was lost (False) or opened again (True) by now; None: neither."""
        return None

    def due_us(self) -> int:
        """When it wants to be asked next."""
        return NEVER


class Timed(Wire):
    """Waits for its moment, then acts once."""

    def __init__(self, moment: Moment) -> None:
        super().__init__()
        self._moment = moment
        self._trial = 0
        self.at_us = NEVER
        """When it acts; known once its trial has begun."""

    def saw(self, event: BoardEvent) -> None:
        if isinstance(event, TrialStarted):
            self._trial += 1
            if self._trial == self._moment.trial and not self._moment.valve:
                self.at_us = event.t_us + self._moment.after_us
        opened = isinstance(event, OutputChange) and event.output == 0 and event.on
        if opened and self._moment.valve and self._trial >= self._moment.trial and self.at_us == NEVER:
            self.at_us = event.t_us + self._moment.after_us  # type: ignore[union-attr]  # an OutputChange

    def due_us(self) -> int:
        return self.at_us if not self.spoilt else NEVER

    def acts(self, now_us: int) -> bool:
        """Whether the moment has come; true once."""
        if self.spoilt or now_us < self.at_us:
            return False
        self.spoilt = 1
        return True


# --- bytes and frames -------------------------------------------------------------------------------


class SpoiltBytes(Wire):
    """Single bytes go wrong, both ways."""

    def __init__(self, faults: Faults, seed: int) -> None:
        super().__init__()
        self._out, self._back = FaultyStream(faults, 2 * seed), FaultyStream(faults, 2 * seed + 1)

    def to_board(self, data: bytes, now_us: int) -> bytes:
        return self._counted(self._out, data)

    def to_host(self, data: bytes, now_us: int) -> bytes:
        return self._counted(self._back, data)

    def _counted(self, stream: FaultyStream, data: bytes) -> bytes:
        before = stream.spoilt
        spoilt = stream.apply(data)
        self.spoilt += stream.spoilt - before
        return spoilt


def garbled_bytes(data: bytes, draws: np.random.Generator) -> bytes:
    """Change one to three bytes of something."""
    spoilt = bytearray(data)
    for _ in range(int(draws.integers(1, 4)) if spoilt else 0):
        spoilt[int(draws.integers(len(spoilt)))] ^= int(draws.integers(1, 256))
    return bytes(spoilt)


class SpoiltFrames(Wire):
    """Whole frames go wrong, both ways."""

    def __init__(self, faults: PieceFaults, seed: int) -> None:
        super().__init__()
        self._cut_out, self._cut_back = HarpCodec(), HarpCodec()
        self._out = FaultyPieces(faults, 2 * seed, garbled_bytes)
        self._back = FaultyPieces(faults, 2 * seed + 1, garbled_bytes)

    def to_board(self, data: bytes, now_us: int) -> bytes:
        return self._passed(self._cut_out, self._out, data, now_us)

    def to_host(self, data: bytes, now_us: int) -> bytes:
        return self._passed(self._cut_back, self._back, data, now_us)

    def _passed(self, codec: HarpCodec, pieces: FaultyPieces[bytes], data: bytes, now_us: int) -> bytes:
        before = pieces.spoilt
        frames = [item.raw for item in codec.feed(data, now_us * 1000) if isinstance(item, Frame)]
        spoilt = b"".join(pieces.apply(frames))
        self.spoilt += pieces.spoilt - before
        return spoilt


# --- late -------------------------------------------------------------------------------------------


class Hold:
    """Things on their way that come later, in order."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._last_us = 0

    def put(self, data: bytes, due_us: int) -> None:
        if data:
            self._last_us = max(self._last_us, due_us)
            self._waiting.append((self._last_us, data))

    def take(self, now_us: int) -> bytes:
        out = b""
        while self._waiting and self._waiting[0][0] <= now_us:
            out += self._waiting.popleft()[1]
        return out

    def due_us(self) -> int:
        return self._waiting[0][0] if self._waiting else NEVER


class Stalled(Timed):
    """Nothing passes for a while, either way; then all of it comes at once."""

    def __init__(self, moment: Moment, for_us: int) -> None:
        super().__init__(moment)
        self._for_us = for_us
        self._until_us = 0
        self._out, self._back = Hold(), Hold()

    def to_board(self, data: bytes, now_us: int) -> bytes:
        return self._held(self._out, data, now_us)

    def to_host(self, data: bytes, now_us: int) -> bytes:
        return self._held(self._back, data, now_us)

    def _held(self, hold: Hold, data: bytes, now_us: int) -> bytes:
        if self.acts(now_us):
            self._until_us = now_us + self._for_us
        hold.put(data, max(now_us, self._until_us))
        return hold.take(now_us)

    def due_us(self) -> int:
        return min(super().due_us(), self._out.due_us(), self._back.due_us())


class Slow(Wire):
    """So many bytes a second and no more, both ways."""

    def __init__(self, bytes_per_s: float) -> None:
        super().__init__()
        self._per_us = bytes_per_s / US_PER_S
        self._out, self._back = Hold(), Hold()
        self._free_us = {id(self._out): 0.0, id(self._back): 0.0}
        self.spoilt = 1

    def to_board(self, data: bytes, now_us: int) -> bytes:
        return self._slowed(self._out, data, now_us)

    def to_host(self, data: bytes, now_us: int) -> bytes:
        return self._slowed(self._back, data, now_us)

    def _slowed(self, hold: Hold, data: bytes, now_us: int) -> bytes:
        if data:
            free_us = max(self._free_us[id(hold)], now_us) + len(data) / self._per_us
            self._free_us[id(hold)] = free_us
            hold.put(data, int(free_us))
        return hold.take(now_us)

    def due_us(self) -> int:
        return min(self._out.due_us(), self._back.due_us())


class Cut(Timed):
    """The cable is pulled, and comes back."""

    def __init__(self, moment: Moment, for_us: int) -> None:
        super().__init__(moment)
        self._back_us = NEVER
        self._for_us = for_us

    def to_board(self, data: bytes, now_us: int) -> bytes:
        return b"" if self.cut else data

    def to_host(self, data: bytes, now_us: int) -> bytes:
        return b"" if self.cut else data

    def news(self, now_us: int) -> bool | None:
        if self.acts(now_us):
            self.cut = True
            tries = -(-self._for_us // REOPEN_US)
            self._back_us = now_us + tries * REOPEN_US
            return False
        if self.cut and now_us >= self._back_us:
            self.cut, self._back_us = False, NEVER
            return True
        return None

    def due_us(self) -> int:
        return min(super().due_us(), self._back_us)


class Unplugged(Cut):
    """The same, and the port does not say so: bytes vanish, nothing breaks (a dead hub, a radio link)."""

    def news(self, now_us: int) -> bool | None:
        super().news(now_us)
        return None


# --- the device itself ------------------------------------------------------------------------------


class Reset(Timed):
    """The board loses power for a moment; its USB bridge, and so the port, stays."""

    def to_host(self, data: bytes, now_us: int) -> bytes:
        if self.acts(now_us):
            board = self.world.board
            assert isinstance(board, BoardEmulator)
            board.reset()
        return data


class NoiseFlood(Timed):
    """The device sends noise as fast as the line goes, for a while."""

    def __init__(self, moment: Moment, for_us: int, seed: int) -> None:
        super().__init__(moment)
        self._for_us, self._from_us, self._until_us = for_us, NEVER, 0
        self._draws = np.random.Generator(np.random.PCG64([seed, 5]))

    def to_host(self, data: bytes, now_us: int) -> bytes:
        if self.acts(now_us):
            self._from_us, self._until_us = now_us, now_us + self._for_us
        if now_us <= self._from_us or self._from_us >= self._until_us:
            return data
        count = (min(now_us, self._until_us) - self._from_us) // 10
        self._from_us = NEVER if now_us >= self._until_us else now_us
        return data + self._draws.bytes(count)


class FrameFlood(Timed):
    """The device sends its last good frame over and over, for a while: well formed, and nothing new."""

    def __init__(self, moment: Moment, for_us: int) -> None:
        super().__init__(moment)
        self._for_us, self._from_us, self._until_us = for_us, NEVER, 0
        self._codec = HarpCodec()
        self._frame = b""

    def to_host(self, data: bytes, now_us: int) -> bytes:
        for item in self._codec.feed(data, now_us * 1000):
            if isinstance(item, Frame):
                self._frame = item.raw
        if self.acts(now_us):
            self._from_us, self._until_us = now_us, now_us + self._for_us
        whole = self._codec.pending == 0  # or the flood would fall into a frame
        if not whole or now_us <= self._from_us or self._from_us >= self._until_us:
            return data
        count = (min(now_us, self._until_us) - self._from_us) // 10 // max(1, len(self._frame))
        self._from_us = NEVER if now_us >= self._until_us else now_us
        return data + self._frame * count


class Chatter(Timed):
    """An input line chatters (a loose lick sensor): more edges than the line can carry."""

    def __init__(self, moment: Moment, for_us: int, edges_per_s: int, line: int = 5) -> None:
        super().__init__(moment)
        self._for_us, self._every_us, self._line = for_us, US_PER_S // edges_per_s, line
        self._next_us, self._until_us = NEVER, 0
        self._high = False

    def to_host(self, data: bytes, now_us: int) -> bytes:
        if self.acts(now_us):
            self._next_us, self._until_us = now_us, now_us + self._for_us
        if now_us >= self._next_us:
            self._high = not self._high
            self.world.board.input_edge(self._line, self._high)
            self._next_us = NEVER if now_us >= self._until_us else now_us + self._every_us
        return data

    def due_us(self) -> int:
        return min(super().due_us(), self._next_us)


# --- the neural stream ------------------------------------------------------------------------------


def garbled_message(parts: Multipart, draws: np.random.Generator) -> Multipart:
    """Damage one part of a message, or lose it."""
    spoilt = list(parts)
    at = int(draws.integers(len(spoilt)))
    if draws.random() < 0.3:
        del spoilt[at]
    else:
        spoilt[at] = garbled_bytes(spoilt[at], draws)
    return spoilt


class SpoiltMessages(Wire):
    """Whole messages of the stream go wrong."""

    def __init__(self, faults: PieceFaults, seed: int) -> None:
        super().__init__()
        self._pieces = FaultyPieces(faults, seed, garbled_message)

    def messages(self, found: list[Multipart], now_us: int) -> list[Multipart]:
        before = self._pieces.spoilt
        passed = self._pieces.apply(found)
        self.spoilt += self._pieces.spoilt - before
        return passed


class StreamHeld(Timed):
    """The stream's messages stall for a while, and then come all at once (or not at all, if `lost`)."""

    def __init__(self, moment: Moment, for_us: int, *, lost: bool = False) -> None:
        super().__init__(moment)
        self._for_us, self._lost = for_us, lost
        self._until_us = 0
        self._waiting: list[Multipart] = []

    def messages(self, found: list[Multipart], now_us: int) -> list[Multipart]:
        if self.acts(now_us):
            self._until_us = now_us + self._for_us
        if now_us < self._until_us:
            self._waiting += [] if self._lost else found
            return []
        waiting, self._waiting = self._waiting, []
        return waiting + found

    def due_us(self) -> int:
        return min(super().due_us(), self._until_us if self._waiting else NEVER)


class StreamLate(Wire):
    """Every message comes this late."""

    def __init__(self, by_us: int) -> None:
        super().__init__()
        self._by_us = by_us
        self._waiting: deque[tuple[int, Multipart]] = deque()
        self.spoilt = 1

    def messages(self, found: list[Multipart], now_us: int) -> list[Multipart]:
        self._waiting.extend((now_us + self._by_us, message) for message in found)
        return list(_due(self._waiting, now_us))

    def due_us(self) -> int:
        return self._waiting[0][0] if self._waiting else NEVER


def _due(waiting: deque[tuple[int, _Kept]], now_us: int) -> Iterable[_Kept]:
    while waiting and waiting[0][0] <= now_us:
        yield waiting.popleft()[1]


class StreamRestart(Timed):
    """Acquisition is stopped and started again: messages and samples count anew."""

    def messages(self, found: list[Multipart], now_us: int) -> list[Multipart]:
        acquisition = self.world.acquisition
        if self.acts(now_us) and acquisition is not None:
            # Its clock runs on in this world; only the numbers begin again.
            acquisition.restart(acquisition.next_sample)
        return found


class StreamFlood(Timed):
    """Somebody publishes nonsense on the stream's address: so many messages with every true one."""

    def __init__(self, moment: Moment, for_us: int, each: int, seed: int) -> None:
        super().__init__(moment)
        self._for_us, self._each = for_us, each
        self._until_us = 0
        self._draws = np.random.Generator(np.random.PCG64([seed, 6]))

    def messages(self, found: list[Multipart], now_us: int) -> list[Multipart]:
        if self.acts(now_us):
            self._until_us = now_us + self._for_us
        if now_us >= self._until_us:
            return found
        junk: list[Multipart] = []
        for message in found:
            junk.append(message)
            for _ in range(self._each):
                parts = [self._draws.bytes(int(self._draws.integers(0, 60))) for _ in range(3)]
                junk.append([message[0], parts[1], parts[2]] if self._draws.random() < 0.5 else parts)
        return junk
