"""Declared epochs: what an author may write, and when one is over."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from rig import Epoch, History, Protocol, TrialType, Until
from rig.checks.independence import as_intended
from rig.design.declaration import handed, why_over
from rig.design.epochs import declared
from rig.errors import ConfigError
from rig.estimate import ReversalEstimator
from rig.trial.spec import LineChange

FREE = TrialType(condition="free", reward_ul=5.0)
CUED = TrialType(condition="cued", reward_ul=5.0, signalled=True, cue="odour_a")
EMPTY = TrialType(condition="nothing")


def history(*kinds, licks=()):
    """Trials of these kinds; those in `licks` with a lick between cue and reward."""
    made = History()
    for number, kind in enumerate(kinds):
        record = as_intended(number, kind.trial())
        if kind is CUED:
            lick = (LineChange("lick", True, 1_000_000),) if number in licks else ()
            record = msgspec.structs.replace(record, reward_us=1_500_000, inputs=lick)
        made.add(record)
    return made


def estimator(spreads, n=40):
    """Units whose responses vary so much."""
    made = ReversalEstimator((1.2, 5.0, 20.0))
    rng = np.random.default_rng(1)
    for trial in range(n):
        u = made.placed.utility_hz[trial % 3]
        made.update(trial % 3, {f"1:{k}": u + s * rng.normal() for k, s in enumerate(spreads)})
    return made


# --- what an author writes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "say when the epoch is over"),
        ({"over": 20}, "say when the epoch is over"),
        ({"trials": -1}, "counts cannot be negative"),
        ({"within_hz": 1.0}, "give at_most"),
        ({"within_hz": 0.0, "at_most": 10}, "a bound on precision must be above 0"),
        ({"units": 3, "trials": 10}, "'units' needs a bound"),
        ({"units": 0, "within_ul": 1.0, "at_most": 10}, "'units' must be 1 or more"),
        ({"anticipating": 1.5, "at_most": 10}, "a share of trials, from 0 to 1"),
        ({"anticipating": 0.5}, "give at_most"),
        ({"trials": 20, "at_most": 10}, "'at_most' is less"),
        ({"trials": 20, "over": 0}, "'over' must be 1"),
    ],
)
def test_what_cannot_be_judged_is_refused(asked, says):
    with pytest.raises(ConfigError, match=says):
        Until(**asked)


def test_there_is_no_word_for_what_an_estimate_says():
    for name in ("above_hz", "reversal_hz", "p", "value_hz"):
        with pytest.raises(TypeError):
            Until(trials=10, **{name: 1.0})


@pytest.mark.parametrize(
    ("until", "words"),
    [
        (Until(trials=200), "200 trials"),
        (Until(at_most=200), "200 trials"),
        (Until(rewarded_at_least=80, within_hz=1.0, within_ul=2.0, at_most=400),
         "80 rewards and all units within 1 Hz and 2 uL, or 400 trials"),
        (Until(anticipating=0.8, over=20, units=1, within_ul=2.0, at_most=400),
         "1 unit within 2 uL and licks before 80% of 20 announced rewards, or 400 trials"),
    ],
)  # fmt: skip
def test_it_can_be_said(until, words):
    assert until.words() == words


@pytest.mark.parametrize(
    ("epochs", "says"),
    [
        ([], "one epoch at least"),
        ([Epoch("a", [(FREE, 1)]), Epoch("b", [(FREE, 1)])], "epoch 'a' has no end"),
        ([Epoch("a", [(FREE, 1)], until=Until(trials=9)), Epoch("a", [(FREE, 1)])], "a name of its own"),
        ([Epoch("", [(FREE, 1)])], "a name of its own"),
        ([Epoch("a", [(FREE, 1)], discard=-1)], "cannot discard -1"),
        ([Epoch("a", [(FREE, 1)], reversal_conditions=("x",))], "names 'x'"),
        (
            [Epoch("a", [(FREE, 1)], until=Until(trials=9)), Epoch("b", [(CUED, 1)])],
            "'reversal_conditions' of epoch 'b' names 'free'",
        ),
    ],
)
def test_a_declaration_that_is_wrong_is_refused(epochs, says):
    with pytest.raises(ConfigError, match=says):
        declared(epochs, ("free",) if epochs and epochs[0].block[0][0] is FREE else None)


def test_what_is_left_open_is_filled_in():
    first, later = declared(
        [Epoch("a", [(FREE, 1)], until=Until(trials=9)), Epoch("b", [(FREE, 1)], reversal_conditions=())],
        ("free",),
    )
    assert (first.discard, later.discard) == (0, 10)
    assert (first.conditions, later.conditions) == (("free",), ())


class Two(Protocol):
    def epochs(self):
        return [Epoch("a", [(FREE, 2), (EMPTY, 1)], until=Until(trials=4)), Epoch("b", [(CUED, 1)])]


def test_a_protocol_may_declare_epochs_and_no_block():
    protocol = Two(seed=3)
    assert [epoch.name for epoch in protocol.declared_epochs] == ["a", "b"]
    protocol.schedule.begin_epoch(4)
    assert {protocol.schedule[n] for n in range(3)} == {FREE, EMPTY}
    assert [protocol.schedule[n] for n in range(4, 7)] == [CUED] * 3
    assert protocol.schedule.distribution(1) == {5.0: 1.0}


# --- when it is over --------------------------------------------------------------------------------


def test_numbers_of_trials_and_of_rewards():
    until = Until(trials=3, rewarded_at_least=2)
    assert why_over(until, history(FREE, FREE), None) is None
    assert why_over(until, history(FREE, EMPTY, EMPTY), None) is None
    assert why_over(until, history(FREE, EMPTY, FREE), None) == "3 trials and 2 rewards"
    assert why_over(until, History(), None) is None


def test_only_the_trials_of_the_epoch_count():
    made = history(*[FREE] * 5)
    made.begin_epoch("first", None)
    assert why_over(Until(trials=1), made, None) is None
    made.add(as_intended(5, FREE.trial()))
    assert why_over(Until(trials=1), made, None) == "1 trial"
    assert (made.epoch, made.epoch_trials, made.epoch_rewarded, made.rewarded) == (1, 1, 1, 6)
    assert [record.number for record in made.epoch_records] == [5]


def test_precision_of_so_many_units():
    made = estimator([0.5, 0.5, 9.0])
    bound = 2.0
    one = history(FREE)
    assert (made.half_width_hz() <= bound).tolist() == [True, True, False]
    assert why_over(Until(units=2, within_hz=bound, at_most=99), one, made) == "2 units within 2 Hz"
    assert why_over(Until(units=3, within_hz=bound, at_most=99), one, made) is None
    assert why_over(Until(within_hz=bound, at_most=99), one, made) is None
    assert why_over(Until(within_hz=bound, at_most=99), one, estimator([0.5, 0.5])) is not None
    # 39 responses are not enough for anything, and nothing recorded is not precise.
    assert why_over(Until(units=1, within_hz=99.0, at_most=99), one, estimator([0.5], 39)) is None
    assert why_over(Until(units=1, within_hz=99.0, rewarded_at_least=41, at_most=99),
                    history(*[FREE] * 41), made) is None  # fmt: skip
    assert why_over(Until(within_hz=99.0, at_most=99), one, ReversalEstimator((1.2, 5.0))) is None
    assert why_over(Until(within_hz=99.0, at_most=99), one, None) is None


def test_licking_before_announced_rewards():
    until = Until(anticipating=0.5, over=4, at_most=99)
    assert why_over(until, history(CUED, CUED, CUED, licks={0, 1, 2}), None) is None
    assert why_over(until, history(CUED, CUED, FREE, CUED, CUED, licks={1, 4}), None) is not None
    # Only the last four count.
    assert why_over(until, history(*[CUED] * 6, licks={0, 1, 2}), None) is None


def test_the_most_that_was_declared():
    until = Until(within_hz=0.1, at_most=3)
    assert why_over(until, history(FREE, FREE), None) is None
    assert "3 trials are done" in why_over(until, history(FREE, EMPTY, EMPTY), None)


# --- what is kept -----------------------------------------------------------------------------------


def test_frozen_estimates_stay_and_cannot_be_changed():
    made = history(FREE)
    running = estimator([1.0])
    before = running.estimates()
    made.begin_epoch("first", running)
    running.update(0, {"1:0": 50.0})
    frozen = made.frozen["first"]
    assert frozen.estimates() == before != running.estimates()
    with pytest.raises(TypeError, match="frozen"):
        frozen.update(0, {"1:0": 1.0})
    with pytest.raises(TypeError, match="frozen"):
        frozen.ensure_units(["1:9"])
    with pytest.raises(ValueError, match="read-only"):
        frozen.counts.total[0, 0] = 7.0
    with pytest.raises(TypeError):
        made.frozen["first"] = running
    frozen.copy().update(0, {"1:0": 1.0})


def test_where_light_is_declared_the_running_estimates_are_not_handed_over():
    made = estimator([1.0])
    asked = []
    assert handed(Epoch("a", [(FREE, 1)]), made, asked.append).units == made.units
    assert handed(Epoch("a", [(FREE, 1)], stimulated=True), made, asked.append) is None
