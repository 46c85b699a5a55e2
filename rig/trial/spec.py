"""A trial as intended (`TrialSpec`) and as it took place (`TrialRecord`). Both frozen."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Stimulation: TypeAlias = Literal["light", "sham"]
"""What the toss gave in a trial that was eligible for light."""


class TrialSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What the protocol wants to happen in one trial.

    Parameters
    ----------
    condition
        The trial type in the protocol's own words: ``"signalled"``, ``"odour_b"``.
    reward_ul
        Volume to deliver; 0 for none.
    signalled
        Whether a cue says that a reward will come.
    cue
        Name of the cue's output line, or None.
    timing_s
        Durations drawn for this trial, in seconds, by name (``iti``, for example).
    stimulation
        ``"light"`` or ``"sham"`` in a trial that is eligible for light; otherwise not set, and then it is
        in no record either: what is written of a trial without it is what it was before there was light.
    """

    condition: str
    reward_ul: float = 0.0
    signalled: bool = False
    cue: str | None = None
    timing_s: dict[str, float] = {}
    stimulation: Stimulation | msgspec.UnsetType = msgspec.UNSET


class StateVisit(msgspec.Struct, frozen=True, array_like=True):
    """A state was entered `at_us` after the trial's start."""

    name: str
    at_us: int


class LineChange(msgspec.Struct, frozen=True, array_like=True):
    """A named line changed `at_us` after the trial's start."""

    name: str
    on: bool
    at_us: int


class TrialRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What took place in one trial; every time is relative to the trial's start, in microseconds.

    Parameters
    ----------
    number
        0-based number of the trial in its session.
    start_us
        Board time of the start (unwrapped); the one absolute time, left out of the decision digest.
    cue_us, reward_us
        First cue onset and first valve opening, or None.
    stimulus_us
        What the baseline is measured before: the cue if there was one, else the reward.
    delivered_ul
        Volume that the valve's real open time stands for in the calibration.
    """

    number: int
    spec: TrialSpec
    outcome: Literal["complete", "aborted", "incomplete"]
    start_us: int
    duration_us: int
    states: tuple[StateVisit, ...]
    outputs: tuple[LineChange, ...]
    inputs: tuple[LineChange, ...]
    cue_us: int | None
    reward_us: int | None
    stimulus_us: int | None
    delivered_ul: float
    table_hash: str
    lost_events: int = 0


class ResponseWindow(msgspec.Struct, frozen=True, kw_only=True):
    """Where a unit's response to a reward is counted.

    ``response = count in (reward + start_ms, reward + stop_ms) / length
    - count in (stimulus + baseline_start_ms, stimulus + baseline_stop_ms) / length``, in Hz
    (the causal response of the live loop; correlates 0.992 with the published one).
    """

    start_ms: int = 200
    stop_ms: int = 600
    baseline_start_ms: int = -1000
    baseline_stop_ms: int = 0


class TrialResponse(msgspec.Struct, frozen=True, kw_only=True):
    """One value per unit for one trial, or missing with a reason.

    Parameters
    ----------
    units
        Unit names, in roster order.
    response_hz
        One value per unit; None where missing.
    counts
        Per unit (response-window count, baseline-window count), or None.
    missing
        Unit name -> why its value is missing.
    """

    trial: int
    units: tuple[str, ...]
    response_hz: tuple[float | None, ...]
    counts: tuple[tuple[int, int] | None, ...]
    missing: dict[str, str] = {}
