"""The panels about units when another epoch begins, with another size and other odds."""

import numpy as np
import pytest

from gui.model import Aspect
from gui.panels.raster import RasterPanel
from gui.panels.reversal import ReversalPanel
from gui.panels.settling import SettlingPanel
from gui.panels.unit import UnitPanel
from rig.documents import DeclaredTrial, EpochStarted, EstimatesUpdated
from rig.estimate.online import ReversalEstimator

SIZES = (1.0, 2.5, 5.0, 8.0)
AXIS = (-3.0, -1.8, 0.2, 3.0)


def begin(session, name="few sizes"):
    declared = tuple(
        DeclaredTrial(condition="signalled", reward_ul=size, signalled=True, count=k + 1)
        for k, size in enumerate(SIZES)
    )
    return session.model.take(
        EpochStarted(
            epoch=1,
            name=name,
            trial=session.trial,
            sizes_ul=SIZES,
            utility_axis_hz=AXIS,
            declared=declared,
            discard=3,
        )
    )


def learn(session, rewards):
    """Tell estimates of the new epoch."""
    estimator = ReversalEstimator(SIZES)
    estimator.ensure_units(session.units)
    for k in range(rewards):
        error = AXIS[k % 4] - session.reversal_hz
        estimator.update(k % 4, error + session.rng.normal(0, 2.0, len(session.units)))
        session.trial += 1
        session.model.take(
            EstimatesUpdated(trial=session.trial, rewarded=k + 1, units=estimator.estimates(), epoch=1)
        )


@pytest.mark.parametrize("panel_class", [ReversalPanel, UnitPanel, RasterPanel, SettlingPanel])
def test_a_new_epoch_is_said_where_estimates_were(new_session, show, panel_class):
    session = new_session(units=4).run(30)
    panel = show(panel_class, session.model)
    assert panel.shows_content
    panel.refresh(begin(session))
    assert panel.empty.text() == (
        "Epoch 1, few sizes, has begun: estimates begin from nothing after its first 3 trials."
    )


def test_the_axis_and_the_mean_are_those_of_the_new_epoch(new_session, show):
    session = new_session(units=4).run(30)
    panel = show(ReversalPanel, session.model)
    before = panel.chart.plot.getPlotItem().getAxis("top")._tickLevels[0][0][0]
    begin(session)
    learn(session, 20)
    panel.refresh(Aspect.EVERYTHING)
    labels = [name for _, name in panel.chart.plot.getPlotItem().getAxis("bottom")._tickLevels[0]]
    assert labels == ["1", "2.5", "5", "8"]
    ((mean, _),) = panel.chart.plot.getPlotItem().getAxis("top")._tickLevels[0]
    assert mean != before and 2.0 < mean < 3.0
    assert panel.note.text().startswith("epoch 1, after 20 rewarded trials")


def test_other_odds_alone_move_the_mean(new_session, show):
    """The same sizes: the axis stays, the dashed line does not."""
    session = new_session(units=2).run(30)
    panel = show(ReversalPanel, session.model)
    ((before, _),) = panel.chart.plot.getPlotItem().getAxis("top")._tickLevels[0]
    model = session.model
    mirrored = tuple(
        DeclaredTrial(condition="x", reward_ul=kind.reward_ul, signalled=True, count=10 - k)
        for k, kind in enumerate(model.declared)
    )
    estimates = model.estimates
    model.take(
        EpochStarted(
            epoch=1,
            name="mirrored",
            trial=session.trial,
            sizes_ul=model.sizes_ul,
            utility_axis_hz=model.axis_hz,
            declared=mirrored,
        )
    )
    model.take(EstimatesUpdated(trial=99, rewarded=1, units=tuple(estimates.values()), epoch=1))
    panel.refresh(Aspect.EVERYTHING)
    ((after, _),) = panel.chart.plot.getPlotItem().getAxis("top")._tickLevels[0]
    assert after < before - 0.3


def test_settling_marks_where_it_began_and_breaks_the_line_there(new_session, show):
    session = new_session(units=2).run(40)
    panel = show(SettlingPanel, session.model)
    assert panel.epochs.names == []
    begin(session)
    learn(session, 30)
    panel.refresh(Aspect.EVERYTHING)
    assert panel.epochs.names == ["few sizes"]
    x, y = panel.path.getData()
    assert x[-1] == 70 and np.isnan(y).sum() == 1, "one gap"
    (left, right), _ = panel.plot.getViewBox().viewRange()
    assert left <= 40 <= right and right >= 70
    # the count and the forecast are of this epoch alone
    assert sum(int(text.toPlainText()) for text in panel.bar_names) == 30


def test_a_selected_unit_that_is_not_there_yet_is_no_error(new_session, show):
    session = new_session(units=3).run(30)
    session.model.select("7:3")
    panel = show(UnitPanel, session.model)
    begin(session)
    session.units = session.units[:2]
    session.reversal_hz = session.reversal_hz[:2]
    learn(session, 12)
    panel.refresh(Aspect.EVERYTHING)
    assert panel.empty.text() == "Nothing is known of 7:3 yet in this epoch."
