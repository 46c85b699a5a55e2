import msgspec
import pytest
from PyQt5.QtCore import Qt

from gui.model import Aspect
from gui.panels.cue_coding import CueCodingPanel


def with_units(made, *units, **changes):
    told = made.view().population.cue_coding
    return made.view(cue_coding=msgspec.structs.replace(told, units=units, **changes))


def right_words(panel):
    return [word for _, word in panel.chart.plot.getPlotItem().getAxis("right")._tickLevels[0]]


def test_units_are_sorted_with_their_intervals(seen, show, made, words_of):
    panel = show(CueCodingPanel, seen())
    assert panel.chart.order == [f"7:{k}" for k in range(1, 13)]
    assert panel.lead.text() == "spread 1.30, P 0.020"
    assert words_of(panel.about) == "12 units, 70 or more trials of each cue"
    assert "No unit is labelled yet" in words_of(panel.legend)
    x, y = panel.chart.dots.getData()
    assert (x[0], y[0]) == (pytest.approx(0.2), 0)
    ends, _ = panel.chart.firm.getData()
    assert ends[:2] == pytest.approx([0.1, 0.3])


def test_an_interval_that_holds_the_midpoint_is_dashed(seen, show, made):
    view = with_units(made, made.cue_unit("a", 0.2), made.cue_unit("b", 0.55))
    panel = show(CueCodingPanel, seen(view))
    assert panel.chart.firm.getData()[0] == pytest.approx([0.1, 0.3])
    assert panel.chart.loose.getData()[0] == pytest.approx([0.45, 0.65])


def test_labels_only_where_they_are_given(seen, show, made, words_of):
    view = with_units(made, made.cue_unit("a", 0.8, "optimistic"), made.cue_unit("b", 0.2))
    panel = show(CueCodingPanel, seen(view))
    assert right_words(panel) == ["", "optimistic"]
    assert "1 optimistic, 0 pessimistic" in words_of(panel.legend)
    assert ("label", "none: 60 trials of every cue are needed") in panel.numbers("b")


def test_what_has_no_c50_says_why_and_comes_last(seen, show, made):
    few = msgspec.structs.replace(
        made.cue_unit("z", 0.0), c50=None, c50_ci95=None, t=None, p=None, reason="too few trials of a cue"
    )
    far = made.cue_unit("y", 3.0)
    panel = show(CueCodingPanel, seen(with_units(made, few, far, made.cue_unit("x", 0.5))))
    assert panel.chart.order == ["x", "y", "z"]
    assert right_words(panel)[-1] == "too few trials of a cue"
    arrows = [spot for spot in panel.chart.dots.points() if spot.symbol() == "t2"]
    assert len(arrows) == 1, "what lies beyond the axis has an arrow"


def test_without_cue_roles_it_says_so(seen, show, made):
    reason = "the protocol names no cues of a low, an even and a high chance of reward"
    panel = show(CueCodingPanel, seen(made.view(cue_coding=None, reasons={"cue_coding": reason})))
    assert panel.empty.text() == f"T{reason[1:]}."


def test_rows_are_selected_with_a_click_and_with_keys(seen, show, click, hovered, qtbot):
    model = seen()
    panel = show(CueCodingPanel, model)
    click(panel.chart.plot, panel.chart.row_centre("7:2"))
    assert model.selected == "7:2"
    qtbot.keyClick(panel, Qt.Key_Down)
    assert model.selected == "7:3"
    told = hovered(panel.chart.plot, panel.chart.row_centre("7:4"))
    assert "<b>7:4</b>" in told and "c50" in told and "70" in told


def test_it_is_quick(seen, show, made, quickest):
    for units in (40, 200):
        panel = show(CueCodingPanel, seen(made.view(units)))
        assert quickest(lambda panel=panel: panel.refresh(Aspect.POPULATION)) < 0.005
