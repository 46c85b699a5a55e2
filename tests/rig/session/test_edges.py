"""The session at its edges: what goes wrong between two trials, at the start, and at the end."""

from __future__ import annotations

import msgspec
import pytest

from rig import END, Protocol, StateMachine, TrialSpec, TrialType, soft
from rig.checks.preflight import preflight
from rig.description import Limits, Neural
from rig.design.audit import Auditor
from rig.design.params import Params, param
from rig.device import BoardLimits
from rig.documents import Notice, ResponseTaken, SessionEnded, TrialDone
from rig.effects import Halt, Wake
from rig.errors import ConfigError
from rig.events import (
    BoardReady,
    BoardSafe,
    CommandRefused,
    EndReason,
    EventsLost,
    Heartbeat,
    LinkLost,
    PulseRefused,
)
from rig.log.entry import Input
from rig.operator import EmergencyStop, ManualReward, Pause, SetParameter, Stop
from rig.session import Session
from rig.sim.direct import DirectBoard, frame

OPEN = ("board", "port", b"open")
TIME = ("clock", "deadline", b"")


def command(value):
    return "tester", "command", msgspec.json.encode(value)


def board(event):
    return "board", "bytes", frame(event)


def once(sitting, condition, *inputs):
    """Interfere once, as soon as `condition(session)` holds."""
    done = []

    def interfere(entry):
        if not done and condition(sitting.session):
            done.append(True)
            yield from inputs

    sitting.interfere = interfere
    return done


def in_phase(phase, trials=0):
    return lambda session: session._phase == phase and session.history.trials >= trials


def starting(session):
    """The start is asked for, and the board has not said yet that it began."""
    return session._phase == "running" and not session._trial.started and session.history.trials == 2


def in_state(name):
    def condition(session):
        trial = session._trial
        return trial is not None and any(visit.name == name for visit in trial._states)

    return condition


def step(session, seq, t_ns, what):
    return session.step(Input(seq, t_ns, *what))


def stall(sitting, trial):
    """Hold the stream's messages back once `trial` trials are done and rewarded, until `free` is called."""
    held = []
    state = {"free": False}

    def swallow(entry):
        session = sitting.session
        late = entry.kind == "messages" and not state["free"] and session.history.rewarded >= trial
        if late:
            held.append(entry.payload)
        return late

    def free():
        state["free"] = True
        for payload in held:
            yield "simulated units", "messages", payload
        held.clear()

    sitting.swallow = swallow
    return free


def halt_of(effects):
    return next((effect for effect in effects if isinstance(effect, Halt)), None)


def outcomes(sitting):
    return [document.record.outcome for document in sitting.of(TrialDone)]


# --- before the first trial -------------------------------------------------------------------------


def test_a_port_on_which_nothing_answers_ends_the_session_with_a_sentence(sit):
    session = sit().session
    session.start(0)
    effects = step(session, 0, 1_000, OPEN)
    (wake,) = [effect for effect in effects if isinstance(effect, Wake)]
    assert wake.t_ns == 5_000_001_000
    assert halt_of(step(session, 1, wake.t_ns - 1, TIME)) is None
    halt = halt_of(step(session, 2, wake.t_ns, TIME))
    assert not halt.ok
    assert halt.reason == "nothing on 'pty' answers as a board; is it the right port, and powered?"


def test_another_device_on_the_port_is_named_at_once(sit):
    session = sit().session
    session.start(0)
    step(session, 0, 1, OPEN)
    lost = LinkLost(source="board", reason="the device at COM3 is a Harp device of type 1216")
    halt = halt_of(step(session, 1, 2, board(lost)))
    assert not halt.ok
    assert halt.reason == "the device at COM3 is a Harp device of type 1216"


@pytest.mark.parametrize("answered", [False, True])
def test_stop_ends_a_session_that_waits_for_its_board_or_its_streams(sit, answered):
    session = sit().session
    session.start(0)
    step(session, 0, 1, OPEN)
    if answered:
        ready = BoardReady(name="b", serial="1", firmware="1", time_scale=0, t_us=5)
        assert halt_of(step(session, 1, 2, board(ready))) is None
    halt = halt_of(step(session, 2, 3, command(Stop())))
    assert halt.ok
    assert halt.reason == "stopped by tester"


def test_a_board_lost_in_the_warm_up_is_waited_for_and_the_warm_up_begins_anew(sit):
    sitting = sit(trials=2)
    lost = board(LinkLost(source="board", reason="the cable came out"))
    once(sitting, lambda session: session._phase == "warming up" and session._out.board_us > 3e6, lost)
    assert sitting.run(until_us=60_000_000) is None
    assert sitting.session._phase == "connecting"  # with the clock locked, and no board to upload to
    assert not sitting.session._connected
    once(sitting, lambda session: True, OPEN)
    assert sitting.run().ok
    assert outcomes(sitting) == ["complete"] * 2


def test_a_refused_configuration_is_no_rig_to_start_on(sit):
    sitting = sit()
    refused = CommandRefused(command="configure", reason="no such register")
    once(sitting, in_phase("warming up"), board(refused))
    halt = sitting.run()
    assert not halt.ok
    assert halt.reason == "the board refused configure: no such register"


# --- between two trials -----------------------------------------------------------------------------


def test_a_refused_manual_reward_costs_no_session(sit):
    sitting = sit(trials=4)
    refused = board(CommandRefused(command="pulse", reason="the board did not answer"))
    done = once(sitting, in_phase("uploading", 1), refused)
    assert sitting.run().ok
    assert done
    assert outcomes(sitting) == ["complete"] * 4


def test_events_lost_before_the_start_do_not_cost_the_trial(sit):
    sitting = sit(trials=5)
    lost = board(EventsLost(count=3, after_us=0, before_us=1))
    done = once(sitting, starting, lost)
    assert sitting.run().ok
    assert done
    plain = sit(trials=5)
    plain.run()
    assert outcomes(sitting) == ["complete"] * 5
    assert [d.record.spec for d in sitting.of(TrialDone)] == [d.record.spec for d in plain.of(TrialDone)]
    assert sitting.session.digest.hex() == plain.session.digest.hex()


def test_a_trial_whose_start_was_lost_is_kept_as_incomplete_and_not_begun_again(sit):
    sitting = sit(trials=6)
    lost = []

    def swallow(entry):
        """The board's events from the start on never come, but its heartbeat does."""
        session = sitting.session
        if starting(session) and entry.kind == "bytes" and session.history.trials == 2:
            lost.append(entry)
            return True
        return False

    def interfere(entry):
        if len(lost) == 1 and entry is lost[0]:
            yield board(EventsLost(count=2, after_us=0, before_us=entry.t_ns // 1000))
            yield board(Heartbeat(t_us=entry.t_ns // 1000 + 1_500_000))

    sitting.swallow, sitting.interfere = swallow, interfere
    assert sitting.run().ok
    assert outcomes(sitting) == ["complete", "complete", "incomplete", "complete", "complete", "complete"]
    record = sitting.of(TrialDone)[2].record
    assert (record.number, record.states, record.reward_us) == (2, (), None)
    plain = sit(trials=6)
    plain.run()
    assert [d.record.spec for d in sitting.of(TrialDone)] == [d.record.spec for d in plain.of(TrialDone)]
    # Nobody saw whether it gave its reward, so it counts as given.
    assert sitting.ended.delivered_ul >= sum(d.record.spec.reward_ul for d in sitting.of(TrialDone)) - 1e-6
    assert "a trial is incomplete: its start was lost" in [n.text for n in sitting.of(Notice)]


def test_a_board_that_fell_safe_before_the_start_is_armed_and_the_trial_repeated(sit):
    sitting = sit(trials=5)
    safe = board(BoardSafe(t_us=0, reason=EndReason.HOST_LOST))
    refused = board(CommandRefused(command="start", reason="it is in its safe state"))
    done = once(sitting, starting, safe, refused)
    assert sitting.run().ok
    assert done
    assert outcomes(sitting) == ["complete"] * 5


def test_a_board_at_fault_ends_the_session(sit):
    sitting = sit(trials=5)
    once(sitting, in_state("iti"), board(BoardSafe(t_us=0, reason=EndReason.FAULT)))
    halt = sitting.run()
    assert not halt.ok
    assert halt.reason == "the board fell into its safe state (FAULT)"


def test_a_board_lost_while_a_response_is_awaited_does_not_hurry_the_decision(sit):
    sitting = sit(trials=12, silence_s=1000.0)
    free = stall(sitting, 3)
    seen = []

    def interfere(entry):
        session = sitting.session
        if not seen and session._phase == "closing" and session.reckoning.waiting:
            seen.append(session.history.trials)
            yield board(LinkLost(source="board", reason="the cable came out"))
            seen.append(session._phase)
            yield board(BoardReady(name="b", serial="1", firmware="1", time_scale=0, t_us=entry.t_ns // 1000))
            seen.append(session._phase)
            yield from free()
            seen.append(session._phase)

    sitting.interfere = interfere
    assert sitting.run().ok
    # A board that came back is given time to tell what it had to say, before the next trial begins.
    assert seen[1:] == ["connecting", "closing", "deciding"]
    assert sitting.ended.deadlines_expired == 0
    assert not [document for document in sitting.of(ResponseTaken) if document.revised]


def test_stop_while_paused_ends_at_once(sit):
    sitting = sit(trials=9)
    once(sitting, in_phase("uploading", 2), command(Pause()))
    assert sitting.run(until_us=400_000_000) is None
    assert sitting.session._phase == "paused"
    done = len(sitting.of(TrialDone))
    halt = halt_of(step(sitting.session, 10**6, 401 * 10**9, command(Stop())))
    assert halt.ok
    assert len(sitting.of(TrialDone)) == done


# --- water ------------------------------------------------------------------------------------------


def test_a_manual_reward_while_the_window_is_open_spoils_the_response(sit):
    sitting = sit(trials=12, silence_s=1000.0)
    free = stall(sitting, 3)
    rewarded = []

    def interfere(entry):
        session = sitting.session
        if not rewarded and session._phase == "closing" and session.reckoning.waiting:
            rewarded.append(session.history.records[-1].number)
            yield command(ManualReward(volume_ul=5.0))
            yield from free()

    sitting.interfere = interfere
    assert sitting.run().ok
    (response,) = [d.response for d in sitting.of(ResponseTaken) if d.response.trial == rewarded[0]]
    assert set(response.missing.values()) == {"a manual reward was given in this trial"}


def test_manual_rewards_do_not_take_the_water_that_the_running_trial_was_promised(sit):
    sitting = sit(trials=None, limits=Limits(max_session_ul=30.0), settings={"block": "0,0,0,0,0,0,10"})
    once(sitting, in_state("iti"), command(ManualReward(volume_ul=15.0)))
    sitting.run()
    refusals = [notice.text for notice in sitting.of(Notice) if notice.text.startswith("refused")]
    assert refusals == ["refused: the session's ceiling of 30 uL is reached"]
    assert sitting.ended.delivered_ul == pytest.approx(20.0, abs=0.1)


class Fountain(Protocol):
    """Says that it gives one drop, and gives one every 100 ms."""

    response = None

    def block(self):
        return [(TrialType(condition="one", reward_ul=5.0), 1)]

    def decide(self, history, estimates, rng):
        return self.schedule[history.trials].trial()

    def table(self, trial):
        sm = StateMachine("fountain")
        sm.state("drop", deliver_ul=5.0, timer=0.1, then="again")
        sm.state("again", timer=0.01, then="drop", on={soft(1): END})
        return sm


@pytest.fixture
def let_pass(monkeypatch):
    """Let tables pass that the auditor would refuse: what is behind it must hold, too."""
    monkeypatch.setattr(Auditor, "lock_table", lambda *_: None)


@pytest.mark.usefixtures("let_pass")
@pytest.mark.parametrize("limits", [Limits(max_session_ul=60.0), Limits(max_per_minute_ul=60.0)])
def test_a_trial_that_gives_water_without_end_is_stopped_by_the_board_at_the_ceiling(sit, limits):
    sitting = sit(protocol=Fountain, limits=limits, streams=())
    halt = sitting.run(until_us=120_000_000)
    assert not halt.ok
    assert "(BUDGET): the trial asked for more water" in halt.reason
    assert 54.0 <= sitting.ended.delivered_ul <= 60.0
    assert sitting.virtual.core.safe
    assert sitting.virtual.core.levels == 0


@pytest.mark.usefixtures("let_pass")
def test_a_board_that_keeps_no_account_is_stopped_by_the_computer(sit):
    sitting = sit(protocol=Fountain, limits=Limits(max_session_ul=60.0), streams=())
    sitting.session = Session(sitting.session.plan, DirectBoard(BoardLimits()), {})
    halt = sitting.run(until_us=120_000_000)
    assert not halt.ok
    assert "past the ceiling of 60 uL" in halt.reason
    assert sitting.ended.delivered_ul <= 60.0 + 25.0 + 5.1
    assert any("keeps no account of water" in notice.text for notice in sitting.of(Notice))
    sitting.virtual.advance(sitting.virtual.now_us + 1000)
    assert sitting.virtual.core.levels == 0
    assert not sitting.virtual.core.running


def test_a_trial_waits_until_the_minute_allows_it_and_is_the_same_trial(sit):
    """Drops of 5 uL, at most 11 uL a minute: the same trials, later, and nothing above the ceiling."""
    settings = {"block": "0,0,0,0,10,0,0"}
    plain = sit(trials=20, streams=(), settings=settings)
    plain.run()
    slow = sit(trials=20, streams=(), settings=settings, limits=Limits(max_per_minute_ul=11.0))
    assert slow.run().ok
    assert slow.virtual.now_us > 1.5 * plain.virtual.now_us
    records = [document.record for document in slow.of(TrialDone)]
    assert [r.spec for r in records] == [document.record.spec for document in plain.of(TrialDone)]
    assert slow.ended.decision_digest == plain.ended.decision_digest
    given = [(r.start_us + r.reward_us, r.delivered_ul) for r in records if r.reward_us is not None]
    assert len(given) >= 9
    for at_us, _ in given:
        assert sum(ul for t_us, ul in given if at_us <= t_us < at_us + 60_000_000) <= 11.0
    waited = [n.text for n in slow.of(Notice) if "waits" in n.text]
    assert 2 <= len(waited) <= 15, "once a wait"
    assert "or it would be more than 11 uL within a minute" in waited[0]


def test_a_trial_that_waits_for_the_minute_can_be_stopped_and_paused(sit):
    settings = {"block": "0,0,0,0,10,0,0"}
    sitting = sit(trials=20, streams=(), settings=settings, limits=Limits(max_per_minute_ul=20.0))

    def waits(session):
        return session._thirsty

    once(sitting, waits, command(Pause()))
    assert sitting.run(until_us=400_000_000) is None
    assert sitting.session._phase == "paused"
    done = len(sitting.of(TrialDone))
    halt = halt_of(step(sitting.session, 10**6, 401 * 10**9, command(Stop())))
    assert halt.ok
    assert len(sitting.of(TrialDone)) == done


def test_a_drop_that_no_minute_allows_ends_the_session(sit):
    sitting = sit(trials=20, streams=(), limits=Limits(max_per_minute_ul=9.0))
    halt = sitting.run()
    assert not halt.ok
    assert "is above the rig's limit of 9 uL a minute" in halt.reason


# --- the end ----------------------------------------------------------------------------------------


def test_an_emergency_stop_keeps_what_is_known_of_the_running_trial(sit):
    sitting = sit(trials=None)
    once(sitting, in_state("reward"), command(EmergencyStop()))
    halt = sitting.run()
    assert not halt.ok
    assert outcomes(sitting)[-1] == "incomplete"
    assert sitting.ended.trials == len(sitting.of(TrialDone))
    # The valve was open: its drop was begun, and counts.
    given = sum(document.record.delivered_ul for document in sitting.of(TrialDone))
    assert sitting.ended.delivered_ul > given


@pytest.mark.parametrize("what", [EmergencyStop(), Stop()])
@pytest.mark.parametrize("phase", ["running", "closing", "uploading"])
def test_the_end_is_the_last_document(sit, what, phase):
    sitting = sit(trials=20)
    once(sitting, in_phase(phase, 3), command(what))
    sitting.run()
    assert isinstance(sitting.documents[-1], SessionEnded)


def test_what_comes_with_the_end_is_not_acted_on(sit):
    sitting = sit(trials=20)
    fault = frame(BoardSafe(t_us=0, reason=EndReason.FAULT))
    again = frame(BoardReady(name="b", serial="1", firmware="1", time_scale=0, t_us=9)) + frame(
        BoardSafe(t_us=0, reason=EndReason.HOST_LOST)
    )
    once(sitting, in_state("iti"), ("board", "bytes", fault + again))
    sitting.run()
    assert isinstance(sitting.documents[-1], SessionEnded)
    assert sitting.session.ended


# --- parameters and protocols -----------------------------------------------------------------------


class Touchy(Protocol):
    """Its code and its tables fail at some values of its parameters."""

    class Parameters(Params):
        """One number."""

        wait_s: float = param(1.0, unit="s", doc="the wait")

    response = None

    def block(self):
        return [(TrialType(condition="none"), max(1, int(4 / self.parameters.wait_s)))]

    def decide(self, history, estimates, rng):
        return TrialSpec(condition="none")

    def table(self, trial):
        sm = StateMachine("touchy")
        sm.state("wait", timer=self.parameters.wait_s, then=END)
        return sm


@pytest.mark.parametrize(
    ("value", "says"), [("0", "ZeroDivisionError"), ("-1", "wait"), ("9e9", "wait"), ("x", "number")]
)
def test_a_parameter_that_would_break_the_protocol_is_refused_and_the_session_goes_on(sit, value, says):
    sitting = sit(trials=4, protocol=Touchy, streams=())
    once(sitting, in_state("wait"), command(SetParameter(name="wait_s", value=value)))
    assert sitting.run().ok
    refusals = [notice.text for notice in sitting.of(Notice) if notice.text.startswith("refused")]
    assert len(refusals) == 1
    assert says in refusals[0]


class Answering(Protocol):
    """Gives back whatever the test says."""

    response = None
    decision: object = TrialSpec(condition="none")
    machine: object = None

    def block(self):
        return [(TrialType(condition="none"), 1)]

    def decide(self, history, estimates, rng):
        if isinstance(self.decision, Exception):
            float("no number")
        return self.decision

    def table(self, trial):
        return self.machine


@pytest.mark.parametrize(
    ("decision", "machine", "says"),
    [
        ({"condition": "x"}, None, "'decide' must return a TrialSpec or None, not a value of type 'dict'"),
        (TrialSpec(condition="none"), None, "'table' must return a StateMachine, not None"),
        (ValueError(), None, r"test_edges.py, line "),
    ],
)
def test_what_a_protocol_must_return_is_said(sit, decision, machine, says):
    kind = type("Answering", (Answering,), {"decision": decision, "machine": machine})
    kind.__module__ = __name__
    sitting = sit(trials=4, protocol=kind, streams=())
    halt = sitting.run()
    assert not halt.ok
    assert says in halt.reason
    with pytest.raises(ConfigError) as caught:
        preflight(sitting.session.plan, BoardLimits())
    assert says in str(caught.value)


class Looking(Answering):
    """Looks at the trial before."""

    def decide(self, history, estimates, rng):
        assert history.trials == len(history.records)
        if history.trials and history.records[-1].outcome != "complete":
            return None
        assert history.trials == 0 or history.records[-1].number == history.trials - 1
        return TrialSpec(condition="none")

    def table(self, trial):
        sm = StateMachine("looking")
        sm.state("wait", timer=1.0, then=END)
        return sm


def test_a_protocol_that_looks_back_can_be_rehearsed(sit):
    plan = sit(trials=4, protocol=Looking, streams=()).session.plan
    assert preflight(plan, BoardLimits()) == 4


# --- two streams ------------------------------------------------------------------------------------


def two_streams(sit, rig, fed, *, trials=14, silence_s=5.0, deadline_s=0.5):
    """A session whose second stream carries what the first does, as long as `fed(session)` says so."""
    sitting = sit(trials=trials, silence_s=silence_s, neural=Neural(decision_deadline_s=deadline_s))
    (first,) = sitting.session.plan.rig.streams
    second = msgspec.structs.replace(first, name="other")
    again = sit(trials=trials, neural=Neural(decision_deadline_s=deadline_s), streams=(first, second))
    held = []

    def interfere(entry):
        if entry.kind == "messages":
            held.append(entry.payload)
        if fed(again.session):
            for payload in held:
                yield "other", "messages", payload
            held.clear()

    again.interfere = interfere
    return again


def values_of(response, stream):
    return [
        v for u, v in zip(response.units, response.response_hz, strict=True) if u.startswith(stream + "/")
    ]


def test_two_streams_answer_together(sit, rig):
    sitting = two_streams(sit, rig, lambda session: True)
    assert sitting.run().ok
    for document in sitting.of(ResponseTaken):
        response = document.response
        assert not response.missing
        assert values_of(response, "other") == values_of(response, "simulated units")
        assert len(values_of(response, "other")) == 4


@pytest.mark.parametrize(
    ("silence_s", "why"), [(1000.0, "decision deadline expired"), (5.0, "the stream is silent")]
)
def test_a_stream_that_dies_takes_no_other_with_it(sit, rig, silence_s, why):
    sitting = two_streams(sit, rig, lambda session: session.history.trials < 4, silence_s=silence_s)
    assert sitting.run().ok
    last = [document.response for document in sitting.of(ResponseTaken)][-1]
    assert None not in values_of(last, "simulated units")
    assert values_of(last, "other") == [None] * 4
    assert set(last.missing.values()) == {why}
    assert (sitting.ended.deadlines_expired > 0) == (silence_s > 100)


def test_a_stream_that_comes_back_counts_once(sit, rig):
    plain = two_streams(sit, rig, lambda session: True)
    plain.run()
    sitting = two_streams(sit, rig, lambda session: not 4 <= session.history.trials < 9, silence_s=1000.0)
    assert sitting.run().ok
    revised = [document.response for document in sitting.of(ResponseTaken) if document.revised]
    assert revised
    assert all(None not in response.response_hz for response in revised)
    ours, theirs = (dict_of(s.session.reckoning.estimates) for s in (sitting, plain))
    assert ours.keys() == theirs.keys()
    for unit, one in ours.items():
        assert one.n == theirs[unit].n
        assert one.bayes_hz == pytest.approx(theirs[unit].bayes_hz, rel=1e-9)


def dict_of(estimates):
    return {unit.unit: unit for unit in estimates}


def test_units_without_a_roster_are_discovered_in_the_warm_up(sit):
    sitting = sit(trials=6)
    (stream,) = sitting.session.plan.rig.streams
    found = sit(trials=6, streams=(msgspec.structs.replace(stream, roster=(), warmup_s=20.0),))
    assert found.run().ok
    assert found.of(TrialDone)[0].record.start_us >= 20_000_000
    assert sorted(found.session.reckoning.units) == sorted(sitting.session.reckoning.units)
    assert all(not document.response.missing for document in found.of(ResponseTaken))


def test_a_refused_pulse_is_only_told(sit):
    sitting = sit(trials=3)
    once(sitting, in_state("iti"), board(PulseRefused(t_us=0, output=0)))
    assert sitting.run().ok
    assert any("refused a pulse" in notice.text for notice in sitting.of(Notice))


class Dripping(Protocol):
    """One drop a trial."""

    response = None

    def block(self):
        return [(TrialType(condition="one", reward_ul=5.0), 1)]

    def decide(self, history, estimates, rng):
        return self.schedule[history.trials].trial()

    def table(self, trial):
        sm = StateMachine("drip")
        sm.state("drop", deliver_ul=5.0, timer=1.0, then=END)
        return sm


def test_a_board_that_is_reset_before_a_trial_was_started_gave_nothing_of_it(sit):
    """The trial is uploaded once more, and runs once; its water is not counted twice."""
    sitting = sit(trials=6, units=0, protocol=Dripping)
    lost = board(LinkLost(source="board", reason="the board was reset"))
    now_us = sitting.virtual.now_us
    ready = BoardReady(name="b", serial="1", firmware="1", time_scale=0, t_us=now_us + 9_000_000, anew=True)
    done = once(sitting, in_phase("uploading", 2), lost, board(ready))
    assert sitting.run().ok
    assert done
    records = [document.record for document in sitting.of(TrialDone)]
    assert [record.outcome for record in records] == ["complete"] * 6
    given_ul = sum(record.delivered_ul for record in records)
    assert sitting.ended.delivered_ul == pytest.approx(given_ul)
    assert 30.0 <= given_ul < 30.5
