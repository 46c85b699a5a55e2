from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.design.schedule import Schedule, TrialType
from rig.errors import ConfigError

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


# --- epochs -----------------------------------------------------------------------------------------

LATER = [(NOTHING, 1), (BIG, 3)]


@given(seed=st.integers(0, 2**32), switch=st.integers(1, 30), block=st.integers(0, 3))
def test_a_new_epoch_begins_a_block_wherever_the_old_one_stood(seed, switch, block):
    schedule = Schedule([(SMALL, 4), (BIG, 3)], seed, LATER)
    before = [schedule[n] for n in range(switch)]
    schedule.begin_epoch(switch)
    start = switch + 4 * block
    assert Counter(schedule[start + k].condition for k in range(4)) == {"nothing": 1, "big": 3}
    assert [schedule[n] for n in range(switch)] == before
    assert (schedule.epoch, schedule.switches) == (1, (switch,))
    assert Counter(schedule.block) == {NOTHING: 1, BIG: 3}


def test_the_first_epoch_is_what_it_would_be_alone():
    alone, first = Schedule([(SMALL, 20), (BIG, 20)], 3), Schedule([(SMALL, 20), (BIG, 20)], 3, LATER)
    assert [alone[n] for n in range(120)] == [first[n] for n in range(120)]
    assert first.distribution(1) == {10.0: 1.0} != first.distribution()
    assert [(kind.condition, kind.count) for kind in first.declared(1)] == [("nothing", 1), ("big", 3)]


def test_a_fresh_copy_is_at_the_beginning_and_goes_its_own_way():
    schedule = Schedule([(SMALL, 1)], 3, LATER)
    schedule.begin_epoch(2)
    twin = schedule.fresh()
    assert twin.switches == () and twin[5] is SMALL
    twin.begin_epoch(5)
    assert schedule.switches == (2,)
    schedule.restart()
    assert schedule.switches == () and schedule[3] is SMALL


def test_epochs_end_once_and_not_before_they_began():
    schedule = Schedule([(SMALL, 1)], 3, LATER, LATER)
    schedule.begin_epoch(4)
    for trial in (0, 4):
        with pytest.raises(ValueError, match="cannot end at trial"):
            schedule.begin_epoch(trial)
    schedule.begin_epoch(5)
    with pytest.raises(ValueError, match="the last epoch is running"):
        schedule.begin_epoch(9)
