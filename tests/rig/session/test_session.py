"""The session on a virtual rig: what it decides, what it says, and what cannot bring it down."""

from __future__ import annotations

import collections
import re

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.habituation import Habituation
from protocols.variable_magnitude import VariableMagnitude
from rig import END, Protocol, StateMachine, TrialType
from rig.description import Limits, Neural
from rig.documents import EstimatesUpdated, Notice, ResponseTaken, SessionState, TrialDone
from rig.effects import Halt
from rig.events import LinkLost
from rig.log.entry import Input
from rig.operator import EmergencyStop, ManualReward, Note, Pause, Resume, SetParameter, Stop
from rig.sim.direct import frame


def command(value: object) -> tuple[str, str, bytes]:
    return "tester", "command", msgspec.json.encode(value)


def after_trial(sitting, number, *inputs):
    """Interfere once, when trial `number` (1-based) is done."""
    done = []

    def interfere(entry):
        if not done and len(sitting.session.history.records) >= number:
            done.append(True)
            yield from inputs

    sitting.interfere = interfere


def in_state(sitting, state_name, *inputs):
    """Interfere once, as soon as the running trial has entered a state."""
    done = []

    def interfere(entry):
        trial = sitting.session._trial
        if not done and trial is not None and any(v.name == state_name for v in trial._states):
            done.append(True)
            yield from inputs

    sitting.interfere = interfere


# --- a session as it should be --------------------------------------------------------------------


def test_a_session_runs_all_its_trials(sit):
    sitting = sit(trials=100)
    halt = sitting.run()
    assert halt is not None and halt.ok, halt
    records = [document.record for document in sitting.of(TrialDone)]
    assert [record.number for record in records] == list(range(100))
    assert {record.outcome for record in records} == {"complete"}
    assert sitting.ended.deadlines_expired == 0


def test_the_trials_are_the_declared_block(sit):
    sitting = sit(trials=100)
    sitting.run()
    given_ul = collections.Counter(
        (d.record.spec.condition, d.record.spec.reward_ul) for d in sitting.of(TrialDone)
    )
    declared = dict(zip(VariableMagnitude.Parameters().sizes_ul, (3, 4, 6, 6, 12, 6, 3), strict=True))
    assert {size: given_ul["signalled", size] for size in declared} == declared
    assert {size: given_ul["unsignalled", size] for size in declared} == declared
    assert given_ul["odour_b", 0.0] == 20


def test_a_trial_takes_place_as_its_states_say(sit):
    sitting = sit(trials=30)
    sitting.run()
    for document in sitting.of(TrialDone):
        record = document.record
        at = {visit.name: visit.at_us for visit in record.states}
        if record.spec.condition == "signalled":
            assert at["reward"] - at["cue"] == 1_500_000
            assert record.reward_us == at["reward"]
            assert record.stimulus_us == record.cue_us == at["cue"]
        if record.spec.condition == "unsignalled":
            assert record.stimulus_us == record.reward_us == at["reward"]
        if record.spec.condition == "odour_b":
            assert record.reward_us is None
            assert record.delivered_ul == 0
        else:
            assert record.delivered_ul == pytest.approx(record.spec.reward_ul, abs=0.06)


def test_every_unit_answers_every_reward(sit):
    sitting = sit(trials=50, units=6)
    sitting.run()
    responses = [document.response for document in sitting.of(ResponseTaken)]
    rewarded = [d.record for d in sitting.of(TrialDone) if d.record.reward_us is not None]
    assert [response.trial for response in responses] == [record.number for record in rewarded]
    assert all(not response.missing and len(response.units) == 6 for response in responses)
    last = sitting.of(EstimatesUpdated)[-1]
    assert [sum(unit.n) for unit in last.units] == [len(rewarded)] * 6


def test_the_same_seed_gives_the_same_decisions_and_another_seed_others(sit):
    digests = []
    for seed in (1, 1, 2):
        sitting = sit(trials=15, seed=seed)
        sitting.run()
        digests.append(sitting.ended.decision_digest)
    assert digests[0] == digests[1] != digests[2]


def test_the_same_inputs_give_the_same_effects(sit):
    first = sit(trials=10)
    first.run()
    twice = []
    for _ in range(2):
        session = sit(trials=10).session
        effects = [session.start(0)] + [session.step(entry) for entry in first.log]
        twice.append(msgspec.msgpack.encode(effects))
    assert twice[0] == twice[1]


def test_a_protocol_without_neurons_runs_without_estimates(sit):
    sitting = sit(trials=8, protocol=Habituation, streams=())
    assert sitting.run().ok
    assert not sitting.of(EstimatesUpdated)
    assert len(sitting.of(TrialDone)) == 8


def test_a_protocol_for_neurons_runs_on_training_days_too(sit):
    sitting = sit(trials=8, streams=())
    assert sitting.run().ok
    assert not sitting.of(ResponseTaken)


def test_it_stops_when_precise_enough(sit):
    sitting = sit(trials=None, units=2, settings={"stop_within_ul": 4.0})
    halt = sitting.run()
    assert halt.ok and "protocol finished" in halt.reason
    last = sitting.of(EstimatesUpdated)[-1]
    assert all((u.bayes_ci95_ul[1] - u.bayes_ci95_ul[0]) / 2 <= 4.0 for u in last.units)


# --- late and missing data ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("silence_s", "why"), [(1000.0, "decision deadline expired"), (5.0, "the stream is silent")]
)
def test_late_data_improve_the_estimate_and_rewrite_no_decision(sit, silence_s, why):
    neural = Neural(decision_deadline_s=0.5)
    prompt = sit(trials=12, neural=neural)
    prompt.run()
    late = sit(trials=12, neural=neural, silence_s=silence_s)
    held = []

    def swallow(entry: Input) -> bool:
        # From trial 3 on the stream stalls; at trial 9 all of it comes at once.
        stalled = 3 <= late.session.history.trials < 9
        if entry.kind == "messages" and stalled:
            held.append(entry)
        return entry.kind == "messages" and stalled

    def interfere(entry: Input):
        if late.session.history.trials >= 9:
            while held:
                old = held.pop(0)
                yield old.source, old.kind, old.payload

    late.swallow, late.interfere = swallow, interfere
    late.run()
    assert (late.ended.deadlines_expired > 0) == (silence_s > 100)
    revised = [document for document in late.of(ResponseTaken) if document.revised]
    assert revised
    assert why in {reason for d in late.of(ResponseTaken) for reason in d.response.missing.values()}
    # In the end it knows what the prompt one knows, and decided the same trials.
    for one, other in zip(
        late.of(EstimatesUpdated)[-1].units, prompt.of(EstimatesUpdated)[-1].units, strict=True
    ):
        assert one.n == other.n
        assert one.bayes_hz == pytest.approx(other.bayes_hz, rel=1e-9)
    assert [d.record.spec for d in late.of(TrialDone)] == [d.record.spec for d in prompt.of(TrialDone)]


def test_a_dead_stream_never_stops_the_session(sit):
    sitting = sit(trials=10)
    sitting.swallow = lambda entry: entry.kind == "messages"
    assert sitting.run().ok
    assert len(sitting.of(TrialDone)) == 10
    reasons = {why for d in sitting.of(ResponseTaken) for why in d.response.missing.values()}
    assert reasons == {"no data on the stream"}


# --- the operator ---------------------------------------------------------------------------------


def test_a_pause_holds_at_the_trial_boundary_and_resume_goes_on(sit):
    sitting = sit(trials=6)
    after_trial(sitting, 3, command(Pause()))
    assert sitting.run(until_us=400_000_000) is None
    assert len(sitting.of(TrialDone)) in {3, 4}
    assert sitting.of(SessionState)[-1].phase == "paused"
    assert "resume" in sitting.of(SessionState)[-1].accepts
    after_trial(sitting, 3, command(Resume()))
    sitting.session.step(Input(10**6, 400_000_000_000, "tester", "command", msgspec.json.encode(Resume())))
    assert not sitting.session.ended


def test_stop_ends_after_the_running_trial(sit):
    sitting = sit(trials=None)
    after_trial(sitting, 4, command(Stop()))
    halt = sitting.run()
    assert halt.ok and "tester" in halt.reason
    assert {d.record.outcome for d in sitting.of(TrialDone)} == {"complete"}


def test_an_emergency_stop_closes_everything_at_once(sit):
    sitting = sit(trials=None)
    in_state(sitting, "reward", command(EmergencyStop()))
    halt = sitting.run()
    assert halt is not None and not halt.ok
    sitting.virtual.advance(sitting.virtual.now_us + 1000)
    assert sitting.virtual.core.levels == 0
    assert not sitting.virtual.core.running


def test_a_manual_reward_is_given_counted_and_kept_out_of_the_estimate(sit):
    plain = sit(trials=20)
    plain.run()
    sitting = sit(trials=20)
    in_state(sitting, "iti", command(ManualReward(volume_ul=5.0)))
    sitting.run()
    # Not exactly five: openings are whole cycles.
    assert sitting.ended.delivered_ul - plain.ended.delivered_ul == pytest.approx(5.0, abs=0.1)
    reasons = [why for d in sitting.of(ResponseTaken) for why in d.response.missing.values()]
    rewarded_first = plain.of(TrialDone)[0].record.reward_us is not None
    assert ("a manual reward was given in this trial" in reasons) is rewarded_first or reasons


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (ManualReward(volume_ul=26.0), "above the rig's limit"),
        (ManualReward(volume_ul=5.0, valve="wodka"), "no output 'wodka'"),
        (ManualReward(volume_ul=5.0, valve="led"), "not a valve"),
        (SetParameter(name="iti_mean", value="3"), "did you mean 'iti_mean_s'"),
        (SetParameter(name="iti_mean_s", value="-3"), "the least is 0"),
        (SetParameter(name="block", value="1,1,1,1,1,1,1"), "declared reward distribution"),
    ],
)
def test_what_is_refused_is_said(sit, request_, says):
    sitting = sit(trials=2)
    after_trial(sitting, 1, command(request_))
    assert sitting.run().ok
    refusals = [n.text for n in sitting.of(Notice) if n.text.startswith("refused")]
    assert len(refusals) == 1
    assert says in refusals[0]


def test_a_parameter_takes_effect_at_the_next_trial(sit):
    sitting = sit(trials=6)
    after_trial(
        sitting, 3, command(SetParameter(name="drink_s", value="2.0")), command(Note(text="slower now"))
    )
    sitting.run()
    drinks = []
    for document in sitting.of(TrialDone):
        record = document.record
        drinks.append(record.duration_us - next(v.at_us for v in record.states if v.name == "drink"))
    assert drinks[:3] == [1_000_000] * 3
    assert drinks[4:] == [2_000_000] * 2
    assert any(n.level == "note" and n.text == "slower now" for n in sitting.of(Notice))


# --- protocols that are wrong ---------------------------------------------------------------------


class Broken(Protocol):
    """A protocol whose table or code is wrong; `fault` says how."""

    response = None
    fault = ""

    def block(self):
        return [(TrialType(condition="free", reward_ul=99.0 if self.fault == "volume" else 5.0), 1)]

    def decide(self, history, estimates, rng):
        if self.fault == "raises":
            return 1 / 0
        return self.schedule[history.trials].trial()

    def table(self, trial):
        sm = StateMachine("broken")
        if self.fault == "trap":
            sm.state("trap", timer=1.0, then="trap")
        elif self.fault == "output":
            sm.state("odour", timer=1.0, outputs=["odour_z"], then=END)
        elif self.fault == "valve":
            sm.state("open", timer=1.0, outputs=["water"], then=END)
        else:
            sm.state("wait", timer=1.0, then=END)
        return sm


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("raises", r"failed in .*test_session\.py, line \d+ \(decide\): ZeroDivisionError"),
        ("trap", "trap"),
        ("output", "odour_z.*odour_[a-f]"),
        ("valve", "water"),
        ("volume", "above the rig's limit of 25 uL"),
    ],
)
def test_a_wrong_protocol_ends_the_session_with_one_sentence(sit, fault, says):
    kind = type("Broken", (Broken,), {"fault": fault})
    sitting = sit(trials=3, protocol=kind, streams=())
    halt = sitting.run()
    assert isinstance(halt, Halt) and not halt.ok
    assert re.search(says, halt.reason), halt.reason
    assert "Traceback" not in halt.reason
    assert not sitting.of(TrialDone)


def test_the_water_ceiling_of_the_rig_ends_the_session(sit):
    sitting = sit(trials=None, limits=Limits(max_session_ul=30.0))
    halt = sitting.run()
    assert not halt.ok and "ceiling of 30 uL" in halt.reason
    assert sitting.ended.delivered_ul <= 30.0


# --- accidents ------------------------------------------------------------------------------------


def test_a_lost_board_costs_the_running_trial_only(sit):
    sitting = sit(trials=6)
    lost = frame(LinkLost(source="board", reason="the cable came out"))
    in_state(sitting, "drink", ("board", "bytes", lost), ("board", "port", b"open"))
    halt = sitting.run()
    assert halt.ok
    outcomes = collections.Counter(d.record.outcome for d in sitting.of(TrialDone))
    assert outcomes == {"complete": 5, "incomplete": 1}


def test_a_port_that_cannot_be_opened_is_said_at_once(sit):
    session = sit().session
    session.start(0)
    effects = session.step(Input(0, 1, "board", "port", b"cannot be opened: no such port"))
    halts = [effect for effect in effects if isinstance(effect, Halt)]
    assert len(halts) == 1
    assert "no such port" in halts[0].reason


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    inputs=st.lists(
        st.tuples(
            st.sampled_from(["board", "simulated units", "tester", "x"]),
            st.sampled_from(["bytes", "messages", "command", "deadline", "port", "truth"]),
            st.binary(max_size=60),
        ),
        max_size=30,
    )
)
def test_no_input_raises(sit, inputs):
    session = sit(trials=2).session
    session.start(0)
    for seq, (source, kind, payload) in enumerate(inputs):
        session.step(Input(seq, seq * 1000, source, kind, payload))
