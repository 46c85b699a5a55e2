"""When samples left an emulated rig and when its board took soft events, by the computer's own clock.

That clock is one for all processes, so whoever runs the session can say how long the whole way really took.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from drivers.rig_emulator.world import EmulatedWorld
from rig.events import BoardEvent, SoftEventSeen


class Stamped(msgspec.Struct, frozen=True):
    """What was stamped; all times are `time.monotonic_ns`.

    Attributes
    ----------
    sent
        Per photometry source: (samples that had left by then, time).
    soft
        Soft events that a table took: (number, board time in us, time).
    """

    sent: list[list[tuple[int, int]]]
    soft: list[tuple[int, int, int]]


class Stamps:
    """Keeps the stamps of one run."""

    def __init__(self, world: EmulatedWorld) -> None:
        self._world = world
        self._kept = Stamped([[] for _ in world.photometry], [])
        world.watch = self._see

    def sent(self, source: int) -> None:
        """Bytes of a source were handed to its port."""
        self._kept.sent[source].append((self._world.photometry[source].sent, time.monotonic_ns()))

    def _see(self, event: BoardEvent) -> None:
        if isinstance(event, SoftEventSeen):
            self._kept.soft.append((event.number, event.t_us, time.monotonic_ns()))

    def write(self, path: Path) -> None:
        """Write all of it as JSON."""
        path.write_bytes(msgspec.json.encode(self._kept))


def read_stamps(path: Path) -> Stamped:
    """Read what `Stamps.write` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Stamped)
