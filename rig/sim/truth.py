"""What a simulated animal reveals after the last trial; nothing in a session reads it."""

from __future__ import annotations

import msgspec

from rig.sim.light import LightTruth
from rig.sim.neurons import Truth


class UnitTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about one unit; `reason` says why there is no truth."""

    unit: str
    truth: Truth | None = None
    reason: str | None = None
    cues: dict[str, Truth] = {}
    """Of a simulated unit with a value for each cue: the reversal point after each of them."""
    later: tuple[Truth, ...] = ()
    """Of a simulated unit: the fixed points of the later epochs' declared distributions. The unit may still
    be on its way there."""
    light: LightTruth | None = None
    """Of a simulated unit: what light does to it."""
    source: str | None = None
    played: tuple[tuple[int, int], ...] = ()
    """Of a recorded unit: pairs of (trial on the rig, trial in the recording), both from 0."""
    exhausted: tuple[int, ...] = ()
    """Of a recorded unit: trials on the rig for which its recording had no trial left."""


class AnimalTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulated animal reveals after the last trial."""

    animal: str
    seed: int
    trials: int
    settings: dict[str, object]
    units: tuple[UnitTruth, ...]
    notes: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """Return JSON."""
        return msgspec.json.encode(self)
