"""One unit's responses by size: every trial, the means, and slopes that meet at the reversal point."""

import itertools

import numpy as np
import pytest
from PyQt5.QtCore import Qt

from gui.model import Aspect, SessionModel
from gui.panels.unit import UnitPanel
from gui.theme import DARK, LIGHT


def test_every_trial_is_drawn_once_with_its_own_mark(new_session, show):
    session = new_session(units=3).run(61)
    panel = show(UnitPanel, session.model)
    answers = session.model.responses["7:1"]
    _, signalled = panel.signalled.getData()
    _, unsignalled = panel.unsignalled.getData()
    assert signalled.tolist() == [a.hz for a in answers if a.signalled]
    assert unsignalled.tolist() == [a.hz for a in answers if not a.signalled]
    assert panel.signalled.opts["symbol"] != panel.unsignalled.opts["symbol"]


def test_jitter_never_reaches_the_next_size(new_session, show):
    session = new_session(units=1).run(80)
    panel = show(UnitPanel, session.model)
    axis = np.array(session.model.axis_hz)
    x, _ = panel.signalled.getData()
    nearest = axis[np.abs(x[:, None] - axis).argmin(axis=1)]
    given = [
        u
        for a, u in (
            (a, axis[session.model.sizes_ul.index(a.reward_ul)]) for a in session.model.responses["7:1"]
        )
        if a.signalled
    ]
    assert nearest.tolist() == given
    assert len(set(x.tolist())) == len(x)


def test_unsignalled_responses_are_shifted_as_the_estimator_shifts_them(new_session, show):
    plain = show(UnitPanel, new_session(units=1).run(60).model)
    session = new_session(units=1, shift_hz=-1.5).run(60)
    shifted = show(UnitPanel, session.model)
    raw = [a.hz for a in session.model.responses["7:1"] if not a.signalled]
    assert shifted.unsignalled.getData()[1] == pytest.approx(np.array(raw) - 1.5)
    assert shifted.unsignalled.getData()[1] == pytest.approx(plain.unsignalled.getData()[1])
    assert shifted.means.getData()[1] == pytest.approx(plain.means.getData()[1])


def test_means_and_their_errors(new_session, show):
    session = new_session(units=2).run(80)
    panel = show(UnitPanel, session.model)
    by_size = [
        [a.hz for a in session.model.responses["7:1"] if a.reward_ul == size]
        for size in session.model.sizes_ul
    ]
    assert panel.means.getData()[1] == pytest.approx([np.mean(hz) for hz in by_size])
    ends = panel.errors.getData()[1].reshape(-1, 2)
    sem = [np.std(hz, ddof=1) / np.sqrt(len(hz)) for hz in by_size]
    assert (ends[:, 1] - ends[:, 0]) / 2 == pytest.approx(sem)


def test_slopes_meet_at_the_reversal_point_and_the_interval_is_shaded(new_session, show):
    session = new_session(units=4).run(120)
    session.model.select("7:2")
    panel = show(UnitPanel, session.model)
    estimate = session.model.estimates["7:2"]
    x, y = panel.slopes.getData()
    assert (x[1], y[1]) == (estimate.bayes_hz, 0.0)
    assert y[0] < 0 < y[2]
    assert panel.region.getRegion() == pytest.approx(estimate.bayes_ci95_hz)


def test_three_estimates_are_marked_with_names_that_do_not_meet(new_session, show):
    session = new_session(units=2).run(120)
    panel = show(UnitPanel, session.model, size=(400, 270))
    estimate = session.model.estimates["7:1"]
    x, _ = panel.marks.getData()
    assert x[::2].tolist() == [estimate.bayes_hz, estimate.isotonic_hz, estimate.paper_hz]
    words = [text.toPlainText().split()[0] for text in panel.mark_names]
    assert words == ["Bayes", "isotonic", "published"]
    boxes = [text.sceneBoundingRect() for text in panel.mark_names]
    overlap = [max(a.bottom() - b.top(), 0.0) for a, b in itertools.pairwise(boxes)]
    assert max(overlap) < 0.6 * boxes[0].height(), "boxes have margins, letters must not touch"
    assert f"{estimate.asymmetry_bayes:.2f}" in panel.numbers.text()
    assert "n 120" in panel.numbers.text()


def test_ticks_are_sizes_or_hz_as_chosen(qtbot, new_session, show):
    panel = show(UnitPanel, new_session(units=1).run(20).model)
    axis = panel.plot.getPlotItem().getAxis("bottom")
    words = [word for _, word in axis._tickLevels[0]]
    assert words[0] == "0.1" and words[-1] == "20"
    qtbot.mouseClick(panel.label_in.button(1), Qt.LeftButton)
    assert "0" in [word for _, word in axis._tickLevels[0]]
    assert axis.labelText == "utility, Hz"


def test_another_selection_draws_another_unit(new_session, show):
    session = new_session(units=3).run(60)
    session.model.tagged = {"7:3"}
    panel = show(UnitPanel, session.model)
    panel.refresh(session.model.select("7:3"))
    assert panel.name.text() == "T 7:3"
    hz = [a.hz for a in session.model.responses["7:3"] if a.signalled]
    assert panel.signalled.getData()[1].tolist() == hz


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda t: t.name)
def test_it_is_really_painted(new_session, show, painted, theme):
    panel = show(UnitPanel, new_session(units=1).run(60).model, theme=theme, size=(400, 270))
    assert painted(panel.plot, theme.accent) > 300
    assert painted(panel.plot, theme.ramp[-1], tolerance=20) > 15


def test_before_there_is_an_estimate_trials_are_shown_without_slopes(new_session, show):
    session = new_session(units=2)
    panel = show(UnitPanel, session.model)
    assert "No rewarded trial yet" in panel.empty.text()
    session.reward(4)
    session.reward(5)
    panel.refresh(Aspect.EVERYTHING)
    assert panel.shows_content
    assert len(panel.signalled.getData()[0]) == 1
    assert not panel.slopes.isVisible() and not panel.region.isVisible()
    assert "an estimate needs" in panel.numbers.text()
    assert "No session" in show(UnitPanel, SessionModel()).empty.text()


def test_the_cost_does_not_grow_with_the_number_of_units(new_session, show, quickest):
    few = show(UnitPanel, new_session(units=40).run(20, every=20).model)
    many = show(UnitPanel, new_session(units=1000).run(20, every=20).model)
    cost = [quickest(lambda p=p: p.refresh(Aspect.ESTIMATES)) for p in (few, many)]
    assert cost[1] < 3 * cost[0]
