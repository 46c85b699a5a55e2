"""Units used everywhere: integer nanoseconds and microseconds inside, seconds only at the edge."""

from __future__ import annotations

from typing import Final

NS_PER_US: Final = 1_000
NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000
US_PER_MS: Final = 1_000
US_PER_S: Final = 1_000_000

CYCLE_US: Final = 100
"""The state machine's grid in microseconds (as Bpod's)."""

TICK_WRAP_US: Final = 1 << 32
"""The board's microsecond counter has 32 bits: it wraps every 71.6 minutes."""


def seconds_to_cycles(seconds: float) -> int:
    """Round a duration in seconds to whole state-machine cycles.

    Examples
    --------
    >>> seconds_to_cycles(1.5)
    15000
    """
    return round(seconds * US_PER_S / CYCLE_US)


def us_to_cycles_up(duration_us: int) -> int:
    """Whole cycles that cover `duration_us` (rounded up).

    Examples
    --------
    >>> us_to_cycles_up(101)
    2
    """
    return -(-duration_us // CYCLE_US)
