"""What clients may have of an engine, so that none can take it all.

Commands are counted for each connection and in all: a client in a loop is refused while the others are heard.
Answers are given in turns, with a rest after each that is longer than the turn was: whoever asks without end
fills its own queue, then its own socket, and waits, while streams and telemetry have the thread.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable


class Ration:
    """Counts what was taken within a second, by each and by all.

    Parameters
    ----------
    each, total
        How often one may take, and all together.
    clock
        Seconds, monotonic.
    """

    def __init__(self, *, each: int, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._each, self._total = each, total
        self._clock = clock
        self._since = clock()
        self._taken: Counter[str] = Counter()

    def take(self, who: str) -> int | None:
        """Take once; return the limit that was reached, or None if there was enough."""
        now = self._clock()
        if now - self._since >= 1.0:
            self._since = now
            self._taken.clear()
        if self._taken[who] >= self._each:
            return self._each
        if self._taken.total() >= self._total:
            return self._total
        self._taken[who] += 1
        return None


class Turns:
    """Work in turns, and rest in between.

    Parameters
    ----------
    turn_s
        How long a turn may be; what was begun is finished.
    rest
        How long to rest, as a multiple of what the turn took.
    clock
        Seconds, monotonic.
    """

    def __init__(self, turn_s: float, rest: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._turn_s, self._rest = turn_s, rest
        self._clock = clock
        self._begun = self._until = clock()

    @property
    def rests_s(self) -> float:
        """How long to rest from now; 0: a turn may begin."""
        return max(0.0, self._until - self._clock())

    def begin(self) -> None:
        """Begin a turn."""
        self._begun = self._clock()

    @property
    def over(self) -> bool:
        """Whether the turn has lasted long enough."""
        return self._clock() - self._begun >= self._turn_s

    def end(self) -> None:
        """End the turn, and rest."""
        now = self._clock()
        self._until = now + self._rest * (now - self._begun)
