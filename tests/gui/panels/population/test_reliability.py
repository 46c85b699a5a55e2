import itertools
import re

import numpy as np
import pytest

from gui.client import PopulationSeen
from gui.model import Aspect
from gui.panels.reliability import ISOTONIC, ReliabilityPanel
from gui.reliability_cells import ScatterCell
from rig.population.shapes import Repeats

NOTHING = Repeats(paper=None, isotonic=None)


def test_all_six_stand_together_with_the_warning(seen, show, words_of):
    panel = show(ReliabilityPanel, seen(), size=(880, 400))
    told = [words_of(cell.words) for cell in panel.cells]
    wanted = (
        "random halves R 0.76",
        "its spread ± 0.08",
        "halves in time R 0.50",
        "asymmetry, reversal R 0.50",
        "baseline, reversal R 0.17",
        "units 11 up, 10 down",
    )
    for words, start in zip(told, wanted, strict=True):
        assert " ".join(words.split()).startswith(start)
    assert all(cell.isVisible() for cell in panel.cells)
    warning = words_of(panel.warning)
    assert panel.warning.isVisible()
    assert warning.startswith("▲ Repeating reversal points do not prove a distributional code")
    assert "Read all six together" in warning
    assert words_of(panel.about) == "12 units, 212 rewards"


@pytest.mark.parametrize("size", [(880, 400), (560, 360), (420, 330)])
def test_every_statistic_has_its_p_in_sight_and_the_halves_both_kinds(seen, show, size):
    panel = show(ReliabilityPanel, seen(), size=size)
    told = [cell.detail.text().partition(" · ")[0] for cell in panel.cells]
    assert all(cell.detail.isVisible() for cell in panel.cells)
    halves, spread, times, asymmetry, baseline, sizes = told
    assert halves.startswith(("mean P 2e-5, geom", "P 2e-5, geom")) and halves.endswith("4e-9")
    assert "1000 halvings" in spread
    assert (times, asymmetry, baseline) == ("P 0.001", "mean P 0.004", "P 0.29")
    assert "at 5 uL" in sizes
    for cell in panel.cells:
        label = cell.detail
        assert label.fontMetrics().horizontalAdvance(label.text()) <= label.width()


def test_sizes_of_a_low_and_narrow_plot_do_not_run_into_each_other(seen, show):
    panel = show(ReliabilityPanel, seen(), size=(560, 360))
    plot = panel.sizes.plot
    ticks = plot.getPlotItem().getAxis("bottom")._tickLevels[0]
    assert ticks[-1] == (6, "20") and len(ticks) >= 2
    metrics = plot.fontMetrics()
    pitch = plot.getViewBox().width() / 7
    for (left, one), (right, other) in itertools.pairwise(ticks):
        apart = (right - left) * pitch
        assert apart >= 0.8 * (metrics.horizontalAdvance(one) + metrics.horizontalAdvance(other)) / 2


def test_narrow_it_warns_briefly_and_in_full_on_hovering(seen, show, words_of):
    panel = show(ReliabilityPanel, seen(), size=(420, 330))
    assert "do not prove a distributional code" in words_of(panel.warning)
    assert "fires a little more or less" not in words_of(panel.warning)
    assert "fires a little more or less" in re.sub(r"\s+", " ", panel.warning.toolTip())


def test_points_are_the_units_halves(seen, show, made):
    view = made.view()
    panel = show(ReliabilityPanel, seen(view))
    scatter = panel.halves.scatter
    assert scatter.units == [unit.unit for unit in view.figures.units]
    assert np.column_stack([scatter.across, scatter.upwards]).tolist() == [
        list(unit.halves_paper) for unit in view.figures.units
    ]
    # the asymmetry is of the other half than the reversal point it is drawn against
    assert panel.asymmetry.scatter.across.tolist() == [u.halves_paper[1] for u in view.figures.units]
    assert panel.asymmetry.scatter.upwards.tolist() == [u.asymmetry_half for u in view.figures.units]
    assert panel.baseline.scatter.upwards.tolist() == [u.baseline_hz for u in view.figures.units]
    assert panel.partitions.bars.opts["height"].sum() == 1000
    assert panel.partitions.mean.value() == pytest.approx(0.76)
    assert dict(zip(panel.sizes.up.opts["x"], panel.sizes.up.opts["height"], strict=True)) == {
        2: 1, 4: 11, 5: 33, 6: 38,
    }  # fmt: skip
    assert list(panel.sizes.down.opts["height"]) == [-34, -34, -36, -27, -10]


def test_the_estimator_can_be_changed(seen, show, made, qtbot, words_of):
    view = made.view()
    panel = show(ReliabilityPanel, seen(view))
    panel.way.button(ISOTONIC).click()
    assert panel.halves.scatter.across.tolist() == [u.halves_isotonic[0] for u in view.figures.units]
    assert "R 0.88" in words_of(panel.halves.words)
    assert "± 0.04" in words_of(panel.partitions.words)
    assert "R 0.79" in words_of(panel.times.words)


def test_selecting_a_unit_selects_it_everywhere_and_hovering_names_it(seen, show, click, hovered):
    model = seen()
    panel = show(ReliabilityPanel, model)
    scatter = panel.times.scatter
    click(scatter.plot, scatter.place("7:12"))
    assert model.selected == "7:12"
    for cell in panel.cells:
        if isinstance(cell, ScatterCell):
            (x,), (y,) = cell.scatter.ring.getData()
            assert (x, y) == (cell.scatter.across[-1], cell.scatter.upwards[-1])
    told = hovered(scatter.plot, scatter.place("7:3"))
    assert "<b>7:3</b>" in told and "early, uL" in told


def test_a_click_beside_the_points_selects_nothing(seen, show, click):
    model = seen()
    panel = show(ReliabilityPanel, model)
    scatter = panel.halves.scatter
    before = model.selected
    corner = scatter.place("7:12")
    corner.setY(corner.y() + 40)
    click(scatter.plot, corner)
    assert model.selected == before


def test_a_plot_that_lacks_its_numbers_says_why_and_the_others_stay(seen, show, made, words_of):
    reason = "no baseline rates are known of four units with data"
    view = made.view(baseline_reversal=None, reasons={"baseline_reversal": reason})
    panel = show(ReliabilityPanel, seen(view))
    assert panel.baseline.why.isVisible()
    assert panel.baseline.why.text() == "No baseline rates are known of four units with data."
    assert panel.halves.scatter.isVisible() and panel.sizes.plot.isVisible()


def test_with_too_few_units_it_says_why(seen, show, made):
    reason = "3 units have data for an estimate; a statistic over units needs 4"
    view = made.view(
        split_half=NOTHING, time_split=NOTHING, up_down=((5.0, 0, 0),), reasons={"split_half.paper": reason}
    )
    panel = show(ReliabilityPanel, seen(view))
    assert not panel.shows_content
    assert panel.empty.text() == f"{reason}."


def test_no_size_with_both_is_said(seen, show, made, words_of):
    view = made.view(up_down=((1.0, 0, 7), (20.0, 9, 0)))
    assert "no size has both" in words_of(show(ReliabilityPanel, seen(view)).sizes.words)


def test_before_anything_is_worked_out_and_when_it_cannot_be(seen, show):
    model = seen()
    model.take(PopulationSeen(None))
    panel = show(ReliabilityPanel, model)
    assert "Working it out" in panel.empty.text()
    model.take(PopulationSeen(None, "The process has ended unexpectedly (out of memory)."))
    panel.refresh(Aspect.POPULATION)
    assert panel.empty.text().endswith("(out of memory).")


def test_an_old_view_stays_with_a_note(seen, show, made, words_of):
    panel = show(ReliabilityPanel, seen(made.view(), note="It has ended unexpectedly."))
    assert panel.shows_content and panel.trouble.isVisible()
    assert words_of(panel.trouble) == "▲ It has ended unexpectedly."


@pytest.mark.parametrize("units", [40, 200])
def test_it_is_quick(seen, show, made, quickest, units):
    panel = show(ReliabilityPanel, seen(made.view(units)))
    taken = quickest(lambda: panel.refresh(Aspect.POPULATION))
    assert taken < 0.005 * (1 + units / 100), f"{1e3 * taken:.1f} ms"


def test_a_selection_alone_draws_no_more_than_a_mark(seen, show, quickest):
    model = seen()
    panel = show(ReliabilityPanel, model)
    assert quickest(lambda: panel.refresh(Aspect.SELECTION)) < 0.002
    before = panel.about.text()
    panel.about.setText("not drawn again")
    panel.refresh(Aspect.STATE)
    assert panel.about.text() == "not drawn again" != before


def test_without_units_it_says_why_there_are_none_and_counts_no_zeros(seen, show, made):
    reason = "no unit has data for an estimate; a statistic over units needs 4"
    nothing = {"split_half": NOTHING, "time_split": NOTHING, "up_down": ()}
    model = seen(made.view(units=4, **nothing, reasons={"split_half.paper": reason}))
    model.estimates.clear()
    panel = show(ReliabilityPanel, model)
    assert (
        panel.empty.text()
        == "This protocol measures no responses to rewards, so there is nothing to estimate."
    )
