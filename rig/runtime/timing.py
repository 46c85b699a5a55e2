"""How long things took, in constant memory: a histogram with bins of 1 us, then 1 ms."""

from __future__ import annotations

from typing import Final

import msgspec

_FINE: Final = 2_000
"""Bins of 1 us."""
_COARSE: Final = 2_000
"""Bins of 1 ms behind them; the last takes all that is longer."""


class TimesSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Percentiles in microseconds; accurate to 1 us below 2 ms, to 1 ms above."""

    count: int
    mean_us: float
    p50_us: float
    p99_us: float
    max_us: float


class Times:
    """Durations, gathered one by one."""

    def __init__(self) -> None:
        self._bins = [0] * (_FINE + _COARSE)
        self._count = 0
        self._sum_ns = 0
        self._max_ns = 0

    def add(self, duration_ns: int) -> None:
        """Count one duration."""
        us = duration_ns // 1000
        if us < _FINE:
            self._bins[us] += 1
        else:
            self._bins[min(_FINE + us // 1000, _FINE + _COARSE - 1)] += 1
        self._count += 1
        self._sum_ns += duration_ns
        self._max_ns = max(self._max_ns, duration_ns)

    def summary(self) -> TimesSummary:
        """Return what was gathered so far."""
        return TimesSummary(
            count=self._count,
            mean_us=self._sum_ns / 1000 / max(1, self._count),
            p50_us=self._percentile(0.50),
            p99_us=self._percentile(0.99),
            max_us=self._max_ns / 1000,
        )

    def _percentile(self, share: float) -> float:
        wanted = share * self._count
        seen = 0
        for number, count in enumerate(self._bins):
            seen += count
            if seen >= wanted and seen:
                upper = number + 1.0 if number < _FINE else (number - _FINE + 1) * 1000.0
                return min(upper, self._max_ns / 1000)
        return 0.0
