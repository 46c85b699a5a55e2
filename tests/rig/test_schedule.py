from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.errors import ConfigError
from rig.schedule import Schedule, TrialType

SMALL = TrialType(condition="small", reward_ul=1.0)
BIG = TrialType(condition="big", reward_ul=10.0)
NOTHING = TrialType(condition="nothing")


@given(seed=st.integers(0, 2**32), a=st.integers(0, 9), b=st.integers(1, 9), block=st.integers(0, 5))
def test_every_block_holds_the_declared_counts(seed, a, b, block):
    schedule = Schedule([(SMALL, a), (BIG, b)], seed)
    size = a + b
    drawn = Counter(schedule[block * size + k].condition for k in range(size))
    assert drawn == Counter({"small": a, "big": b}) - Counter()


def test_a_trial_depends_on_seed_and_number_only():
    one = Schedule([(SMALL, 20), (BIG, 20)], 3)
    other = Schedule([(SMALL, 20), (BIG, 20)], 3)
    backwards = [other[n].condition for n in reversed(range(200))]
    assert [one[n].condition for n in range(200)] == backwards[::-1]


def test_blocks_are_not_all_alike():
    schedule = Schedule([(SMALL, 10), (BIG, 10)], 3)
    blocks = {tuple(schedule[20 * b + k].condition for k in range(20)) for b in range(10)}
    assert len(blocks) == 10


def test_the_distribution_is_over_rewarded_trials():
    assert Schedule([(SMALL, 1), (BIG, 3), (NOTHING, 6)], 0).distribution() == {1.0: 0.25, 10.0: 0.75}


@pytest.mark.parametrize("block", [[], [(SMALL, 0)], [(SMALL, -1), (BIG, 2)]])
def test_an_empty_or_negative_block_is_refused(block):
    with pytest.raises(ConfigError, match="block"):
        Schedule(block, 0)
