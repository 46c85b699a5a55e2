"""The engines that `benchmarks.kill` kills: what runs in their processes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from rig.cli.plans import make_plan
from rig.cli.resume import resume_session
from rig.cli.sitting import run_session
from rig.runtime.config import load_rig
from rig.runtime.inbox import Inbox


def stamped(newest: Any) -> None:
    """Let the inbox of this process leave its newest input's number and time, and when it began, to us."""
    stamp = Inbox._stamp

    def keep(self: Inbox, source: str, kind: Any, payload: bytes) -> int:
        seq = stamp(self, source, kind, payload)
        newest[1] = self._queue[-1].t_ns
        if newest[0] < 0:
            newest[2] = newest[1]
        newest[0] = seq + 1
        return seq

    Inbox._stamp = keep  # type: ignore[method-assign]


def run_new(rig_file: str, out: str, seed: int, trials: int, newest: Any) -> None:
    """Run a new session, as a process."""
    stamped(newest)
    plan = make_plan(
        "variable_magnitude", load_rig(Path(rig_file)), subject="m1", seed=seed, trials=trials, settings={}
    )
    outcome, _ = run_session(plan, Path(out), Console(quiet=True), quiet=True, claim=True)
    if not outcome.ok:
        sys.exit(outcome.reason)


def run_on(path: str, newest: Any) -> None:
    """Go on with a session, as a process."""
    stamped(newest)
    outcome, _ = resume_session(Path(path), Console(quiet=True), quiet=True)
    if not outcome.ok:
        sys.exit(outcome.reason)
