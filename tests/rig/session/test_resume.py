"""A session that was killed goes on: the animal's next trial, nothing counted twice or not at all."""

from __future__ import annotations

import msgspec
import pytest

from benchmarks.crashes import Drill
from benchmarks.interlock import Draws
from rig.documents import Notice, ResponseTaken, SessionEnded, SessionStarted
from rig.effects import Halt
from rig.errors import ReplayMismatch
from rig.log.entry import Input
from rig.log.replay import rebuild
from rig.operator import RECORDER, Pause, Resume, SetParameter
from rig.units import NS_PER_MS, NS_PER_S

pytestmark = pytest.mark.timeout(120)
LOST_NS = 100 * NS_PER_MS
TRIALS = 8


@pytest.fixture(scope="module")
def plain():
    """The session that nobody interrupted."""
    drill = Drill(trials=TRIALS)
    assert not drill.run()
    return drill


def specs(drill):
    return {document.record.number: document.record.spec for document in drill.trials()}


def texts(drill, level=None):
    return [d.text for _, d in drill.documents if isinstance(d, Notice) and level in (None, d.level)]


def in_phase(phase, trials):
    return lambda session: session._phase == phase and session.history.trials == trials


def state_of(state, trials):
    """While the running trial is in the state of this number."""

    def holds(session):
        trial = session._trial
        there = trial is not None and trial.started and len(trial._states) == state + 1
        return there and session.history.trials == trials

    return holds


def closing(trials):
    """A session that waits for the responses of the trial that is just over."""
    drill = Drill(trials=TRIALS)
    assert drill.run(lambda session: session.history.trials >= trials and dry(session))
    drill.stalled = True
    assert drill.run(lambda session: session._phase == "closing")
    drill.stalled = False
    return drill


def dry(session, least_ul=0.1):
    """While a trial that will have a reward runs, and the valve has not opened yet."""
    trial = session._trial
    runs = session._phase == "running" and trial is not None and trial.started
    return runs and trial.spec.reward_ul >= least_ul and not trial._output_changes


def test_killed_between_two_trials_it_is_the_same_session(plain):
    drill = closing(3)
    drill.crash()
    drill.run()
    assert drill.halt == Halt(f"{TRIALS} trials done", True)
    ended = [d for _, d in drill.documents if isinstance(d, SessionEnded)]
    whole = [d for _, d in plain.documents if isinstance(d, SessionEnded)]
    assert ended[0].decision_digest == whole[0].decision_digest
    assert ended[0].delivered_ul == whole[0].delivered_ul
    assert len([d for _, d in drill.documents if isinstance(d, SessionStarted)]) == 1


@pytest.mark.parametrize(("state", "trials"), [(0, 2), (1, 2), (1, 0), (2, 5)])
def test_killed_in_a_trial_that_trial_is_incomplete_and_the_next_one_follows(plain, state, trials):
    drill = Drill(trials=TRIALS)
    if not drill.run(state_of(state, trials)):
        pytest.skip("no such state in that trial")
    drill.crash()
    assert not drill.run()
    outcomes = [document.record.outcome for document in drill.trials()]
    assert outcomes == ["complete"] * trials + ["incomplete"] + ["complete"] * (TRIALS - trials - 1)
    assert specs(drill) == specs(plain)
    assert drill.session._ledger.total_ul == pytest.approx(drill.judge.total_ul)
    assert any("the session was interrupted in it" in text for text in texts(drill, "warning"))
    assert any("goes on after a gap of" in text for text in texts(drill, "warning"))


def test_windows_that_were_open_are_missing_and_the_clock_is_found_anew():
    drill = closing(2)
    killed = drill.session.history.trials - 1
    drill.crash()
    assert not drill.session.reckoning.stream_states()[0].clock_sigma_us
    units = drill.session.reckoning.units
    drill.run()
    told = {d.response.trial: d.response for _, d in drill.documents if isinstance(d, ResponseTaken)}
    assert set(told[killed].missing.values()) == {"the session was interrupted"}
    later = [response for trial, response in told.items() if trial > killed]
    assert later and not any(response.missing for response in later)
    assert drill.session.reckoning.units == units


def test_the_estimates_are_those_of_all_trials_but_the_one(plain):
    drill = Drill(trials=TRIALS)
    drill.run(in_phase("running", 4))
    drill.crash()
    drill.run()
    for ours, theirs in zip(
        drill.session.reckoning.estimates, plain.session.reckoning.estimates, strict=True
    ):
        assert ours.unit == theirs.unit
        assert sum(theirs.n) - 1 <= sum(ours.n) <= sum(theirs.n)


@pytest.mark.parametrize(("seed", "units"), [(0, 2), (1, 0), (2, 0)])
def test_killed_again_and_again_with_the_newest_inputs_lost(plain, seed, units):
    draws = Draws(seed, 0xC0)
    drill = Drill(trials=TRIALS, units=units)
    while drill.halt is None:
        due_us = drill.world.now_us + draws.below(12_000_000 if not units else 40_000_000)
        if drill.run(lambda session, t=due_us: drill.world.now_us >= t):
            silent_ns = draws.below(2_000) * NS_PER_MS
            power_ns = draws.below(silent_ns + 1) if draws.one_in(5) else None
            drill.crash(lost_ns=draws.below(LOST_NS), silent_ns=silent_ns, power_ns=power_ns)
        assert drill.crashes < 60
    assert drill.halt == Halt(f"{TRIALS} trials done", True)
    assert drill.crashes
    assert specs(drill) == specs(plain)
    assert [document.record.number for document in drill.trials()] == list(range(TRIALS))
    # What cannot be known counts as the most that it can have been.
    assert drill.session._ledger.total_ul >= drill.judge.total_ul - 1e-9
    assert drill.replayed().complete


def test_a_reset_board_counts_as_having_given_what_was_promised():
    drill = Drill(trials=TRIALS)
    drill.run(lambda session: dry(session, least_ul=2.5))
    promised, known = drill.session._trial.spec.reward_ul, drill.session._ledger.total_ul
    drill.crash(power_ns=10 * NS_PER_MS)
    drill.run(lambda session: session._phase == "uploading")
    assert drill.session._ledger.total_ul >= known + promised
    assert drill.judge.total_ul == known, "and it had not"


def test_a_pause_outlives_the_crash():
    drill = Drill(trials=TRIALS)
    drill.run(in_phase("running", 2))
    drill.ask(Pause())
    drill.run(lambda session: session._phase == "paused")
    drill.crash()
    assert drill.run(lambda session: session._phase == "paused")
    drill.ask(Resume())
    drill.run()
    assert drill.halt.ok


def test_a_pause_of_the_recorder_does_not_outlive_it():
    drill = Drill(trials=TRIALS)
    drill.run(in_phase("running", 2))
    drill._waiting.append((RECORDER, "command", msgspec.json.encode(Pause())))
    drill.run(lambda session: session._phase == "paused")
    drill.crash()
    drill.run()
    assert drill.halt.ok


def test_a_changed_parameter_outlives_the_crash():
    drill = Drill(trials=TRIALS)
    drill.run(in_phase("running", 2))
    drill.ask(SetParameter(name="drink_s", value="1.5"))
    drill.run(in_phase("running", 4))
    drill.crash()
    drill.run()
    assert drill.session._desk.protocol.parameters.drink_s == 1.5


@pytest.mark.parametrize("inputs", [0, 1, 3, 40])
def test_killed_before_anything_has_begun(plain, inputs):
    drill = Drill(trials=TRIALS)
    drill.run(lambda session: len(drill.rows) >= inputs)
    drill.crash()
    drill.run()
    assert drill.halt.ok
    assert specs(drill) == specs(plain)


def test_a_board_that_is_long_gone_is_waited_for():
    """Longer than the board's counter takes to wrap."""
    drill = Drill(trials=TRIALS, units=0)
    drill.run(in_phase("running", 2))
    before_us = drill.world.now_us
    drill.crash(silent_ns=80 * 60 * NS_PER_S)
    drill.run()
    assert drill.halt.ok
    assert any("gap of 1 h 20 min" in text for text in texts(drill))
    assert drill.trials()[-1].record.start_us > before_us + 80 * 60_000_000


def test_a_gap_that_cannot_be_read_is_a_gap():
    drill = Drill(trials=TRIALS)
    drill.run(in_phase("running", 1))
    session = drill.session
    effects = session.step(Input(10**6, 10**12, "engine", "resume", b"\xff"))
    assert any(
        "gap of unknown length" in getattr(e.document, "text", "") for e in effects if hasattr(e, "document")
    )
    assert session._phase == "connecting"


def test_a_changed_file_is_not_gone_on_with():
    drill = Drill(trials=TRIALS)
    drill.run(in_phase("running", 1))
    row = drill.rows[5]
    drill.rows[5] = type(row)(entry=row.entry, crc32=row.crc32 ^ 1, digest=row.digest)
    with pytest.raises(ReplayMismatch, match="record 5 is damaged"):
        drill.crash()


def test_what_is_rebuilt_says_where_it_stands():
    drill = Drill(trials=TRIALS)
    drill.run(in_phase("running", 1))
    drill._alive()
    rebuilt = rebuild(drill.session, drill.rows, drill._meta)
    assert rebuilt.seq == drill.rows[-1].entry.seq
    assert rebuilt.t_ns == drill.rows[-1].entry.t_ns
    assert rebuilt.chain.digest == drill._chain.digest
    assert list(rebuilt.documents) == [d for seq, d in drill.documents if seq == rebuilt.seq]
