from __future__ import annotations

import numpy as np
import pytest

from gui.lick_book import LickBook, is_lick
from rig.trial.spec import LineChange, TrialRecord, TrialSpec

S = 1_000_000


def trial(number, start_s, lasted_s, licks=(), event_s=None, name="lick"):
    inputs = [LineChange(name, on, round(at * S)) for at in licks for on in (True, False)]
    event = None if event_s is None else round(event_s * S)
    return TrialRecord(
        number=number,
        spec=TrialSpec(condition="free"),
        outcome="complete",
        start_us=round(start_s * S),
        duration_us=round(lasted_s * S),
        states=(),
        outputs=(),
        inputs=tuple(inputs),
        cue_us=None,
        reward_us=event,
        stimulus_us=event,
        delivered_ul=0.0,
        table_hash="",
    )


EDGES = np.array([-1.0, 0.0, 1.0, 2.0])


def test_rates_are_counts_over_the_time_that_was_recorded():
    book = LickBook()
    book.take([trial(0, 100.0, 5.0, licks=(2.1, 2.2, 3.4), event_s=2.0)])
    rates = book.rates_hz(book.events_s("reward"), EDGES)
    assert rates.tolist() == [[0.0, 2.0, 1.0]]


def test_a_bin_with_a_gap_counts_for_the_part_that_was_seen_and_not_at_all_below_half():
    book = LickBook()
    book.take([trial(0, 0.0, 2.75, licks=(2.1, 2.2, 2.3), event_s=2.0), trial(1, 4.6, 3.0)])
    first = book.rates_hz(book.events_s("reward"), EDGES)[0]
    assert first[1] == pytest.approx(3 / 0.75)
    assert np.isnan(first[2]), "nothing was recorded from 2.75 to 4.6 s"


def test_trials_without_the_event_have_no_rate():
    book = LickBook()
    book.take([trial(0, 0.0, 5.0, licks=(1.0,))])
    assert np.isnan(book.rates_hz(book.events_s("reward"), EDGES)).all()


def test_before_any_trial_there_is_nothing_and_nothing_breaks():
    book = LickBook()
    assert book.take([]) == 0
    assert book.rates_hz(book.events_s("reward"), EDGES).shape == (0, 3)


def test_it_says_from_which_trial_on_things_may_look_different():
    book = LickBook()
    records = [trial(k, 10.0 * k, 9.0, event_s=2.0) for k in range(30)]
    assert book.take(records[:29]) == 0
    window = np.array([-1.0, 0.0, 15.0])
    before = book.rates_hz(book.events_s("reward"), window)
    first = book.take(records)
    after = book.rates_hz(book.events_s("reward"), window)
    assert 20 < first < 29
    np.testing.assert_array_equal(before[:first], after[:first])


def test_a_list_that_was_begun_anew_is_taken_anew():
    book = LickBook()
    book.take([trial(0, 0.0, 5.0, licks=(1.0,)), trial(1, 6.0, 5.0)])
    assert book.take([trial(0, 50.0, 5.0, licks=(2.0, 3.0))]) == 0
    assert book.licks_s().tolist() == [52.0, 53.0]


@pytest.mark.parametrize(("name", "yes"), [("lick", True), ("Lick_left", True), ("poke", False)])
def test_a_lick_detector_is_known_by_its_name(name, yes):
    assert is_lick(name) is yes
    book = LickBook()
    book.take([trial(0, 0.0, 5.0, licks=(1.0,), name=name)])
    assert book.licks_s().size == int(yes)
