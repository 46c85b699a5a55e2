"""What the session asks of a board. Each is a frozen value, the same for every kind of board."""

from __future__ import annotations

from typing import Final

import msgspec

NO_LIMIT: Final = 0xFFFF_FFFF
"""A budget that is none."""


class PulseCost(msgspec.Struct, frozen=True, kw_only=True):
    """What an opening of an output costs, in the host's units: ``max(least, cycles * per_cycle - deducted)``.

    All zero: nothing, and the output is not counted. A counted output opens by pulses only.
    """

    per_cycle: int = 0
    deducted: int = 0
    least: int = 0

    @property
    def counted(self) -> bool:
        """Whether it costs anything."""
        return self.per_cycle > 0 or self.least > 0


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """Base of all board commands."""


class Configure(Command, frozen=True, tag="configure"):
    """Limits and clocks that hold for the whole session; sent once the board is identified.

    Parameters
    ----------
    max_open_us
        Longest pulse of each output in microseconds, by output number; 0 forbids pulses on it.
    host_timeout_ms
        The board goes to its safe state when no `HostAlive` came for this long (wall time).
    sync_seed
        Seed of the random sync pulses; 0 switches the sync line off.
    costs
        What an opening costs, by output number; () or all zero: nothing is counted.
    per_minute, per_session
        Units that may be spent within a minute, and in the session. Boards that count nothing
        (`BoardLimits.counted`) are not told.
    begin
        The session's count begins at 0 now. Otherwise it goes on: what was given while nobody listened stays
        counted.
    """

    max_open_us: tuple[int, ...]
    host_timeout_ms: int
    sync_seed: int
    costs: tuple[PulseCost, ...] = ()
    per_minute: int = NO_LIMIT
    per_session: int = NO_LIMIT
    begin: bool = True


class UploadTable(Command, frozen=True, tag="upload"):
    """Put a table image (see `rig.machine.image`) into `slot` 0 or 1."""

    slot: int
    image: bytes


class StartTrial(Command, frozen=True, tag="start"):
    """Run the table in `slot` from the next cycle."""

    slot: int


class Abort(Command, frozen=True, tag="abort"):
    """Stop whatever runs; all outputs to their safe state. Never queues behind data."""


class Pulse(Command, frozen=True, tag="pulse"):
    """Open one output for `duration_us`; the board times it."""

    output: int
    duration_us: int


class SendSoftEvent(Command, frozen=True, tag="soft"):
    """Hand soft event 1-8 to the running table."""

    number: int


BoardCommand = Configure | UploadTable | StartTrial | Abort | Pulse | SendSoftEvent
