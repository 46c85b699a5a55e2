"""A mouse at a lick spout: licks before a reward that an odour has promised, and licks to drink it.

Anticipation grows with what the odour is worth to this mouse, which it learns drop by drop, for all
promising odours together or, where cues have values of their own, for each. A drop is
drunk at 6 to 7 licks a second, the longer the bigger it is. Now and then the mouse licks for nothing.
Every lick is a rise and a fall 30 to 60 ms later, in whole microseconds, never on the state machine's
0.1 ms grid (so no lick can tie with a cycle). Draws are keyed by (seed, trial, stretch, purpose).

The mouse is still between trials: a gap's length hangs on the host's speed, and nothing that the
board records in a trial may hang on that.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Final

import numpy as np

from rig.sim import draws
from rig.units import CYCLE_US, US_PER_S

HALF_WORTH_UL: Final = 5.0
"""An odour worth this much is licked at half of the possible moments."""
ANTICIPATION_US: Final = 2_500_000
"""An odour is given up after this long."""
PATIENCE_US: Final = 500_000
"""If its outcome is due later than that, it is given up this long after the outcome was due."""
CHUNK_US: Final = US_PER_S
SPONTANEOUS: Final = 0.04
"""Probability of an idle lick in a second."""
DROP_IS_ON_THE_LIP_US: Final = 30_000
"""Least time from one lick's fall to the next one's rise."""

_FIRST, _WAIT, _WHETHER, _LENGTH, _IDLE = range(1, 6)

Lick = tuple[int, int]
Edge = tuple[int, bool]


class Mouse:
    """Lick edges in answer to what the board does.

    Parameters
    ----------
    seed
        Of its draws.
    worth_ul
        What odour A is worth at first, in uL: the mean reward for a trained mouse, 0 for a naive one.
    learning_rate
        Of that worth, for each signalled reward.
    cue_worth_ul
        The same for cues that have a worth of their own, by name.
    """

    def __init__(
        self,
        seed: int,
        worth_ul: float = 5.0,
        learning_rate: float = 0.02,
        cue_worth_ul: Mapping[str, float] | None = None,
    ) -> None:
        self._base = draws.key(seed, 0x11C)
        self.worth_ul = worth_ul
        self.cue_worth_ul = dict(cue_worth_ul or {})
        self._rate = learning_rate
        self._key = 0
        self._from_us = 0
        self._idle_from: int | None = None
        self._planned: deque[Lick] = deque()
        self._fall_us: int | None = None
        self._dry_us = 0

    # --- what happens to it -----------------------------------------------------------------------

    def trial_began(self, t_us: int, stretch: tuple[int, int]) -> None:
        """Wait for something; lick idly now and then."""
        self._turn(t_us, stretch)
        self._idle_from = 0

    def promised(self, t_us: int, stretch: tuple[int, int], cue: str | None = None, due_us: int = 0) -> None:
        """Smell odour A, or a cue that has a worth of its own and whose outcome is due after `due_us`."""
        self._turn(t_us, stretch)
        worth = self.worth_ul if cue is None else self.cue_worth_ul[cue]
        eager = worth / (worth + HALF_WORTH_UL)
        first = self._spread(250_000, 550_000, draws.uniform(self._key, _FIRST)[0])
        given_up = max(ANTICIPATION_US, due_us + PATIENCE_US)
        self._plan(self._bout(first, given_up, 165_000, 20_000, eager))
        self._idle_from = given_up // CHUNK_US + 1

    def smelled(self, t_us: int, stretch: tuple[int, int]) -> None:
        """Smell an odour that promises nothing."""
        self._turn(t_us, stretch)

    def omitted(self, cue: str) -> None:
        """Learn that a cue was followed by nothing."""
        self.cue_worth_ul[cue] -= self._rate * self.cue_worth_ul[cue]

    def rewarded(
        self,
        t_us: int,
        stretch: tuple[int, int],
        volume_ul: float,
        *,
        signalled: bool,
        cue: str | None = None,
    ) -> None:
        """Find a drop at the spout."""
        self._turn(t_us, stretch)
        if cue is not None:
            self.cue_worth_ul[cue] += self._rate * (volume_ul - self.cue_worth_ul[cue])
        elif signalled:
            self.worth_ul += self._rate * (volume_ul - self.worth_ul)
        first = self._spread(120_000, 220_000, draws.uniform(self._key, _FIRST)[0])
        drinking = round(400_000 + 300_000 * math.sqrt(max(volume_ul, 0.0)))
        self._plan(self._bout(first, first + drinking, 152_000, 10_000, 0.97))
        self._idle_from = (first + drinking) // CHUNK_US + 1

    def trial_ended(self, t_us: int) -> None:
        """Draw the tongue in at once, before another trial can begin."""
        self._turn(t_us, (0, 0))
        if self._fall_us is not None:
            self._fall_us = t_us + CYCLE_US // 2

    # --- what it does -----------------------------------------------------------------------------

    @property
    def next_due_us(self) -> int | None:
        """When it wants to be looked at again; None while it is still."""
        due = [self._planned[0][0]] if self._planned else []
        if self._fall_us is not None:
            due.append(self._fall_us)
        if self._idle_from is not None:
            due.append(self._from_us + self._idle_from * CHUNK_US)
        return min(due, default=None)

    def emit(self, to_us: int) -> list[Edge]:
        """Return the lick edges up to and including `to_us`: (board time in us, rising)."""
        edges: list[Edge] = []
        while (due := self.next_due_us) is not None and due <= to_us:
            if self._fall_us == due:
                edges.append((due, False))
                self._fall_us, self._dry_us = None, due + DROP_IS_ON_THE_LIP_US
            elif self._planned and self._planned[0][0] == due:
                _, fall = self._planned.popleft()
                if self._fall_us is None and due >= self._dry_us:
                    edges.append((due, True))
                    self._fall_us = fall
            else:
                self._idle()
        return edges

    # --- how --------------------------------------------------------------------------------------

    def _turn(self, t_us: int, stretch: tuple[int, int]) -> None:
        """Leave off what was planned; a tongue that is out comes in when it would have."""
        self._planned.clear()
        self._key = draws.key(self._base, *stretch)
        self._from_us = t_us
        self._idle_from = None

    def _plan(self, licks: list[Lick]) -> None:
        self._planned.extend((self._from_us + rise, self._from_us + fall) for rise, fall in licks)

    def _bout(self, first: int, end: int, every: int, spread: int, likely: float) -> list[Lick]:
        """Draw licks from `first` to before `end`, about `every` microseconds, each with `likely`."""
        number = np.arange((end - first) // every + 8)
        waits = every + spread * np.clip(draws.normal(self._key, _WAIT, number), -3.0, 3.0)
        rises = first + np.concatenate([[0], np.cumsum(waits[:-1])]).astype(np.int64)
        wanted = (draws.uniform(self._key, _WHETHER, number) < likely) & (rises < end)
        lengths = draws.uniform(self._key, _LENGTH, number)
        return [self._lick(int(rises[i]), float(lengths[i])) for i in np.flatnonzero(wanted)]

    def _lick(self, rise: int, length: float) -> Lick:
        return _off_grid(rise), _off_grid(rise + self._spread(30_000, 60_000, length))

    def _idle(self) -> None:
        """Draw the idle licks of the next second."""
        number = self._idle_from or 0
        self._idle_from = number + 1
        whether, where, length = (float(x) for x in draws.uniform(self._key, _IDLE, number, np.arange(3)))
        if whether < SPONTANEOUS:
            self._plan([self._lick(number * CHUNK_US + self._spread(1_000, 900_000, where), length)])

    @staticmethod
    def _spread(low: int, high: int, u: float) -> int:
        return low + int((high - low) * u)


def _off_grid(t_us: int) -> int:
    return t_us + (t_us % CYCLE_US == 0)
