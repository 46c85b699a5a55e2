"""Responses to events: windows, holes, reasons; and their averages."""

from __future__ import annotations

import numpy as np
import pytest

from rig.photometry.aligned import Place, around, grid_ms, respond
from rig.photometry.averages import AlignedAverages
from rig.photometry.trace import Trace
from rig.trial.spec import ResponseWindow

RATE_HZ = 100.0
WINDOW = ResponseWindow(start_ms=0, stop_ms=1000, baseline_start_ms=-1000, baseline_stop_ms=0)
EVENT = Place(event=500.0, stimulus=500.0, rate_hz=RATE_HZ)


def steps(lost=(), samples=1000, settled_from=0):
    """0.01 up to sample 500, 0.04 from there on."""
    values = np.where(np.arange(samples) < 500, 0.01, 0.04)
    values[list(lost)] = np.nan
    trace = Trace(2000)
    trace.append(0, values, np.arange(samples) >= settled_from)
    return trace


def test_a_response_is_the_mean_after_minus_the_mean_before():
    found = respond(steps(), EVENT, WINDOW)
    assert found.dff == pytest.approx(0.03)
    assert found.baseline_dff == pytest.approx(0.01)
    assert (found.missing, found.reason) == (0, None)


def test_delay_moves_both_windows_and_lag_the_responses_only():
    ramp = Trace(2000)
    ramp.append(0, np.arange(1000.0), np.ones(1000, dtype=bool))
    plain = respond(ramp, EVENT, WINDOW)
    assert plain.dff == pytest.approx(100.0)
    delayed = respond(ramp, Place(event=500.0, stimulus=500.0, rate_hz=RATE_HZ, delay_ms=20), WINDOW)
    assert delayed.baseline_dff == pytest.approx(plain.baseline_dff + 2)
    assert delayed.dff == pytest.approx(100.0)
    lagged = respond(ramp, Place(event=500.0, stimulus=500.0, rate_hz=RATE_HZ, lag_ms=50), WINDOW)
    assert lagged.baseline_dff == plain.baseline_dff
    assert lagged.dff == pytest.approx(105.0)
    cued = respond(ramp, Place(event=500.0, stimulus=350.0, rate_hz=RATE_HZ), WINDOW)
    assert cued.dff == pytest.approx(250.0)


@pytest.mark.parametrize(
    "lost", [range(510, 520), [*range(480, 490), *range(500, 510)], [401, 444, 450, 512, 560, 599]]
)
def test_small_holes_are_bridged(lost):
    found = respond(steps(lost), EVENT, WINDOW)
    assert found.dff == pytest.approx(0.03)
    assert found.missing == len(lost)


@pytest.mark.parametrize(
    ("lost", "missing"),
    [(range(510, 521), 11), (range(400, 411), 11), (range(500, 600, 4), 25), (range(500, 600), 100)],
)
def test_holes_that_matter_withhold_the_response(lost, missing):
    found = respond(steps(lost), EVENT, WINDOW)
    assert found.dff is None
    assert found.missing == missing
    assert found.reason == f"{missing} samples were lost in the window"


def test_holes_outside_the_windows_do_not_matter():
    assert respond(steps(range(200, 390)), EVENT, WINDOW).reason is None


@pytest.mark.parametrize(
    ("trace", "reason"),
    [
        (Trace(10), "do not reach back"),
        (steps(samples=590), "not all in"),
        (steps(settled_from=401), "had not settled"),
        (steps(settled_from=2000), "had not settled"),
    ],
)
def test_other_reasons(trace, reason):
    assert reason in respond(trace, EVENT, WINDOW).reason


def test_samples_that_are_no_longer_kept():
    trace = Trace(300)
    trace.append(0, np.zeros(300), np.ones(300, dtype=bool))
    for first in range(300, 3000, 300):
        trace.append(first, np.zeros(300), np.ones(300, dtype=bool))
    assert "do not reach back" in respond(trace, EVENT, WINDOW).reason


def test_the_trace_around_an_event_is_read_on_the_grid():
    trace = Trace(2000)
    trace.append(0, np.arange(1000.0), np.ones(1000, dtype=bool))
    found = around(trace, Place(event=500.25, stimulus=500.25, rate_hz=RATE_HZ, delay_ms=10))
    assert found == pytest.approx(501.25 + grid_ms() / 10)
    assert np.isnan(around(steps(samples=600), EVENT)[grid_ms() > 1000]).all()


def test_averages_are_those_of_all_events_at_once():
    rng = np.random.default_rng(1)
    traces = rng.normal(size=(40, 7))
    traces[rng.random(traces.shape) < 0.1] = np.nan
    responses, base = rng.normal(size=40), rng.normal(size=40)
    averages = AlignedAverages(7)
    for k in range(40):
        averages.add("cue" if k % 4 else 2.5, float(responses[k]), float(base[k]), traces[k])
    averages.add(2.5, None, None, np.zeros(7))
    assert averages.kinds == (2.5, "cue")
    for kind, rows in ((2.5, np.arange(40) % 4 == 0), ("cue", np.arange(40) % 4 != 0)):
        found, moved = averages.of(kind), traces[rows] - base[rows][:, None]
        assert found.n == rows.sum()
        assert found.withheld == (kind == 2.5)
        assert found.mean == pytest.approx(responses[rows].mean())
        assert found.sem == pytest.approx(responses[rows].std(ddof=1) / np.sqrt(rows.sum()))
        assert found.trace == pytest.approx(np.nanmean(moved, axis=0))
        count = np.isfinite(moved).sum(axis=0)
        assert found.trace_sem == pytest.approx(np.nanstd(moved, axis=0, ddof=1) / np.sqrt(count))


def test_nothing_yet_is_no_average():
    averages = AlignedAverages(3)
    assert averages.of("never").n == 0
    assert np.isnan(averages.of("never").trace).all()
    averages.add(1.0, 0.5, 0.0, np.zeros(3))
    one = averages.of(1.0)
    assert one.mean == 0.5
    assert np.isnan(one.sem)
    assert np.isnan(one.trace_sem).all()
