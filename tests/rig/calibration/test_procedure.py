"""A calibration ends when it should, finds what is there, and says what is wrong with a sensor."""

import numpy as np
import pytest

from rig.calibration.chooser import GridChooser, QuestPlusChooser
from rig.calibration.estimate import estimate
from rig.calibration.procedure import LEAST, Procedure
from rig.calibration.psychometric import duration_seen, make_grid, p_seen
from rig.errors import ConfigError

GRID = make_grid(0.5, 50.0, finest=0.1)


def calibrated(sees, kind=GridChooser, stop_sd=0.1, most=200, grid=GRID):
    """Run a procedure on a sensor; `sees(duration_ms)` is how likely it is to see a pulse."""
    rng = np.random.default_rng(5)
    procedure = Procedure(grid, kind(grid), stop_sd=stop_sd, most=most)
    while procedure.stopped is None:
        duration_ms = procedure.next_ms()
        seen = bool(rng.random() < sees(duration_ms))
        procedure.take(duration_ms, seen=seen, latency_ms=3.0 if seen else None)
    return procedure


def result(procedure):
    return procedure.result(pulse="led", seen_by="beam", window_ms=100.0)


@pytest.mark.parametrize("kind", [GridChooser, QuestPlusChooser])
def test_it_finds_the_sensor(kind):
    found = result(calibrated(lambda d: p_seen(d, 6.0, 4.0, 0.01, 0.01), kind))
    assert found.stopped == "precise"
    assert not found.notes
    assert found.estimate.sd < 0.1
    assert found.estimate.threshold_ms == pytest.approx(6.0, rel=0.2)
    low, high = found.estimate.threshold_ci95_ms
    assert low < 6.0 < high
    low, high = found.estimate.detected_ci95_ms
    assert low < duration_seen(0.99, 6.0, 4.0) < high
    assert found.latency_ms == 3.0
    assert LEAST <= len(found.pulses) < 100


def test_intervals_hold_the_truth_and_steps_would_be_worse():
    covered, detected, error, stepped = [], [], [], []
    grid = make_grid(0.5, 50.0, finest=0.2)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        threshold, slope = np.exp(rng.uniform(np.log([2, 1.5]), np.log([20, 10])))
        procedure = Procedure(grid, GridChooser(grid), stop_sd=0.08, most=60)
        while procedure.stopped is None:
            d = procedure.next_ms()
            procedure.take(d, seen=bool(rng.random() < p_seen(d, threshold, slope, 0.02, 0.02)))
        found = procedure.estimate
        even = GridChooser(grid)
        for d in np.resize(grid.durations_ms[1::2], procedure.number):
            even.take(d, seen=bool(rng.random() < p_seen(d, threshold, slope, 0.02, 0.02)))
        covered.append(found.threshold_ci95_ms[0] <= threshold <= found.threshold_ci95_ms[1])
        longest = duration_seen(0.99, threshold, slope)
        detected.append(found.detected_ci95_ms[0] <= longest <= found.detected_ci95_ms[1])
        error.append(np.log(found.threshold_ms / threshold))
        stepped.append(np.log(estimate(grid, even.posterior()).threshold_ms / threshold))
    rms = np.sqrt(np.mean(np.square([error, stepped]), axis=1))
    print(f"covered {np.mean(covered):.0%}, detected {np.mean(detected):.0%}, RMS {rms}")
    assert np.mean(covered) >= 0.87
    assert np.mean(detected) >= 0.87
    assert rms[0] < 0.75 * rms[1]


def test_it_ends_when_there_are_no_more_pulses():
    found = result(calibrated(lambda d: p_seen(d, 6.0, 1.5, 0.05, 0.05), stop_sd=0.01, most=25))
    assert found.stopped == "pulses"
    assert len(found.pulses) == 25
    assert any("known within" in note and "--trials" in note for note in found.notes)


@pytest.mark.parametrize(
    ("sees", "says"),
    [
        (lambda d: 0.0, "saw no pulse of 'led' at all, up to 50 ms"),
        (lambda d: float(d > 0), "saw every pulse, down to 0.5 ms"),
        (lambda d: p_seen(d, 60.0, 4.0), "may lie above 50 ms"),
        (lambda d: p_seen(d, 0.55, 8.0), "may lie below 0.5 ms"),
    ],
)
def test_a_threshold_out_of_reach_is_said(sees, says):
    found = result(calibrated(sees))
    assert any(says in note for note in found.notes), found.notes


def test_a_sensor_that_errs_is_said():
    lapses = result(calibrated(lambda d: p_seen(d, 6.0, 8.0, 0.0, 0.3), stop_sd=0.02, most=150))
    assert any("are missed however long they are" in note for note in lapses.notes)
    alarms = result(calibrated(lambda d: p_seen(d, 6.0, 8.0, 0.3, 0.0), stop_sd=0.02, most=150))
    assert any("changes without a pulse" in note for note in alarms.notes)


def test_what_is_safe_can_be_given():
    procedure = calibrated(lambda d: p_seen(d, 6.0, 4.0))
    upper = procedure.estimate.detected_ci95_ms[1]
    assert upper <= procedure.safe_ms < upper + 0.1001
    assert procedure.safe_ms * 10 == pytest.approx(round(procedure.safe_ms * 10))
    beyond = calibrated(lambda d: p_seen(d, 30.0, 1.0), most=30)
    assert beyond.safe_ms == 50.0


def test_too_few_pulses_are_refused():
    with pytest.raises(ConfigError, match="20 at least"):
        Procedure(GRID, GridChooser(GRID), stop_sd=0.1, most=19)
