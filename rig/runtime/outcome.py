"""How a run ended."""

from __future__ import annotations

from pathlib import Path

import msgspec

from rig.runtime.timing import TimesSummary


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended.

    Attributes
    ----------
    inputs
        Input records taken in; `unstored` of them could not be written.
    session_time, engine_time
        Per input: the session's own time, and what the engine added to it.
    latency
        From the stamp of an input to the last of its effects carried out.
    problems
        What people should know, besides the reason.
    trace
        Where an unforeseen error came from; for a bug report, not for the screen.
    """

    reason: str
    ok: bool
    path: Path
    inputs: int
    unstored: int
    session_time: TimesSummary
    engine_time: TimesSummary
    latency: TimesSummary
    problems: tuple[str, ...] = ()
    trace: str = ""
