"""All units and light; and that only a person makes a tag."""

from __future__ import annotations

import numpy as np

from rig.tagging.book import TagBook
from rig.tagging.told import Confirmation
from rig.tagging.trains import Train, train_of
from rig.trial.spec import LineChange, StateVisit, TrialRecord, TrialSpec

TRAIN = Train(rate_hz=1.0, sham=False, pulses_us=())


def played(pulses=60):
    book = TagBook()
    rng = np.random.default_rng(1)
    for k in range(pulses):
        spikes = {"lit": [rng.uniform(-460, 0), 4.0], "dark": [rng.uniform(-460, 10)]}
        book.add_pulse(1_000_000 * (k + 1), TRAIN, spikes)
    return book


def test_it_suggests_and_does_not_decide():
    book = played()
    assert [(tag.unit, tag.suggestion) for tag in book.view()] == [("lit", True), ("dark", False)]
    assert book.tagged == frozenset()


def test_a_persons_word_counts_with_what_was_known():
    book = played()
    word = book.confirm("lit", tagged=True, by="Ada", board_us=70_000_000, note="clean raster")
    assert word.evidence.salt.pulses == 60
    book.confirm("dark", tagged=True, by="Ada", board_us=70_000_001)
    assert book.tagged == {"lit", "dark"}
    book.confirm("dark", tagged=False, by="Ada", board_us=70_000_002)
    assert book.tagged == {"lit"}


def test_a_stored_word_is_taken_up_again():
    book = TagBook()
    book.restore(Confirmation(unit="lit", tagged=True, by="Ada", board_us=1))
    assert book.tagged == {"lit"}
    assert book.confirm("never heard", tagged=False, by="Ada", board_us=2).evidence is None


def test_a_view_is_new_only_for_units_that_saw_a_pulse():
    book = played(40)
    before = {tag.unit: tag for tag in book.view()}
    book.add_pulse(90_000_000, TRAIN, {"lit": [4.0]})  # "dark" could not be listened to
    after = {tag.unit: tag for tag in book.view()}
    assert after["dark"] is before["dark"]
    assert (after["lit"].pulses, after["dark"].pulses) == (41, 40)


def test_fast_trains_are_not_tested_but_their_first_pulse_is():
    book = TagBook()
    train = Train(rate_hz=20.0, sham=False, pulses_us=tuple(2_000_000 + 50_000 * k for k in range(10)))
    for t_us in train.pulses_us:
        book.add_pulse(t_us, train, {"lit": [3.0]})
    (tag,) = book.view()
    assert (tag.pulses, tag.eligible) == (10, 1)
    assert tag.following[0].rate_hz == 20.0


def record(spec, *, states=(), outputs=()):
    return TrialRecord(
        number=0, spec=spec, outcome="complete", start_us=10_000_000, duration_us=3_000_000, states=states,
        outputs=outputs, inputs=(), cue_us=None, reward_us=None, stimulus_us=None, delivered_ul=0.0,
        table_hash="",
    )  # fmt: skip


def test_light_is_read_off_the_line_and_sham_off_the_states():
    states = (StateVisit("wait", 0), StateVisit("pulse 1", 500_000), StateVisit("pulse 2", 600_000))
    outputs = (LineChange("laser", True, 500_100), LineChange("laser", False, 505_100))
    timing = {"period": 0.1}
    light = record(
        TrialSpec(condition="10 Hz", timing_s=timing, stimulation="light"), states=states, outputs=outputs
    )
    assert train_of(light, "laser") == Train(rate_hz=10.0, sham=False, pulses_us=(10_500_100,))
    sham = record(TrialSpec(condition="10 Hz", timing_s=timing, stimulation="sham"), states=states)
    assert train_of(sham, "laser") == Train(rate_hz=10.0, sham=True, pulses_us=(10_500_000, 10_600_000))
    assert train_of(record(TrialSpec(condition="odour", timing_s=timing)), "laser") is None
    assert train_of(record(TrialSpec(condition="odour", stimulation="light")), "laser") is None
