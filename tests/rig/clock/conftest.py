"""A board, a stream with a clock of its own, and the sync line between them, truth known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from rig.clock.model import ClockModel

RATE_HZ = 30_000.0
Drift = Callable[[float], float]
"""Seconds since the first pulse -> seconds that the stream's clock is ahead."""


@dataclass
class Line:
    """One simulated sync line.

    `pulses` holds board times in us on the board's 100 us grid, 0.5-2 s apart; `board` and `stream` what
    each side reports of them.
    """

    rng: np.random.Generator
    count: int
    drift: Drift = field(default=lambda _: 0.0)
    start_us: int = 1_000_000
    first_sample: int = 1_234_567
    rate_hz: float = RATE_HZ

    def __post_init__(self) -> None:
        steps = np.rint(self.rng.uniform(0.5, 2.0, self.count) * 1e4).astype(np.int64) * 100
        self.pulses: list[int] = (self.start_us + np.cumsum(steps)).tolist()
        self.board = list(self.pulses)
        self.stream = [round(self.true_sample(t_us)) for t_us in self.pulses]

    def true_sample(self, t_us: float) -> float:
        x = (t_us - self.start_us) * 1e-6
        return self.first_sample + self.rate_hz * (x + self.drift(x))

    def lose(self, share: float) -> None:
        self.board = [t for t in self.board if self.rng.random() >= share]
        self.stream = [s for s in self.stream if self.rng.random() >= share]

    def spurious(self, share: float) -> None:
        extra = int(share * self.count)
        ends = self.pulses[0], self.pulses[-1]
        self.board = sorted([*self.board, *self.rng.integers(*ends, extra).tolist()])
        seen = [round(self.true_sample(t)) for t in self.rng.integers(*ends, extra).tolist()]
        self.stream = sorted([*self.stream, *seen])

    def run(self, clock: ClockModel, behind_us: float = 0.0) -> Iterator[float]:
        """Tell the clock everything in order of arrival; yield the board time after each."""
        arrivals = [(t + self.rng.uniform(0, 1000), 0, t) for t in self.board]
        at_us = np.interp(self.stream, [self.true_sample(t) for t in self.pulses], self.pulses)
        late = behind_us + self.rng.uniform(0, 50_000, len(self.stream))
        arrivals += zip((at_us + late).tolist(), [1] * len(self.stream), self.stream, strict=True)
        for now_us, side, value in sorted(arrivals):
            (clock.add_stream_pulse if side else clock.add_board_pulse)(value)
            yield now_us

    def errors_us(self, clock: ClockModel, behind_us: float = 0.0) -> np.ndarray:
        """Errors of `to_board_us` around each arrival once ten pulses are in, in us."""
        found = []
        for now_us in self.run(clock, behind_us):
            if clock.locked and clock.n_pulses >= 10:
                asked_us = now_us + self.rng.uniform(-3e6, 1.5e6)
                found.append(clock.to_board_us(self.true_sample(asked_us)) - asked_us)
        return np.abs(np.array(found))


@pytest.fixture(scope="session")
def make_line() -> Callable[..., Line]:
    """Return a maker of sync lines: ``make_line(seed, count, ...)``."""

    def make(seed: int, count: int, **what: object) -> Line:
        return Line(np.random.default_rng(seed), count, **what)  # type: ignore[arg-type]

    return make
