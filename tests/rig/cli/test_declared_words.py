"""A person who reads a session learns which epochs it had, and whether the declared trials took place."""

from __future__ import annotations

from protocols.sousa import Sousa
from rig.checks.independence import as_intended
from rig.cli.declared_words import Declared, delivered
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.description import Emulation
from rig.design.audit import Auditor
from rig.design.plan import SessionPlan
from rig.design.schedule import Schedule, TrialType


def lines_of(**settings):
    plan = SessionPlan(
        subject="m",
        protocol=Sousa(Sousa.Parameters.read(settings), 1),
        protocol_name="sousa",
        rig=virtual_description(demo_rig(), Emulation(units=0, seed=1)),
        seed=1,
        max_trials=9,
    )
    declared = Declared()
    run_virtual(plan, declared)
    return list(declared.lines())


def test_a_session_of_one_epoch_has_one_line():
    assert lines_of() == ["delivered: as declared (9 trials so, 0 astray)"]


def test_every_epoch_has_a_line_with_what_ended_the_one_before():
    assert lines_of(remove_after=5) == [
        "epoch 'all delays', trials 1 to 5: as declared (5 trials so, 0 astray)",
        "epoch 'without 1.5 s', from trial 6 on ('all delays' is over: 5 trials): as declared (4 trials so, "
        "0 astray)",
        "the estimates below are those of epoch 'without 1.5 s'",
    ]


def test_what_the_auditor_found_is_said():
    kind = TrialType(condition="free", reward_ul=5.0)
    book = Auditor(Schedule([(kind, 1)], 1), demo_rig())
    book.reward_between(2)
    assert delivered(book.take(as_intended(0, kind.trial()))) == (
        "a finished block does not hold what was declared, because 2 manual rewards came between trials "
        "(1 trial so, 0 astray)"
    )
