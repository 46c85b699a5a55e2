from __future__ import annotations

import pytest

from gui.client import LinkChanged
from gui.model import Aspect
from gui.panels.now import NowPanel
from gui.theme import LIGHT
from rig.documents import BoardActivity, Happening, SessionEnded, TrialDone

S = 1_000_000
START = 46 * S


@pytest.fixture
def running(model, made):
    model.take(
        made.begins(
            6,
            START,
            ("state", "iti", True, 0),
            ("input", "lick", True, 500_000),
            ("input", "lick", False, 520_000),
            ("state", "cue", True, 2 * S),
            ("output", "odour_b", True, 2 * S),
        )
    )
    return model


def bars(item):
    """(start, end, row) of each bar."""
    opts = item.opts
    return [
        (x, pytest.approx(x + w), y) for x, w, y in zip(opts["x0"], opts["width"], opts["y"], strict=True)
    ]


def row(panel, name):
    return panel.chart.rows.index(name)


def test_the_running_trial_is_drawn_row_by_row(running, shown):
    panel = shown(NowPanel, running, size=(420, 320))
    chart = panel.chart
    assert chart.rows == ["iti", "cue", "delay", "reward", "drink", "odour_a", "odour_b", "water", "lick"]
    assert bars(chart.states) == [(0.0, 2.0, row(panel, "iti")), (2.0, 2.0, row(panel, "cue"))]
    assert bars(chart.outputs) == [(2.0, 2.0, row(panel, "odour_b"))]
    x, y = chart.licks.getData()
    assert list(x) == [0.5, 0.5]
    assert y.mean() == pytest.approx(row(panel, "lick"))
    assert panel.what.text() == "trial 7: odour B, no reward"
    assert panel.state.text() == "cue 0.0 s"
    assert chart.now.isVisible()


def test_names_on_the_axis_are_written_as_people_write_them(running, shown):
    panel = shown(NowPanel, running, size=(420, 320))
    ticks = [text for _, text in panel.chart.plot.getAxis("left")._tickLevels[0]]
    assert "odour B" in ticks and "odour_b" not in ticks


def test_the_cursor_runs_on_between_two_words_of_the_board_and_waits_for_a_silent_one(running, shown):
    panel = shown(NowPanel, running)
    panel.tick(0.4)
    assert panel.chart.now.value() == pytest.approx(2.4, abs=1e-6)
    assert panel.state.text() == "cue 0.4 s"
    assert bars(panel.chart.states)[-1][:2] == (2.0, pytest.approx(2.4))
    panel.tick(30.0)
    assert panel.chart.now.value() == pytest.approx(3.5), "1.5 s after the last word it stands still"


def test_a_tick_carries_what_is_on_and_leaves_what_is_off(running, shown):
    running.take(BoardActivity(trial=6, happened=(Happening("output", "odour_b", False, START + 2_400_000),)))
    panel = shown(NowPanel, running)
    panel.tick(1.0)
    assert bars(panel.chart.outputs) == [(2.0, pytest.approx(2.4), row(panel, "odour_b"))]


def test_when_the_trial_is_done_it_is_shown_faint_until_the_next_begins(running, shown, made):
    panel = shown(NowPanel, running)
    assert panel.chart.states.opacity() == 1.0
    running.take(BoardActivity(trial=6, happened=(Happening("end", "complete", False, START + 6 * S),)))
    running.take(TrialDone(record=made.record(6, "odour_b")))
    panel.refresh(Aspect.TRIALS)
    assert panel.chart.states.opacity() < 0.6
    assert not panel.chart.now.isVisible()
    assert panel.what.text() == "last: trial 7, odour B, no reward"
    running.take(made.begins(7, START + 6 * S, ("state", "iti", True, 0)))
    panel.refresh(Aspect.ACTIVITY)
    assert panel.chart.states.opacity() == 1.0
    assert panel.chart.licks.getData()[0].size == 0


def test_a_drop_of_milliseconds_can_be_seen(fed, made, shown, coloured):
    unseen = fed(made.started(), TrialDone(record=made.record(0, "odour_b")))
    seen = fed(made.started(), TrialDone(record=made.record(0, "unsignalled", 5.0)))
    for model in (unseen, seen):
        model.take(made.begins(1, START, ("state", "iti", True, 0)))
    seen.take(
        BoardActivity(
            trial=1,
            happened=(
                Happening("output", "water", True, START + 1 * S),
                Happening("output", "water", False, START + 1 * S + 4_000),
            ),
        )
    )
    assert coloured(shown(NowPanel, unseen).chart.plot, LIGHT.reward) < coloured(
        shown(NowPanel, seen).chart.plot, LIGHT.reward
    )


def test_many_states_share_a_row_and_write_their_names_into_it(model, made, shown):
    visits = [("state", f"step_{k}_of", True, k * S) for k in range(14)]
    model.take(made.begins(6, START, *visits))
    panel = shown(NowPanel, model, size=(900, 170))
    assert panel.chart.rows[0] == "state"
    assert {y for _, _, y in bars(panel.chart.states)} == {0}
    written = [name.toPlainText() for name in panel.chart._names if name.isVisible()]
    assert "step 3 of" not in written, "a second is too short for it"
    model.take(BoardActivity(trial=6, happened=(Happening("state", "long", True, START + 14 * S),)))
    model.take(BoardActivity(trial=6, happened=(Happening("state", "last", True, START + 20 * S),)))
    panel.refresh(Aspect.ACTIVITY)
    assert "long" in [name.toPlainText() for name in panel.chart._names if name.isVisible()]


def test_on_a_big_screen_rows_do_not_grow_without_end(running, shown):
    panel = shown(NowPanel, running, size=(600, 1600))
    box = panel.chart.plot.getViewBox()
    top, bottom = box.viewRange()[1]
    assert box.height() / (bottom - top) == pytest.approx(64, rel=0.02)
    panel.resize(600, 300)
    panel.refresh(Aspect.NOTHING)
    assert box.viewRange()[1] == pytest.approx([-0.6, len(panel.chart.rows) - 0.4])


def test_a_mad_detector_is_counted_not_drawn(model, made, shown):
    flood = [("input", "lick", k % 2 == 0, k * 100) for k in range(6000)]
    model.take(made.begins(6, START, ("state", "iti", True, 0), *flood))
    panel = shown(NowPanel, model)
    assert panel.chart.licks.getData()[0].size == 5000
    assert "1000 more input changes" in panel.what.text()


def test_it_paints(running, shown, inked, coloured, empty):
    full, bare = shown(NowPanel, running), shown(NowPanel, empty)
    running.take(BoardActivity(trial=6, happened=(Happening("state", "delay", True, START + 3 * S),)))
    full.refresh(Aspect.ACTIVITY)
    assert inked(full) > 4000 and coloured(full, LIGHT.cue) > 300
    assert inked(bare) > 500 and coloured(bare, LIGHT.cue) == 0


def test_another_session_has_rows_of_its_own(running, shown, fed, made):
    panel = shown(NowPanel, running)
    running.reset()
    running.take(made.started())
    running.take(TrialDone(record=made.record(0, "unsignalled", 5.0)))
    panel.refresh(Aspect.EVERYTHING)
    assert panel.chart.rows == ["iti", "reward", "drink", "water"]


def test_it_says_why_it_is_empty_or_stands_still(empty, fed, made, model, running, shown):
    assert "No session" in shown(NowPanel, empty).empty.text()
    waiting = fed(made.started(), made.state(phase="warming up"))
    assert "No trial has begun" in shown(NowPanel, waiting).empty.text()
    late = fed(made.started(), made.state(phase="running"))
    assert "beginning was not seen" in shown(NowPanel, late).empty.text()
    paused = shown(
        NowPanel, fed(made.started(), TrialDone(record=made.trials[0]), made.state(phase="paused"))
    )
    assert paused.state.text() == "paused"
    running.take(LinkChanged("nothing was heard for 5 s"))
    assert shown(NowPanel, running).state.text().endswith("(engine silent)")
    running.take(
        SessionEnded(reason="", ok=True, trials=6, delivered_ul=0, decision_digest="", deadlines_expired=0)
    )
    assert shown(NowPanel, running).state.text() == "session over"
