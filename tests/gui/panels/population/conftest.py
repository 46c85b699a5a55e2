"""A made-up view of a population whose every number is known, and panels that show it."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from typing import Any

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QApplication

from gui.client import PopulationSeen
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.theme import LIGHT
from rig.documents import EstimatesUpdated, SessionStarted
from rig.estimate.telling import no_estimate
from rig.estimate.utility import PUBLISHED_AXIS
from rig.population.shapes import (
    AsymmetryTest,
    Cues,
    CueUnit,
    Decoding,
    Decodings,
    DriftUnit,
    Evidence,
    Figures,
    HeldOutSigns,
    Population,
    PopulationView,
    Relation,
    Repeat,
    Repeats,
    Together,
    UnitFigures,
)

SIZES = PUBLISHED_AXIS.sizes_ul
AXIS = PUBLISHED_AXIS.utility_hz


def unit_figures(name: str, hz: float, tau: float, k: int) -> UnitFigures:
    return UnitFigures(
        unit=name,
        halves_paper=(hz - 0.2, hz + 0.2),
        halves_isotonic=(hz - 0.1, hz + 0.1),
        times_paper=(hz, hz + 0.5),
        times_isotonic=(hz, hz + 0.3),
        asymmetry_half=tau - 0.05,
        asymmetry=tau,
        asymmetry_sd=0.1,
        folds=tuple(tau + d for d in (-0.1, 0.0, 0.1)),
        baseline_hz=4.0 + k % 5,
        mean_hz=(0.0,) * len(SIZES),
        sem_hz=(1.0,) * len(SIZES),
    )


def cue_unit(name: str, c50: float, label: str | None = None) -> CueUnit:
    return CueUnit(
        unit=name,
        n=(70, 71, 72),
        c50=c50,
        c50_ci95=(c50 - 0.1, c50 + 0.1),
        t=2.5,
        p=0.015,
        label=label,
        reason=None if label else "60 trials of every cue are needed",
    )


def make_view(units: int = 12, **changes: Any) -> PopulationView:
    """Units reverse from -2 to 3 Hz, asymmetries rise with them from 0.2 to 0.8."""
    names = [f"7:{k + 1}" for k in range(units)]
    hz, tau = np.linspace(-2.0, 3.0, units).tolist(), np.linspace(0.2, 0.8, units).tolist()
    grid = np.linspace(AXIS[0], AXIS[-1], 60)
    p = np.full(60, 1 / 60)
    halves = Repeat(r=0.76, r_sd=0.08, p_mean=1.8e-5, p_geometric=4e-9)
    times = Repeat(r=0.5, r_sd=None, p_mean=0.001, p_geometric=0.001)
    population = Population(
        units=units,
        split_half=Repeats(
            paper=halves, isotonic=Repeat(r=0.88, r_sd=0.04, p_mean=1e-9, p_geometric=1e-12)
        ),
        time_split=Repeats(
            paper=times, isotonic=Repeat(r=0.79, r_sd=None, p_mean=1e-5, p_geometric=1e-5)
        ),
        asymmetry_reversal=Relation(r=0.5, p=0.004),
        baseline_reversal=Relation(r=0.17, p=0.29),
        up_down=tuple(zip(SIZES, (0, 0, 1, 0, 11, 33, 38), (34, 34, 36, 27, 10, 0, 0), strict=True)),
        asymmetry=AsymmetryTest(mean=0.48, f=2.93, p=4e-7, f_anew=1.4, p_anew=0.06),
        decoding=Decodings(
            convex=Decoding(
                x_hz=tuple(grid.tolist()),
                p=tuple(p.tolist()),
                p_low=tuple((p * 0.5).tolist()),
                p_high=tuple((p * 1.5).tolist()),
                wasserstein_hz=0.6,
                shuffled_hz=tuple(np.linspace(0.5, 1.5, 100).tolist()),
                loss=0.1,
            ),
            published=None,
        ),
        evidence=Evidence(
            common=0.01, offset=0.55, distributional=0.04, both=0.4,
            verdict="undecided", held_out=HeldOutSigns(common=0.699, own=0.724, gain_se=0.006),
        ),
        cue_coding=Cues(
            conditions=("cue_10", "cue_50", "cue_90"),
            spread=1.3,
            spread_p=0.02,
            units=tuple(cue_unit(name, c50) for name, c50 in zip(names, tau, strict=True)),
        ),
        drift=tuple(
            DriftUnit(unit=name, full_hz=z, recent_hz=z + 0.1, sds=0.5, parted=False, lost=False)
            for name, z in zip(names, hz, strict=True)
        ),
        drift_together=Together(hz=0.1, standard_errors=1.2),
        reasons={"decoding.published": "it takes long"},
    )  # fmt: skip
    figures = Figures(
        units=tuple(
            unit_figures(name, z, t, k) for k, (name, z, t) in enumerate(zip(names, hz, tau, strict=True))
        ),
        r_paper=tuple(np.linspace(0.6, 0.9, 1000).tolist()),
        r_isotonic=tuple(np.linspace(0.8, 0.95, 1000).tolist()),
        r_asymmetry=tuple(np.linspace(0.2, 0.8, 1000).tolist()),
        delivered=(0.075, 0.1, 0.15, 0.15, 0.3, 0.15, 0.075),
    )
    view = PopulationView(
        rewarded=212, epoch=0, sizes_ul=SIZES, utility_axis_hz=AXIS, population=population, figures=figures
    )
    return replaced(view, **changes)


def replaced(view: PopulationView, **changes: Any) -> PopulationView:
    """Change fields of the view's population."""
    import msgspec

    replace = msgspec.structs.replace
    return replace(view, population=replace(view.population, **changes)) if changes else view


@pytest.fixture
def made():
    """The makers of views."""

    class Made:
        view = staticmethod(make_view)
        replaced = staticmethod(replaced)
        cue_unit = staticmethod(cue_unit)
        sizes, axis = SIZES, AXIS

    return Made


STARTED = SessionStarted(
    subject="m1",
    protocol="variable_magnitude",
    rig="r",
    seed=1,
    parameters={},
    sizes_ul=SIZES,
    utility_axis_hz=AXIS,
)


@pytest.fixture
def seen():
    """Make a model that knows a view, and an estimate of each of its units."""

    def make(view: PopulationView | None = None, note: str = "") -> SessionModel:
        model = SessionModel()
        model.take(STARTED)
        view = view or make_view()
        estimates = [with_reversal(unit.unit, unit.halves_paper[0]) for unit in view.figures.units] or [
            with_reversal("7:1", 0.0)
        ]
        model.take(EstimatesUpdated(trial=300, rewarded=212, units=tuple(estimates)))
        model.take(PopulationSeen(view, note))
        return model

    return make


def with_reversal(name: str, hz: float | None) -> Any:
    import msgspec

    nothing = no_estimate(name, (30,) * len(SIZES))
    return msgspec.structs.replace(nothing, paper_hz=hz, reason=None)


@pytest.fixture
def show(qtbot):
    """Show a panel as the window does: a selection comes back as a refresh."""
    kept = []

    def _show(panel_class, model, size=(655, 330), theme=LIGHT):
        def select(unit):
            panel.refresh(model.select(unit))

        panel = panel_class(model, Controls(lambda _: None, select), theme)
        qtbot.addWidget(panel)
        kept.append(panel)
        panel.resize(*size)
        with qtbot.waitExposed(panel):
            panel.show()
        panel.refresh(Aspect.EVERYTHING)
        QApplication.processEvents()
        panel.refresh(Aspect.EVERYTHING)
        return panel

    return _show


@pytest.fixture
def click(qtbot):
    """Click at a place of a plot."""

    def _click(plot, at):
        qtbot.mouseClick(plot.viewport(), Qt.LeftButton, pos=at)

    return _click


@pytest.fixture
def hovered(qtbot, monkeypatch):
    """Hover over a place of a plot; return what is told."""
    from PyQt5.QtCore import QPoint
    from PyQt5.QtWidgets import QToolTip

    told = []
    monkeypatch.setattr(QToolTip, "showText", lambda at, words, over: told.append(words))

    def _hover(plot, at):
        qtbot.mouseMove(plot.viewport(), QPoint(1, 1))
        qtbot.mouseMove(plot.viewport(), at)
        qtbot.waitUntil(lambda: bool(told))
        return told[-1]

    return _hover


def words_of(label: Any) -> str:
    """A label's words without its markup."""
    from PyQt5.QtGui import QTextDocument

    document = QTextDocument()
    document.setHtml(label.text())
    return document.toPlainText().replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture(name="words_of")
def _words_of():
    return words_of


@pytest.fixture
def quickest():
    """Time a call by this process's own clock, whatever else runs: the shortest of several, in seconds."""
    import time

    def _quickest(call, times=9):
        taken = []
        for _ in range(times):
            begun = time.process_time()
            call()
            taken.append(time.process_time() - begun)
        return min(taken)

    return _quickest
