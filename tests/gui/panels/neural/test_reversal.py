"""The population: right rows in the right order, honest marks, chosen by click and by keys."""

import msgspec
import numpy as np
import pytest
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtWidgets import QToolTip

from gui.model import Aspect, SessionModel
from gui.panels.reversal import HOLD_S, ReversalPanel
from gui.theme import DARK, LIGHT


def click(qtbot, panel, unit):
    qtbot.mouseClick(panel.chart.plot.viewport(), Qt.LeftButton, pos=panel.chart.row_centre(unit))


def point_at(qtbot, panel, unit):
    viewport = panel.chart.plot.viewport()
    qtbot.mouseMove(viewport, QPoint(5, 5))
    qtbot.mouseMove(viewport, panel.chart.row_centre(unit))


def test_rows_stand_at_their_estimates_in_order(new_session, show):
    session = new_session(units=8).run(120)
    panel = show(ReversalPanel, session.model)
    estimates = [session.model.estimates[unit].bayes_ul for unit in panel.shown_units]
    assert estimates == sorted(estimates)
    scale = panel.chart.scale
    x, y = panel.chart.dots.getData()
    assert dict(zip(y, x, strict=True)) == pytest.approx(
        {k: scale.place(ul) for k, ul in enumerate(estimates)}
    )


def test_intervals_of_settled_and_other_units_are_drawn_apart(new_session, show):
    session = new_session(units=6).run(120)
    session.alter("7:2", flags=("not settled",))
    session.alter("7:5", flags=("not settled",))
    panel = show(ReversalPanel, session.model)
    firm, loose = panel.chart.firm.getData(), panel.chart.loose.getData()
    assert len(set(loose[1])) == 2 and len(set(firm[1])) == 4
    row = panel.shown_units.index("7:2")
    ends = [panel.chart.scale.place(ul) for ul in session.model.estimates["7:2"].bayes_ci95_ul]
    assert loose[0][loose[1] == row].tolist() == pytest.approx(ends)
    assert panel.chart.loose.opts["pen"].style() == Qt.DashLine
    words = dict(panel.chart.plot.getPlotItem().getAxis("right")._tickLevels[0])
    assert words[row] == "not settled"
    assert panel.count.text() == "4 of 6 settled"


def test_a_unit_that_is_not_settled_is_hollow(new_session, show):
    session = new_session(units=2).run(120)
    session.alter("7:1", flags=("not settled",))
    session.alter("7:2", flags=())
    panel = show(ReversalPanel, session.model)
    fill = {
        panel.shown_units[round(spot.pos().y())]: spot.brush().color().name()
        for spot in panel.chart.dots.points()
    }
    assert fill == {"7:1": LIGHT.raised.lower(), "7:2": LIGHT.accent.lower()}


@pytest.mark.parametrize(("hz", "ul", "symbol", "beyond"), [(-3.4, 0.2, "t3", -1), (8.0, 19.4, "t2", 1)])
def test_an_estimate_at_the_edge_has_an_arrow_outside_the_axis(new_session, show, hz, ul, symbol, beyond):
    session = new_session(units=5).run(60)
    session.alter("7:3", flags=("at edge",), bayes_hz=hz, bayes_ul=ul)
    panel = show(ReversalPanel, session.model)
    (arrow,) = [s for s in panel.chart.dots.points() if s.symbol() == symbol]
    assert panel.shown_units[round(arrow.pos().y())] == "7:3"
    assert arrow.pos().x() < 0 if beyond < 0 else arrow.pos().x() > 6


def test_tagged_units_have_a_letter_and_a_shape(new_session, show):
    session = new_session(units=5).run(60)
    session.model.tagged = {"7:4"}
    panel = show(ReversalPanel, session.model)
    names = [name.strip(" ▸") for _, name in panel.chart.plot.getPlotItem().getAxis("left")._tickLevels[0]]
    assert "T 7:4" in names and sum(name.startswith("T") for name in names) == 1
    (diamond,) = [s for s in panel.chart.dots.points() if s.symbol() == "d"]
    assert panel.shown_units[round(diamond.pos().y())] == "7:4"


def test_sorting_by_name_counts_as_people_do(qtbot, new_session, show):
    session = new_session(units=12).run(60)
    panel = show(ReversalPanel, session.model)
    qtbot.mouseClick(panel.sort.button(1), Qt.LeftButton)
    assert panel.shown_units == [f"7:{k}" for k in range(1, 13)]


def test_units_without_an_estimate_come_last_and_say_so(new_session, show):
    session = new_session(units=5).run(60)
    session.alter("7:1", bayes_ul=None, bayes_hz=None, bayes_ci95_ul=None, n=(1, 2, 0, 0, 0, 0, 0))
    panel = show(ReversalPanel, session.model)
    assert panel.shown_units[-1] == "7:1"
    assert len(panel.chart.dots.points()) == 4
    words = dict(panel.chart.plot.getPlotItem().getAxis("right")._tickLevels[0])
    assert words[4] == "3 responses yet"
    assert "1 with too few responses" in panel.note.text()


# --- choosing -------------------------------------------------------------------------------------


def test_a_click_chooses_the_row(qtbot, new_session, show):
    session = new_session(units=8).run(60)
    panel = show(ReversalPanel, session.model)
    for unit in (panel.shown_units[5], panel.shown_units[0]):
        click(qtbot, panel, unit)
        assert session.model.selected == unit


def test_arrow_keys_walk_through_the_rows(qtbot, new_session, show):
    session = new_session(units=200).run(30, every=30)
    panel = show(ReversalPanel, session.model)
    order = panel.shown_units
    click(qtbot, panel, order[0])
    qtbot.keyClick(panel, Qt.Key_Down)
    qtbot.keyClick(panel, Qt.Key_Down)
    assert session.model.selected == order[2]
    qtbot.keyClick(panel, Qt.Key_Up)
    assert session.model.selected == order[1]
    qtbot.keyClick(panel, Qt.Key_End)
    assert session.model.selected == order[-1]
    assert panel.chart.bar.value() == panel.chart.bar.maximum() > 0, "the chosen row is scrolled to"
    drawn = panel.chart.plot.getPlotItem().getAxis("left")._tickLevels[0]
    assert any("▸" in name and name.endswith(order[-1]) for _, name in drawn)
    qtbot.keyClick(panel, Qt.Key_PageUp)
    assert session.model.selected in order[-60:-2]
    qtbot.keyClick(panel, Qt.Key_Home)
    assert session.model.selected == order[0] and panel.chart.bar.value() == 0


def test_the_pointer_shows_all_numbers(qtbot, new_session, show):
    session = new_session(units=4).run(60)
    panel = show(ReversalPanel, session.model)
    unit = panel.shown_units[2]
    point_at(qtbot, panel, unit)
    qtbot.waitUntil(lambda: f"<b>{unit}</b>" in QToolTip.text())
    told, estimate = QToolTip.text(), session.model.estimates[unit]
    for volume in (estimate.bayes_ul, estimate.isotonic_ul, estimate.paper_ul):
        assert f"{volume:.2f} uL" in told or f"{volume:.1f} uL" in told
    assert f"{sum(estimate.n)}  (" in told and "5: " in told


def test_rows_hold_still_under_the_pointer(qtbot, new_session, show):
    session = new_session(units=6).run(60)
    panel = show(ReversalPanel, session.model)
    panel.tick(10.0)
    before = panel.shown_units
    point_at(qtbot, panel, before[1])
    session.alter(before[0], bayes_ul=19.0, bayes_hz=8.0)
    panel.refresh(Aspect.ESTIMATES)
    assert panel.shown_units == before
    panel.tick(10.0 + HOLD_S + 0.1)
    assert panel.shown_units == [*before[1:], before[0]]


# --- painting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda t: t.name)
def test_one_unit_and_many_are_really_painted(new_session, show, painted, theme):
    for units in (1, 40):
        session = new_session(units=units).run(90, every=90)
        panel = show(ReversalPanel, session.model, theme=theme)
        assert painted(panel.chart.plot, theme.accent) > 40 * min(units, 12)


def test_all_rows_fit_when_asked_to(qtbot, new_session, show):
    session = new_session(units=200).run(30, every=30)
    panel = show(ReversalPanel, session.model)
    assert len(panel.chart.dots.points()) < 60
    qtbot.mouseClick(panel.all_rows, Qt.LeftButton)
    assert sum(s.symbol() == "o" for s in panel.chart.dots.points()) == 200
    assert not panel.chart.bar.isVisible()


def test_a_thousand_units_cost_what_is_in_view(new_session, show, quickest):
    panels = {
        n: show(ReversalPanel, new_session(units=n).run(20, every=20).model, size=(800, 350))
        for n in (40, 200, 1000)
    }
    scroll = {n: quickest(panel.chart.draw) for n, panel in panels.items()}
    assert scroll[1000] < 5 * scroll[40]
    taking = {n: quickest(lambda p=panel: p.refresh(Aspect.ESTIMATES)) for n, panel in panels.items()}
    assert taking[200] < 10 * taking[40]
    assert taking[1000] < 50 * taking[40]


# --- nothing to draw ------------------------------------------------------------------------------


def test_it_says_why_it_is_empty(new_session, show):
    panel = show(ReversalPanel, SessionModel())
    assert not panel.shows_content and "No session" in panel.empty.text()
    session = new_session()
    panel = show(ReversalPanel, session.model)
    assert "No rewarded trial yet" in panel.empty.text()
    state = session.model.state
    session.model.take(msgspec.structs.replace(state, streams=()))
    panel.refresh(Aspect.STATE)
    assert "No neural stream" in panel.empty.text()
    session.model.take(state)
    session.run(1)
    panel.refresh(Aspect.EVERYTHING)
    assert panel.shows_content
    assert np.isnan([e.bayes_ul or np.nan for e in session.model.estimates.values()]).all()
    assert panel.count.text() == "0 of 40 settled"
