"""What a fibre says about one event: the mean dF/F after it, minus the mean before; and the trace around it.

Places are sample numbers with fractions, from the rig's own time of the event. The filter's delay is made
up for. A few lost samples are bridged: 1 % of samples lost one by one would otherwise spoil nine of ten
events. But where a hole is longer than the filter's own memory, or much of a window is missing, the
response is withheld, with the reason.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from rig.photometry.trace import Trace
from rig.trial.spec import ResponseWindow

Floats = NDArray[np.float64]

LONGEST_HOLE_S: Final = 0.1
"""A hole up to this long is bridged: a 10 Hz low-pass forgets to 1 % in that time."""
LEAST_PART: Final = 0.8
"""Of the samples in each window."""
GRID_START_MS: Final = -2000
GRID_STOP_MS: Final = 4000
GRID_STEP_MS: Final = 50
"""Where the trace around an event is read: twice the low-pass's corner."""


def grid_ms() -> Floats:
    """Return the times around an event at which traces are read, in ms; shape (points,).

    Examples
    --------
    >>> grid_ms()[[0, 1, -1]].tolist()
    [-2000.0, -1950.0, 4000.0]
    """
    return np.arange(GRID_START_MS, GRID_STOP_MS + 1, GRID_STEP_MS, dtype=np.float64)


class FibreResponse(msgspec.Struct, frozen=True, kw_only=True):
    """One fibre's response to one event.

    Attributes
    ----------
    dff
        Mean dF/F in the response window minus that in the baseline window, a fraction; None if withheld.
    baseline_dff
        Mean dF/F in the baseline window.
    missing
        Samples lost in the two windows.
    reason
        Why it was withheld, else None.
    """

    dff: float | None
    baseline_dff: float | None
    missing: int
    reason: str | None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An event on a source's sample numbers.

    Attributes
    ----------
    event, stimulus
        Sample numbers (with fractions) of the event, and of what the baseline is measured before.
    rate_hz
        Samples per second.
    delay_ms, lag_ms
        Delay of the filter, and of the sensor: the response window is moved by both, the baseline window by
        the filter's alone.
    """

    event: float
    stimulus: float
    rate_hz: float
    delay_ms: float = 0.0
    lag_ms: float = 0.0

    def windows(self, window: ResponseWindow) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the ends of the response and of the baseline window, as sample numbers."""
        per_ms = self.rate_hz / 1000.0
        event = self.event + (self.delay_ms + self.lag_ms) * per_ms
        stimulus = self.stimulus + self.delay_ms * per_ms
        return (
            (event + window.start_ms * per_ms, event + window.stop_ms * per_ms),
            (stimulus + window.baseline_start_ms * per_ms, stimulus + window.baseline_stop_ms * per_ms),
        )


def respond(trace: Trace, place: Place, window: ResponseWindow) -> FibreResponse:
    """Measure the response to one event, once all samples of its windows are in.

    Examples
    --------
    >>> trace = Trace(keep=1000)
    >>> trace.append(0, np.repeat([0.0, 0.03], 300), np.ones(600, dtype=bool))
    >>> window = ResponseWindow(start_ms=0, stop_ms=1000, baseline_start_ms=-1000, baseline_stop_ms=0)
    >>> respond(trace, Place(event=300.0, stimulus=300.0, rate_hz=130.0), window).dff
    0.03
    """
    response, baseline = place.windows(window)
    after, before = trace.between(*response), trace.between(*baseline)
    reason, missing = _why_not(trace, min(response[0], baseline[0]), max(response[1], baseline[1])), 0
    if reason is None:
        missing = int(np.isnan(after).sum() + np.isnan(before).sum())
        reason = _why_holes((after, before), missing, place.rate_hz) if missing else None
    if reason is not None:
        return FibreResponse(dff=None, baseline_dff=None, missing=missing, reason=reason)
    level = float(np.nanmean(before))
    return FibreResponse(
        dff=float(np.nanmean(after)) - level, baseline_dff=level, missing=missing, reason=None
    )


def around(trace: Trace, place: Place) -> Floats:
    """Return dF/F on the grid around an event, not a number where unknown; shape of `grid_ms`."""
    per_ms = place.rate_hz / 1000.0
    positions: Floats = place.event + (grid_ms() + place.delay_ms) * per_ms
    return trace.at(positions)


def _why_not(trace: Trace, first: float, last: float) -> str | None:
    if trace.next_sample is None or trace.oldest is None or first < trace.oldest:
        return "the samples do not reach back to the window"
    if trace.settled_from is None or first < trace.settled_from:
        return "the baseline had not settled"
    return "the samples of the window are not all in" if trace.next_sample < last else None


def _why_holes(windows: tuple[Floats, ...], missing: int, rate_hz: float) -> str | None:
    allowed = LONGEST_HOLE_S * rate_hz
    for values in windows:
        hole = np.isnan(values)
        if _longest(hole) > max(allowed, 1.0) or np.count_nonzero(~hole) < LEAST_PART * len(hole):
            return f"{missing} samples were lost in the window"
    return None


def _longest(hole: NDArray[np.bool_]) -> int:
    """Length of the longest row of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], hole, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0
