"""Whether a stream's times can be trusted: one word, one sentence, and the numbers behind it.

========  ==========================================================================================
ok        times are as good as the device's samples allow
poor      times are given, but people should know what is wrong with them
lost      no times are given, or none that may be used: responses are withheld, with this reason
========  ==========================================================================================
"""

from __future__ import annotations

import math
from typing import Final, Literal, TypeAlias

import msgspec

from rig.clock.host import HostClock
from rig.clock.model import WINDOW, ClockModel
from rig.units import US_PER_MS, US_PER_S

STALE_S: Final = 10.0
MOST_MISSED: Final = 0.2
MOST_PPM: Final = 200.0
"""Crystals keep within 100 ppm of what they say; two of them differ by less than this."""
MOST_SIGMA_US: Final = 100.0
MOST_SCATTER_US: Final = 100.0

StreamClock: TypeAlias = ClockModel | HostClock
"""A stream's clock, whatever it is kept true by (`CodedClock` is a `ClockModel`)."""


class ClockHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How a stream's clock does; fit for JSON.

    Parameters
    ----------
    source
        What it is kept true by.
    reason
        One sentence; empty if all is well.
    residual_us
        How far the newest pulse lay from where it was expected; None if there is none.
    scatter_us
        Standard deviation of single pulses about the fit; for host stamps, of the earliest stamps above the
        line. None while lost.
    interval_us
        A time is right to plus or minus this (two standard errors; for host stamps, what cannot be known).
    ppm
        How much faster than stated the stream's clock runs.
    pulses
        In use since the clock locked.
    missed
        Share of the board's newest pulses that the stream did not see.
    age_s
        Since the newest matched pulse (or stamp); None before the first.
    """

    source: Literal["sync line", "barcodes", "host stamps"]
    verdict: Literal["ok", "poor", "lost"]
    reason: str = ""
    residual_us: float | None = None
    scatter_us: float | None = None
    interval_us: float | None = None
    ppm: float | None = None
    pulses: int = 0
    missed: float = 0.0
    age_s: float | None = None


def health(clock: StreamClock, now_us: int) -> ClockHealth:
    """Judge a stream's clock.

    Parameters
    ----------
    now_us
        Board time now.
    """
    return _by_stamps(clock, now_us) if isinstance(clock, HostClock) else _by_line(clock, now_us)


def _by_line(clock: ClockModel, now_us: int) -> ClockHealth:
    age_s = None if clock.last_pulse_us is None else (now_us - clock.last_pulse_us) / US_PER_S
    if not clock.locked:
        return ClockHealth(source=clock.source, verdict="lost", reason=_why_not_locked(clock), age_s=age_s)
    verdict, reason = _of_line(clock, age_s if age_s is not None else math.inf)
    return ClockHealth(
        source=clock.source,
        verdict=verdict,
        reason=reason,
        residual_us=clock.residual_us,
        scatter_us=clock.residual_sd_us,
        interval_us=2.0 * clock.sigma_us,
        ppm=clock.ppm,
        pulses=clock.n_pulses,
        missed=clock.missed,
        age_s=age_s,
    )


def _of_line(clock: ClockModel, age_s: float) -> tuple[Literal["ok", "poor", "lost"], str]:
    sample_us = US_PER_S / clock.nominal_rate_hz
    if age_s > STALE_S:
        return "lost", f"no sync pulse for {age_s:.0f} s: is the cable out, or the stream stopped?"
    if clock.missed > MOST_MISSED:
        return "poor", f"{100 * clock.missed:.0f} % of the newest sync pulses never came"
    if abs(clock.ppm) > MOST_PPM + _unsure_ppm(clock):
        return "poor", f"it runs {clock.ppm:+.0f} ppm off its stated rate: does it state the right one?"
    if clock.residual_sd_us > max(MOST_SCATTER_US, sample_us):
        return "poor", f"sync pulses scatter by {clock.residual_sd_us:.0f} us: a bouncing or noisy line?"
    if clock.sigma_us > max(MOST_SIGMA_US, sample_us):
        return "poor", f"only {clock.n_pulses} sync pulses so far: times are good to {clock.sigma_us:.0f} us"
    return "ok", ""


def _unsure_ppm(clock: ClockModel) -> float:
    """Three standard errors of the rate: a slow device sees a pulse to the sample only, and pulses are few.

    Of a straight line through pulses 1.25 s apart on average.
    """
    pulses = min(max(clock.n_pulses, 2), WINDOW)
    return 3.0 * clock.residual_sd_us / (1.25 * pulses * math.sqrt(pulses / 12.0))


def _why_not_locked(clock: ClockModel) -> str:
    board, stream = clock.waiting
    if clock.reason:
        return f"{clock.reason}; the clock is being found again"
    if not board and not stream:
        return "no sync pulse yet, neither from the board nor on the stream"
    if not stream:
        return f"{board} sync pulses from the board, none on the stream: wrong line, or no wire?"
    if not board:
        return f"{stream} sync pulses on the stream, none from the board"
    return f"{board} sync pulses from the board and {stream} on the stream do not match yet"


def _by_stamps(clock: HostClock, now_us: int) -> ClockHealth:
    last_us = clock.last_us
    if last_us is None:
        why = f"{clock.reason}; " if clock.reason else ""
        return ClockHealth(source=clock.source, verdict="lost", reason=f"{why}too few host stamps yet")
    age_s, within_ms = (now_us - last_us) / US_PER_S, clock.interval_us / US_PER_MS
    verdict: Literal["poor", "lost"] = "lost" if age_s > STALE_S else "poor"
    reason = f"no sync line: times are the computer's, right to +-{within_ms:.1f} ms at best"
    if verdict == "lost":
        reason = f"nothing from the stream for {age_s:.0f} s"
    return ClockHealth(
        source=clock.source,
        verdict=verdict,
        reason=reason,
        scatter_us=clock.spread_us,
        interval_us=clock.interval_us,
        ppm=clock.ppm,
        age_s=age_s,
    )
