"""The package chooses and believes what the rule says, written out by brute force."""

import importlib
import subprocess
import sys

import numpy as np
import pytest

from rig.calibration.chooser import GridChooser, QuestPlusChooser
from rig.calibration.psychometric import Grid, make_grid, p_seen
from rig.errors import ConfigError


@pytest.fixture(scope="module")
def grid():
    return make_grid(0.5, 50.0, finest=0.2)


def by_brute_force(grid, history):
    """Posterior and expected entropies, point by point."""
    points = [
        (t, b, fa, lapse)
        for t in grid.thresholds_ms
        for b in grid.slopes
        for fa in grid.false_alarms
        for lapse in grid.lapses
    ]
    t, b, fa, lapse = np.array(points).T
    mass = np.full(t.size, 1.0 / t.size)
    for duration, seen in history:
        p = p_seen(duration, t, b, fa, lapse)
        mass = mass * (p if seen else 1 - p)
        mass = mass / mass.sum()
    expected = []
    for duration in grid.durations_ms:
        yes = p_seen(duration, t, b, fa, lapse)
        entropy = 0.0
        for likelihood in (yes, 1 - yes):
            joint = mass * likelihood
            after = joint / joint.sum()
            entropy += joint.sum() * -np.sum(after * np.log(np.maximum(after, 1e-300)))
        expected.append(entropy)
    return mass.reshape(grid.shape), np.array(expected)


@pytest.mark.parametrize("kind", [QuestPlusChooser, GridChooser])
def test_it_is_the_rule(grid, kind):
    chooser, history = kind(grid), []
    rng = np.random.default_rng(1)
    for _ in range(12):
        mass, expected = by_brute_force(grid, history)
        duration = chooser.next_ms()
        np.testing.assert_allclose(chooser.posterior(), mass, atol=1e-12)
        chosen = expected[np.flatnonzero(grid.durations_ms == duration)[0]]
        assert chosen == pytest.approx(expected.min(), abs=1e-9)
        seen = bool(rng.random() < p_seen(duration, 6.0, 3.0, 0.05, 0.02))
        chooser.take(duration, seen=seen)
        history.append((duration, seen))


def test_the_package_and_our_own_go_the_same_way(grid):
    package, own = QuestPlusChooser(grid), GridChooser(grid)
    rng = np.random.default_rng(2)
    given, agreed = [], 0
    for _ in range(60):
        duration = package.next_ms()
        agreed += own.next_ms() == duration
        seen = bool(rng.random() < p_seen(duration, 4.0, 2.0, 0.05, 0.1))
        given.append(duration)
        for chooser in (package, own):
            chooser.take(duration, seen=seen)
    np.testing.assert_allclose(package.posterior(), own.posterior(), atol=1e-12)
    assert agreed >= 58  # but for ties
    pulses = np.array([duration for duration in given if duration])
    assert len(set(given)) > 5
    assert np.abs(np.log(pulses[20:] / 4.0)).max() < 1.5  # near the threshold, not all over


def test_a_catch_trial_tells_of_false_alarms_alone(grid):
    for chooser in (QuestPlusChooser(grid), GridChooser(grid)):
        before = chooser.posterior()
        for _ in range(20):
            chooser.take(0.0, seen=False)
        after = chooser.posterior()
        np.testing.assert_allclose(after.sum(axis=(2, 3)), before.sum(axis=(2, 3)), atol=1e-12)
        assert after.sum(axis=(0, 1, 3))[-1] < 0.05


def test_thousands_of_answers_do_no_harm():
    # where hypotheses are ruled out altogether, 0 times its logarithm must not spread
    grid = Grid(
        durations_ms=np.array([0.0, 1.0, 9.0]),
        thresholds_ms=np.array([0.1, 3.0, 90.0]),
        slopes=np.array([16.0]),
        false_alarms=np.array([0.001]),
        lapses=np.array([0.001]),
    )
    for chooser in (QuestPlusChooser(grid), GridChooser(grid)):
        for _ in range(300):
            chooser.take(9.0, seen=True)
            chooser.take(1.0, seen=False)
        assert chooser.next_ms() in grid.durations_ms
        np.testing.assert_allclose(chooser.posterior().ravel(), [0, 1, 0], atol=1e-12)


def test_without_the_package_it_says_what_to_install(grid, monkeypatch):
    real = importlib.import_module

    def missing(name, *more):
        if name == "questplus":
            raise ModuleNotFoundError(name)
        return real(name, *more)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigError, match=r"pip install 'dopaloop\[calibrate\]'"):
        QuestPlusChooser(grid)


def test_no_command_loads_the_package_before_it_is_asked_for():
    code = "import sys, rig.cli.app; print({'questplus', 'xarray', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
