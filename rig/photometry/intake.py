"""One source of samples on its way from events to responses; what `rig.stream.intake` is for spikes.

::

    driver's events --> numbers set right --> clock (samples <-> board time)
                              |
                              '--> dF/F of each fibre --> trace --> response to an event at a board time

Sample numbers inside are those of the device plus what it has lost without saying so, as far as the sync
pulses have told (`rig.photometry.miscount`). A response is withheld, with the reason, where the clock does
not hold, F0 has not settled, samples are missing, or are missing nobody knows quite where.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import msgspec

from rig.clock.health import StreamClock, health
from rig.clock.host import HostClock
from rig.clock.model import ClockModel
from rig.errors import ConfigError
from rig.events import (
    LinkLost,
    SampleEvent,
    Samples,
    SamplesLost,
    SourceReady,
    StreamRestarted,
    Ttl,
    WireNoise,
)
from rig.photometry.aligned import FibreResponse, Floats, Place, around, respond
from rig.photometry.chain import DffChunk, OnlineDff
from rig.photometry.miscount import Miscount, PulseCount
from rig.photometry.settings import FibreConfig, PhotometryConfig
from rig.photometry.told import SourceHealth
from rig.photometry.trace import Trace

KEEP_S: Final = 120.0
LATE_EDGE: Final = 0.5
"""In samples: a digital input is read once a sample, so an edge is seen half a sample late on average."""
UNCERTAIN: Final = 64
NO_STAMPS: Final = "clock not known from the computer's stamps yet"


class FibreChunk(msgspec.Struct, frozen=True, eq=False):
    """New samples of one fibre, for live views and other programs.

    Attributes
    ----------
    raw, control
        As they came, in the source's unit, shape (samples,); `control` is None without one.
    made
        What the chain made of them.
    """

    fibre: str
    rate_hz: float
    raw: Floats
    control: Floats | None
    made: DffChunk


class _Fibre:
    """One fibre's chain and its newest trace."""

    def __init__(self, config: FibreConfig, ready: SourceReady) -> None:
        self.config = config
        self.chain = OnlineDff(config.dff, ready.rate_hz)
        self.trace = Trace(math.ceil(KEEP_S * ready.rate_hz))
        self.signal = ready.channels.index(config.signal)
        self.control = ready.channels.index(config.control) if config.control else None


class SampleIntake:
    """Events of one source in; dF/F and responses out.

    Longer than most: clock, chain and answers of one source share its counts.

    Parameters
    ----------
    config
        The source's part of the rig file.
    step
        The device loses samples in multiples of this (its buffer).
    edge_samples
        By how much of a sample an edge is stamped late on average; 0.5 where a line is read once a sample.

    Attributes
    ----------
    clock
        Sample numbers and board time.
    ready
        What the source told of itself; None before.
    miscounts
        Samples found missing (or too many) by the sync pulses, oldest first; whoever tells of them takes them
        out.
    """

    def __init__(self, config: PhotometryConfig, step: int = 1) -> None:
        self.config = config
        self.name = config.name
        self.by_stamps = config.sync == "host"
        self.clock: StreamClock = (
            HostClock(float(config.rate_hz))
            if self.by_stamps
            else ClockModel(float(config.rate_hz), edge_samples=LATE_EDGE)
        )
        self.ready: SourceReady | None = None
        self.miscounts: list[Miscount] = []
        self._count = PulseCount(float(config.rate_hz), step)
        self._step = step
        self._fibres: dict[str, _Fibre] = {}
        self._unsure: deque[tuple[int, int]] = deque(maxlen=UNCERTAIN)
        self._judged = 0  # the newest sample up to which pulses have told that none is missing
        self._next: int | None = None
        self._samples = 0
        self._lost = 0
        self._missing = 0
        self._surplus = 0
        self._clipped = 0
        self._noise = 0
        self._restarts = 0

    # --- what comes in -----------------------------------------------------------------------------

    def take(self, events: list[SampleEvent], t_ns: int = 0) -> tuple[list[SampleEvent], list[FibreChunk]]:
        """Take a driver's events.

        Parameters
        ----------
        t_ns
            When this computer heard of them; without a sync line nothing else says when samples were taken.

        Returns
        -------
        notable : list of events
            What people should be told.
        chunks : list of FibreChunk
            What became of the samples.

        Raises
        ------
        ConfigError
            If a fibre's channel is none of the source's, or its filter does not fit the rate.
        """
        notable: list[SampleEvent] = []
        chunks: list[FibreChunk] = []
        for event in events:
            match event:
                case Samples():
                    chunks += self._take_samples(event)
                    self.clock.stream_heard(event.end - 1, t_ns)  # the newest has just been taken
                    continue
                case Ttl():
                    if event.line == self.config.sync_line and event.rising and not event.after_gap:
                        self._take_pulse(event.sample)
                    continue
                case SamplesLost():
                    self._lost += event.count
                case SourceReady():
                    self._begin(event)
                case StreamRestarted():
                    self._restart(event.reason)
                case WireNoise():
                    self._noise += event.dropped
                case LinkLost():
                    pass
            notable.append(event)
        return notable, chunks

    def add_board_pulse(self, t_us: int) -> list[Miscount]:
        """Tell that the board drove a rising edge on its sync line; return samples found missing by it."""
        if self.ready is None or self.by_stamps:
            return []  # no sample can have seen it
        self.clock.board_edge(t_us, rising=True)
        return self._found(self._count.add_board_pulse(t_us))

    def restart_board(self, reason: str) -> None:
        """Forget the board's side of the clock: its counter began again. Samples are counted on."""
        self.clock.restart_board(reason)
        self._count.restart_board()

    def interrupted(self, reason: str) -> None:
        """Nobody listened for a while: which pulse is which must be found again."""
        self.clock.restart_board(reason)
        self._count.restart_board()

    def _take_pulse(self, sample: int) -> None:
        if self.by_stamps:
            return
        self._found(self._count.add_stream_pulse(sample))
        self.clock.stream_edge(sample + self._count.offset, rising=True)
        if self._count.locked:
            self._judged = sample + self._count.offset

    def _found(self, miscounts: list[Miscount]) -> list[Miscount]:
        self.miscounts += miscounts
        for miscount in miscounts:
            self._missing += max(miscount.missing, 0)
            self._surplus += max(-miscount.missing, 0)
            before = self._count.offset - miscount.missing
            self._unsure.append((miscount.after + before, miscount.before + self._count.offset))
        return miscounts

    def _take_samples(self, event: Samples) -> list[FibreChunk]:
        self._samples += len(event.values)
        self._clipped += event.clipped
        first = event.first + self._count.offset
        self._next = first + len(event.values)
        chunks = []
        for name, fibre in self._fibres.items():
            raw = event.values[:, fibre.signal]
            control = None if fibre.control is None else event.values[:, fibre.control]
            begin = max(fibre.trace.next_sample or first, first)
            skip = begin - first  # samples made twice: the numbers went back when that was found out
            if skip >= len(raw):
                continue
            made = fibre.chain.take(begin, raw[skip:], None if control is None else control[skip:])
            fibre.trace.append(begin, made.dff, made.ready)
            chunks.append(FibreChunk(name, event.rate_hz, raw, control, made))
        return chunks

    def _begin(self, ready: SourceReady) -> None:
        self.ready = ready
        for name, fibre in self.config.fibres.items():
            for channel in (fibre.signal, fibre.control):
                if channel and channel not in ready.channels:
                    raise ConfigError(
                        f"fibre '{name}': the source '{self.name}' has no channel '{channel}'; it has "
                        f"{', '.join(ready.channels)}"
                    )
        self._fibres = {name: _Fibre(fibre, ready) for name, fibre in self.config.fibres.items()}
        if ready.rate_hz != self.clock.nominal_rate_hz:
            self.clock.nominal_rate_hz = ready.rate_hz
            self._count = PulseCount(ready.rate_hz, self._step)

    def _restart(self, reason: str) -> None:
        self._restarts += 1
        if isinstance(self.clock, HostClock):
            self.clock.reset(reason)
        else:
            self.clock.restart_board(reason)  # nor the pulses before: no new sample can have seen them
        self._count.reset()
        self._unsure.clear()
        self._next = None
        self._judged = 0
        if self.ready is not None:
            self._begin(self.ready)

    # --- what can be asked ---------------------------------------------------------------------------

    @property
    def fibres(self) -> tuple[str, ...]:
        """Names of the fibres, in the order of the rig file."""
        return tuple(self.config.fibres)

    def delay_ms(self, fibre: str) -> float | None:
        """Delay of a fibre's low-pass; None before the source has told its rate."""
        known = self._fibres.get(fibre)
        return None if known is None else known.chain.group_delay_ms

    @property
    def why_unusable(self) -> str | None:
        """Return why no sample can be put on the board's clock, or None if it can."""
        if self.ready is None or not self._fibres:
            return "the source has not started"
        if self.clock.locked:
            return None
        return NO_STAMPS if self.by_stamps else "clock not locked to the sync line"

    def covers(self, end_us: int) -> bool | None:
        """Whether all samples before board time `end_us` have arrived; None if that cannot be known."""
        if self.why_unusable is not None:
            return None
        end = self.clock.to_sample(end_us)
        newest = [fibre.trace.next_sample for fibre in self._fibres.values()]
        return all(sample is not None and sample >= end for sample in newest)

    def counted(self, end_us: int) -> bool:
        """Whether a sync pulse after board time `end_us` has told that no sample before it is missing.

        Without a sync line nothing will ever tell, so nothing is waited for.
        """
        return self.clock.locked and (self.by_stamps or self._judged >= self.clock.to_sample(end_us))

    def end_us(self, event_us: int, fibre: str) -> int:
        """Board time at which the last sample of an event's response has been taken."""
        config, delay_ms = self.config.fibres[fibre], self.delay_ms(fibre) or 0.0
        return event_us + math.ceil((self.config.window.stop_ms + config.lag_ms + delay_ms) * 1000.0)

    def respond(self, fibre: str, event_us: int, stimulus_us: int) -> FibreResponse:
        """Measure a fibre's response to an event.

        Parameters
        ----------
        event_us, stimulus_us
            Board times of the event (the valve's opening), and of what the baseline is measured before.
        """
        why = self.why_unusable
        if why is None and self.clock.stale(event_us):
            why = "nothing came from the source" if self.by_stamps else "sync pulses stopped"
        if why is not None:
            return FibreResponse(dff=None, baseline_dff=None, missing=0, reason=why)
        place = self._place(fibre, event_us, stimulus_us)
        response, baseline = place.windows(self.config.window)
        first, last = min(*response, *baseline), max(*response, *baseline)
        if any(low < last and first < high for low, high in self._unsure):
            reason = "samples are missing near the window, and not even their places are known"
            return FibreResponse(dff=None, baseline_dff=None, missing=0, reason=reason)
        return respond(self._fibres[fibre].trace, place, self.config.window)

    def around(self, fibre: str, event_us: int) -> Floats | None:
        """Return dF/F on the grid around an event (`aligned.grid_ms`); None if it has no place."""
        if self.why_unusable is not None:
            return None
        return around(self._fibres[fibre].trace, self._place(fibre, event_us, event_us))

    def _place(self, fibre: str, event_us: int, stimulus_us: int) -> Place:
        known = self._fibres[fibre]
        return Place(
            event=self.clock.to_sample(event_us),
            stimulus=self.clock.to_sample(stimulus_us),
            rate_hz=self.clock.rate_hz,
            delay_ms=known.chain.group_delay_ms,
            lag_ms=known.config.lag_ms,
        )

    def board_time_us(self, sample: int) -> int | None:
        """Return the board time at which a sample was taken; None while the clock is not known."""
        return round(self.clock.to_board_us(sample)) if self.clock.locked else None

    @property
    def position(self) -> tuple[int, float] | None:
        """Return the sample that comes next and samples per second as stated; None before the first."""
        return None if self._next is None or self.ready is None else (self._next, self.ready.rate_hz)

    def buffer_end(self, sample: int) -> int:
        """Return the last sample of the device's buffer that `sample` came in."""
        own = sample - self._count.offset
        return own + self._step - 1 - own % self._step + self._count.offset

    def health(self, board_us: int | None = None) -> SourceHealth:
        """Return how the source is doing, with a judgement of its clock if board time `board_us` is given."""
        settled = bool(self._fibres) and all(fibre.chain.ready for fibre in self._fibres.values())
        delays = [fibre.chain.group_delay_ms for fibre in self._fibres.values()]
        return SourceHealth(
            name=self.name,
            ready=settled and self.clock.locked,
            rate_hz=None if self.ready is None else self.ready.rate_hz,
            samples=self._samples,
            lost=self._lost,
            missing=self._missing,
            surplus=self._surplus,
            clipped=self._clipped,
            noise_bytes=self._noise,
            restarts=self._restarts,
            clock_sigma_us=self.clock.sigma_us if self.clock.locked else None,
            clock_pulses=0 if isinstance(self.clock, HostClock) else self.clock.n_pulses,
            clock=None if board_us is None else health(self.clock, board_us),
            filter_delay_ms=max(delays, default=None),
        )
