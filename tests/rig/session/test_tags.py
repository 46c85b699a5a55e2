"""Light in a whole session: what is told of it, a person's word, and that the task never sees any."""

from __future__ import annotations

import dataclasses
import itertools

import msgspec
import pytest

from protocols.optotagging import Optotagging
from protocols.variable_magnitude import VariableMagnitude
from rig import END, StateMachine
from rig.documents import (
    AlignedSpikes,
    Notice,
    SessionEnded,
    SessionStarted,
    TagConfirmed,
    TagsUpdated,
    TrialDone,
)
from rig.operator import Tag
from rig.sim.truth import AnimalTruth
from rig.tagging.told import Confirmation
from rig.trial import tags as tags_module

SHORT = {"trains": 4, "sham_trains": 1, "rates_hz": [1.0, 10.0]}
"""40 pulses at 1 Hz and the first of four faster trains: enough for a suggestion."""


@pytest.fixture
def lit(sit):
    def make(units=4, settings=None, **changes):
        wanted = SHORT if settings is None else settings
        return sit(trials=None, units=units, seed=4, protocol=Optotagging, settings=wanted, **changes)

    return make


def truth(sitting) -> AnimalTruth:
    return sitting.virtual.animal.truth()


def test_after_every_train_the_world_is_told(lit):
    sitting = lit()
    assert sitting.run().ok
    trains = [d.record for d in sitting.of(TrialDone)]
    told = sitting.of(TagsUpdated)
    assert [t.trial for t in told] == [r.number for r in trains] == list(range(10))
    assert [t.sham for t in told] == [r.spec.stimulation == "sham" for r in trains]
    assert {t.rate_hz for t in told} == {1.0, 10.0}
    assert all(len(t.pulses_us) == 10 for t in told)
    assert told[-1].withheld == {}
    pulses = [tag.pulses + (tag.sham.pulses if tag.sham else 0) for tag in told[0].units]
    assert pulses == [10] * 4 or told[0].sham
    started = sitting.of(SessionStarted)[0]
    assert (started.stimulated, started.tags) == (True, ())


def test_suggestions_are_right_and_nobody_is_tagged_by_them(lit):
    sitting = lit(units=12)
    assert sitting.run().ok
    last = {tag.unit: tag for tag in sitting.of(TagsUpdated)[-1].units}
    known = {unit.unit: unit.light.tagged for unit in truth(sitting).units}
    assert 3 < sum(known.values()) < 12
    assert {unit: tag.suggestion for unit, tag in last.items()} == known
    assert sitting.of(TagConfirmed) == []


def test_the_raster_of_a_train_holds_the_spikes_around_all_its_pulses(lit):
    sitting = lit(units=3)
    assert sitting.run().ok
    rasters = {d.trial: d for d in sitting.of(AlignedSpikes)}
    told = {d.trial: d for d in sitting.of(TagsUpdated)}
    assert rasters.keys() == told.keys()
    for trial, raster in rasters.items():
        first, last = told[trial].pulses_us[0], told[trial].pulses_us[-1]
        assert raster.aligned_to == "light"
        assert (raster.start_ms, raster.stop_ms) == (-500, -(-(last - first) // 1000) + 100)
        assert raster.units == ("Tetrode 1:1", "Tetrode 1:2", "Tetrode 1:3")
    # What the book counted can be counted in the rasters.
    tag = told[max(told)].units[0]
    hits = 0
    for trial, raster in rasters.items():
        if not told[trial].sham:
            spikes = [at / 10 for at in raster.times[0]]
            pulses = [(at - told[trial].pulses_us[0]) / 1000 for at in told[trial].pulses_us]
            hits += sum(any(0 <= spike - pulse < 10 for spike in spikes) for pulse in pulses)
    assert hits == round(sum(f.share * f.pulses for f in tag.following))


def test_a_train_is_worked_on_in_portions_and_the_next_one_waits_for_it(lit, monkeypatch):
    calls = []
    whole = tags_module.Tags._turn

    def turn(self, live, *, force=False):
        calls.append(len(live.book.units))
        return whole(self, live, force=force)

    monkeypatch.setattr(tags_module.Tags, "_turn", turn)
    sitting = lit(units=45, settings={"trains": 1, "sham_trains": 1, "rates_hz": [10.0]})
    assert sitting.run().ok
    # 10 pulses of 45 units, 4 at a time (the first train: all unknown yet), and 45 units, 10 at a time
    assert len(calls) >= 2 * (1 + 5) + 2
    order = [type(d).__name__ for d in sitting.documents if isinstance(d, TrialDone | TagsUpdated)]
    assert order == ["TrialDone", "TagsUpdated"] * 2


def test_the_first_train_waits_for_the_clock(lit):
    sitting = lit()
    assert sitting.run().ok
    first = sitting.of(TrialDone)[0].record
    assert first.start_us > 2_000_000
    assert sitting.of(TagsUpdated)[0].withheld == {}


def test_a_stream_that_stops_is_waited_for_as_long_as_for_a_response_and_no_longer(lit):
    sitting = lit(units=2)
    sitting.swallow = lambda entry: entry.kind == "messages" and sitting.session.history.trials >= 4
    assert sitting.run().ok
    records = [d.record for d in sitting.of(TrialDone)]
    rests = [
        after.start_us - before.start_us - before.duration_us for before, after in itertools.pairwise(records)
    ]
    waited = [rest > 1_900_000 for rest in rests]
    assert waited == [False] * 4 + [True] * 5
    told = sitting.of(TagsUpdated)
    assert [t.trial for t in told] == list(range(10))  # those that never came are told at the end
    assert sum(told[-1].withheld.values()) == 60
    (heard,) = {tag.pulses + (tag.sham.pulses if tag.sham else 0) for tag in told[3].units}
    assert {tag.pulses + (tag.sham.pulses if tag.sham else 0) for tag in told[-1].units} == {heard}


# --- people -------------------------------------------------------------------------------------------------


def say(**values):
    return lambda: ("Ada", "command", msgspec.json.encode(Tag(**values)))


def test_a_persons_word_is_stored_with_what_was_known_then(lit):
    sitting = lit(units=3)
    asked = []

    def interfere(entry):
        if sitting.session.history.trials == 7 and not asked:
            asked.append(True)
            yield say(unit="Tetrode 1:2", note="clean raster")()
            yield say(unit="Tetrode 1:3", tagged=False)()
            yield say(unit="Tetrode 9:9")()

    sitting.interfere = interfere
    assert sitting.run().ok
    yes, no = (told.word for told in sitting.of(TagConfirmed))
    assert (yes.unit, yes.tagged, yes.by, yes.note) == ("Tetrode 1:2", True, "Ada", "clean raster")
    assert yes.evidence.pulses > 0 and yes.board_us > 0
    assert (no.unit, no.tagged) == ("Tetrode 1:3", False)
    said = [(n.level, n.text) for n in sitting.of(Notice) if n.source == "Ada"]
    assert said[:2] == [("note", "unit Tetrode 1:2 is tagged"), ("note", "unit Tetrode 1:3 is not tagged")]
    assert said[2][0] == "warning" and "no unit 'Tetrode 9:9' was heard" in said[2][1]
    assert "there are Tetrode 1:1, Tetrode 1:2, Tetrode 1:3" in said[2][1]
    quiet = lit(units=3)
    assert quiet.run().ok
    assert quiet.ended.decision_digest == sitting.ended.decision_digest


def test_earlier_tags_are_told_at_the_start_and_can_be_taken_back(sit):
    sitting = sit(trials=3, units=2)
    plan = sitting.session.plan
    words = (Confirmation(unit="Tetrode 1:1", tagged=True, by="Ada", source="m1_1.sqlite"),)
    rig = plan.rig
    streams = (msgspec.structs.replace(rig.streams[0], tagged=("Tetrode 1:2",)),)
    plan = dataclasses.replace(plan, tags=words, rig=msgspec.structs.replace(rig, streams=streams))
    sitting.session = type(sitting.session)(
        plan,
        sitting.session._board,
        {s.name: sitting.session.reckoning._streams[s.name]._feed for s in streams},
    )
    assert sitting.session.meta["tags"][0]["unit"] == "Tetrode 1:1"
    asked = []

    def interfere(entry):
        if sitting.session.history.trials == 1 and not asked:
            asked.append(True)
            yield say(unit="Tetrode 1:2", tagged=False)()

    sitting.interfere = interfere
    assert sitting.run().ok
    (started,) = sitting.of(SessionStarted)
    assert [(word.unit, word.source) for word in started.tags] == [
        ("Tetrode 1:2", "rig file"), ("Tetrode 1:1", "m1_1.sqlite"),
    ]  # fmt: skip
    assert sitting.session.reckoning.tags.book.tagged == {"Tetrode 1:1"}
    without = sit(trials=3, units=2)
    assert without.run().ok
    assert without.ended.decision_digest == sitting.ended.decision_digest


# --- never in the task ------------------------------------------------------------------------------------


class Sneaky(VariableMagnitude):
    """The task, with light in some of its trials and nothing said of it."""

    def table(self, trial):
        sm = StateMachine("sneaky")
        sm.state("wait", timer=2.0, pulses={"laser": 0.005}, then="reward" if trial.reward_ul else "drink")
        if trial.reward_ul:
            sm.state("reward", deliver_ul=trial.reward_ul, then="drink")
        sm.state("drink", timer=2.0, then=END)
        return sm


class Declared(Sneaky):
    """The same, and every trial says that it has light; the epoch does not."""

    def decide(self, history, estimates, rng):
        spec = super().decide(history, estimates, rng)
        return None if spec is None else msgspec.structs.replace(spec, stimulation="light")


@pytest.mark.parametrize(
    ("protocol", "says"),
    [(Sneaky, "its spec says nothing of light"), (Declared, "is not declared for it")],
)
def test_light_in_the_task_ends_the_session_before_the_first_pulse(sit, protocol, says):
    sitting = sit(trials=5, units=3, protocol=protocol)
    halt = sitting.run()
    assert not halt.ok
    (ended,) = sitting.of(SessionEnded)
    assert says in ended.reason
    assert ended.trials == 0
    assert not any(line.name == "laser" for d in sitting.of(TrialDone) for line in d.record.outputs)
    assert sitting.of(TagsUpdated) == [] and sitting.of(AlignedSpikes) == []


def test_a_task_session_tells_nothing_of_light(sit):
    sitting = sit(trials=6, units=3)
    assert sitting.run().ok
    assert sitting.of(TagsUpdated) == []
    assert {d.aligned_to for d in sitting.of(AlignedSpikes)} == {"reward"}
    assert not sitting.of(SessionStarted)[0].stimulated
