"""What is drawn and told of units is worked out as a statistician would."""

import numpy as np
import pytest
from scipy import stats

from rig.estimate.asymmetry import published_slopes
from rig.estimate.sign_count import sign_count
from rig.population.counts import PopulationCounts
from rig.population.figures import figures
from rig.population.numbers import numbers
from rig.population.worked import About, Heard, worked_out


def test_means_and_their_standard_errors() -> None:
    rng = np.random.default_rng(1)
    counts = PopulationCounts([-2.0, 0.0, 3.0], [1.0, 5.0, 10.0], partitions=2)
    counts.add_units(1)
    given = [[], [4.5], rng.normal(3, 2, 9).tolist()]
    trial = 0
    for size, responses in enumerate(given):
        for y in responses:
            counts.add(trial, size, [y], [6.0 + trial])
            trial += 1
    (unit,) = figures(worked_out(counts), ["a"]).units
    assert unit.mean_hz == (None, pytest.approx(4.5), pytest.approx(np.mean(given[2])))
    # one response has no standard error
    assert unit.sem_hz == (None, None, pytest.approx(stats.sem(given[2])))
    assert unit.baseline_hz == pytest.approx(6.0 + 4.5)


def test_the_mean_asymmetry_is_over_the_units_with_enough_data() -> None:
    rng = np.random.default_rng(2)
    counts = PopulationCounts([-2.0, 0.0, 3.0], [1.0, 5.0, 10.0], partitions=2)
    counts.add_units(6)
    for trial in range(60):
        y = (trial % 3 - 1) * np.linspace(1, 6, 6) + rng.normal(0, 2, 6)
        y[5] = np.nan if trial > 3 else y[5]  # four responses: too few
        counts.add(trial, trial % 3, y)
    worked = worked_out(counts)
    about = About(units="abcdef", sizes_ul=(1.0, 5.0, 10.0), utility_axis_hz=(-2.0, 0.0, 3.0), rewarded=60)
    found = numbers(worked, about, Heard(), published=False).asymmetry
    own = published_slopes(counts.whole, [-2.0, 0.0, 3.0], sign_count(counts.whole, [-2.0, 0.0, 3.0])[0])
    assert np.isfinite(own.asymmetry[5])
    assert found is not None and found.mean == pytest.approx(own.asymmetry[:5].mean())
