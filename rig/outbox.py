"""What one step of the session sends out, in the order in which the world should get it."""

from __future__ import annotations

from typing import Literal

from rig.documents import Document, Notice
from rig.effects import Effect, Halt, Publish, PublishArray, Stamp, Wake, Write

Level = Literal["info", "warning", "error", "note"]


class Outbox:
    """Collects the effects of one step.

    Attributes
    ----------
    now_ns
        Host time of the input that is being stepped.
    board_us
        The latest board time known; notices carry it.
    """

    def __init__(self) -> None:
        self.now_ns = 0
        self.board_us = 0
        self._documents: list[Effect] = []
        self._arrays: list[Effect] = []
        self._writes: list[Effect] = []
        self._stamps: list[Effect] = []
        self._marks = 0
        self._halt: Halt | None = None
        self._wake_ns: int | None = None

    def begin(self, t_ns: int, *, woken: bool = False) -> None:
        """Begin a step; `woken` says that the wake asked for has come."""
        self.now_ns = t_ns
        self._documents, self._arrays, self._writes, self._stamps = [], [], [], []
        if woken:
            self._wake_ns = None

    def publish(self, document: Document) -> None:
        """Tell the world."""
        self._documents.append(Publish(document))

    def notice(self, level: Level, source: str, text: str) -> None:
        """Tell people, in one sentence."""
        self.publish(Notice(level=level, source=source, text=text, board_us=self.board_us))

    def array(self, array: PublishArray) -> None:
        """Hand numbers to other programs, at once."""
        self._arrays.append(array)

    def write(self, port: str, data: bytes) -> None:
        """Write to a port beside the board's."""
        if data:
            self._writes.append(Write(port, data))

    def stamp(self) -> int:
        """Ask when this step was decided and its bytes written; return the mark of the answer."""
        self._marks += 1
        self._stamps.append(Stamp(self._marks))
        return self._marks

    def halt(self, reason: str, *, ok: bool) -> None:
        """End the session with this step."""
        self._halt = Halt(reason, ok)

    def finish(self, port: str, data: bytes, deadlines: list[int | None]) -> list[Effect]:
        """Return the effects: bytes first, so that the board never waits for what the world is told."""
        effects = [*self._writes, *self._stamps, *self._documents, *self._arrays]
        if data:
            effects = [Write(port, data), *effects]
        if self._halt is not None:
            return [*effects, self._halt]
        earliest = min((t for t in deadlines if t is not None), default=None)
        if earliest is not None and (self._wake_ns is None or earliest < self._wake_ns):
            self._wake_ns = earliest
            effects = [*effects, Wake(earliest)]
        return effects
