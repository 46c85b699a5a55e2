"""Soft events from outside: an operator's key, or a program that closes a loop of its own."""

from __future__ import annotations

import msgspec

from protocols.habituation import Habituation
from rig.documents import Notice, SessionState, TrialDone
from rig.machine.build import END, StateMachine, soft
from rig.operator import SoftEvent


class Awaiting(Habituation):
    """A drop, and then half a minute that a soft event cuts short."""

    def table(self, trial):
        sm = StateMachine("awaiting")
        sm.state("drop", deliver_ul=trial.reward_ul, then="await")
        sm.state("await", timer=30.0, on={soft(2): END}, then=END)
        return sm


def asked_in(sit, phase, number, **wishes):
    """A session of three trials; in the second one somebody asks for soft event `number`."""
    sitting = sit(trials=3, protocol=Awaiting, **wishes)
    done = []

    def interfere(entry):
        session = sitting.session
        if not done and session.history.trials == 1 and session._phase == phase:
            trial = session._trial
            if phase != "running" or any(visit.name == "await" for visit in trial._states):
                done.append(True)
                yield "key", "command", msgspec.json.encode(SoftEvent(number=number))

    sitting.interfere = interfere
    assert sitting.run().ok
    assert done
    return sitting


def of_the_key(sitting):
    return [notice.text for notice in sitting.of(Notice) if notice.source == "key"]


def test_a_table_that_waits_for_it_takes_it(sit):
    sitting = asked_in(sit, "running", 2)
    assert of_the_key(sitting) == ["soft event 2"]
    first, second, third = (doc.record.duration_us / 1e6 for doc in sitting.of(TrialDone))
    assert first > 30
    assert second < 1
    assert third > 30


def test_it_is_refused_where_nothing_waits_for_it(sit):
    assert of_the_key(asked_in(sit, "running", 3)) == [
        "refused: no state of the running trial waits for soft event 3"
    ]
    assert of_the_key(asked_in(sit, "uploading", 2)) == [
        "refused: no trial runs that could take a soft event"
    ]


def test_windows_are_told_when_it_can_be_sent(sit):
    sitting = asked_in(sit, "running", 2)
    told = {state.phase: "soft_event" in state.accepts for state in sitting.of(SessionState)}
    assert told["running"]
    assert not any(told[phase] for phase in told if phase != "running")
