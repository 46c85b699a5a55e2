"""The windows of finished trials that are still open on some stream: after the reward, and after the cue.

A decision waits for what must be counted in the trial before it, until the streams have passed the end of
the windows or the decision deadline (wall time) expires. What comes later is told then, as revised. Spikes
for rasters reach further than a window, and nothing ever waits for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from rig.design.plan import SessionPlan
from rig.documents import AlignedSpikes
from rig.stream.intake import StreamIntake, response_hz
from rig.trial.placed import Placed
from rig.trial.spec import TrialRecord, TrialResponse
from rig.trial.stretch import Stretch, around_cue, around_reward
from rig.trial.supply import RecordedSupply
from rig.units import NS_PER_S, US_PER_MS

APPEARED: Final = "the unit appeared later"
SILENT: Final = "the stream is silent"
LATE: Final = "decision deadline expired"
TOO_SOON: Final = "the reward came before the cue's window was over"
KEPT: Final = 8
"""A stream that died never closes its windows: of those that nobody waits for, the newest are kept."""

After: TypeAlias = Literal["cue", "reward"]
Answers: TypeAlias = dict[str, tuple[tuple[int, int] | None, str | None]]
"""Unit -> (response count, baseline count), or None and why it is missing."""


@dataclass(eq=False, slots=True)
class OpenWindow:
    """A window of one trial.

    Attributes
    ----------
    awaited
        Streams that the next decision waits for.
    late
        Streams that it does not wait for any more, and why; if their data come, they count.
    answers
        What each stream said.
    told
        Whether a response was published, so that a decision may have been made.
    spikes_due
        Whether spikes are to be told as soon as they have come.
    """

    record: TrialRecord
    after: After
    placed: Placed
    stretch: Stretch
    why_missing: str | None
    deadline_ns: int = 0
    awaited: list[str] = field(default_factory=list)
    late: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answers] = field(default_factory=dict)
    told: bool = False
    spikes_due: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """What was measured in one window.

    Attributes
    ----------
    response
        Everything that is known of the window by now.
    fresh
        Units whose stream has only now arrived.
    learned
        Whether any stream has arrived at all.
    revised
        Something was told of the window before.
    """

    record: TrialRecord
    after: After
    response: TrialResponse
    fresh: frozenset[str]
    learned: bool
    revised: bool


class Windows:
    """All open windows of a session.

    Parameters
    ----------
    streams
        By name; the units of several streams are told apart by their stream's name.

    Attributes
    ----------
    deadlines_expired
        Trials whose decision deadline expired.
    """

    def __init__(self, plan: SessionPlan, streams: Mapping[str, StreamIntake]) -> None:
        self._plan = plan
        self._streams = streams
        self._recorded = RecordedSupply(plan.rig)
        self._open: list[OpenWindow] = []
        self.deadlines_expired = 0

    def unit(self, stream: StreamIntake, unit: str) -> str:
        """Name of a unit in this session."""
        return unit if len(self._streams) == 1 else f"{stream.name}/{unit}"

    # --- a trial is over --------------------------------------------------------------------------

    def open(self, record: TrialRecord, now_ns: int, why_missing: str | None) -> None:
        """Open the windows of a finished trial: after its cue and after its reward, as far as it had them."""
        if not self._streams:
            return
        if record.reward_us is not None:
            self._recorded.delivered(record)
        if record.outcome != "complete":
            why_missing = f"the trial is {record.outcome}"
        protocol = self._plan.protocol
        cue = Placed.after_cue(record, protocol.cue_response) if protocol.cue_response else None
        reward = Placed.after_reward(record, protocol.response) if protocol.response else None
        if cue is not None:
            why_not = why_missing or _too_soon(record, cue)
            self._add(OpenWindow(record, "cue", cue, around_cue(record, cue), why_not), now_ns)
        if reward is not None:
            stretch = around_reward(record, reward)
            self._add(OpenWindow(record, "reward", reward, stretch, why_missing), now_ns)

    def _add(self, window: OpenWindow, now_ns: int) -> None:
        window.deadline_ns = now_ns + round(self._plan.rig.neural.decision_deadline_s * NS_PER_S)
        for stream in self._streams.values():
            if stream.why_unusable is not None:
                continue
            if stream.silent(now_ns):
                # Nobody waits for a stream that has gone silent; if it comes back, its data still count.
                window.late[stream.name] = SILENT
            else:
                window.awaited.append(stream.name)
        self._open.append(window)

    def spoil(self, why: str) -> None:
        """Withhold the responses whose windows are open now: something happened that is not in the model."""
        for window in self._open:
            if not window.told:
                window.why_missing = why

    def void(self, why: str) -> None:
        """Give up all open windows: the board time that they lie in is no more."""
        self.spoil(why)
        self._open = [window for window in self._open if not window.told]

    # --- waiting ----------------------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Whether the next decision must wait for a response."""
        return any(not window.told for window in self._open)

    @property
    def deadline_ns(self) -> int | None:
        """When the next decision deadline expires, or None."""
        return min((w.deadline_ns for w in self._open if not w.told), default=None)

    @property
    def spikes_by_ns(self) -> int | None:
        """Until when spikes around a past event may be hoped for (its decision deadline), or None."""
        return max((w.deadline_ns for w in self._open if w.told and w.spikes_due), default=None)

    def settle(self, now_ns: int) -> Iterator[Heard | AlignedSpikes]:
        """Close every window that can be closed; yield what is new, trial by trial."""
        expired: set[int] = set()
        for window in self._open:
            if window.told:
                yield from self._hear_late(window)
            elif window.why_missing is not None or not self._outstanding(window, window.awaited):
                yield self._respond(window, window.awaited)
            elif now_ns >= window.deadline_ns:
                expired.add(window.record.number)
                outstanding = self._outstanding(window, window.awaited)
                window.late.update(dict.fromkeys(outstanding, LATE))
                yield self._respond(window, [n for n in window.awaited if n not in outstanding])
            yield from self._spikes(window)
        self.deadlines_expired += len(expired)
        self._forget()

    def _forget(self) -> None:
        owing = [w for w in self._open if w.told and (w.late or w.spikes_due)]
        kept = {id(w) for after in ("cue", "reward") for w in [w for w in owing if w.after == after][-KEPT:]}
        self._open = [w for w in self._open if not w.told or id(w) in kept]

    def _outstanding(self, window: OpenWindow, names: Iterable[str], end_us: int | None = None) -> list[str]:
        """Streams whose data do not reach the window's end (or `end_us`) yet."""
        end_us = window.placed.end_us if end_us is None else end_us
        # A stream that lost its clock meanwhile cannot be waited for.
        return [name for name in names if self._streams[name].covers(end_us) is False]

    # --- measuring --------------------------------------------------------------------------------

    def _hear_late(self, window: OpenWindow) -> Iterator[Heard]:
        outstanding = self._outstanding(window, window.late)
        arrived = [name for name in window.late if name not in outstanding]
        for name in arrived:
            del window.late[name]
        if arrived:
            yield self._respond(window, arrived)

    def _respond(self, window: OpenWindow, arrived: list[str]) -> Heard:
        """Measure the streams that have arrived; tell everything that is known of the window by now."""
        revised, window.told = window.told, True
        if window.why_missing is not None:
            window.late.clear()
        fresh: set[str] = set()
        for stream in self._streams.values():
            if stream.name in arrived or (stream.name not in window.late and not revised):
                answers = self._measure(stream, window)
                window.answers[stream.name] = answers
                fresh.update(answers)
        learned = revised or len(window.late) < len(self._streams)
        window.spikes_due = learned and window.why_missing is None
        return Heard(
            record=window.record,
            after=window.after,
            response=self._response(window),
            fresh=frozenset(fresh),
            learned=learned,
            revised=revised,
        )

    def _measure(self, stream: StreamIntake, window: OpenWindow) -> Answers:
        why = window.why_missing or stream.why_withheld(window.placed)
        if why is not None:
            return {self.unit(stream, unit): (None, why) for unit in stream.units}
        answers: Answers = {}
        for unit, counted in stream.counts(window.placed):
            missing = APPEARED if counted is None else self._recorded.why_missing(unit, window.record)
            answers[self.unit(stream, unit)] = (counted if missing is None else None, missing)
        return answers

    def _response(self, window: OpenWindow) -> TrialResponse:
        told: Answers = {}
        for stream in self._streams.values():
            why = window.late.get(stream.name)
            if why is not None:
                told.update({self.unit(stream, unit): (None, why) for unit in stream.units})
            else:
                told.update(window.answers.get(stream.name, {}))
        counts = tuple(counted for counted, _ in told.values())
        shape = window.placed.window
        return TrialResponse(
            trial=window.record.number,
            units=tuple(told),
            counts=counts,
            response_hz=tuple(response_hz(pair, shape) if pair else None for pair in counts),
            missing={unit: why for unit, (_, why) in told.items() if why is not None},
        )

    def _spikes(self, window: OpenWindow) -> Iterator[AlignedSpikes]:
        """Spikes around the event, for those who draw rasters; nothing is decided from them."""
        start_ms, stop_ms = window.stretch
        here = [stream for stream in self._streams.values() if stream.name not in window.late]
        end_us = window.placed.event_us + stop_ms * US_PER_MS
        if not window.spikes_due or self._outstanding(window, [s.name for s in here], end_us):
            return
        window.spikes_due = False
        found = [
            (self.unit(stream, unit), times)
            for stream in here
            if stream.why_withheld(window.placed) is None
            for unit, times in stream.aligned(window.placed.event_us, start_ms, stop_ms)
        ]
        yield AlignedSpikes(
            trial=window.record.number,
            reward_ul=window.record.spec.reward_ul,
            signalled=window.record.spec.signalled,
            start_ms=start_ms,
            stop_ms=stop_ms,
            units=tuple(unit for unit, _ in found),
            times=tuple(times for _, times in found),
            aligned_to=window.after,
        )


def _too_soon(record: TrialRecord, cue: Placed) -> str | None:
    """Why the answer to a cue cannot be told from that to the reward."""
    if record.reward_us is None:
        return None
    return TOO_SOON if record.start_us + record.reward_us < cue.response_us[1] else None
