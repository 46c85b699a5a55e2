"""One unit's spikes: all of them, in the rows of their trials, and rates that are real rates."""

import msgspec
import numpy as np
import pytest
from PyQt5.QtCore import Qt

from gui.model import Aspect, SessionModel
from gui.panels.raster import ENOUGH, RasterPanel
from gui.theme import DARK, LIGHT
from rig.documents import DeclaredTrial, TrialDone
from rig.trial.spec import ResponseWindow


def drawn_spikes(panel):
    """Spike times in ms by row, as drawn."""
    rows = {}
    for curve in panel.spikes:
        x, y = curve.getData()
        for time, bottom in zip(x[::2], y[::2], strict=True):
            rows.setdefault(int(bottom), []).append(time * 1e3)
    return rows


def test_every_spike_is_in_the_row_of_its_trial(new_session, show):
    session = new_session(units=12).run(30)
    session.model.select("7:4")
    panel = show(RasterPanel, session.model, size=(800, 600))
    rows = panel.drawn_rows
    assert len(rows) == 30
    assert [row.reward_ul for row in rows] == sorted(row.reward_ul for row in rows)
    drawn = drawn_spikes(panel)
    for k, row in enumerate(rows):
        told = session.model.spikes[row.trial]
        times = np.array(told.times[told.units.index("7:4")]) / 10
        assert len(times) == 8
        assert sorted(drawn[k]) == pytest.approx(times)


def test_groups_are_named_and_coloured_by_size(new_session, show):
    session = new_session(units=1).run(60)
    panel = show(RasterPanel, session.model, size=(800, 700))
    labels = [word for _, word in panel.raster.getPlotItem().getAxis("left")._tickLevels[0]]
    assert labels == ["0.1", "0.3", "1.2", "2.5", "5", "10", "20"]
    colours = [curve.opts["pen"].color().name() for curve in panel.spikes]
    assert colours == [LIGHT.size_colour(k, 7).lower() for k in range(7)]


def test_signalled_rows_carry_a_cue_mark_and_can_be_seen_alone(qtbot, new_session, show):
    session = new_session(units=2).run(30)
    panel = show(RasterPanel, session.model, size=(800, 600))
    x, y = panel.others.getData()
    marked = {int(low) for low in y[::2]}
    assert marked == {k for k, row in enumerate(panel.drawn_rows) if row.signalled}
    assert set(x.tolist()) == {-1.5}
    qtbot.mouseClick(panel.which.button(1), Qt.LeftButton)
    assert len(panel.drawn_rows) == 15 and all(row.signalled for row in panel.drawn_rows)
    qtbot.mouseClick(panel.which.button(2), Qt.LeftButton)
    assert len(panel.drawn_rows) == 15 and not any(row.signalled for row in panel.drawn_rows)
    assert len(panel.others.getData()[0]) == 0


def test_windows_are_shaded_where_they_are_counted(qtbot, new_session, show):
    session = new_session(units=2).run(20)
    panel = show(RasterPanel, session.model)
    before_cue, before_reward = panel.baselines[0]
    for region in panel.windows:
        assert region.getRegion() == (0.2, 0.6)
    assert before_cue.getRegion() == (-2.5, -1.5)
    assert before_reward.getRegion() == (-1.0, 0.0)
    qtbot.mouseClick(panel.which.button(1), Qt.LeftButton)
    assert before_cue.isVisible() and not before_reward.isVisible()
    qtbot.mouseClick(panel.which.button(2), Qt.LeftButton)
    assert before_reward.isVisible() and not before_cue.isVisible()


def test_rates_add_up_to_the_spikes(new_session, show):
    session = new_session(units=3).run(40)
    panel = show(RasterPanel, session.model)
    rows = [row for row in panel.drawn_rows if row.reward_ul == 5.0]
    t, hz = panel.rates[4].getData()
    inside = [((row.times_ms > -2450) & (row.times_ms < 550)).sum() for row in rows]
    assert hz.mean() * (t[-1] - t[0]) == pytest.approx(np.mean(inside), rel=0.25)
    few = [row for row in panel.drawn_rows if row.reward_ul == 0.1]
    assert len(few) < ENOUGH
    assert panel.rates[0].opacity() < panel.rates[4].opacity() == 1.0


def test_with_more_trials_than_room_the_newest_are_shown_and_it_says_so(new_session, show):
    session = new_session(units=1).run(150, every=50)
    panel = show(RasterPanel, session.model, size=(700, 260))
    shown = sorted(row.trial for row in panel.drawn_rows)
    assert len(shown) < 150 and shown == list(range(150 - len(shown), 150))
    assert f"newest {len(shown)} of 150" in panel.note.text()


def test_new_trials_and_another_unit_are_followed(new_session, show):
    session = new_session(units=12).run(10)
    panel = show(RasterPanel, session.model, size=(800, 600))
    session.run(5)
    panel.refresh(Aspect.SPIKES)
    assert len(panel.drawn_rows) == 15
    assert {len(row.times_ms) for row in panel.drawn_rows} == {5}
    panel.refresh(session.model.select("7:3"))
    assert {len(row.times_ms) for row in panel.drawn_rows} == {7} and panel.name.text() == "7:3"


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda t: t.name)
def test_it_is_really_painted(new_session, show, painted, theme):
    panel = show(RasterPanel, new_session(units=1).run(60).model, theme=theme, size=(400, 270))
    for size in (4, 5):
        spikes = len(panel.spikes[size].getData()[0]) // 2
        colour = theme.size_colour(size, 7)
        assert painted(panel.raster, colour, tolerance=12) >= 0.8 * spikes > 20
        assert painted(panel.psth, colour, tolerance=60) > 50


def test_it_says_why_it_is_empty(new_session, show):
    assert "No session" in show(RasterPanel, SessionModel()).empty.text()
    session = new_session(units=2)
    panel = show(RasterPanel, session.model)
    assert "No rewarded trial yet" in panel.empty.text()
    session.run(3)
    spikes = session.model.spikes
    session.model.spikes = []
    panel.refresh(Aspect.EVERYTHING)
    assert "No spikes" in panel.empty.text()
    session.model.spikes = spikes
    panel.refresh(Aspect.SPIKES)
    assert panel.shows_content


def test_one_more_trial_costs_the_same_among_many_units(new_session, show, quickest):
    cost = {}
    for units in (40, 200, 1000):
        session = new_session(units=units).run(20, every=20)
        session.model.select(session.units[-1])
        panel = show(RasterPanel, session.model)

        def one_more(panel=panel, session=session):
            session.model.spikes.append(session.model.spikes[0])
            panel.refresh(Aspect.SPIKES)

        cost[units] = quickest(one_more)
    assert cost[200] < 3 * cost[40]
    assert cost[1000] < 4 * cost[40]


def test_rows_that_begin_later_say_that_they_do(new_session, show):
    """Delays differ, so do the stretches that were looked at: what was not is no silence."""
    session = new_session(units=1).run(24)
    early = [msgspec.structs.replace(one, start_ms=-4500) for one in session.model.spikes[:8]]
    session.model.spikes = early + session.model.spikes[8:]
    panel = show(RasterPanel, session.model)
    unseen = panel.unseen.opts
    late = [row for row in panel.drawn_rows if row.start_ms == -2500]
    assert sum(unseen["height"]) == len(late) == 16
    assert set(unseen["x0"]) == {-4.5} and set(unseen["width"]) == {2.0}
    (left, _), _ = panel.raster.getViewBox().viewRange()
    assert left == pytest.approx(-4.5)
    panel.which.button(2).click()
    panel.which.button(0).click()
    assert sum(panel.unseen.opts["height"]) == 16


def around_cues(session, trials):
    """Tell trials of two conditions with the spikes around their cues; every other one is rewarded."""
    for k in range(trials):
        record = session._record(5.0, True)
        condition = f"cue_{k % 2}"
        spec = msgspec.structs.replace(record.spec, condition=condition, reward_ul=5.0 * (k % 2))
        record = msgspec.structs.replace(record, spec=spec, reward_us=2_500_000 if k % 2 else None)
        session.model.take(TrialDone(record=record))
        spikes = session._spikes(5.0 * (k % 2), True)
        session.model.take(msgspec.structs.replace(spikes, start_ms=-1000, stop_ms=3000, aligned_to="cue"))
        session.trial += 1


@pytest.fixture
def of_cues(new_session):
    declared = tuple(
        DeclaredTrial(condition=f"cue_{k}", reward_ul=5.0 * k, signalled=True, count=1, cue=f"odour_{k}")
        for k in range(2)
    )
    window = ResponseWindow(start_ms=0, stop_ms=400)
    session = new_session(units=2, declared=declared, cue_window=window).run(4)
    around_cues(session, 20)
    return session


def test_around_cues_rows_are_grouped_by_condition(of_cues, show, qtbot):
    panel = show(RasterPanel, of_cues.model)
    assert panel.aligned == "reward" and len(panel.drawn_rows) == 4
    qtbot.mouseClick(panel.align.button(1), Qt.LeftButton)
    assert [row.condition for row in panel.drawn_rows] == ["cue_0"] * 10 + ["cue_1"] * 10
    labels = [word for _, word in panel.raster.getPlotItem().getAxis("left")._tickLevels[0]]
    assert labels == ["cue 0", "cue 1"]
    assert [curve.opts["pen"].color().name().upper() for curve in panel.rates[:2]] == list(LIGHT.series[:2])
    assert {region.getRegion() for region in panel.windows} == {(0.0, 0.4)}
    before_cue, before_zero = panel.baselines[0]
    assert before_zero.isVisible() and not before_cue.isVisible()
    assert before_zero.getRegion() == (-1.0, 0.0)
    x, y = panel.others.getData()
    assert set(x.tolist()) == {1.5} and {int(low) for low in y[::2]} == set(range(10, 20)), "rewards"
    assert "cue" in panel.psth.getPlotItem().getAxis("bottom").labelText
    qtbot.mouseClick(panel.align.button(0), Qt.LeftButton)
    assert {row.reward_ul for row in panel.drawn_rows} <= set(of_cues.model.sizes_ul)


def test_a_session_about_cues_alone_begins_with_them(new_session, show):
    declared = (DeclaredTrial(condition="cue_0", reward_ul=5.0, signalled=True, count=1, cue="odour_a"),)
    session = new_session(
        units=1, declared=declared, cue_window=ResponseWindow(), reversal_conditions=()
    ).run(3)
    panel = show(RasterPanel, session.model)
    assert panel.aligned == "cue" and panel.empty.text() == "No spikes around a cue yet."
    assert not panel.which.button(0).isVisible(), "every reward is announced"


def test_without_a_cue_window_there_is_nothing_to_choose(new_session, show):
    panel = show(RasterPanel, new_session(units=1).run(3).model)
    assert not panel.align.button(0).isVisible() and not panel.align.button(1).isVisible()
