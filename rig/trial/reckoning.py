"""From a trial record and the streams' spikes to responses and estimates.

A decision waits for the response of the trial before it, until the streams have passed the end of the
window or the decision deadline (wall time) expires. Data that comes later improves the estimate and
never rewrites a decision.
"""

from __future__ import annotations

from collections.abc import Mapping

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


class _Pending:
    """A rewarded trial whose window is still open on some stream."""

    def __init__(
        self, record: TrialRecord, deadline_ns: int, streams: list[str], why: str | None, *, silent: bool
    ) -> None:
        self.record = record
        self.deadline_ns = deadline_ns
        self.streams = streams
        self.why_missing = why
        self.silent = silent
        self.expired = False


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
        streams = [s.name for s in self._streams.values() if s.why_unusable is None]
        silent = any(self._streams[name].silent(now_ns) for name in streams)
        # Nobody waits for a stream that has gone silent; if it comes back, its data still count.
        wait_ns = 0 if silent else round(self._plan.rig.neural.decision_deadline_s * NS_PER_S)
        self._pending.append(_Pending(record, now_ns + wait_ns, streams, why_missing, silent=silent))

    @property
    def waiting(self) -> bool:
        """Whether the next decision must wait for a response."""
        return any(not pending.expired for pending in self._pending)

    @property
    def deadline_ns(self) -> int | None:
        """When the next decision deadline expires, or None."""
        return min((p.deadline_ns for p in self._pending if not p.expired), default=None)

    def settle(self, now_ns: int) -> list[Document]:
        """Close every window that can be closed; return what is new."""
        if not self._pending:
            return []
        documents: list[Document] = []
        for pending in list(self._pending):
            if self._arrived(pending):
                self._pending.remove(pending)
                documents += self._respond(pending, revised=pending.expired)
            elif not pending.expired and now_ns >= pending.deadline_ns:
                pending.expired = True
                self.deadlines_expired += not pending.silent
                why = "the stream is silent" if pending.silent else "decision deadline expired"
                documents.append(ResponseTaken(response=self._nothing(pending.record, why)))
        # A stream that died never closes its windows: keep only the newest few.
        self._pending = [p for p in self._pending if not p.expired][-8:] + [
            p for p in self._pending if p.expired
        ][-8:]
        return documents

    def _arrived(self, pending: _Pending) -> bool:
        if pending.why_missing is not None:
            return True
        if self._window is None:
            return True
        end_us = window_end_us(pending.record, self._window)
        # A stream that lost its clock meanwhile cannot be waited for.
        return all(self._streams[name].covers(end_us) is not False for name in pending.streams)

    def _respond(self, pending: _Pending, *, revised: bool) -> list[Document]:
        record = pending.record
        if self.estimator is None or self._window is None:
            return []
        if pending.why_missing is not None:
            response = self._nothing(record, pending.why_missing)
        else:
            response = self._measure(record, self._window)
        self._update(record, response)
        self.estimates = self.estimator.estimates()
        self.settled_units = sum(NOT_SETTLED not in unit.flags for unit in self.estimates)
        return [
            ResponseTaken(response=response, revised=revised),
            *self._aligned(record, pending.why_missing),
            EstimatesUpdated(trial=record.number, rewarded=self._rewarded, units=self.estimates),
        ]

    def _measure(self, record: TrialRecord, window: ResponseWindow) -> TrialResponse:
        units: list[str] = []
        counts: list[tuple[int, int] | None] = []
        missing: dict[str, str] = {}
        end_us = window_end_us(record, window)
        for stream in self._streams.values():
            why = stream.why_withheld(end_us)
            if why is not None:
                names = [self._unit(stream, unit) for unit in stream.units]
                units += names
                counts += [None] * len(names)
                missing.update(dict.fromkeys(names, why))
                continue
            for unit, counted in stream.counts(record, window):
                name = self._unit(stream, unit)
                why = (
                    "the unit appeared later" if counted is None else self._recorded.why_missing(unit, record)
                )
                units.append(name)
                counts.append(counted if why is None else None)
                if why is not None:
                    missing[name] = why
        return TrialResponse(
            trial=record.number,
            units=tuple(units),
            counts=tuple(counts),
            response_hz=tuple(response_hz(pair, window) if pair else None for pair in counts),
            missing=missing,
        )

    def _aligned(self, record: TrialRecord, why_missing: str | None) -> list[Document]:
        """Spikes around the reward, for those who draw rasters; nothing is decided from them."""
        if why_missing is not None or self._window is None:
            return []
        found = [
            (self._unit(stream, unit), times)
            for stream in self._streams.values()
            if stream.why_withheld(window_end_us(record, self._window)) is None
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

    def _nothing(self, record: TrialRecord, why: str) -> TrialResponse:
        units = self.units
        none = (None,) * len(units)
        return TrialResponse(
            trial=record.number,
            units=units,
            response_hz=none,
            counts=none,
            missing=dict.fromkeys(units, why),
        )

    def _update(self, record: TrialRecord, response: TrialResponse) -> None:
        if self.estimator is None or record.spec.reward_ul not in self._sizes:
            return
        shift = 0.0 if record.spec.signalled else self._plan.rig.neural.unsignalled_shift_hz
        values = {
            unit: y + shift
            for unit, y in zip(response.units, response.response_hz, strict=True)
            if y is not None
        }
        self.estimator.ensure_units(response.units)
        if values:
            self._rewarded += 1
            self.estimator.update(self._sizes.index(record.spec.reward_ul), values)
