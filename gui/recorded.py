"""A session file as a source of updates: played, scrubbed, stepped; the same panels draw it. No Qt here.

Time is rig time. The file's documents say when they were told in host time; every finished trial says
both, and between two trials the one follows from the other by a straight line. What the board did within
a trial is told again when it took place, and the session's state follows from what has been told.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from gui.client import Begun, Update
from rig.documents import (
    BoardActivity,
    Document,
    EstimatesUpdated,
    Happening,
    Notice,
    SessionEnded,
    SessionStarted,
    SessionState,
    StreamState,
    TrialDone,
)
from rig.errors import ConfigError
from rig.estimate.telling import NOT_SETTLED
from rig.runtime.reader import SessionFile
from rig.trial.spec import TrialRecord
from rig.units import US_PER_S

SPEEDS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)


class Moment(msgspec.Struct, frozen=True):
    """One update and when it was told, in microseconds of rig time."""

    at_us: int
    update: Document


class Recorded:
    """Plays a session file.

    Parameters
    ----------
    path
        The session file.
    clock
        Seconds, monotonic.

    Attributes
    ----------
    begin_us, end_us
        Where the recording begins and ends, in rig time.
    trial_ends_us
        When each trial ended.
    speed
        Rig time per wall time.
    playing
        Whether time passes.

    Raises
    ------
    ConfigError
        If the file cannot be read, or holds no session.
    """

    def __init__(self, path: Path | str, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = Path(path)
        told, streams, self._trials = _read(self.path)
        self._moments = _in_rig_time(told)
        self._times = [moment.at_us for moment in self._moments]
        self._streams = streams
        self.begin_us, self.end_us = self._times[0], self._times[-1]
        self.trial_ends_us = [m.at_us for m in self._moments if isinstance(m.update, TrialDone)]
        self.speed = 1.0
        self.playing = False
        self._clock = clock
        self._last_s = clock()
        self._now_us = float(self.begin_us)
        self._next = 0
        self._told_us: int | None = None
        self._again = False
        self._lines = {
            document.record.number: _line(document.record)
            for _, document in told
            if isinstance(document, TrialDone)
        }
        self._state = self._blank_state()

    # --- what the replay bar does ---------------------------------------------------------------------

    @property
    def now_us(self) -> int:
        """Where we are."""
        return int(self._now_us)

    @property
    def trial(self) -> int:
        """How many trials have ended by now."""
        return bisect.bisect_right(self.trial_ends_us, self.now_us)

    def play(self, playing: bool) -> None:
        """Let time pass, or hold it; at the end, play from the beginning."""
        self._pass_time()
        if playing and self.now_us >= self.end_us:
            self.seek(self.begin_us)
        self.playing = playing

    def set_speed(self, speed: float) -> None:
        """Set the speed: rig time per wall time."""
        self._pass_time()
        self.speed = speed

    def seek(self, at_us: int) -> None:
        """Go to a time. Going back tells everything anew from the beginning."""
        self._pass_time()
        at_us = min(max(at_us, self.begin_us), self.end_us)
        if at_us < self.now_us:
            self._again = True
        self._now_us = float(at_us)

    def step(self, trials: int) -> None:
        """Go on, or back, to the end of a trial."""
        if not self.trial_ends_us:
            return
        self.playing = False
        here = self.trial + trials
        self.seek(self.trial_ends_us[min(here, len(self.trial_ends_us)) - 1] if here > 0 else self.begin_us)

    # --- what the window asks -------------------------------------------------------------------------

    def updates(self) -> Iterator[Update]:
        """Yield what was told up to now."""
        self._pass_time()
        if self._again:
            self._again = False
            self._next, self._told_us = 0, None
            self._state = self._blank_state()
            yield Begun()
        now_us = self.now_us
        while self._next < len(self._moments) and self._times[self._next] <= now_us:
            moment = self._moments[self._next]
            self._next += 1
            self._follow(moment.update)
            yield moment.update
        if self._told_us != now_us:
            self._told_us = now_us
            yield msgspec.structs.replace(self._state, board_us=now_us)

    def submit(self, command: object) -> Future[int]:
        """Refuse: what is recorded is recorded."""
        refused: Future[int] = Future()
        refused.set_exception(ConfigError("this is a recording; nothing in it can be changed"))
        return refused

    def add(self, update: Document) -> None:
        """Take what was said of the recording just now: it is told again whenever its end is played."""
        self._moments.append(Moment(self.end_us, update))
        self._times.append(self.end_us)

    def close(self) -> None:
        """Nothing is open."""

    # --- how ------------------------------------------------------------------------------------------

    def _pass_time(self) -> None:
        now_s = self._clock()
        passed_s, self._last_s = now_s - self._last_s, now_s
        if self.playing:
            self._now_us = min(self._now_us + passed_s * self.speed * US_PER_S, float(self.end_us))
            self.playing = self._now_us < self.end_us

    def _blank_state(self) -> SessionState:
        started = next(m.update for m in self._moments if isinstance(m.update, SessionStarted))
        return SessionState(
            phase="running",
            subject=started.subject,
            protocol=started.protocol,
            rig=started.rig,
            trial=0,
            trials=self._trials,
            rewarded=0,
            delivered_ul=0.0,
            board_us=0,
            settled=0,
            units=0,
            streams=self._streams,
        )

    def _follow(self, update: Document) -> None:
        """Keep the state that the session would tell."""
        state, replace = self._state, msgspec.structs.replace
        match update:
            case TrialDone():
                record = update.record
                self._state = replace(
                    state,
                    trial=record.number + 1,
                    rewarded=state.rewarded + (record.reward_us is not None),
                    delivered_ul=state.delivered_ul + record.delivered_ul,
                )
            case EstimatesUpdated():
                settled = sum(u.bayes_hz is not None and NOT_SETTLED not in u.flags for u in update.units)
                self._state = replace(state, settled=settled, units=len(update.units))
            case SessionEnded():
                self._state = replace(state, phase="ended", delivered_ul=update.delivered_ul)
            case BoardActivity():
                if update.happened[0].kind == "start":
                    self._state = replace(state, last_line=self._lines[update.trial])
            case _:
                pass


def told_by(path: Path) -> list[Document]:
    """Return everything that a session file tells, with the state after each trial, as a window sees it.

    Raises
    ------
    ConfigError
        If the file cannot be read, or holds no session that began.
    """
    source = Recorded(path)
    told: list[Document] = []
    for at_us in (source.begin_us, *source.trial_ends_us, source.end_us):
        source.seek(at_us)
        told += [update for update in source.updates() if isinstance(update, Document)]
    return told


def _line(record: TrialRecord) -> str:
    spec = record.spec
    reward = f"{spec.reward_ul:g} uL" if spec.reward_ul else "no reward"
    return f"trial {record.number + 1}: {spec.condition}, {reward}"


def _read(path: Path) -> tuple[list[tuple[int, Document]], tuple[StreamState, ...], int | None]:
    """Return (host time in ns, document) in order, the rig's streams, and how many trials were planned."""
    with SessionFile(path) as file:
        times = dict(file.times_of_documents())
        told = [(times.get(seq, 0), document) for seq, document in file.documents()]
        rig, planned = file.meta.get("rig"), file.meta.get("max_trials")
    if not told or not any(isinstance(document, SessionStarted) for _, document in told):
        raise ConfigError("the file holds no session that began", str(path))
    names: list[Any] = rig.get("streams", []) if isinstance(rig, dict) else []
    streams = tuple(_silent_stream(str(stream.get("name", "stream"))) for stream in names)
    return told, streams, planned if isinstance(planned, int) else None


def _silent_stream(name: str) -> StreamState:
    return StreamState(
        name=name,
        messages=0,
        lost=0,
        noise_bytes=0,
        restarts=0,
        clock_sigma_us=None,
        clock_pulses=0,
        units=0,
    )


def _in_rig_time(told: list[tuple[int, Document]]) -> list[Moment]:
    """Put every document, and what the board did in every trial, at its rig time, in order."""
    anchors = [
        (t_ns, document.record.start_us + document.record.duration_us)
        for t_ns, document in told
        if isinstance(document, TrialDone)
    ]
    host = np.array([t_ns for t_ns, _ in anchors], dtype=float)
    rig = np.array([us for _, us in anchors], dtype=float)
    moments: list[tuple[int, int, Document]] = []
    latest = 0
    for number, (t_ns, document) in enumerate(told):
        if isinstance(document, TrialDone):
            moments += _activity(document.record)
        at_us = _place(t_ns, document, host, rig)
        latest = max(latest, at_us)
        moments.append((latest, number, document))
    return [Moment(at_us, document) for at_us, _, document in sorted(moments, key=lambda m: m[:2])]


def _place(t_ns: int, document: Document, host: Any, rig: Any) -> int:
    if isinstance(document, TrialDone):
        return document.record.start_us + document.record.duration_us
    if isinstance(document, Notice) and document.board_us is not None:
        return document.board_us
    if not len(host):
        return t_ns // 1000
    if t_ns < host[0]:
        return max(0, int(rig[0] - (host[0] - t_ns) / 1000 * _pace(host, rig)))
    return int(np.interp(t_ns, host, rig))


def _pace(host: Any, rig: Any) -> float:
    """Rig time per host time over the whole session."""
    span_ns = float(host[-1] - host[0])
    return float(rig[-1] - rig[0]) * 1000 / span_ns if span_ns > 0 else 1.0


def _activity(record: TrialRecord) -> list[tuple[int, int, Document]]:
    """Tell again what the board did in a trial; one document a moment."""
    start = record.start_us
    found = [Happening("start", "", True, start)]
    found += [Happening("state", visit.name, True, start + visit.at_us) for visit in record.states]
    for kind, changes in (("output", record.outputs), ("input", record.inputs)):
        found += [Happening(kind, change.name, change.on, start + change.at_us) for change in changes]
    found.sort(key=lambda happening: happening.board_us)
    found.append(Happening("end", record.outcome, False, start + record.duration_us))
    return [
        (happening.board_us, -1, BoardActivity(trial=record.number, happened=(happening,)))
        for happening in found
    ]
