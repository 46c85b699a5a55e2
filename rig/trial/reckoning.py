"""From a trial record and the streams' spikes to responses, estimates and alarms.

A decision waits for the response of the trial before it (`rig.trial.windows`). Data that comes later
improves the estimate and never rewrites a decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from rig.clock.health import ClockHealth
from rig.design.plan import SessionPlan
from rig.device import Feed
from rig.documents import (
    AlignedSpikes,
    ClocksRead,
    CueResponseTaken,
    DeviceClock,
    Document,
    EstimatesUpdated,
    ResponseTaken,
    StreamState,
    UnitEstimate,
)
from rig.effects import PublishArray
from rig.errors import ConfigError
from rig.estimate.online import ReversalEstimator
from rig.estimate.telling import NOT_SETTLED
from rig.events import StreamEvent, UnitAppeared, UnitVanished
from rig.stream.clocks import ClockWatch
from rig.stream.intake import StreamIntake
from rig.stream.news import presence, unit_news
from rig.trial.alarms import Alarms
from rig.trial.live_arrays import spike_array
from rig.trial.spec import TrialRecord
from rig.trial.tags import Tags
from rig.trial.windows import Heard, Windows
from rig.units import US_PER_S

CLOCKS_US = 5 * US_PER_S
"""The devices' clocks are told this often (board time), and looked at every second."""
LOOK_US = US_PER_S
NO_DISTRIBUTION = "this protocol has no one reward distribution that a reversal point could be about"


class Reckoning:
    """Streams, windows, the estimator and the alarms of one session.

    Longer than most: it knows every neighbour of the estimates, and little else.

    Attributes
    ----------
    tags
        What is known of units and light.
    live
        The spikes of the batch that was taken last, for other programs; None without any.
    other_clocks
        Returns the clocks of other devices at a board time, by name; they are told together.
    """

    def __init__(self, plan: SessionPlan, feeds: Mapping[str, Feed]) -> None:
        self._plan = plan
        self._streams: dict[str, StreamIntake] = {}
        for config in plan.rig.streams:
            if config.name not in feeds:
                raise ConfigError(f"no driver was made for the stream '{config.name}'")
            self._streams[config.name] = StreamIntake(config, feeds[config.name])
        self._windows = Windows(plan, self._streams)
        self._alarms = Alarms(plan.protocol.response)
        self.tags = Tags(plan, self._streams, self._windows.unit)
        self.other_clocks: Callable[[int], dict[str, ClockHealth]] = lambda now_us: {}
        self._watches: dict[str, ClockWatch] = {}
        self._inputs = {
            plan.rig.board.inputs[config.sync_input].line: config.name
            for config in plan.rig.streams
            if config.sync_input
        }
        self.live: PublishArray | None = None
        self._board_us = self._now_ns = 0
        self._looked_us = self._told_clocks_us = -CLOCKS_US
        self._news: list[Document] = []
        self._vanished: set[str] = set()
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
        """Take a packed batch of messages of stream `source`; return what was lost or began anew.

        Units that come and go are told by the next `settle`.
        """
        stream, self.live = self._streams.get(source), None
        if stream is None:
            return []
        losses: list[StreamEvent] = []
        changes = []
        for event in stream.take(payload, t_ns):
            if isinstance(event, UnitAppeared | UnitVanished):
                at_us = stream.board_time_us(event.sample)
                changes.append(presence(event, self._windows.unit(stream, event.unit), at_us))
            else:
                losses.append(event)
        if stream.fresh:
            spikes = [(self._windows.unit(stream, unit), sample) for unit, sample in stream.fresh]
            self.live = spike_array(source, spikes, stream.board_time_us)
        if changes:
            self._vanished |= {change.unit for change in changes if not change.there}
            self._news += unit_news(source, changes, self._board_us, discovering=stream.discovering)
        return losses

    def board_pulse(self, t_us: int, *, rising: bool = True) -> None:
        """Take a change of the sync line, which the board drove at `t_us`."""
        for stream in self._streams.values():
            if stream.config.sync == "line":
                stream.clock.board_edge(t_us, rising)

    def board_input(self, line: int, t_us: int, *, rising: bool) -> None:
        """Take a change of a board input: a barcode generator may be wired to it."""
        name = self._inputs.get(line)
        if name is not None:
            self._streams[name].clock.board_edge(t_us, rising)

    def board_heard(self, t_us: int, t_ns: int) -> None:
        """Take note that the host heard at `t_ns` of something that the board stamped `t_us`."""
        self._board_us, self._now_ns = max(self._board_us, t_us), t_ns
        for stream in self._streams.values():
            stream.clock.board_heard(t_us, t_ns)
        if self._board_us - self._looked_us >= LOOK_US:
            self._look_at_clocks()

    def _look_at_clocks(self) -> None:
        """Say which clocks can no longer be trusted; now and then how all of them stand."""
        now_us = self._looked_us = self._board_us
        found: dict[str, tuple[ClockHealth, int | None]] = {}
        for name, stream in self._streams.items():
            found[name] = stream.clock_as_far(now_us, self._now_ns)
        found |= {name: (clock, now_us) for name, clock in self.other_clocks(now_us).items()}
        told = [self._watch(name).look(clock, at) for name, (clock, at) in found.items() if at is not None]
        notices = [notice for notice in told if notice is not None]
        if not found:
            return
        if notices or now_us - self._told_clocks_us >= CLOCKS_US:
            self._told_clocks_us = now_us
            devices = tuple(DeviceClock(name=name, health=clock) for name, (clock, _) in found.items())
            self._news += [ClocksRead(board_us=now_us, devices=devices), *notices]

    def _watch(self, name: str) -> ClockWatch:
        return self._watches.setdefault(name, ClockWatch(name))

    def board_restarted(self, why: str) -> None:
        """The board's time began anew: no clock fits it any more, no open window lies in it."""
        for stream in self._streams.values():
            stream.clock.restart_board(why)
        self._windows.void(why)
        self.tags.void(why)
        self._board_us, self._looked_us, self._told_clocks_us = 0, -CLOCKS_US, -CLOCKS_US

    def interrupted(self, why: str) -> None:
        """Nothing was recorded for a while: clocks are found anew, and no open window is whole any more."""
        for stream in self._streams.values():
            stream.begin_anew(why)
        self._windows.void(why)
        self.tags.void(why)

    def positions(self) -> dict[str, tuple[int, float]]:
        """Where each stream's own clock stands: sample that comes next, samples per second as stated."""
        found = {name: stream.position for name, stream in self._streams.items()}
        return {name: position for name, position in found.items() if position is not None}

    @property
    def listens(self) -> bool:
        """Whether the protocol wants to know what units do: then their clocks come first."""
        protocol = self._plan.protocol
        return protocol.response is not None or protocol.cue_response is not None or self.tags.expected

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
        return tuple(stream.state(self._board_us, self._now_ns) for stream in self._streams.values())

    # --- windows ----------------------------------------------------------------------------------

    def open(self, record: TrialRecord, now_ns: int, why_missing: str | None) -> None:
        """Open the windows of a finished trial (nothing to do without a cue, a reward or light)."""
        self._windows.open(record, now_ns, why_missing)
        self.tags.open(record, now_ns)

    def spoil(self, why: str) -> None:
        """Withhold the responses whose windows are open now: something happened that is not in the model."""
        self._windows.spoil(why)

    @property
    def waiting(self) -> bool:
        """Whether the next decision must wait for a response, or for what light did."""
        return self._windows.waiting or self.tags.waiting

    @property
    def deadline_ns(self) -> int | None:
        """When to be asked again at the latest (the next decision deadline, for example), or None."""
        due = [t for t in (self._windows.deadline_ns, self.tags.deadline_ns) if t is not None]
        return min(due, default=None)

    @property
    def spikes_by_ns(self) -> int | None:
        """Until when spikes around the last events may be hoped for, or None. They decide nothing."""
        return self._windows.spikes_by_ns

    @property
    def deadlines_expired(self) -> int:
        """Trials whose decision deadline expired."""
        return self._windows.deadlines_expired

    def settle(self, now_ns: int) -> list[Document]:
        """Close every window that can be closed; return what is new."""
        documents, self._news = self._news, []
        for news in self._windows.settle(now_ns):
            if isinstance(news, AlignedSpikes):
                documents.append(news)
            elif news.after == "cue":
                documents.append(CueResponseTaken(response=news.response, revised=news.revised))
            else:
                documents += self._hear(news)
        return documents + self.tags.settle(now_ns)

    def close(self, *, in_order: bool) -> list[Document]:
        """Return what was still to be told: the session is over.

        Parameters
        ----------
        in_order
            There is time. After an emergency the board must hear of it first.
        """
        return [*self._news, *(self.tags.close() if in_order else ())]

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
        return [told, updated, *self._alarms.check(record.start_us + record.duration_us, self._vanished)]

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
