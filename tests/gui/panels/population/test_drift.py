import msgspec
import numpy as np
import pytest

from gui.model import Aspect
from gui.panels.drift import DriftPanel
from gui.theme import LIGHT
from rig.population.shapes import DriftUnit, Together


def unit(name, full, recent, sds, **alarms):
    alarms = {"parted": False, "lost": False, **alarms}
    return DriftUnit(unit=name, full_hz=full, recent_hz=recent, sds=sds, **alarms)


ALARMS = (
    unit("calm", 0.0, 0.1, 0.4),
    unit("moved", 0.0, 0.9, -2.0),
    unit("parted", -1.0, 2.0, 5.2, parted=True),
    unit("gone", 1.0, 1.0, 0.0, lost=True),
)


def right_words(panel):
    return [word for _, word in panel.chart.plot.getPlotItem().getAxis("right")._tickLevels[0]]


def test_alarms_come_first_and_in_words(seen, show, made):
    panel = show(DriftPanel, seen(made.view(drift=ALARMS)))
    assert panel.chart.order == ["gone", "parted", "moved", "calm"]
    assert right_words(panel) == ["▲ lost", "▲ parted, 5.2 SD", "2.0 SD", "0.4 SD"]
    assert panel.lead.text() == "1 parted, 1 lost"
    assert LIGHT.warn in panel.lead.styleSheet()


def test_a_row_goes_from_all_trials_to_recent_ones(seen, show, made):
    panel = show(DriftPanel, seen(made.view(drift=ALARMS)))

    def place(hz):
        return np.interp(hz, made.axis, np.arange(7))

    x, y = panel.chart.dots.getData()
    assert dict(zip(y, x, strict=True))[1] == pytest.approx(place(2.0))
    x, y = panel.chart.ghosts.getData()
    assert dict(zip(y, x, strict=True))[1] == pytest.approx(place(-1.0))
    assert panel.chart.firm.getData()[0] == pytest.approx([place(-1.0), place(2.0)])


def test_all_together(seen, show, made, words_of):
    panel = show(DriftPanel, seen())
    assert panel.lead.text() == "no alarm"
    assert words_of(panel.legend) == "All units together, recent less all: +0.10 Hz, 1.2 standard errors"
    view = made.view(drift_together=Together(hz=-0.3, standard_errors=-5.0))
    words = words_of(show(DriftPanel, seen(view)).legend)
    assert "−0.30 Hz, 5.0 standard errors ▲ they change together" in words


def test_before_there_is_enough_nothing_is_claimed(seen, show, made, words_of):
    early = [msgspec.structs.replace(one, sds=0.0) for one in made.view().population.drift]
    reasons = {"drift_together": "fewer than 4 units have 60 responses"}
    view = made.view(drift=tuple(early), drift_together=None, reasons=reasons)
    panel = show(DriftPanel, seen(view))
    assert panel.lead.text() == "too early to say"
    assert set(right_words(panel)) == {""}
    assert "Fewer than 4 units have 60 responses." in words_of(panel.legend)


def test_a_selected_unit_far_below_does_not_hide_the_alarms(seen, show, made, click):
    model = seen(made.view(60))
    model.select("7:60")
    panel = show(DriftPanel, model)
    assert panel.chart.bar.value() == 0
    panel.refresh(model.select("7:59"))
    assert panel.chart.bar.value() > 0, "who selects a unit wants to see it"


def test_it_says_why_it_is_empty(seen, show, made):
    view = made.view(drift=(), reasons={"drift_together": "nothing was counted"})
    assert show(DriftPanel, seen(view)).empty.text() == "Nothing was counted."


def test_it_is_quick(seen, show, made, quickest):
    for units in (40, 200):
        panel = show(DriftPanel, seen(made.view(units)))
        assert quickest(lambda panel=panel: panel.refresh(Aspect.POPULATION)) < 0.005
