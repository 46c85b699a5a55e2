"""The figures of docs/explanation/closed-loop.md in small; `python -m benchmarks.stopping_rule` has all."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "stopping_rule.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("stopping_rule_under_test", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_stopping_on_precision_keeps_the_interval_honest(bench):
    told = bench.stopping(bench.within_sd(0.8), 200)
    print(
        f"coverage {told.coverage:.3f}, median {np.median(told.rewards):.0f}, bias {told.error.mean():+.2f}"
    )
    assert told.rewards.size == 200
    assert 0.93 <= told.coverage <= 0.99
    assert 80 <= np.median(told.rewards) <= 150
    assert abs(told.error.mean()) < 0.25
    # Nobody stops before 40 rewards, and the cap is met by some only.
    assert told.rewards.min() >= 40
    assert 0 < (told.rewards == 500).mean() < 0.2


def test_peeking_at_a_p_value_does_not(bench):
    once, peeked = bench.peeking(4000)
    assert 0.04 < once < 0.06
    assert 0.22 < peeked < 0.30


def test_a_high_bar_keeps_most_impostors_out(bench):
    (many, true_by_mean, told, truth), (few, true_by_bar, *_) = bench.flagged(100, 4)
    assert few < many
    assert true_by_mean < 0.6 < true_by_bar
    assert told - truth > 0.6  # selected on the estimate, the estimate is too high


def test_choosing_sizes_by_the_estimates_takes_away_what_is_measured(bench):
    _, covered, drift, spread = bench.chosen(None, 0.05, 6)
    _, covered_chosen, drift_chosen, spread_chosen = bench.chosen(bench.nearest, 0.05, 6)
    assert drift < 0.4 and spread > 0.85 and covered > 0.88
    assert drift_chosen > 2 * drift
    assert spread_chosen < 0.6
    assert covered_chosen < covered
