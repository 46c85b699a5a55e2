from __future__ import annotations

import msgspec
import numpy as np
import pytest
from PyQt5.QtCore import Qt

from gui.model import Aspect
from gui.panels.licks import LicksPanel
from gui.theme import LIGHT
from rig.documents import TrialDone


def rate(panel, condition, at_s):
    """Drawn rate of the bin that holds `at_s`."""
    x, y = panel.courses[condition].line.getData()
    return float(y[np.argmin(np.abs(x - at_s))])


def test_the_rate_is_licks_a_second_a_trial(model, shown):
    panel = shown(LicksPanel, model)
    assert rate(panel, "signalled", 1.65) == pytest.approx(10.0), "each of the three has one lick in 0.1 s"
    assert rate(panel, "signalled", 0.55) == pytest.approx(20 / 3)
    assert rate(panel, "signalled", 1.25) == 0.0
    assert rate(panel, "unsignalled", 0.15) == pytest.approx(10.0)
    assert rate(panel, "odour_b", 0.55) == 0.0


def test_without_cue_and_reward_there_is_nothing_to_draw_licks_around(fed, made, shown):
    record = made.record(0, "light", licks=(1.0, 2.0))
    bare = msgspec.structs.replace(record, cue_us=None, reward_us=None, stimulus_us=None)
    panel = shown(LicksPanel, fed(made.started(), TrialDone(record=bare)))
    assert "no cue and no reward" in panel.empty.text()


def test_the_band_is_the_standard_error_over_trials(model, shown):
    course = shown(LicksPanel, model).courses["signalled"]
    x, low = course.low.getData()
    _, high = course.high.getData()
    k = int(np.argmin(np.abs(x - 0.55)))
    expected = np.std([10.0, 10.0, 0.0], ddof=1) / np.sqrt(3)
    assert (high[k] - low[k]) / 2 == pytest.approx(expected)


def test_conditions_are_named_with_their_n_and_differ_in_line_style(model, shown):
    panel = shown(LicksPanel, model)
    words = panel.legend.text().replace("&nbsp;", " ")
    for words_of_one in ("signalled (3)", "unsignalled (2)", "odour B (1)"):
        assert words_of_one in words
    styles = {course.line.opts["pen"].style() for course in panel.courses.values()}
    assert len(styles) == 3


def test_aligned_to_the_reward_colours_stay_and_odour_b_goes(model, shown, qtbot):
    panel = shown(LicksPanel, model)
    colours = {name: course.colour for name, course in panel.courses.items()}
    assert panel.reward.isVisible() and panel.reward.value() == pytest.approx(1.5)
    qtbot.mouseClick(panel.align_buttons.button(1), Qt.LeftButton)
    assert rate(panel, "signalled", 0.15) == pytest.approx(10.0)
    assert "odour" not in panel.legend.text()
    assert (
        panel.courses["odour_b"].line.getData()[0] is None
        or not panel.courses["odour_b"].line.getData()[0].size
    )
    assert {name: course.colour for name, course in panel.courses.items()} == colours
    assert not panel.reward.isVisible()


def test_time_that_nobody_recorded_is_not_time_without_licks(fed, made, shown):
    model = fed(made.started(), TrialDone(record=made.record(0, "unsignalled", 5.0, licks=(2.1,))))
    panel = shown(LicksPanel, model)
    x, y = panel.courses["unsignalled"].line.getData()
    assert x[-1] > 2.4
    model.take(TrialDone(record=made.record(1, "signalled", 5.0, licks=(2.1,))))
    panel.refresh(Aspect.TRIALS)
    x, y = panel.courses["signalled"].line.getData()
    assert np.isnan(y[x > 4.0]).all(), "the second trial ended 4 s after its first event"
    assert np.isfinite(y[x < 4.0]).all()


def test_trial_by_trial_it_draws_what_all_at_once_would(model, made, shown):
    whole = shown(LicksPanel, model)
    bit = shown(LicksPanel, type(model)())
    bit.model.take(made.started())
    for record in made.trials:
        bit.model.take(TrialDone(record=record))
        bit.refresh(Aspect.TRIALS)
    for name, course in whole.courses.items():
        np.testing.assert_allclose(course.line.getData()[1], bit.courses[name].line.getData()[1])


def test_it_paints(model, shown, inked, coloured, empty):
    full, bare = shown(LicksPanel, model), shown(LicksPanel, empty)
    assert inked(full) > 4000 and coloured(full.plot, LIGHT.series[0]) > 100
    assert inked(bare) > 500 and coloured(bare, LIGHT.series[0]) == 0


def test_it_says_why_it_is_empty(empty, fed, made, shown):
    assert "No trial has finished yet" in shown(LicksPanel, empty).empty.text()
    dry = fed(
        made.started(),
        TrialDone(record=made.record(0, "odour_b")),
        TrialDone(record=made.record(1, "odour_b")),
    )
    assert "No lick in 2 trials" in shown(LicksPanel, dry).empty.text()
