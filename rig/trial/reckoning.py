"""From a trial record and the streams' spikes to responses, estimates and alarms.

A decision waits for the response of the trial before it (`rig.trial.windows`). Data that comes later
improves the estimate and never rewrites a decision.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from rig.device import Feed
from rig.documents import (
    AlignedSpikes,
    CueResponseTaken,
    Document,
    EstimatesUpdated,
    ResponseTaken,
    StreamState,
    UnitEstimate,
)
from rig.errors import ConfigError
from rig.estimate.online import ReversalEstimator
from rig.estimate.telling import NOT_SETTLED
from rig.events import StreamEvent
from rig.plan import SessionPlan
from rig.stream.intake import StreamIntake
from rig.trial.alarms import Alarms
from rig.trial.spec import TrialRecord
from rig.trial.windows import Heard, Windows
from rig.units import US_PER_S

NO_DISTRIBUTION = "this protocol has no one reward distribution that a reversal point could be about"


class Reckoning:
    """Streams, windows, the estimator and the alarms of one session."""

    def __init__(self, plan: SessionPlan, feeds: Mapping[str, Feed]) -> None:
        self._plan = plan
        self._streams: dict[str, StreamIntake] = {}
        for config in plan.rig.streams:
            if config.name not in feeds:
                raise ConfigError(f"no driver was made for the stream '{config.name}'")
            self._streams[config.name] = StreamIntake(config, feeds[config.name])
        self._windows = Windows(plan, self._streams)
        self._alarms = Alarms(plan.protocol.response)
        self.begin_epoch(0, 0)

    def begin_epoch(self, number: int, trial: int) -> None:
        """Estimate from nothing, for epoch `number` of the plan, which begins with trial `trial`.

        Responses of earlier trials that come later are told, and counted nowhere.
        """
        epoch = self._plan.protocol.declared_epochs[number]
        self.epoch = number
        self.sizes_ul = tuple(self._plan.protocol.schedule.distribution(number))
        self.reversal_conditions = epoch.conditions
        self._began, self._counts_from = trial, trial + (epoch.discard or 0)
        self.axis_at_sizes_hz: tuple[float, ...] = ()
        self.estimator: ReversalEstimator | None = None
        if self._plan.protocol.response is not None and self.sizes_ul:
            estimator = ReversalEstimator(self.sizes_ul, self._plan.axis())
            estimator.ensure_units(self.units if number else ())
            self.axis_at_sizes_hz = tuple(estimator.placed.utility_hz)
            self.estimator = estimator if self._streams else None
        self._alarms.begin_epoch(self.axis_at_sizes_hz)
        self._counted: set[int] = set()
        self.settled_units = 0
        self.estimates: tuple[UnitEstimate, ...] = ()

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
        return tuple(self._windows.unit(s, unit) for s in self._streams.values() for unit in s.units)

    def stream_states(self) -> tuple[StreamState, ...]:
        """Health of every stream."""
        return tuple(stream.state() for stream in self._streams.values())

    # --- windows ----------------------------------------------------------------------------------

    def open(self, record: TrialRecord, now_ns: int, why_missing: str | None) -> None:
        """Open the windows of a finished trial (nothing to do without a cue or a reward)."""
        self._windows.open(record, now_ns, why_missing)

    def spoil(self, why: str) -> None:
        """Withhold the responses whose windows are open now: something happened that is not in the model."""
        self._windows.spoil(why)

    @property
    def waiting(self) -> bool:
        """Whether the next decision must wait for a response."""
        return self._windows.waiting

    @property
    def deadline_ns(self) -> int | None:
        """When the next decision deadline expires, or None."""
        return self._windows.deadline_ns

    @property
    def deadlines_expired(self) -> int:
        """Trials whose decision deadline expired."""
        return self._windows.deadlines_expired

    def settle(self, now_ns: int) -> list[Document]:
        """Close every window that can be closed; return what is new."""
        documents: list[Document] = []
        for news in self._windows.settle(now_ns):
            if isinstance(news, AlignedSpikes):
                documents.append(news)
            elif news.after == "cue":
                documents.append(CueResponseTaken(response=news.response, revised=news.revised))
            else:
                documents += self._hear(news)
        return documents

    # --- estimates --------------------------------------------------------------------------------

    def _hear(self, heard: Heard) -> list[Document]:
        """Tell a response to a reward, and what follows from it."""
        told = ResponseTaken(response=heard.response, revised=heard.revised)
        if self.estimator is None or not heard.learned:
            return [told]
        record = heard.record
        self._alarms.hear(heard.response, heard.fresh)
        if record.number < self._began:
            return [told]  # its epoch is over
        self._update(heard)
        self.estimates = self._told(self.estimator.estimates())
        self.settled_units = sum(NOT_SETTLED not in unit.flags for unit in self.estimates)
        updated = EstimatesUpdated(
            trial=record.number, rewarded=len(self._counted), units=self.estimates, epoch=self.epoch
        )
        return [told, updated, *self._alarms.check(record.start_us + record.duration_us)]

    def _told(self, units: tuple[UnitEstimate, ...]) -> tuple[UnitEstimate, ...]:
        """Say why there are no estimates where the protocol wants none."""
        if self.reversal_conditions != ():
            return units
        return tuple(msgspec.structs.replace(unit, reason=NO_DISTRIBUTION) for unit in units)

    def _update(self, heard: Heard) -> None:
        response, spec = heard.response, heard.record.spec
        if self.estimator is None:
            return
        self.estimator.ensure_units(response.units)
        if spec.reward_ul not in self.sizes_ul or heard.record.number < self._counts_from:
            return
        if self.reversal_conditions is not None and spec.condition not in self.reversal_conditions:
            return
        shift = 0.0 if spec.signalled else self._plan.rig.neural.unsignalled_shift_hz
        values = {
            unit: y + shift
            for unit, y in zip(response.units, response.response_hz, strict=True)
            if y is not None and unit in heard.fresh
        }
        if values:
            self._counted.add(heard.record.number)
            size = self.sizes_ul.index(spec.reward_ul)
            self.estimator.update(size, values)
            self._alarms.count(size, values)
