"""One neural stream on its way from messages to responses.

The stream has its own sample clock. The board's sync pulses come back on one of its TTL lines, and
`ClockModel` fits the two; only then can spikes be counted around a reward. (Or barcodes, or nothing but the
host's stamps: `rig.stream.clocks`.) A response window closes at the first data message that begins well past
its end: spikes near a block's end come a block later.
"""

from __future__ import annotations

from typing import Final

from rig.clock.health import ClockHealth, StreamClock, health
from rig.description import StreamConfig
from rig.device import Feed
from rig.documents import StreamState
from rig.errors import PackError
from rig.events import (
    LinkLost,
    Progress,
    Spike,
    StreamEvent,
    StreamGap,
    StreamRestarted,
    Ttl,
    UnsortedSpike,
    WireNoise,
)
from rig.log.pack import unpack
from rig.stream.clocks import clock_for
from rig.stream.holes import Holes
from rig.stream.presence import Presence
from rig.stream.ring import SpikeRing
from rig.trial.placed import Placed
from rig.trial.spec import ResponseWindow
from rig.units import NS_PER_S, US_PER_MS, US_PER_S

SETTLE_SAMPLES = 200
"""Detectors hold spikes of a block's last samples back for a block: wait this far past a window's end."""

KEEP_S = 120.0
"""How long spikes are kept for windows still open."""

NO_CLOCK: Final = {
    "sync line": "clock not locked to the sync line",
    "barcodes": "clock not locked to the barcodes",
    "host stamps": "clock not known from the computer's stamps yet",
}
STOPPED: Final = {
    "sync line": "sync pulses stopped",
    "barcodes": "barcodes stopped",
    "host stamps": "nothing came from the stream",
}
"""Why a response is withheld, by what the clock is kept true by."""


class StreamIntake:
    """Messages of one stream in; counts around a trial's events out.

    Long, because what came, what is missing and when it was judge each other: a count stands on all three.
    """

    def __init__(self, config: StreamConfig, feed: Feed) -> None:
        self.config = config
        self.name = config.name
        self.clock: StreamClock = clock_for(config)
        self.presence = Presence(config.roster)
        self._feed = feed
        self._ring = SpikeRing()
        self._holes = Holes(SETTLE_SAMPLES)
        self._next_sample: int | None = None
        self._first_sample: int | None = None
        self._began_us: int | None = None
        self._rate_hz: float | None = None
        self._heard_ns = self._came_ns = 0
        self.fresh: list[tuple[str, int]] = []
        """Spikes (unit, sample) of the newest batch, as they came; for who hands them on."""
        self.messages = 0
        self.lost = 0
        self.noise = 0
        self.restarts = 0
        self.unsorted = 0
        self._roster = frozenset(config.roster)
        for unit in config.roster:
            self._ring.add_unit(unit)

    def take(self, payload: bytes, t_ns: int) -> list[StreamEvent]:
        """Take a packed batch of messages; return what people should be told."""
        notable: list[StreamEvent] = []
        self._heard_ns = t_ns
        self.fresh = []
        try:
            messages = unpack(payload)
        except PackError as error:
            return [WireNoise(source=self.name, dropped=len(payload), reason=str(error))]
        for parts in messages:
            self.messages += 1
            for event in self._feed.feed(parts, t_ns):
                if type(event) is Spike:
                    self._ring.add(event.unit, event.sample)
                    self.fresh.append((event.unit, event.sample))
                    appeared = self.presence.spike(event.unit, event.sample)
                    if appeared is not None:
                        notable.append(appeared)
                else:
                    self._take_other(event, notable)
        return notable

    def _take_other(self, event: StreamEvent, notable: list[StreamEvent]) -> None:
        match event:
            case Progress():
                self._progress(event)
                notable += self.presence.progress(event.next_sample, event.rate_hz)
            case Ttl():
                if event.line == self.config.sync_line:
                    self.clock.stream_edge(event.sample, event.rising)
            case UnsortedSpike():
                self.unsorted += 1
            case StreamGap():
                self.lost += event.last - event.first + 1
                self._holes.lost()
                notable.append(event)
            case StreamRestarted():
                self.restarts += 1
                self.begin_anew(event.reason)
                notable.append(event)
            case WireNoise():
                self.noise += event.dropped
                self._holes.lost()  # it may have been a spike
                notable.append(event)
            case LinkLost():
                notable.append(event)
            case _:
                pass

    def _progress(self, event: Progress) -> None:
        # One channel of data is enough to know how far the stream has come.
        if self._rate_hz != event.rate_hz:
            self._rate_hz = event.rate_hz
            self.clock.nominal_rate_hz = event.rate_hz
        if self._next_sample is None or event.next_sample > self._next_sample:
            self._next_sample = event.next_sample
            if self._first_sample is None:
                self._first_sample = event.next_sample
            self._came_ns = self._heard_ns
            self.clock.stream_heard(event.next_sample, self._heard_ns)
            kept_from = event.next_sample - int(KEEP_S * event.rate_hz)
            self._holes.progress(event.next_sample)
            self._holes.forget_before(kept_from)
            self._ring.settle(event.next_sample - SETTLE_SAMPLES)
            self._ring.forget_before(kept_from)

    def begin_anew(self, reason: str) -> None:
        """Forget samples, spikes and clock; units keep their names."""
        self.clock.reset(reason)
        self.presence.clear()
        self._next_sample = self._first_sample = self._began_us = None
        self._holes.clear()
        self._ring.clear()

    @property
    def ready(self) -> bool:
        """Whether the clock is locked and the units are known beforehand."""
        return self.clock.locked and bool(self.config.roster)

    @property
    def discovering(self) -> bool:
        """Whether new units are expected: there is no roster, and the warm-up is not over."""
        if self.config.roster:
            return False
        if self._first_sample is None or self._next_sample is None or self._rate_hz is None:
            return True
        return self._next_sample - self._first_sample < self.config.warmup_s * self._rate_hz

    @property
    def position(self) -> tuple[int, float] | None:
        """Sample that comes next, and samples per second as stated; None before the first."""
        return None if self._next_sample is None or not self._rate_hz else (self._next_sample, self._rate_hz)

    @property
    def units(self) -> tuple[str, ...]:
        """Units on the roster and those that have appeared, in order."""
        return self._ring.units

    def covers(self, end_us: int) -> bool | None:
        """Whether all spikes before board time `end_us` have arrived; None if that cannot be known."""
        if self._next_sample is None or not self.clock.locked:
            return None
        return self._next_sample >= self.clock.to_sample(end_us) + SETTLE_SAMPLES

    @property
    def why_unusable(self) -> str | None:
        """Return why the stream cannot be put on the board's clock at all, or None if it can."""
        if self._next_sample is None:
            return "no data on the stream"
        if not self.clock.locked:
            return NO_CLOCK[self.clock.source]
        return None

    def why_withheld(self, placed: Placed) -> str | None:
        """Return why a trial's response cannot be trusted, or None if it can."""
        if self.why_unusable is not None:
            return self.why_unusable
        if self.clock.stale(placed.end_us):
            return STOPPED[self.clock.source]
        edges = self._edges(placed)
        return self._holes.why_not(min(edges), max(edges))

    def silent(self, now_ns: int) -> bool:
        """Whether nothing has come for longer than the stream's `silence_s` (wall time)."""
        return now_ns - self._heard_ns > self.config.silence_s * NS_PER_S

    def counts(self, placed: Placed) -> tuple[tuple[str, tuple[int, int] | None], ...]:
        """Count spikes in the response and baseline windows of a trial.

        Returns
        -------
        tuple
            Per unit its name and (response count, baseline count), or None where the unit first
            appeared after the window had begun.
        """
        edges = self._edges(placed)
        response = self._ring.count(edges[0], edges[1])
        baseline = self._ring.count(edges[2], edges[3])
        begun = min(edges[0], edges[2])
        return tuple(
            (unit, (int(r), int(b)) if self._present(unit, begun) else None)
            for unit, r, b in zip(self._ring.units, response, baseline, strict=True)
        )

    def _edges(self, placed: Placed) -> list[float]:
        """Return the samples at which the response and the baseline window begin and end."""
        return [self.clock.to_sample(at) for at in (*placed.response_us, *placed.baseline_us)]

    def aligned(self, zero_us: int, start_ms: int, stop_ms: int) -> list[tuple[str, tuple[int, ...]]]:
        """Return every unit's spikes around a board time, in units of 0.1 ms relative to it."""
        clock = self.clock
        low = clock.to_sample(zero_us + start_ms * US_PER_MS)
        high = clock.to_sample(zero_us + stop_ms * US_PER_MS)
        zero = clock.to_sample(zero_us)
        per_sample = (stop_ms - start_ms) * 10 / (high - low)
        return [
            (unit, tuple(round((s - zero) * per_sample) for s in self._ring.samples(unit, low, high)))
            for unit in self._ring.units
        ]

    def around(self, zero_us: int, from_us: int, to_us: int) -> dict[str, list[float]]:
        """Return the spikes around a board time, in ms relative to it; of units that are there by then.

        Parameters
        ----------
        from_us, to_us
            The stretch that is wanted, relative to `zero_us`.
        """
        clock = self.clock
        low, high = clock.to_sample(zero_us + from_us), clock.to_sample(zero_us + to_us)
        zero = clock.to_sample(zero_us)
        ms_per_sample = (to_us - from_us) / US_PER_MS / (high - low)
        return {
            unit: [(s - zero) * ms_per_sample for s in self._ring.samples(unit, low, high)]
            for unit in self._ring.units
            if self._present(unit, low)
        }

    def why_not_around(self, zero_us: int, from_us: int, to_us: int) -> str | None:
        """Return why the spikes in such a stretch cannot be trusted, or None if they can."""
        if self.why_unusable is not None:
            return self.why_unusable
        if self.clock.stale(zero_us + to_us):
            return STOPPED[self.clock.source]
        low, high = self.clock.to_sample(zero_us + from_us), self.clock.to_sample(zero_us + to_us)
        return self._holes.why_not(low, high)

    def _present(self, unit: str, since_sample: float) -> bool:
        if unit in self._roster:
            return True
        first = self._ring.first_seen(unit)
        return first is not None and first <= since_sample

    def board_time_us(self, sample: int) -> int | None:
        """Return the board time of a sample; None while the clock is not known."""
        return round(self.clock.to_board_us(sample)) if self.clock.locked else None

    def _reached_us(self, board_us: int, now_ns: int) -> int | None:
        """Return the board time up to which the stream's clock can be judged; None: nothing has come yet.

        A stream that lags (a busy computer) has not lost its sync pulses: they are still to come. One that is
        silent has.
        """
        if now_ns - self._came_ns > self.config.silence_s * NS_PER_S:
            return board_us
        if self._next_sample is None or self._first_sample is None or self._rate_hz is None:
            return None
        if self._began_us is None:
            self._began_us = board_us
        came_us = self._began_us + (self._next_sample - self._first_sample) / self._rate_hz * US_PER_S
        if self.clock.locked:
            came_us = self.clock.to_board_us(self._next_sample)
        return min(board_us, round(came_us))

    def clock_health(self, board_us: int) -> ClockHealth:
        """Judge the stream's clock at board time `board_us`."""
        return health(self.clock, board_us)

    def clock_as_far(self, board_us: int, now_ns: int) -> tuple[ClockHealth, int | None]:
        """Judge the clock as far as the stream has come; also return how far (None: nothing came)."""
        reached_us = self._reached_us(board_us, now_ns)
        return self.clock_health(board_us if reached_us is None else reached_us), reached_us

    def state(self, board_us: int, now_ns: int) -> StreamState:
        """Return the stream's health at board time `board_us`, which is `now_ns` for the host."""
        clock, _ = self.clock_as_far(board_us, now_ns)
        return StreamState(
            name=self.name,
            messages=self.messages,
            lost=self.lost,
            noise_bytes=self.noise,
            restarts=self.restarts,
            clock_sigma_us=self.clock.sigma_us if self.clock.locked else None,
            clock_pulses=clock.pulses,
            units=len(self._ring.units),
            clock=clock,
        )


def response_hz(counts: tuple[int, int], window: ResponseWindow) -> float:
    """Turn (response count, baseline count) into a baseline-subtracted rate in Hz."""
    length_s = (window.stop_ms - window.start_ms) * US_PER_MS / US_PER_S
    baseline_s = (window.baseline_stop_ms - window.baseline_start_ms) * US_PER_MS / US_PER_S
    return counts[0] / length_s - counts[1] / baseline_s
