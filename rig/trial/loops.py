"""Loops on fibres: dF/F rises above a value, the running table gets a soft event; and how long that took.

Where the time goes is told by stamps on two clocks. The board says when its table took the soft event, and
the sync line says when, by the same clock, the newest sample was taken: that is the whole way. This computer
says when the samples arrived, when it had decided, and when the bytes were handed to the port. What is left
of the whole is devices and wires.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from rig.effects import Stamped
from rig.events import SoftEventSeen
from rig.photometry.settings import ThresholdConfig
from rig.photometry.threshold import Threshold
from rig.photometry.told import Leg, LoopLatency
from rig.units import NS_PER_MS, NS_PER_S, US_PER_MS

if TYPE_CHECKING:  # scipy.signal comes with it, and takes most of a second
    from rig.photometry.intake import FibreChunk, SampleIntake

BIN_MS: Final = 0.5
BINS: Final = 80
KEPT: Final = 4096
"""Of each leg, the newest are kept for its percentiles; the histogram holds all."""
LOST_NS: Final = 2 * NS_PER_S
"""A soft event of which the board has not told by then was taken by no table (wall time)."""


@dataclass(eq=False, slots=True)
class _Sent:
    """A soft event under way; `sample` is the newest of the buffer that asked for it, taken at `taken_us`."""

    mark: int
    loop: Loop
    sample: int
    taken_us: int | None
    heard_ns: int
    decided_ns: int | None = None
    written_ns: int | None = None


@dataclass(eq=False)
class Loop:
    """One threshold, and how it did so far."""

    source: str
    config: ThresholdConfig
    sent: int = 0
    acted: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * (BINS + 1))
    total_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    decide_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    write_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    wires_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    threshold: Threshold | None = None


class Loops:
    """All thresholds of a session.

    Parameters
    ----------
    send
        Hands soft event `number` to the board; returns the mark under which the engine will tell when its
        bytes were written.

    Attributes
    ----------
    news
        Whether a loop has gone round since `told` was asked last.
    """

    def __init__(self, send: Callable[[int], int]) -> None:
        self._send = send
        self._loops: dict[tuple[str, str], list[Loop]] = {}
        self._under_way: deque[_Sent] = deque()
        self._same_clock = True
        self.news = False

    def add(self, source: str, config: ThresholdConfig) -> None:
        """Begin a loop."""
        self._loops.setdefault((source, config.fibre), []).append(Loop(source, config))

    def scaled(self, time_scale: int) -> None:
        """Tell how fast the board's time may go: faster than 1, and it cannot be compared with ours."""
        self._same_clock = time_scale <= 1

    def forget(self, source: str) -> None:
        """Forget the newest samples of a source: they are counted anew."""
        for loops in self._loops.values():
            for loop in loops:
                if loop.source == source:
                    loop.threshold = None

    def look(self, chunk: FibreChunk, intake: SampleIntake, heard_ns: int, *, armed: bool) -> None:
        """Look at new samples, and send what is to be sent.

        Parameters
        ----------
        heard_ns
            When they arrived here.
        armed
            Whether a table runs that could take a soft event.
        """
        for loop in self._loops.get((intake.name, chunk.fibre), ()):
            if loop.threshold is None:
                refractory = loop.config.refractory_s * chunk.rate_hz
                loop.threshold = Threshold(loop.config.above_dff, refractory)
            for sample in loop.threshold.take(chunk.made.first, chunk.made.dff, armed=armed):
                mark = self._send(loop.config.soft_event)
                newest = intake.buffer_end(sample)
                taken_us = intake.board_time_us(newest)
                self._under_way.append(_Sent(mark, loop, newest, taken_us, heard_ns))
                loop.sent += 1
                self.news = True

    def written(self, stamped: Stamped) -> None:
        """Take the engine's stamps of something that was sent."""
        for sent in self._under_way:
            if sent.mark == stamped.mark:
                sent.decided_ns, sent.written_ns = stamped.decided_ns, stamped.written_ns

    def acted(self, event: SoftEventSeen, heard_ns: int) -> None:
        """Take what the board tells: a table took a soft event."""
        self._give_up(heard_ns)
        for sent in self._under_way:
            if sent.loop.config.soft_event == event.number:
                self._under_way.remove(sent)
                self._measure(sent, event.t_us)
                return

    def _give_up(self, now_ns: int) -> None:
        while self._under_way and now_ns - self._under_way[0].heard_ns > LOST_NS:
            self._under_way.popleft()

    def _measure(self, sent: _Sent, acted_us: int) -> None:
        loop = sent.loop
        loop.acted += 1
        self.news = True
        host_ms: float | None = None
        if sent.decided_ns is not None and sent.written_ns is not None:
            loop.decide_ms.append((sent.decided_ns - sent.heard_ns) / NS_PER_MS)
            loop.write_ms.append((sent.written_ns - sent.decided_ns) / NS_PER_MS)
            host_ms = (sent.written_ns - sent.heard_ns) / NS_PER_MS
        if sent.taken_us is None:
            return
        total_ms = (acted_us - sent.taken_us) / US_PER_MS
        loop.total_ms.append(total_ms)
        loop.counts[min(max(int(total_ms / BIN_MS), 0), BINS)] += 1
        if host_ms is not None and self._same_clock:
            loop.wires_ms.append(total_ms - host_ms)

    def told(self, intakes: Mapping[str, SampleIntake]) -> tuple[LoopLatency, ...]:
        """Return how all loops did so far."""
        self.news = False
        return tuple(
            _told(loop, intakes[loop.source], same_clock=self._same_clock)
            for loops in self._loops.values()
            for loop in loops
        )


def _told(loop: Loop, intake: SampleIntake, *, same_clock: bool) -> LoopLatency:
    config, clock = loop.config, intake.clock
    return LoopLatency(
        source=loop.source,
        fibre=config.fibre,
        soft_event=config.soft_event,
        above_dff=config.above_dff,
        sent=loop.sent,
        acted=loop.acted,
        total=_leg(loop.total_ms),
        decide=_leg(loop.decide_ms),
        write=_leg(loop.write_ms),
        wires=_leg(loop.wires_ms),
        bin_ms=BIN_MS,
        counts=tuple(loop.counts),
        real_time=same_clock,
        filter_delay_ms=intake.delay_ms(config.fibre) or 0.0,
        clock_sigma_us=clock.sigma_us if clock.locked else None,
    )


def _leg(values_ms: deque[float]) -> Leg | None:
    if not values_ms:
        return None
    p50, p99, most = np.percentile(np.array(values_ms), [50, 99, 100]).round(4).tolist()
    return Leg(p50_ms=p50, p99_ms=p99, most_ms=most)
