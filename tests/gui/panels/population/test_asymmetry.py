import msgspec
import pytest

from gui.model import Aspect
from gui.panels.asymmetry import AsymmetryPanel
from rig.population.shapes import AsymmetryTest


def test_units_are_sorted_with_interval_and_folds(seen, show, words_of):
    panel = show(AsymmetryPanel, seen())
    assert panel.chart.order == [f"7:{k}" for k in range(1, 13)]
    assert panel.lead.text() == "mean 0.48"
    words = words_of(panel.legend)
    assert "all anew in each: F 1.40, P 0.060" in words
    assert "as published F 2.93, P 4e-7: finds differences where there are none" in words
    x, _ = panel.chart.dots.getData()
    assert x[0] == pytest.approx(0.2)
    folds, rows = panel.chart.ghosts.getData()
    assert folds[:3] == pytest.approx([0.1, 0.2, 0.3]) and rows[:3].tolist() == [0, 0, 0]
    ends, _ = panel.chart.firm.getData()
    assert ends[:2] == pytest.approx([0.004, 0.396])


def test_no_test_says_why(seen, show, made, words_of):
    told = AsymmetryTest(mean=0.5, f=None, p=None, f_anew=None, p_anew=None)
    view = made.view(asymmetry=told, reasons={"asymmetry.f_anew": "fewer than two units have slopes"})
    panel = show(AsymmetryPanel, seen(view))
    words = words_of(panel.legend)
    assert words == "Do units differ? Not tested. Fewer than two units have slopes."


def test_it_warns_that_differing_is_no_proof(seen, show, words_of):
    assert "no proof" in words_of(show(AsymmetryPanel, seen()).warning)


def test_units_without_a_value_come_last_and_none_says_why(seen, show, made):
    view = made.view(3)
    first, *others = view.figures.units
    bare = msgspec.structs.replace(first, asymmetry=None, asymmetry_sd=None, folds=(None,) * 7)
    figures = msgspec.structs.replace(view.figures, units=(bare, *others))
    panel = show(AsymmetryPanel, seen(msgspec.structs.replace(view, figures=figures)))
    assert panel.chart.order == ["7:2", "7:3", "7:1"]
    figures = msgspec.structs.replace(view.figures, units=(bare,))
    view = msgspec.structs.replace(
        made.replaced(view, asymmetry=None, reasons={"asymmetry": "no unit has slopes"}), figures=figures
    )
    assert show(AsymmetryPanel, seen(view)).empty.text() == "No unit has slopes."


def test_it_is_quick(seen, show, made, quickest):
    for units in (40, 200):
        panel = show(AsymmetryPanel, seen(made.view(units)))
        assert quickest(lambda panel=panel: panel.refresh(Aspect.POPULATION)) < 0.005


def test_the_smallest_p_is_not_taken_for_markup(seen, show, made, words_of):
    test = msgspec.structs.replace(made.view().population.asymmetry, p=0.0, p_anew=1e-20)
    panel = show(AsymmetryPanel, seen(made.view(asymmetry=test)))
    assert words_of(panel.legend).count("P < 1e-16") == 2
