"""The published response: the folded weights against the five steps, and the edges of its windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.stream.published import (
    bin_weights,
    causal_response,
    kernel,
    literal_response,
    published_response,
    spike_bins,
)

TENTHS = st.lists(st.integers(-10_500, 30_500).map(lambda tenth: tenth / 10), max_size=40)


@settings(max_examples=40, deadline=None)
@given(TENTHS, st.booleans(), st.sampled_from([0.0, 1_034_899.2, 786_758.05]))
def test_folded_weights_equal_the_five_steps(relative: list[float], signalled: bool, stamp: float) -> None:
    spikes = np.sort(np.array(relative, dtype=np.float64))
    slow = literal_response(spikes, 1500.0 if signalled else 0.0)
    (fast,) = published_response(spikes + stamp, [stamp], [signalled])
    assert fast == pytest.approx(slow, abs=1e-9)


def test_many_trials_at_once_share_spikes() -> None:
    rng = np.random.default_rng(4)
    spikes = np.sort(rng.uniform(0, 60_000, 600).round(1))
    stamps = np.sort(rng.uniform(2_000, 57_000, 25).round(1))
    signalled = rng.random(25) < 0.5
    slow = [
        literal_response(spikes - stamp, 1500.0 if is_signalled else 0.0)
        for stamp, is_signalled in zip(stamps, signalled, strict=True)
    ]
    np.testing.assert_allclose(published_response(spikes, stamps, signalled), slow, atol=1e-9)


def test_the_kernel_is_causal_and_of_sum_one() -> None:
    assert kernel().shape == (51,)
    assert kernel()[0] == 0.0
    assert kernel().sum() == pytest.approx(1.0)


def test_halves_round_away_from_zero() -> None:
    assert spike_bins([-1.5, -0.5, 0.0, 0.5, 1.5, 2.4999]).tolist() == [998, 999, 1000, 1001, 1002, 1002]


def test_a_half_stays_a_half_after_subtraction() -> None:
    # 1034899.7 - 1034899.2 is 0.50000000000 plus or minus a rounding error; it must go to bin 1 all the same
    stamp = 1_034_899.2
    shifted = published_response([stamp + 250.5], [stamp], [False])
    exact = bin_weights(0)[1000 + 251]
    assert shifted[0] == pytest.approx(float(exact), abs=1e-12)


@pytest.mark.parametrize("edge", [-1000.0, 3000.0, -1000.0000001, 3000.0000001])
def test_spikes_on_the_edge_are_outside(edge: float) -> None:
    assert published_response([edge], [0.0], [True])[0] == 0.0


def test_no_spikes_are_no_response() -> None:
    assert published_response([], [5.0, 9.0], [True, False]).tolist() == [0.0, 0.0]
    assert published_response([1.0], [], []).shape == (0,)


def test_a_steady_rate_is_no_response_and_a_burst_is() -> None:
    steady = np.arange(-1000, 3000, 10.0) + 0.2
    assert published_response(steady, [0.0], [False])[0] == pytest.approx(0.0, abs=3.0)
    burst = np.arange(250.0, 550.0, 10.0)
    assert published_response(burst, [0.0], [False])[0] == pytest.approx(len(burst) / 0.4, rel=0.02)
    assert published_response(burst, [0.0], [True])[0] == pytest.approx(0.0, abs=1e-9)


def test_causal_response_counts_two_windows() -> None:
    spikes = [-1000.0, -0.1, 0.0, 1700.0, 1800.0, 2099.9, 2100.0]
    # closed at the start, open at the end: two before the stimulus, three after the reward
    assert causal_response(spikes, [0.0], [1500.0]).tolist() == [3 / 0.4 - 2 / 1.0]


def test_causal_response_needs_nothing_after_its_window() -> None:
    spikes = np.array([-500.0, 250.0, 599.9])
    later = np.concatenate([spikes, [600.0, 700.0]])
    assert causal_response(spikes, [0.0], [0.0]) == causal_response(later, [0.0], [0.0])
