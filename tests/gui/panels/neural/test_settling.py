"""How an estimate settled, on what, and an honest word on what is left."""

import numpy as np
import pytest
from PyQt5.QtCore import Qt

from gui.model import Aspect, SessionModel
from gui.panels.settling import SettlingPanel
from gui.theme import DARK, LIGHT


def test_the_path_is_that_of_the_selected_unit(new_session, show):
    session = new_session(units=5).run(60)
    session.model.select("7:3")
    panel = show(SettlingPanel, session.model)
    trial, place = panel.path.getData()
    told = session.model.settling["7:3"]
    assert trial.tolist() == [t for t, *_ in told] and len(told) > 50
    estimate = session.model.estimates["7:3"]
    scale = panel._scale
    assert place[-1] == pytest.approx(scale.place(estimate.bayes_ul))
    low, high = estimate.bayes_ci95_ul
    assert panel.low.getData()[1][-1] == pytest.approx(scale.place(low))
    assert panel.high.getData()[1][-1] == pytest.approx(scale.place(high))
    assert (panel.low.getData()[1] <= place).all() and (place <= panel.high.getData()[1]).all()


def test_bars_count_the_responses_to_each_size(new_session, show):
    session = new_session(units=2).run(50)
    panel = show(SettlingPanel, session.model)
    n = session.model.estimates["7:1"].n
    assert [text.toPlainText() for text in panel.bar_names] == [str(k) for k in n]
    assert np.array(panel.bars.opts["width"]).tolist() == list(n)


def test_it_tells_what_is_left_until_the_target_that_is_chosen(qtbot, new_session, show):
    session = new_session(units=1).run(60)
    session.alter(
        "7:1", n=(4, 6, 9, 9, 18, 9, 5), bayes_ci95_hz=(-1.2, 1.2), bayes_ci95_ul=(3.0, 5.0), flags=()
    )
    panel = show(SettlingPanel, session.model)
    assert panel.target.currentText() == "until settled"
    assert "is reached" in panel.left.text()
    panel.target.setFocus()
    while panel.target.currentText() != "until ±0.5 uL":
        before = panel.target.currentIndex()
        qtbot.keyClick(panel.target, Qt.Key_Down)
        assert panel.target.currentIndex() == before + 1
    # the half width is 1 uL at 60 responses, so 240 are needed for half of that
    assert "180 more rewarded trials" in panel.left.text()
    assert "0.92 mL" in panel.left.text()
    assert "roughly" in panel.left.text() and "rough" in panel.left.toolTip()


def test_it_warns_when_the_water_does_not_suffice(new_session, show):
    session = new_session(units=1, max_session_ul=400.0).run(60)
    session.alter("7:1", bayes_ci95_hz=(-3.2, 3.2), flags=("not settled",))
    panel = show(SettlingPanel, session.model)
    assert "more than the 0.40 mL left" in panel.left.text()


def test_the_protocols_own_stopping_rule_comes_first(new_session, show):
    session = new_session(units=1, parameters={"stop_within_ul": 1.5}).run(30)
    panel = show(SettlingPanel, session.model)
    assert panel.target.currentText() == "until ±1.5 uL (protocol)"


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda t: t.name)
def test_it_is_really_painted(new_session, show, painted, theme):
    panel = show(SettlingPanel, new_session(units=1).run(60).model, theme=theme, size=(400, 270))
    assert painted(panel.plot, theme.accent) > 250
    assert painted(panel.counts, theme.size_colour(4, 7), tolerance=10) > 200


def test_before_there_is_an_estimate_it_says_what_is_needed(new_session, show):
    assert "No session" in show(SettlingPanel, SessionModel()).empty.text()
    session = new_session(units=2)
    panel = show(SettlingPanel, session.model)
    assert "No rewarded trial yet" in panel.empty.text()
    session.reward(4)
    panel.refresh(Aspect.EVERYTHING)
    assert "an estimate needs" in panel.left.text()
    assert panel.path.getData()[0] is None or len(panel.path.getData()[0]) == 0


def test_the_cost_does_not_grow_with_the_number_of_units(new_session, show, quickest):
    few = show(SettlingPanel, new_session(units=40).run(20, every=4).model)
    many = show(SettlingPanel, new_session(units=1000).run(20, every=4).model)
    cost = [quickest(lambda p=p: p.refresh(Aspect.ESTIMATES)) for p in (few, many)]
    assert cost[1] < 3 * cost[0]
