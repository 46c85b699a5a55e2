"""A unit that falls silent is called lost within some 30 trials; one that fires is not."""

import numpy as np

from rig.estimate.unit_loss import LossWatch

SECONDS = 1.4


def test_silence_is_noticed_and_slow_units_are_not_accused() -> None:
    rng = np.random.default_rng(1)
    rates = np.exp(rng.normal(np.log(6.0), 0.6, 200))
    rates[:20] = 0.5
    watch = LossWatch(200)
    for _ in range(300):
        watch.add(rng.poisson(SECONDS * rates), SECONDS)
        assert not watch.lost.any()
    np.testing.assert_allclose(watch.rate_hz[20:], rates[20:], rtol=0.2)
    noticed = np.full(200, -1)
    for trial in range(60):
        now = rates.copy()
        now[100:] *= 0.02
        watch.add(rng.poisson(SECONDS * now), SECONDS)
        noticed[watch.lost & (noticed < 0)] = trial
    assert (noticed[:100] < 0).all()
    assert (noticed[100:] > 0).mean() > 0.98
    assert np.median(noticed[100:]) < 35
    assert watch.recent_hz[150] < 0.2 * watch.rate_hz[150]


def test_units_that_are_not_listened_to_are_not_lost() -> None:
    watch = LossWatch(1)
    watch.add_units(1)
    assert np.isnan(watch.rate_hz).all() and not watch.lost.any()
    for _ in range(50):
        watch.add([8, 8], SECONDS)
    for _ in range(50):
        watch.add([np.nan, 0], SECONDS)
    assert watch.lost.tolist() == [False, True]


def test_lost_is_a_fifth_of_fifteen_expected_spikes() -> None:
    for share, lost in ((0.19, True), (0.21, False)):
        watch = LossWatch(1)
        watch.add([1e6], 1e5)  # a mean rate of 10 Hz that what follows hardly changes
        watch._recent_spikes[:] = watch._recent_seconds[:] = 0.0
        watch.add([share * 14.9], 1.49)
        assert not watch.lost[0]
        watch._recent_spikes[:] = watch._recent_seconds[:] = 0.0
        watch.add([share * 15.1], 1.51)
        assert bool(watch.lost[0]) == lost
