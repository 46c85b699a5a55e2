"""What is told of fibres and their sources: plain values, fit for JSON, that need no numerical library."""

from __future__ import annotations

import msgspec

from rig.clock.health import ClockHealth


class FibreEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """One fibre's reversal point.

    Attributes
    ----------
    n
        Responses per size.
    mean_dff, sem_dff
        Mean response to each size and its standard error; None with none, and with fewer than two.
    isotonic_ul, between_ul
        Zero crossing, and the two sizes between which the sign changes at 95 %; None if the means never
        change their sign. An end of the sizes given may mean that it changes beyond it.
    bayes_ul, bayes_ci95_ul
        Posterior mean and 95 % interval of the kinked model; None if the means never change their sign, or
        if it contradicts where they do.
    rise
        Slope of the response over the utility axis, in its standard errors.
    reason
        Why there is no estimate at all, else None.
    """

    n: tuple[int, ...]
    mean_dff: tuple[float | None, ...]
    sem_dff: tuple[float | None, ...]
    isotonic_ul: float | None = None
    between_ul: tuple[float, float] | None = None
    bayes_ul: float | None = None
    bayes_ci95_ul: tuple[float, float] | None = None
    rise: float | None = None
    flags: tuple[str, ...] = ()
    reason: str | None = None


class FibreTold(msgspec.Struct, frozen=True, kw_only=True):
    """One fibre's estimate under its name.

    Attributes
    ----------
    withheld
        Responses to rewards that were withheld so far, by the reason.
    """

    source: str
    fibre: str
    estimate: FibreEstimate
    withheld: dict[str, int] = {}


class SourceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How a source of samples is doing.

    Attributes
    ----------
    ready
        Baselines have settled and the clock holds: responses can be measured.
    lost
        Samples that the device numbered and that never came.
    missing, surplus
        Samples that it lost (or made twice) without a number, by the sync pulses.
    clipped
        Samples with a reading at the end of its range.
    clock_sigma_us
        Standard error of the clock; None while it is not locked.
    clock
        Whether its times can be trusted, and why not.
    filter_delay_ms
        By how much the fibres' low-pass delays (the longest, if they differ); None before the source began.
    """

    name: str
    ready: bool
    rate_hz: float | None
    samples: int
    lost: int
    missing: int
    surplus: int
    clipped: int
    noise_bytes: int
    restarts: int
    clock_sigma_us: float | None
    clock_pulses: int
    clock: ClockHealth | None = None
    filter_delay_ms: float | None = None


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of the way from light to action, over all times it was gone; milliseconds."""

    p50_ms: float
    p99_ms: float
    most_ms: float


class LoopLatency(msgspec.Struct, frozen=True, kw_only=True):
    """How long one threshold took from light to action.

    Attributes
    ----------
    source, fibre, soft_event
        Which threshold.
    sent, acted
        How often a soft event was sent, and how often the board told that its table took it.
    total
        From the newest sample of the chunk to the board's action, both on the board's clock; None as long as
        there is none.
    decide, write
        From the chunk's arrival to the decision, and from there until its bytes were handed to the port: by
        this computer's clock, without any guess.
    wires
        The rest of `total`: sample to arrival, and port to action; devices, cables, adapters, drivers.
    bin_ms, counts
        Histogram of `total`: `counts[k]` of them between k and k + 1 times `bin_ms`; the last bin holds all
        that took longer.
    real_time
        False if the rig is emulated and its time runs faster than ours: then `total` is in rig time, and says
        nothing of a real loop.
    filter_delay_ms
        What the low-pass adds to all this, apart from it.
    clock_sigma_us
        Standard error of the source's clock against the board's; `total` cannot be known better.
    """

    source: str
    fibre: str
    soft_event: int
    above_dff: float
    sent: int
    acted: int
    total: Leg | None
    decide: Leg | None
    write: Leg | None
    wires: Leg | None
    bin_ms: float
    counts: tuple[int, ...]
    real_time: bool
    filter_delay_ms: float
    clock_sigma_us: float | None
