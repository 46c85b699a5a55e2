"""A session of several epochs on a virtual rig: it switches once, estimates anew, and replays."""

from __future__ import annotations

import collections

import msgspec
import pytest

from protocols.variable_magnitude import VariableMagnitude
from rig import Epoch, Until
from rig.documents import (
    Audit,
    EpochStarted,
    EstimatesUpdated,
    Notice,
    ResponseTaken,
    SessionStarted,
    TrialDone,
)
from rig.log.entry import Input
from rig.operator import SetParameter

SIZES = (1.2, 5.0, 10.0)


class Switching(VariableMagnitude):
    """The usual sizes for some trials; then three of them, and then those for so many trials more."""

    until = Until(trials=13)
    last: Until | None = None
    discard = 4
    seen: list = []

    def epochs(self):
        few = [(kind, count) for kind, count in self.block() if kind.reward_ul in SIZES and count]
        return [
            Epoch("as trained", self.block(), until=self.until),
            Epoch("few", few, until=self.last, discard=self.discard),
        ]

    def decide(self, history, estimates, rng):
        self.seen.append((history.epoch, history.epoch_trials, dict(history.frozen), estimates))
        return self.schedule[history.trials].trial(iti=1.0)


def switching(sit, trials=40, units=4, wishes=None, **traits):
    kind = type("Switching", (Switching,), {"seen": [], **traits})
    sitting = sit(trials=trials, units=units, protocol=kind, **(wishes or {}))
    return sitting, kind.seen


def test_it_switches_once_and_a_new_block_begins(sit):
    sitting, seen = switching(sit, trials=61)
    assert sitting.run().ok
    (begun,) = sitting.of(EpochStarted)
    assert (begun.epoch, begun.name, begun.trial, begun.discard) == (1, "few", 13, 4)
    assert begun.sizes_ul == SIZES and len(begun.utility_axis_hz) == 3
    assert begun.reason == "'as trained' is over: 13 trials"
    records = [document.record for document in sitting.of(TrialDone)]
    assert {record.spec.reward_ul for record in records[13:]} == set(SIZES)
    block = sum(kind.count for kind in begun.declared)
    given = collections.Counter(
        (record.spec.condition, record.spec.reward_ul) for record in records[13 : 13 + block]
    )
    assert given == {(kind.condition, kind.reward_ul): kind.count for kind in begun.declared}
    assert [(epoch, trials) for epoch, trials, *_ in seen[:15]] == [
        *((0, n) for n in range(13)),
        (1, 0),
        (1, 1),
    ]


def test_all_epochs_are_told_before_the_first_trial(sit):
    sitting, _ = switching(sit, trials=1, last=Until(trials=9))
    sitting.run()
    (started,) = sitting.of(SessionStarted)
    assert [(epoch.name, epoch.until, epoch.discard) for epoch in started.epochs] == [
        ("as trained", "13 trials", 0), ("few", "9 trials", 4),
    ]  # fmt: skip
    assert started.epochs[0].declared == started.declared
    plain = sit(trials=1)
    plain.run()
    assert plain.of(SessionStarted)[0].epochs == ()


def test_estimates_begin_from_nothing_and_leave_out_the_first_trials(sit):
    sitting, seen = switching(sit)
    sitting.run()
    records = {document.record.number: document.record for document in sitting.of(TrialDone)}
    rewarded = {0: 0, 1: 0}
    for document in sitting.of(EstimatesUpdated):
        later = document.trial >= 13
        rewarded[later] += document.trial >= 17 or not later
        assert (document.epoch, document.rewarded) == (later, rewarded[later])
        assert {sum(unit.n) for unit in document.units} == {rewarded[later]}
        assert {len(unit.n) for unit in document.units} == {3 if later else 7}
    assert rewarded[1] == sum(r.reward_us is not None for n, r in records.items() if n >= 17)
    # What was known at the switch stays.
    at_switch = [d for d in sitting.of(EstimatesUpdated) if d.epoch == 0][-1]
    frozen = [frozen for epoch, _, frozen, _ in seen if epoch][-1]
    assert list(frozen) == ["as trained"]
    assert frozen["as trained"].estimates() == at_switch.units


def test_responses_are_told_in_discarded_trials_too(sit):
    sitting, _ = switching(sit)
    sitting.run()
    answered = {document.response.trial for document in sitting.of(ResponseTaken)}
    assert answered == {d.record.number for d in sitting.of(TrialDone) if d.record.reward_us is not None}


def test_the_audit_begins_anew(sit):
    sitting, _ = switching(sit)
    sitting.run()
    audits = sitting.of(Audit)
    assert [audit.epoch for audit in audits] == [0] * 13 + [1] * 27
    assert [sum(audit.delivered) for audit in audits] == [*range(1, 14), *range(1, 28)]
    assert all(audit.problem is None and audit.exact for audit in audits)


def test_precision_ends_an_epoch(sit):
    until = Until(trials=20, units=2, within_hz=2.0, at_most=300)
    sitting, seen = switching(sit, trials=200, until=until)
    assert sitting.run().ok
    (begun,) = sitting.of(EpochStarted)
    assert 40 < begun.trial < 200
    assert begun.reason == "'as trained' is over: 20 trials and 2 units within 2 Hz"
    frozen = next(frozen for epoch, _, frozen, _ in seen if epoch)["as trained"]
    assert (frozen.half_width_hz() <= 2.0).sum() >= 2
    # One rewarded trial before, there were not yet two.
    before = [d for d in sitting.of(EstimatesUpdated) if d.epoch == 0][-2]
    widths = [(u.bayes_ci95_hz[1] - u.bayes_ci95_hz[0]) / 2 for u in before.units]
    assert sum(width <= 2.0 for width in widths) < 2


def test_without_a_neural_stream_only_numbers_end_an_epoch(sit):
    until = Until(units=2, within_hz=3.0, at_most=15)
    sitting, seen = switching(sit, trials=20, until=until, wishes={"streams": ()})
    assert sitting.run().ok
    (begun,) = sitting.of(EpochStarted)
    assert begun.trial == 15 and "the most that was declared" in begun.reason
    assert seen[-1][2] == {}


def test_the_end_of_the_last_epoch_is_the_end_of_the_session(sit):
    sitting, _ = switching(sit, trials=None, last=Until(trials=9))
    halt = sitting.run()
    assert halt.ok and halt.reason == "epoch 'few' is over, and it was the last: 9 trials"
    assert sitting.ended.trials == 22


def test_what_comes_late_from_an_epoch_that_is_over_is_told_and_not_counted(sit):
    wishes = {"silence_s": 5.0}
    sitting, seen = switching(sit, trials=30, wishes=wishes)
    held = []

    def swallow(entry):
        # From trial 10 on the stream is silent; at trial 20 all of it comes at once.
        stalled = 10 <= sitting.session.history.trials < 20
        if entry.kind == "messages" and stalled:
            held.append(entry)
        return entry.kind == "messages" and stalled

    def interfere(entry):
        if sitting.session.history.trials >= 20:
            while held:
                old = held.pop(0)
                yield old.source, old.kind, old.payload

    sitting.swallow, sitting.interfere = swallow, interfere
    assert sitting.run().ok
    late = [d.response.trial for d in sitting.of(ResponseTaken) if d.revised]
    assert min(late) < 13 <= max(late)
    records = {d.record.number: d.record for d in sitting.of(TrialDone)}
    counted = [n for n, r in records.items() if r.reward_us is not None and n >= 17]
    assert {sum(unit.n) for unit in sitting.of(EstimatesUpdated)[-1].units} == {len(counted)}
    assert all(d.trial >= 13 for d in sitting.of(EstimatesUpdated) if d.epoch == 1)
    frozen = seen[-1][2]["as trained"]
    assert set(frozen.rewarded.values()) == {
        sum(r.reward_us is not None for n, r in records.items() if n < 10)
    }


def test_it_replays(sit):
    first, _ = switching(sit, trials=25)
    first.run()
    twice = []
    for _ in range(2):
        session = switching(sit, trials=25)[0].session
        effects = [session.start(0)] + [session.step(entry) for entry in first.log]
        twice.append(msgspec.msgpack.encode(effects))
        assert session.ended and session.history.epoch == 1
    assert twice[0] == twice[1]
    assert session.digest.hex() == first.ended.decision_digest


def test_a_session_may_be_run_twice_from_one_plan(sit):
    sitting, _ = switching(sit, trials=20)
    sitting.run()
    again = type(sitting)(sitting.session.plan, 4)
    again.run()
    assert again.ended.decision_digest == sitting.ended.decision_digest


class Adjustable(Switching):
    """With parameters that do and do not belong to what was declared."""

    class Parameters(VariableMagnitude.Parameters):
        first: int = 13

    def epochs(self):
        one, two = super().epochs()
        return [Epoch(one.name, one.block, until=Until(trials=self.parameters.first)), two]

    def decide(self, history, estimates, rng):
        return self.schedule[history.trials].trial(iti=self.parameters.iti_min_s)


@pytest.mark.parametrize("number", [5, 20])
@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [("iti_min_s", "3.0", True), ("odour_b", "10", False), ("first", "30", False), ("sizes_ul", "1", False)],
)
def test_what_was_declared_cannot_be_changed_while_it_runs(sit, number, name, value, taken):
    sitting = sit(trials=30, protocol=Adjustable)
    done = []

    def interfere(entry):
        if not done and sitting.session.history.trials >= number:
            done.append(True)
            yield "tester", "command", msgspec.json.encode(SetParameter(name=name, value=value))

    sitting.interfere = interfere
    assert sitting.run().ok, sitting.ended.reason
    waits = [d.record.spec.timing_s["iti"] for d in sitting.of(TrialDone)]
    refused = [n.text for n in sitting.of(Notice) if n.text.startswith("refused")]
    assert (waits[-1] == 3.0) == taken == (not refused)
    assert all("what was declared" in text or "for 1 sizes" in text for text in refused)
    assert sitting.of(EpochStarted)[0].trial == 13


def test_a_command_in_the_step_of_a_switch_is_no_matter(sit):
    sitting, _ = switching(sit, trials=20)
    sitting.interfere = lambda entry: (
        [("tester", "command", b"{}")] if sitting.session.history.trials == 13 else []
    )
    assert sitting.run().ok
    assert len(sitting.of(EpochStarted)) == 1
    assert isinstance(sitting.log[-1], Input)
