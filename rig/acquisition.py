"""The contract of a recording program that a session starts and stops: the Open Ephys GUI, for example.

A session that is told where it is (``http`` of a stream) starts its acquisition, and its recording if that is
wanted, before the first trial, and stops what it started on every way out. What ran already is left running.
"""

from __future__ import annotations

from typing import Protocol

import msgspec


class Acquired(msgspec.Struct, frozen=True, kw_only=True):
    """What was found and what was started; kept in the session file's ``meta``.

    Parameters
    ----------
    where
        Its address.
    streams
        The streams that come from there.
    before
        What it did before (its own word: ``IDLE``, ``ACQUIRE``, ``RECORD``).
    recording
        Whether it records now.
    folders
        Where to, one a recording node.
    """

    where: str
    streams: tuple[str, ...]
    before: str
    recording: bool = False
    folders: tuple[str, ...] = ()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What `dopaloop devices` tells of it: one line, and what is wrong, a sentence each."""

    line: str
    problems: tuple[str, ...] = ()


class Acquisition(Protocol):
    """One such program; made by its driver from the streams that it is behind.

    Every call may take some seconds, and raises ConfigError or TransportError, one sentence each.
    """

    @property
    def marks(self) -> bool:
        """Whether it wants to hear of trials."""
        ...

    def look(self) -> Found:
        """Say what it is doing; change nothing."""
        ...

    def begin(self, subject: str) -> Acquired:
        """Start what is wanted and not running; nothing is left started if that fails."""
        ...

    def mark(self, trial: int, *, on: bool) -> None:
        """Leave a remark that trial `trial` (0-based) begins, or ends."""
        ...

    def end(self) -> None:
        """Stop what `begin` started."""
        ...
