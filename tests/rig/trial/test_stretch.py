"""How much of a trial a raster shows, and where the windows of a trial lie."""

from __future__ import annotations

import pytest

from rig.trial.placed import Placed
from rig.trial.spec import ResponseWindow, TrialRecord, TrialSpec
from rig.trial.stretch import around_cue, around_reward

WINDOW = ResponseWindow()
SOUSA = ResponseWindow(start_ms=200, stop_ms=650, baseline_start_ms=-4000, baseline_stop_ms=-1000)


def record(cue_s=None, reward_s=None, duration_s=20.0):
    cue_us, reward_us = (None if s is None else round(s * 1e6) for s in (cue_s, reward_s))
    return TrialRecord(
        number=0, spec=TrialSpec(condition="c"), outcome="complete", start_us=7_000_000,
        duration_us=round(duration_s * 1e6), states=(), outputs=(), inputs=(), cue_us=cue_us,
        reward_us=reward_us, stimulus_us=cue_us if cue_us is not None else reward_us, delivered_ul=0.0,
        table_hash="",
    )  # fmt: skip


def test_windows_lie_where_their_events_are():
    both = record(cue_s=3.0, reward_s=6.0)
    reward, cue = Placed.after_reward(both, SOUSA), Placed.after_cue(both, SOUSA)
    assert reward.response_us == (13_200_000, 13_650_000)
    assert cue.response_us == (10_200_000, 10_650_000)
    # The baseline lies before the cue in any case.
    assert reward.baseline_us == cue.baseline_us == (6_000_000, 9_000_000)
    assert (reward.end_us, cue.end_us) == (13_650_000, 10_650_000)
    assert Placed.after_reward(record(cue_s=3.0), WINDOW) is None
    assert Placed.after_cue(record(reward_s=3.0), WINDOW) is None
    free = Placed.after_reward(record(reward_s=3.0), WINDOW)
    assert free.baseline_us == (9_000_000, 10_000_000)


@pytest.mark.parametrize(
    ("cue_s", "begin_ms"), [(None, -2500), (4.0, -2500), (3.5, -2500), (3.4999, -2501), (2.0, -4000)]
)
def test_a_reward_is_shown_from_a_second_before_its_cue(cue_s, begin_ms):
    trial = record(cue_s=cue_s, reward_s=5.0)
    assert around_reward(trial, Placed.after_reward(trial, WINDOW)) == (begin_ms, 600)


@pytest.mark.parametrize(
    ("end_s", "stop_ms"), [(6.0, 3500), (6.0001, 3500), (8.55, 6000), (30.0, 6000), (3.0, 600), (2.7, 600)]
)
def test_a_cue_is_shown_past_the_outcome(end_s, stop_ms):
    for reward_s in (None, min(4.0, end_s)):
        trial = record(cue_s=2.0, reward_s=reward_s, duration_s=end_s)
        assert around_cue(trial, Placed.after_cue(trial, WINDOW)) == (-1000, stop_ms)
