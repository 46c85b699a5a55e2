"""What is run is what was declared, and what was delivered is counted."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy import stats

from rig import END, StateMachine
from rig.checks.independence import as_intended
from rig.cli.rigs import demo_rig
from rig.design.audit import Auditor
from rig.design.schedule import Schedule, TrialType
from rig.documents import Audit, Notice
from rig.errors import ConfigError
from rig.events import LinkLost
from rig.operator import ManualReward, Pause, Resume
from rig.sim.direct import frame

SMALL = TrialType(condition="free", reward_ul=2.5)
BIG = TrialType(condition="free", reward_ul=10.0)
NONE = TrialType(condition="odour", cue="odour_b")
BLOCK = [(SMALL, 5), (BIG, 4), (NONE, 1)]


def auditor(*later):
    return Auditor(Schedule(BLOCK, 3, *later), demo_rig())


def took_place(number, kind, **changes):
    return msgspec.structs.replace(as_intended(number, kind.trial()), **changes)


def run(book, schedule, trials, change=lambda record: record):
    told = None
    for number in range(trials):
        told = book.take(change(took_place(number, schedule[number])))
    return told


# --- the lock ---------------------------------------------------------------------------------------


def test_the_declared_trial_passes_whatever_its_waits_and_its_light():
    book, schedule = auditor(), Schedule(BLOCK, 3)
    for number in range(40):
        book.lock(number, schedule[number].trial(iti=number / 7))
        book.lock(number, schedule[number].trial("sham", iti=1.0))


@pytest.mark.parametrize(
    "change", [{"condition": "x"}, {"reward_ul": 2.6}, {"signalled": True}, {"cue": "odour_a"}]
)
def test_another_trial_does_not(change):
    book, declared = auditor(), Schedule(BLOCK, 3)[0].trial()
    with pytest.raises(ConfigError) as caught:
        book.lock(0, msgspec.structs.replace(declared, **change))
    assert "trial 1: the protocol chose '" in str(caught.value)
    assert "docs/explanation/closed-loop.md" in str(caught.value)


def test_a_table_gives_what_is_declared_no_more_and_no_less():
    book, rig = auditor(), demo_rig()

    def table(volume):
        sm = StateMachine("t")
        sm.state("reward", deliver_ul=volume, then=END)
        return sm.build(rig)

    book.lock_table(0, BIG.trial(), table(10.0))
    with pytest.raises(ConfigError, match=r"gives 2.5 uL at most, but 'free' with 10 uL is declared there"):
        book.lock_table(0, BIG.trial(), table(2.5))
    with pytest.raises(ConfigError, match=r"state 'reward' gives 10 uL, but 'free' with 2.5 uL is declared"):
        book.lock_table(0, SMALL.trial(), table(10.0))
    with pytest.raises(ConfigError, match=r"gives 0.1 uL, but 'odour' with no reward after odour_b"):
        book.lock_table(0, NONE.trial(), table(0.1))


# --- the ledger -------------------------------------------------------------------------------------


def test_blocks_as_declared_are_exact():
    told = run(auditor(), Schedule(BLOCK, 3), 100)
    assert told.delivered == (50, 40, 10)
    assert [kind.count for kind in told.declared] == [5, 4, 1]
    assert told.exact and told.astray == 0 and told.problem is None
    assert told.g == pytest.approx(0) and told.p == pytest.approx(1) and told.dof == 2


def test_no_p_before_the_expected_counts_allow_it():
    schedule, book = Schedule(BLOCK, 3), auditor()
    tested = [book.take(took_place(n, schedule[n])).p is not None for n in range(60)]
    # One of three kinds is expected least often, a tenth of the time: so until that is five, at trial 50.
    assert tested == [False] * 49 + [True] * 11


@pytest.mark.parametrize(
    "change",
    [{"outcome": "aborted"}, {"outcome": "incomplete"}, {"delivered_ul": 12.5}, {"delivered_ul": 0.0}],
)
def test_a_trial_that_took_place_otherwise_is_astray_and_its_block_is_not_exact(change):
    schedule, book = Schedule(BLOCK, 3), auditor()
    wrong = next(n for n in range(10) if schedule[n] is BIG)
    seen = [book.take(took_place(n, schedule[n], **(change if n == wrong else {}))) for n in range(20)]
    assert [told.astray for told in seen] == [int(n >= wrong) for n in range(20)]
    assert sum(seen[-1].delivered) == 19
    # It is said when the block is over, not before.
    assert [told.exact for told in seen] == [True] * 9 + [False] * 11
    assert seen[8].problem is None
    assert "because 1 trial went astray" in seen[-1].problem


def test_openings_are_whole_cycles():
    schedule, book = Schedule([(SMALL, 1)], 1), Auditor(Schedule([(SMALL, 1)], 1), demo_rig())
    assert book.take(took_place(0, schedule[0], delivered_ul=2.55)).exact
    assert not book.take(took_place(1, schedule[1], delivered_ul=2.7)).exact


def test_large_rewards_that_always_fail_are_an_alarm():
    schedule, book = Schedule(BLOCK, 3), auditor()

    def fails(record):
        kept = record.spec.reward_ul != 10.0 or record.number % 3
        return record if kept else msgspec.structs.replace(record, outcome="aborted")

    told = run(book, schedule, 60, fails)
    assert told.p > 1e-4 and "went astray" in told.problem
    book = auditor()
    told = run(book, schedule, 300, lambda r: msgspec.structs.replace(
        r, outcome="aborted" if r.spec.reward_ul == 10.0 and r.number % 2 else "complete"))  # fmt: skip
    assert told.p < 1e-4 and "G-test" in told.problem


def test_the_g_test_is_scipys():
    schedule, book = Schedule(BLOCK, 3), auditor()
    told = run(
        book, schedule, 200,
        lambda r: msgspec.structs.replace(r, outcome="complete" if r.number % 7 else "aborted"),
    )  # fmt: skip
    expected = np.array([5, 4, 1]) * sum(told.delivered) / 10
    g, p = stats.power_divergence(told.delivered, expected, lambda_="log-likelihood")
    assert (told.g, told.p) == (pytest.approx(g), pytest.approx(p))


def test_a_new_epoch_is_counted_anew_and_begins_a_block():
    later = [(BIG, 1), (SMALL, 1)]
    book, schedule = auditor(later), Schedule(BLOCK, 3, later)
    told = run(book, schedule, 13)
    assert told.epoch == 0
    book.begin_epoch(13)
    schedule.begin_epoch(13)
    book.lock(13, schedule[13].trial())
    told = book.take(took_place(13, schedule[13]))
    assert (told.epoch, sum(told.delivered), told.exact) == (1, 1, True)
    told = book.take(took_place(14, schedule[14]))
    assert told.delivered == (1, 1) and told.exact


# --- in a session -----------------------------------------------------------------------------------


def test_every_trial_is_audited(sit):
    sitting = sit(trials=100)
    sitting.run()
    audits = sitting.of(Audit)
    assert [audit.trial for audit in audits] == list(range(100))
    assert [sum(audit.delivered) for audit in audits] == list(range(1, 101))
    assert audits[-1].delivered == tuple(kind.count for kind in audits[-1].declared)
    assert audits[-1].exact and audits[-1].problem is None
    assert not [notice for notice in sitting.of(Notice) if notice.source == "auditor"]


def test_a_lost_trial_is_told_once_when_its_block_is_over(sit):
    sitting = sit(trials=205)
    lost = frame(LinkLost(source="board", reason="the cable came out"))
    done = []

    def interfere(entry):
        trial = sitting.session._trial
        if not done and trial is not None and trial.number == 7 and trial.started:
            done.append(True)
            yield "board", "bytes", lost
            yield "board", "port", b"open"

    sitting.interfere = interfere
    assert sitting.run().ok
    told = [notice.text for notice in sitting.of(Notice) if notice.source == "auditor"]
    assert told == ["a finished block does not hold what was declared, because 1 trial went astray"]
    audits = sitting.of(Audit)
    assert [audit.exact for audit in audits] == [True] * 99 + [False] * 106


def with_a_drop(sitting, when, *before):
    """Give a drop by hand as soon as `when(session)` holds, and `before` it other commands, when it holds."""
    given = lambda session: not session._ledger.promised_ul  # noqa: E731
    asked = [*before, (when, ManualReward(volume_ul=5.0)), (given, Resume())]

    def interfere(entry):
        while asked and asked[0][0](sitting.session):
            yield "tester", "command", msgspec.json.encode(asked.pop(0)[1])

    sitting.interfere = interfere
    assert sitting.run().ok and not asked
    return sitting.of(Audit)


def test_a_manual_reward_in_a_trial_sends_it_astray(sit):
    def running(session):
        return session._trial is not None and session._trial.number == 2 and session._trial._states

    assert [audit.astray for audit in with_a_drop(sit(trials=6), running)] == [0, 0, 1, 1, 1, 1]


def test_a_manual_reward_between_trials_is_told_when_the_block_is_over(sit):
    third = (lambda session: session.history.trials == 3, Pause())
    audits = with_a_drop(sit(trials=101), lambda session: session._phase == "paused", third)
    assert [audit.exact for audit in audits] == [True] * 99 + [False] * 2
    assert audits[-1].astray == 0
    assert audits[-1].problem == (
        "a finished block does not hold what was declared, because 1 manual reward came between trials"
    )


def test_a_drop_that_shows_the_spout_before_the_first_trial_is_nobodys(sit):
    audits = with_a_drop(sit(trials=101), lambda session: session._phase == "warming up")
    assert audits[-1].exact and audits[-1].problem is None
