from __future__ import annotations

import numpy as np
import pytest
from PyQt5.QtCore import QPoint, QPointF, Qt
from PyQt5.QtGui import QWheelEvent
from PyQt5.QtWidgets import QApplication

from gui.model import Aspect
from gui.panels.trials import TrialsPanel
from gui.theme import LIGHT
from rig.documents import EpochStarted, TrialDone


def ticks(panel):
    """(row, seconds) of every lick that is drawn, with the colour it has."""
    found = []
    for curve in panel.licks:
        x, y = curve.getData()
        colour = curve.opts["pen"].color().name().upper()
        found += [(round((y[k] + y[k + 1]) / 2), round(float(x[k]), 3), colour) for k in range(0, len(x), 2)]
    return sorted(found)


def click(qtbot, panel, number):
    qtbot.mouseClick(panel.align_buttons.button(number), Qt.LeftButton)


def test_licks_stand_around_the_first_event_in_the_colour_of_the_size(model, shown):
    panel = shown(TrialsPanel, model)
    small, middle, large = (LIGHT.size_colour(k, 3).upper() for k in range(3))
    assert ticks(panel) == [
        (0, 0.5, middle), (0, 1.6, middle), (0, 1.8, middle),
        (1, 0.1, small),
        (3, 0.5, large), (3, 1.6, large), (3, 1.8, large), (3, 2.0, large),
        (4, 0.1, middle), (4, 0.3, middle),
        (5, 1.6, middle),
    ]  # fmt: skip


def test_rewards_grow_with_their_size_and_cues_differ_in_more_than_colour(model, shown):
    panel = shown(TrialsPanel, model)
    x, y = panel.rewards.getData()
    assert list(zip(y, np.round(x, 3), strict=True)) == [(0, 1.5), (1, 0.0), (3, 1.5), (4, 0.0), (5, 1.5)]
    size = dict(zip(y, panel.rewards.data["size"], strict=True))
    assert size[1] < size[0] == size[4] < size[3]
    a, b = panel.cues["odour_a"], panel.cues["odour_b"]
    assert a.opts["y"] == [0, 3, 5] and b.opts["y"] == [2]
    assert a.opts["width"] == pytest.approx([1.0, 1.0, 1.0])
    assert a.opts["brush"].style() != b.opts["brush"].style()
    assert "odour A" in panel.legend.text() and "odour B" in panel.legend.text()
    for words in ("1", "5", "20", "uL"):
        assert words in panel.sizes.text()


def test_aligned_to_the_reward_trials_without_one_are_left_out_and_it_is_said(model, shown, qtbot):
    panel = shown(TrialsPanel, model)
    click(qtbot, panel, 1)
    assert list(panel.rows) == [0, 1, 3, 4, 5]
    assert set(np.round(panel.rewards.getData()[0], 6)) == {0.0}
    assert (0, -1.0, LIGHT.size_colour(1, 3).upper()) in ticks(panel)
    assert "1 without a reward" in panel.legend.text()
    assert panel.plot.getAxis("bottom").labelText == "seconds from the reward"
    click(qtbot, panel, 0)
    assert list(panel.rows) == [0, 1, 2, 3, 4, 5]
    assert "left out" not in panel.legend.text()


def test_licks_that_fell_into_the_next_trial_are_drawn_with_the_reward_they_followed(fed, made, shown):
    model = fed(
        made.started(),
        TrialDone(record=made.record(0, "signalled", 5.0, licks=(5.9,))),
        TrialDone(record=made.record(1, "odour_b", licks=(0.05,))),
    )
    assert [(row, at) for row, at, _ in ticks(shown(TrialsPanel, model))] == [(0, 3.9)]


def test_thousands_of_trials_draw_only_what_is_in_view(model, made, shown, qtbot):
    for number in range(6, 3000):
        model.take(TrialDone(record=made.record(number, "signalled", 5.0, licks=(2.5, 3.6, 3.8))))
    panel = shown(TrialsPanel, model)
    drawn = {row for row, _, _ in ticks(panel)}
    assert len(drawn) == panel.bar.pageStep() < 100
    assert panel.bar.value() == panel.bar.maximum() == 3000 - panel.bar.pageStep()
    labels = [text for _, text in panel.plot.getAxis("left")._tickLevels[0]]
    assert int(labels[-1]) > 2980


def test_it_follows_the_newest_unless_somebody_looks_back(model, made, shown, qtbot):
    for number in range(6, 200):
        model.take(TrialDone(record=made.record(number, "signalled", 5.0)))
    panel = shown(TrialsPanel, model)
    before = panel.bar.value()
    model.take(TrialDone(record=made.record(200, "signalled", 5.0)))
    panel.refresh(Aspect.TRIALS)
    assert panel.bar.value() == before + 1
    viewport = panel.plot.viewport()
    at = QPointF(viewport.rect().center())
    wheel = QWheelEvent(
        at, viewport.mapToGlobal(at.toPoint()), QPoint(), QPoint(0, 240), Qt.NoButton, Qt.NoModifier,
        Qt.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(viewport, wheel)
    looked_at = panel.bar.value()
    assert looked_at == before + 1 - 10
    model.take(TrialDone(record=made.record(201, "signalled", 5.0)))
    panel.refresh(Aspect.TRIALS)
    assert panel.bar.value() == looked_at


def test_a_replay_that_goes_back_begins_anew(model, made, shown):
    panel = shown(TrialsPanel, model)
    model.reset()
    model.take(made.started())
    model.take(TrialDone(record=made.record(0, "odour_b")))
    panel.refresh(Aspect.EVERYTHING)
    assert list(panel.rows) == [0]
    assert ticks(panel) == []


def test_it_paints(model, shown, inked, coloured, empty):
    full, bare = shown(TrialsPanel, model), shown(TrialsPanel, empty)
    largest = LIGHT.size_colour(2, 3)
    assert inked(full) > 4000 and coloured(full.plot, largest) > 30
    assert inked(bare) > 500 and coloured(bare, largest) == 0


def test_it_says_why_it_is_empty(empty, shown):
    panel = shown(TrialsPanel, empty)
    assert not panel.shows_content
    assert "No trial has finished yet" in panel.empty.text()


def test_another_epoch_is_a_line_between_the_rows_and_no_size_changes_its_colour(model, shown, made):
    before = shown(TrialsPanel, model)
    rewards = [spot.brush().color().name() for spot in before.rewards.points()]
    model.take(
        EpochStarted(
            epoch=1,
            name="mirrored",
            trial=3,
            sizes_ul=(1.0, 5.0, 20.0),
            utility_axis_hz=(0.0, 1.0, 2.0),
            declared=model.started.declared[::-1],
        )
    )
    panel = shown(TrialsPanel, model)
    assert panel.epochs.names == ["mirrored"]
    ((line, _),) = panel.epochs._made
    assert line.value() == 2.5, "above the row of trial 4"
    assert [spot.brush().color().name() for spot in panel.rewards.points()] == rewards
    panel.align_buttons.button(1).click()
    assert line.value() == 1.5, "fewer rows have a reward"


def test_a_size_of_a_later_epoch_has_a_colour_too(model, shown, made):
    model.take(
        EpochStarted(
            epoch=1, name="one more", trial=6, sizes_ul=(5.0, 40.0), utility_axis_hz=(0.0, 1.0), declared=()
        )
    )
    model.take(TrialDone(record=made.record(6, "signalled", 40.0)))
    panel = shown(TrialsPanel, model)
    colours = [spot.brush().color().name().upper() for spot in panel.rewards.points()]
    assert colours[-1] == LIGHT.size_colour(3, 4).upper()
    assert LIGHT.lick.upper() not in colours, "every size that was declared is known"
