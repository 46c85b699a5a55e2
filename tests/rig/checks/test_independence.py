"""A protocol that lets estimates choose is refused before the animal, and stopped if it comes that far."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from protocols.variable_magnitude import VariableMagnitude
from rig import TrialSpec
from rig.checks.independence import WORLDS, DryRun
from rig.checks.preflight import preflight
from rig.device import BoardLimits
from rig.documents import SessionEnded, TrialDone
from rig.errors import ConfigError

PAGE = "docs/explanation/closed-loop.md"


class Nearest(VariableMagnitude):
    """The size nearest to the mean reversal point: where a trial tells most about a psychometric curve."""

    def decide(self, history, estimates, rng):
        kind = self.schedule[history.trials]
        if estimates is None or not kind.reward_ul or not estimates.units or history.trials < 20:
            return kind.trial(iti=2.0)
        aim = np.nanmean(estimates.summary.posterior.mean_hz)
        nearest = int(np.argmin(np.abs(np.array(estimates.placed.utility_hz) - aim)))
        return msgspec.structs.replace(kind.trial(iti=2.0), reward_ul=estimates.sizes_ul[nearest])


class Reordering(VariableMagnitude):
    """Exact counts in every block, in the order that the units' precision asks for."""

    def decide(self, history, estimates, rng):
        block = len(self.schedule.block)
        start = history.trials - history.trials % block
        left = [self.schedule[start + k] for k in range(block)]
        if estimates is None or history.trials < 10:
            return self.schedule[history.trials].trial(iti=2.0)
        for record in history.records[start:]:
            left.remove(next(kind for kind in left if kind.matches(record.spec)))
        return max(left, key=lambda kind: kind.reward_ul).trial(iti=2.0)


class Dropping(VariableMagnitude):
    """Leaves out the smallest and the largest size once all units seem to lie between them."""

    def decide(self, history, estimates, rng):
        kind = self.schedule[history.trials]
        extreme = kind.reward_ul in (self.parameters.sizes_ul[0], self.parameters.sizes_ul[-1])
        if estimates is not None and extreme and estimates.settled(within_hz=3.0, after_trials=20):
            kind = self.schedule[history.trials + 1]
        return kind.trial(iti=2.0)


ADVERSARIES = [Nearest, Reordering, Dropping]


def plan_of(sit, protocol, **wishes):
    return sit(trials=200, protocol=protocol, **wishes).session.plan


@pytest.mark.parametrize("protocol", ADVERSARIES)
def test_it_is_refused_before_the_animal(sit, protocol):
    with pytest.raises(ConfigError) as caught:
        preflight(plan_of(sit, protocol), BoardLimits())
    text = str(caught.value)
    assert "what is given hangs on the estimates" in text
    assert "trial " in text and "is declared there" in text and PAGE in text


@pytest.mark.parametrize("protocol", ADVERSARIES)
def test_without_preflight_the_lock_stops_it_before_the_trial(sit, protocol):
    sitting = sit(trials=200, protocol=protocol, units=4)
    halt = sitting.run()
    assert not halt.ok
    assert f"trial {sitting.ended.trials + 1}: the protocol chose '" in halt.reason
    assert PAGE in halt.reason and "\n" not in halt.reason
    # What ran was the declared schedule, to the last trial.
    honest = sit(trials=200).session.plan.protocol.schedule
    records = [document.record for document in sitting.of(TrialDone)]
    assert records
    assert all(honest[record.number].matches(record.spec) for record in records)
    assert isinstance(sitting.documents[-1], SessionEnded)


class Tampering(VariableMagnitude):
    """Changes the schedule itself."""

    def decide(self, history, estimates, rng):
        if history.trials == 5:
            self.schedule = type(self.schedule)(self.block(), 999)
        return self.schedule[history.trials].trial(iti=2.0)


class Smuggling(VariableMagnitude):
    """Says what is declared, and gives something else."""

    def decide(self, history, estimates, rng):
        return self.schedule[history.trials].trial(iti=2.0)

    def table(self, trial):
        if trial.reward_ul == 5.0:
            trial = msgspec.structs.replace(trial, reward_ul=10.0)
        return super().table(trial)


@pytest.mark.parametrize(
    ("protocol", "says"),
    [(Tampering, "the protocol chose"), (Smuggling, "state 'reward' gives 10 uL")],
)
def test_the_auditor_has_a_schedule_of_its_own(sit, protocol, says):
    with pytest.raises(ConfigError, match=says):
        preflight(plan_of(sit, protocol), BoardLimits())
    halt = sit(trials=60, protocol=protocol).run()
    assert not halt.ok and says in halt.reason


class Patient(VariableMagnitude):
    """What may hang on estimates: how long to wait, and when to stop."""

    def decide(self, history, estimates, rng):
        if estimates is not None and estimates.settled(within_hz=1.0, after_trials=60):
            return None
        high = estimates is not None and np.nanmean(estimates.summary.posterior.mean_hz) > 0
        return self.schedule[history.trials].trial(iti=4.0 if high else 2.0)


def test_waiting_and_stopping_may_hang_on_estimates(sit):
    plan = plan_of(sit, Patient)
    assert preflight(plan, BoardLimits()) == 200
    waits, lengths = set(), set()
    for world in WORLDS:
        told = [one.spec for one in DryRun(plan, plan.protocol, 200, world).decisions()]
        waits |= {spec.timing_s["iti"] for spec in told}
        lengths.add(len(told))
    assert waits == {2.0, 4.0}
    assert min(lengths) < 200


class Counting(VariableMagnitude):
    """Keeps something on itself from decision to table."""

    asked = 0

    def decide(self, history, estimates, rng):
        self.asked += 1
        self.now = history.trials
        return self.schedule[history.trials].trial(iti=2.0)

    def table(self, trial):
        assert self.now + 1 == self.asked
        return super().table(trial)


def test_nothing_of_a_rehearsal_remains_with_the_protocol(sit):
    sitting = sit(trials=30, protocol=Counting)
    assert preflight(sitting.session.plan, BoardLimits()) == 30
    assert sitting.session.plan.protocol.asked == 0
    assert sitting.run().ok


def test_a_session_without_an_end_is_rehearsed_for_four_hundred_trials(sit):
    plan = sit(trials=None, units=40, settings={"stop_within_ul": 0.5}).session.plan
    assert preflight(plan, BoardLimits()) == 400


def test_what_it_answers_is_judged_first(sit):
    kind = type("Odd", (VariableMagnitude,), {"decide": lambda self, *_: TrialSpec(condition="odd")})
    with pytest.raises(ConfigError, match="trial 1: the protocol chose 'odd' with no reward, but '"):
        preflight(plan_of(sit, kind), BoardLimits())
