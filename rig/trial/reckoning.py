"""From a trial record and the streams' spikes to responses and estimates.

A decision waits for the response of the trial before it, until the streams have passed the end of the
window or the decision deadline (wall time) expires. Data that comes later improves the estimate and
never rewrites a decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from rig.device import Feed
from rig.documents import AlignedSpikes, Document, EstimatesUpdated, ResponseTaken, StreamState, UnitEstimate
from rig.errors import ConfigError
from rig.estimate.online import ReversalEstimator
from rig.estimate.telling import NOT_SETTLED
from rig.events import StreamEvent
from rig.plan import SessionPlan
from rig.stream.intake import StreamIntake, response_hz, window_end_us
from rig.trial.spec import ResponseWindow, TrialRecord, TrialResponse
from rig.trial.supply import RecordedSupply
from rig.units import NS_PER_S, US_PER_S

ALIGN_START_MS = -2500
"""Rasters begin a second before a cue that comes 1.5 s before the reward."""


APPEARED = "the unit appeared later"
SILENT = "the stream is silent"
LATE = "decision deadline expired"
NO_DISTRIBUTION = "this protocol has no one reward distribution that a reversal point could be about"

Answers = dict[str, tuple[tuple[int, int] | None, str | None]]
"""Unit -> (response count, baseline count), or None and why it is missing."""


class _Pending:
    """A rewarded trial whose window is still open on some stream.

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
    counted
        Whether it is among the rewarded trials of the estimates.
    """

    def __init__(self, record: TrialRecord, deadline_ns: int, why_missing: str | None) -> None:
        self.record = record
        self.deadline_ns = deadline_ns
        self.why_missing = why_missing
        self.awaited: list[str] = []
        self.late: dict[str, str] = {}
        self.answers: dict[str, Answers] = {}
        self.told = False
        self.counted = False


class Reckoning:
    """Streams, windows and the estimator of one session."""

    def __init__(self, plan: SessionPlan, feeds: Mapping[str, Feed]) -> None:
        self._plan = plan
        self._window: ResponseWindow | None = plan.protocol.response
        self._streams: dict[str, StreamIntake] = {}
        for config in plan.rig.streams:
            if config.name not in feeds:
                raise ConfigError(f"no driver was made for the stream '{config.name}'")
            self._streams[config.name] = StreamIntake(config, feeds[config.name])
        self._sizes = plan.sizes_ul
        self.axis_at_sizes_hz: tuple[float, ...] = ()
        self.estimator: ReversalEstimator | None = None
        if self._window is not None and self._sizes:
            estimator = ReversalEstimator(self._sizes, plan.axis())
            self.axis_at_sizes_hz = tuple(estimator.placed.utility_hz)
            self.estimator = estimator if self._streams else None
        self._pending: list[_Pending] = []
        self._recorded = RecordedSupply(plan.rig)
        self._rewarded = 0
        self.settled_units = 0
        self.estimates: tuple[UnitEstimate, ...] = ()
        self.deadlines_expired = 0

    # --- streams ----------------------------------------------------------------------------------

    def take(self, source: str, payload: bytes, t_ns: int) -> list[StreamEvent]:
        """Take a packed batch of messages of stream `source`; return what people should be told."""
        stream = self._streams.get(source)
        return stream.take(payload, t_ns) if stream is not None else []

    def board_pulse(self, t_us: int) -> None:
        """Take a sync pulse that the board drove at `t_us`."""
        for stream in self._streams.values():
            stream.clock.add_board_pulse(t_us)

    def ready(self, elapsed_us: int) -> bool:
        """Whether trials may begin, `elapsed_us` of rig time after the board was ready."""
        return all(
            stream.ready or elapsed_us >= stream.config.warmup_s * US_PER_S
            for stream in self._streams.values()
        )

    @property
    def units(self) -> tuple[str, ...]:
        """All units so far, streams in the rig's order."""
        return tuple(self._unit(s, unit) for s in self._streams.values() for unit in s.units)

    def stream_states(self) -> tuple[StreamState, ...]:
        """Health of every stream."""
        return tuple(stream.state() for stream in self._streams.values())

    def _unit(self, stream: StreamIntake, unit: str) -> str:
        return unit if len(self._streams) == 1 else f"{stream.name}/{unit}"

    # --- windows ----------------------------------------------------------------------------------

    def open(self, record: TrialRecord, now_ns: int, why_missing: str | None) -> None:
        """Open the response window of a finished trial (nothing to do without a reward)."""
        if self.estimator is None or record.reward_us is None:
            return
        self._recorded.delivered(record)
        if record.outcome != "complete":
            why_missing = f"the trial is {record.outcome}"
        wait_ns = round(self._plan.rig.neural.decision_deadline_s * NS_PER_S)
        pending = _Pending(record, now_ns + wait_ns, why_missing)
        for stream in self._streams.values():
            if stream.why_unusable is not None:
                continue
            if stream.silent(now_ns):
                # Nobody waits for a stream that has gone silent; if it comes back, its data still count.
                pending.late[stream.name] = SILENT
            else:
                pending.awaited.append(stream.name)
        self._pending.append(pending)

    def spoil(self, why: str) -> None:
        """Withhold the responses whose windows are open now: something happened that is not in the model."""
        for pending in self._pending:
            if not pending.told:
                pending.why_missing = why

    @property
    def waiting(self) -> bool:
        """Whether the next decision must wait for a response."""
        return any(not pending.told for pending in self._pending)

    @property
    def deadline_ns(self) -> int | None:
        """When the next decision deadline expires, or None."""
        return min((p.deadline_ns for p in self._pending if not p.told), default=None)

    def settle(self, now_ns: int) -> list[Document]:
        """Close every window that can be closed; return what is new."""
        if not self._pending:
            return []
        documents: list[Document] = []
        for pending in self._pending:
            if pending.told:
                documents += self._hear_late(pending)
            elif pending.why_missing is not None or not self._outstanding(pending.record, pending.awaited):
                documents += self._respond(pending, pending.awaited)
            elif now_ns >= pending.deadline_ns:
                self.deadlines_expired += 1
                outstanding = self._outstanding(pending.record, pending.awaited)
                pending.late.update(dict.fromkeys(outstanding, LATE))
                documents += self._respond(pending, [n for n in pending.awaited if n not in outstanding])
        # A stream that died never closes its windows: keep only the newest few.
        open_ = [p for p in self._pending if not p.told or p.late]
        self._pending = [p for p in open_ if p.told][-8:] + [p for p in open_ if not p.told]
        return documents

    def _outstanding(self, record: TrialRecord, names: Iterable[str]) -> list[str]:
        """Streams whose data do not reach the window's end yet."""
        if self._window is None:
            return []
        end_us = window_end_us(record, self._window)
        # A stream that lost its clock meanwhile cannot be waited for.
        return [name for name in names if self._streams[name].covers(end_us) is False]

    def _hear_late(self, pending: _Pending) -> list[Document]:
        outstanding = self._outstanding(pending.record, pending.late)
        arrived = [name for name in pending.late if name not in outstanding]
        for name in arrived:
            del pending.late[name]
        return self._respond(pending, arrived) if arrived else []

    def _respond(self, pending: _Pending, arrived: list[str]) -> list[Document]:
        """Measure the streams that have arrived; tell everything that is known of the trial by now."""
        if self.estimator is None or self._window is None:
            return []
        revised, pending.told = pending.told, True
        if pending.why_missing is not None:
            pending.late.clear()
        fresh: Answers = {}
        for stream in self._streams.values():
            if stream.name in arrived or (stream.name not in pending.late and not revised):
                answers = self._measure(stream, pending, self._window)
                pending.answers[stream.name] = answers
                fresh.update(answers)
        response = self._response(pending, self._window)
        if not revised and len(pending.late) == len(self._streams):
            return [ResponseTaken(response=response)]  # nothing was learned
        self._update(pending, response, fresh)
        self.estimates = self._told(self.estimator.estimates())
        self.settled_units = sum(NOT_SETTLED not in unit.flags for unit in self.estimates)
        return [
            ResponseTaken(response=response, revised=revised),
            *self._aligned(pending.record, pending.why_missing),
            EstimatesUpdated(trial=pending.record.number, rewarded=self._rewarded, units=self.estimates),
        ]

    def _told(self, units: tuple[UnitEstimate, ...]) -> tuple[UnitEstimate, ...]:
        """Say why there are no estimates where the protocol wants none."""
        if self._plan.protocol.reversal_conditions != ():
            return units
        return tuple(msgspec.structs.replace(unit, reason=NO_DISTRIBUTION) for unit in units)

    def _measure(self, stream: StreamIntake, pending: _Pending, window: ResponseWindow) -> Answers:
        why = pending.why_missing or stream.why_withheld(pending.record, window)
        if why is not None:
            return {self._unit(stream, unit): (None, why) for unit in stream.units}
        answers: Answers = {}
        for unit, counted in stream.counts(pending.record, window):
            missing = APPEARED if counted is None else self._recorded.why_missing(unit, pending.record)
            answers[self._unit(stream, unit)] = (counted if missing is None else None, missing)
        return answers

    def _response(self, pending: _Pending, window: ResponseWindow) -> TrialResponse:
        told: Answers = {}
        for stream in self._streams.values():
            why = pending.late.get(stream.name)
            if why is not None:
                told.update({self._unit(stream, unit): (None, why) for unit in stream.units})
            else:
                told.update(pending.answers.get(stream.name, {}))
        counts = tuple(counted for counted, _ in told.values())
        return TrialResponse(
            trial=pending.record.number,
            units=tuple(told),
            counts=counts,
            response_hz=tuple(response_hz(pair, window) if pair else None for pair in counts),
            missing={unit: why for unit, (_, why) in told.items() if why is not None},
        )

    def _aligned(self, record: TrialRecord, why_missing: str | None) -> list[Document]:
        """Spikes around the reward, for those who draw rasters; nothing is decided from them."""
        if why_missing is not None or self._window is None:
            return []
        found = [
            (self._unit(stream, unit), times)
            for stream in self._streams.values()
            if stream.why_withheld(record, self._window) is None
            for unit, times in stream.aligned(record, ALIGN_START_MS, self._window.stop_ms)
        ]
        return [
            AlignedSpikes(
                trial=record.number,
                reward_ul=record.spec.reward_ul,
                signalled=record.spec.signalled,
                start_ms=ALIGN_START_MS,
                stop_ms=self._window.stop_ms,
                units=tuple(unit for unit, _ in found),
                times=tuple(times for _, times in found),
            )
        ]

    def _update(self, pending: _Pending, response: TrialResponse, fresh: Answers) -> None:
        spec = pending.record.spec
        if self.estimator is None:
            return
        self.estimator.ensure_units(response.units)
        if spec.reward_ul not in self._sizes or not self._plan.protocol.tells_reversal(spec):
            return
        shift = 0.0 if spec.signalled else self._plan.rig.neural.unsignalled_shift_hz
        values = {
            unit: y + shift
            for unit, y in zip(response.units, response.response_hz, strict=True)
            if y is not None and unit in fresh
        }
        if values:
            self._rewarded += not pending.counted
            pending.counted = True
            self.estimator.update(self._sizes.index(spec.reward_ul), values)
