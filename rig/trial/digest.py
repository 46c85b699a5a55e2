"""The decision digest: one hash over everything that was decided and everything that came of it.

Covered, bit exact: trial specs, table images (the very bytes written into the board's table memory),
the commands that run them, and trial records with times relative to the trial's start. Not covered:
when bytes arrived, and estimates (those are compared as numbers). So the same protocol, seed and
animal give the same digest in pure simulation, on the emulated rig, and twice over.
"""

from __future__ import annotations

import hashlib

import msgspec

from rig.commands import BoardCommand
from rig.trial.spec import TrialRecord, TrialSpec

_encoder = msgspec.msgpack.Encoder(order="deterministic")


class DecisionDigest:
    """A running hash of decisions."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def spec(self, spec: TrialSpec | None) -> None:
        """Add what the protocol decided (None: to finish)."""
        self._add(b"spec", spec)

    def command(self, command: BoardCommand) -> None:
        """Add a command to the board."""
        self._add(b"command", command)

    def record(self, record: TrialRecord) -> None:
        """Add a trial as it took place, whenever that was."""
        self._add(b"record", msgspec.structs.replace(record, start_us=0))

    def hex(self) -> str:
        """Return the digest so far."""
        return self._hash.hexdigest()

    def _add(self, what: bytes, value: object) -> None:
        data = _encoder.encode(value)
        self._hash.update(what + len(data).to_bytes(4, "little") + data)
