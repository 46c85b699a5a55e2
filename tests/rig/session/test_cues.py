"""Responses to cues in a session: each cue is answered, or missing with a reason; nothing waits for more."""

from __future__ import annotations

import msgspec
import pytest

from protocols.sousa import Sousa
from protocols.variable_probability import VariableProbability
from rig import END, Protocol, ResponseWindow, StateMachine, TrialType
from rig.cli.simulate import virtual_description
from rig.description import Emulation, Neural
from rig.documents import (
    AlignedSpikes,
    CueResponseTaken,
    CueRoles,
    EstimatesUpdated,
    Notice,
    ResponseTaken,
    SessionStarted,
    TrialDone,
)
from rig.events import LinkLost
from rig.operator import ManualReward
from rig.sim.direct import frame
from rig.sim.training import trained_on


@pytest.fixture
def cues(sit, rig):
    """A sitting of the probability task on an animal that was trained on it."""

    def make(trials=20, units=4, seed=1, protocol=VariableProbability, **changes):
        animal = virtual_description(rig, Emulation(units=units, seed=seed))
        trained = trained_on(animal, protocol()).emulation
        return sit(
            trials=trials, units=units, seed=seed, protocol=protocol, **({"emulation": trained} | changes)
        )

    return make


def answers(sitting):
    """The last told response to the cue of each trial."""
    return {d.response.trial: d.response for d in sitting.of(CueResponseTaken)}


def records(sitting):
    return {d.record.number: d.record for d in sitting.of(TrialDone)}


# --- as it should be ------------------------------------------------------------------------------


def test_every_cue_is_answered_rewarded_or_not(cues):
    sitting = cues(trials=30)
    assert sitting.run().ok
    (started,) = sitting.of(SessionStarted)
    assert started.cue_window == ResponseWindow(start_ms=200, stop_ms=600)
    assert started.cue_roles == CueRoles(low="10 %", middle="50 %", high="90 %")
    told = sitting.of(CueResponseTaken)
    assert [d.response.trial for d in told] == list(range(30))
    assert not any(d.revised or d.response.missing for d in told)
    assert {r.reward_us is None for r in records(sitting).values()} == {True, False}
    assert sitting.ended.deadlines_expired == 0


def test_what_is_counted_is_what_the_raster_shows(cues):
    sitting = cues(trials=12)
    sitting.run()
    shown = {d.trial: d for d in sitting.of(AlignedSpikes) if d.aligned_to == "cue"}
    assert set(shown) == set(range(12))
    for trial, response in answers(sitting).items():
        spikes = shown[trial]
        assert (spikes.start_ms, spikes.stop_ms) == (-1000, 3500)
        assert spikes.units == response.units
        for times, counts, hz in zip(spikes.times, response.counts, response.response_hz, strict=True):
            after, before = sum(2000 < t < 6000 for t in times), sum(-10000 < t < 0 for t in times)
            assert counts == (after, before)
            assert hz == pytest.approx(after / 0.4 - before)


def test_the_raster_around_a_reward_goes_back_to_a_second_before_its_cue(cues):
    sitting = cues(trials=12)
    sitting.run()
    around = {d.trial: d for d in sitting.of(AlignedSpikes) if d.aligned_to == "reward"}
    assert around
    for trial, spikes in around.items():
        record = records(sitting)[trial]
        cue_ms = (record.cue_us - record.reward_us) // 1000
        assert spikes.start_ms == cue_ms - 1000 == -3000
        assert spikes.stop_ms == 600


def test_what_is_told_of_rewards_is_what_it_was_without_a_cue_window(cues):
    class Deaf(VariableProbability):
        cue_response = None

        @property
        def cue_roles(self):
            return None

    listening, deaf = cues(trials=15), cues(trials=15, protocol=Deaf)
    listening.run()
    deaf.run()
    assert not deaf.of(CueResponseTaken)
    for kind in (ResponseTaken, EstimatesUpdated, TrialDone):
        assert listening.of(kind) == deaf.of(kind)
    assert listening.ended.decision_digest == deaf.ended.decision_digest


def test_the_same_inputs_give_the_same_effects(cues):
    first = cues(trials=6)
    first.run()
    twice = []
    for _ in range(2):
        session = cues(trials=6).session
        effects = [session.start(0)] + [session.step(entry) for entry in first.log]
        twice.append(msgspec.msgpack.encode(effects))
    assert twice[0] == twice[1]


class Warned(Protocol):
    """Cues and no rewards: nothing but the answers to cues is counted."""

    response = None
    cue_response = ResponseWindow(start_ms=0, stop_ms=400)

    def block(self):
        return [(TrialType(condition="tone", cue="odour_a"), 1), (TrialType(condition="quiet"), 1)]

    def decide(self, history, estimates, rng):
        return self.schedule[history.trials].trial()

    def table(self, trial):
        sm = StateMachine("warned")
        sm.state("wait", timer=1.0, then="cue" if trial.cue else "rest")
        if trial.cue:
            sm.state("cue", timer=0.5, outputs=trial.cue, then="rest")
        sm.state("rest", timer=0.5, then=END)
        return sm


def test_cues_alone_are_enough(sit):
    sitting = sit(trials=10, protocol=Warned)
    assert sitting.run().ok
    cued = [n for n, record in records(sitting).items() if record.cue_us is not None]
    assert len(cued) == 5
    assert list(answers(sitting)) == cued
    assert not any(response.missing for response in answers(sitting).values())  # it waited for its clock
    assert not sitting.of(EstimatesUpdated)


def test_a_reward_in_the_cues_window_leaves_no_answer_to_the_cue(cues):
    sitting = cues(trials=40, protocol=Sousa)
    assert sitting.run().ok
    found = {"at once": 0, "later": 0}
    for trial, response in answers(sitting).items():
        record = records(sitting)[trial]
        if record.spec.cue == "odour_b":
            found["at once"] += 1
            assert set(response.missing.values()) == {"the reward came before the cue's window was over"}
        else:
            found["later"] += 1
            assert not response.missing
    assert min(found.values()) > 3


# --- late and missing -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("silence_s", "why"), [(1000.0, "decision deadline expired"), (5.0, "the stream is silent")]
)
def test_late_data_revise_the_answers_and_no_decision(cues, silence_s, why):
    neural = Neural(decision_deadline_s=0.5)
    prompt = cues(trials=12, neural=neural)
    prompt.run()
    late = cues(trials=12, neural=neural, silence_s=silence_s)
    held = []

    def swallow(entry):
        # From trial 3 on the stream stalls; at trial 9 all of it comes at once.
        stalled = entry.kind == "messages" and 3 <= late.session.history.trials < 9
        if stalled:
            held.append(entry)
        return stalled

    def interfere(entry):
        while held and late.session.history.trials >= 9:
            old = held.pop(0)
            yield old.source, old.kind, old.payload

    late.swallow, late.interfere = swallow, interfere
    late.run()
    first = {}
    for document in late.of(CueResponseTaken):
        first.setdefault(document.response.trial, document)
    stalled = {n for n, document in first.items() if document.response.missing}
    assert len(stalled) >= 5
    assert {r for n in stalled for r in first[n].response.missing.values()} == {why}
    assert {d.response.trial for d in late.of(CueResponseTaken) if d.revised} == stalled
    # A deadline is the trial's, however many windows it has.
    assert late.ended.deadlines_expired == (len(stalled) if silence_s > 100 else 0)
    assert answers(late) == answers(prompt)
    shown = {d.trial: d for d in late.of(AlignedSpikes) if d.aligned_to == "cue"}
    assert shown == {d.trial: d for d in prompt.of(AlignedSpikes) if d.aligned_to == "cue"}
    assert [d.record.spec for d in late.of(TrialDone)] == [d.record.spec for d in prompt.of(TrialDone)]


def test_a_decision_waits_for_the_cues_window_and_not_for_its_raster(cues):
    prompt = cues(trials=4)
    prompt.run()
    number = next(n for n, record in records(prompt).items() if record.reward_us is None)
    slow, held, came = cues(trials=4), [], []

    def swallow(entry):
        # From two seconds after the cue the stream stands still, until the next trial has begun.
        trial = slow.session._trial
        drinking = trial is not None and any(v.name == "drink" for v in trial._states)
        now = slow.session.history.trials
        still = (now == number and drinking) or (now == number + 1 and not (trial and trial.started))
        if entry.kind == "messages" and still:
            held.append(entry)
            return True
        return False

    def interfere(entry):
        if slow.session.history.trials == number + 1 and slow.session._trial and slow.session._trial.started:
            came.append(number not in {d.trial for d in slow.of(AlignedSpikes)})
            while held:
                old = held.pop(0)
                yield old.source, old.kind, old.payload

    slow.swallow, slow.interfere = swallow, interfere
    slow.run()
    assert came[0], "the next trial began before the spikes were there"
    assert slow.ended.deadlines_expired == 0
    assert not any(d.revised or d.response.missing for d in slow.of(CueResponseTaken))
    for kind in (CueResponseTaken, TrialDone):
        assert slow.of(kind) == prompt.of(kind)
    shown = [{d.trial: d for d in some.of(AlignedSpikes) if d.aligned_to == "cue"} for some in (slow, prompt)]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("comes", [True, False])
def test_the_end_waits_for_the_last_raster_as_long_as_for_an_answer(cues, comes):
    prompt = cues(trials=12)
    prompt.run()
    number = next(n for n, record in records(prompt).items() if record.reward_us is None)
    slow, held = cues(trials=number + 1), []

    def over():
        return slow.session.history.trials == number + 1

    def swallow(entry):
        # From two seconds after the last cue the stream stands still.
        trial = slow.session._trial
        drinking = trial is not None and any(v.name == "drink" for v in trial._states)
        if entry.kind == "messages" and (over() or (slow.session.history.trials == number and drinking)):
            held.append(entry)
            return True
        return False

    def interfere(entry):
        while comes and over() and held:
            slow.swallow = lambda entry: False
            old = held.pop(0)
            yield old.source, old.kind, old.payload

    slow.swallow, slow.interfere = swallow, interfere
    assert slow.run().ok
    assert slow.ended.reason == f"{number + 1} trials done"
    assert slow.of(CueResponseTaken) == prompt.of(CueResponseTaken)[: number + 1]
    shown = {d.trial for d in slow.of(AlignedSpikes) if d.aligned_to == "cue"}
    assert shown == set(range(number + comes))


def test_a_dead_stream_leaves_every_answer_missing_with_its_reason(cues):
    sitting = cues(trials=5)
    sitting.swallow = lambda entry: entry.kind == "messages"
    assert sitting.run().ok
    assert list(answers(sitting)) == [0, 1, 2, 3, 4]
    reasons = {why for response in answers(sitting).values() for why in response.missing.values()}
    assert reasons == {"no data on the stream"}


def test_a_manual_reward_and_a_lost_board_cost_the_answer_of_their_trial(cues):
    sitting = cues(trials=8)
    lost = frame(LinkLost(source="board", reason="the cable came out"))
    reward = msgspec.json.encode(ManualReward(volume_ul=5.0))
    acts = {
        2: [("tester", "command", reward)],
        4: [("board", "bytes", lost), ("board", "port", b"open")],
    }

    def interfere(entry):
        trial = sitting.session._trial
        if trial is not None and trial.number in acts and any(v.name == "delay" for v in trial._states):
            yield from acts.pop(trial.number)

    sitting.interfere = interfere
    assert sitting.run().ok
    missing = {n: set(r.missing.values()) for n, r in answers(sitting).items() if r.missing}
    assert missing == {
        2: {"a manual reward was given in this trial"},
        4: {"the trial is incomplete"},
    }
    assert {2, 4}.isdisjoint(d.trial for d in sitting.of(AlignedSpikes))


# --- alarms ---------------------------------------------------------------------------------------


def test_a_unit_that_is_lost_in_a_session_is_told_once(sit):
    sitting = sit(trials=130, units=3)
    animal = sitting.virtual.animal.units.population

    def interfere(entry):
        if sitting.session.history.trials == 60:
            animal.baseline_hz[2] = animal.gain[2] = 0.0
        yield from ()

    sitting.interfere = interfere
    assert sitting.run().ok
    warnings = [n for n in sitting.of(Notice) if n.level == "warning"]
    assert [n.source for n in warnings] == ["Tetrode 1:3"]
    assert "has fallen silent" in warnings[0].text
    began = [record.number for record in records(sitting).values() if record.start_us < warnings[0].board_us]
    assert 60 < max(began) < 128


@pytest.mark.parametrize("seed", [1, 2])
def test_a_whole_session_in_which_nothing_moves_is_told_of_nothing(sit, seed):
    sitting = sit(trials=300, units=6, seed=seed)
    assert sitting.run().ok
    assert [n.text for n in sitting.of(Notice) if n.level == "warning"] == []
