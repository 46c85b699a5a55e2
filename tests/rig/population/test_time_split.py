"""At any moment the two tables are the first and the second half of each unit's responses."""

import numpy as np

from rig.estimate.counts import SizeCounts
from rig.population.time_split import TimeSplit


def test_online_equals_batch_at_every_trial() -> None:
    rng = np.random.default_rng(5)
    split = TimeSplit(sizes=3, units=2)
    seen: list[list[tuple[int, float]]] = [[], [], []]
    for trial in range(150):
        if trial == 30:
            split.add_units(1)
        units = 2 if trial < 30 else 3
        size, y = rng.integers(0, 3, units), np.round(rng.normal(0, 3, units))
        y[rng.random(units) < 0.2] = np.nan
        split.add(size, y)
        for unit in range(units):
            if np.isfinite(y[unit]):
                seen[unit].append((int(size[unit]), float(y[unit])))
        for unit in range(units):
            middle = len(seen[unit]) // 2
            for counts, part in ((split.first, seen[unit][:middle]), (split.second, seen[unit][middle:])):
                own = SizeCounts.from_trials(
                    np.zeros(len(part)), [s for s, _ in part], [v for _, v in part], units=1, sizes=3
                )
                for name in SizeCounts.__slots__:
                    np.testing.assert_array_equal(getattr(counts, name)[unit], getattr(own, name)[0])
