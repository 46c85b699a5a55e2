"""Which emulated board a rig has: by the name of its driver in the rig file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from drivers.board.emulator import BoardEmulator
from drivers.bpod.emulated import EmulatedBpod
from rig.description import RigDescription
from rig.events import BoardEvent
from rig.machine.table import StateTable

Tables = Callable[[int], StateTable | None]
"""Returns what is in a slot of the board, for animals that look ahead."""


class EmulatedBoard(Protocol):
    """What an emulated rig asks of its board; all times are the emulation's."""

    def receive(self, data: bytes, now_us: int) -> None:
        """Take bytes of the host's."""
        ...

    def input_edge(self, line: int, rising: bool) -> None:
        """Take an edge of an input line, now."""
        ...

    def next_due_us(self) -> int | None:
        """When something happens by itself, or bytes are ready to go out; None if never."""
        ...

    def advance(self, to_us: int) -> list[BoardEvent]:
        """Let time pass; return what happened on the board, for the world around it."""
        ...

    def outgoing(self, now_us: int) -> bytes:
        """Return the bytes that have gone out by now; each once."""
        ...

    def check_host(self, wall_ns: int) -> bool:
        """Look after the host, in wall time; True if it was lost just now."""
        ...


def emulate_board(
    rig: RigDescription, *, time_scale: int, start_us: int, deaf: int
) -> tuple[EmulatedBoard, Tables]:
    """Make the emulated board of a rig.

    Parameters
    ----------
    time_scale
        The speed ceiling that it reports.
    start_us
        Time of the emulation at the beginning.
    deaf
        Bytes that it does not hear at first, where it has such a moment.

    Raises
    ------
    ConfigError
        If the rig's lines do not fit it.
    """
    if rig.board.driver == "bpod":
        bpod = EmulatedBpod(rig.board, time_scale=time_scale, start_us=start_us)
        return bpod, bpod.table
    board = BoardEmulator(
        name=f"{rig.name} (emulated)"[:24],
        time_scale=time_scale,
        start_us=start_us,
        baud=rig.board.baud,
        deaf=deaf,
    )

    def tables(slot: int) -> StateTable | None:
        return board.core.table(slot)  # the core is a new one after a reset: looked up each time

    return board, tables
