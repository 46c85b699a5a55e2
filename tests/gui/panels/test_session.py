from __future__ import annotations

import pytest
from PyQt5.QtCore import QPoint, QPointF, Qt
from PyQt5.QtGui import QWheelEvent
from PyQt5.QtWidgets import QApplication

from gui.client import HealthSeen, LinkChanged
from gui.model import Aspect
from gui.panels.session import SessionPanel
from gui.requests import PATIENCE_S
from rig.documents import SessionEnded, TrialDone
from rig.operator import ManualReward, Note, SetParameter


@pytest.fixture
def panel(model, shown):
    return shown(SessionPanel, model, size=(280, 640))


def type_in(qtbot, field, text):
    field.selectAll()
    qtbot.keyClicks(field, text)


def hear(panel, *notices):
    for notice in notices:
        panel.model.take(notice)
    panel.refresh(Aspect.NOTICES)


def test_who_and_what_is_said(panel):
    assert [panel.facts.labels[name].text() for name in ("subject", "protocol", "rig", "seed")] == [
        "M7", "made_up", "rig 3", "42",
    ]  # fmt: skip
    assert panel.facts.labels["file"].text() == "not known here"
    panel.model.take(HealthSeen({"recorder": {"file": "/data/M7.sqlite"}}, 1.0))
    panel.refresh(Aspect.HEALTH)
    assert panel.facts.labels["file"].text() == panel.facts.labels["file"].toolTip() == "/data/M7.sqlite"


def test_every_parameter_has_a_field_with_its_unit_and_limits(panel):
    row = panel.rows["odour_s"]
    assert (row.field.text(), row.unit.text()) == ("1", "s")
    assert "length of an odour" in row.field.toolTip()
    assert "at least 0.1 s, at most 3 s" in row.field.toolTip()
    assert panel.rows["sizes_ul"].field.text() == "1, 5, 20"
    assert panel.rows["lights"].box is not None and not panel.rows["lights"].box.isChecked()


def test_enter_sends_a_change_and_the_answer_is_shown(panel, qtbot, asked, made):
    row = panel.rows["odour_s"]
    type_in(qtbot, row.field, "0.8")
    assert asked == []
    assert "Enter sends it" in row.status.text()
    qtbot.keyClick(row.field, Qt.Key_Return)
    assert asked == [SetParameter(name="odour_s", value="0.8")]
    assert "sent" in row.status.text()
    hear(panel, made.notice("note", "odour_s = 0.8 from the next trial on"))
    assert row.status.text() == "✔ accepted, from the next trial on"
    assert row.value == row.field.text() == "0.8"
    panel.model.take(TrialDone(record=made.record(6, "odour_b")))
    panel.refresh(Aspect.TRIALS)
    assert row.status.text() == "✔ accepted, from the next trial on", "trial 8 has not begun"
    panel.model.take(made.begins(7, 52_000_000))
    panel.refresh(Aspect.STATE)
    assert row.status.text() == "✔ in force since trial 8"


def test_a_change_made_in_a_pause_holds_for_the_very_next_trial(panel, qtbot, made):
    panel.model.take(made.state(phase="paused"))
    row = panel.rows["odour_s"]
    type_in(qtbot, row.field, "0.8")
    qtbot.keyClick(row.field, Qt.Key_Return)
    hear(panel, made.notice("note", "odour_s = 0.8 from the next trial on"))
    panel.model.take(made.begins(6, 52_000_000))
    panel.refresh(Aspect.STATE)
    assert row.status.text() == "✔ in force since trial 7"


def test_a_refusal_is_shown_where_it_was_asked_for(panel, qtbot, asked, made):
    for name, text in (("odour_b", "7"), ("odour_s", "2.5")):
        type_in(qtbot, panel.rows[name].field, text)
        qtbot.keyClick(panel.rows[name].field, Qt.Key_Return)
    hear(panel, made.notice("warning", "refused: 'odour_s' is longer than 'cue_to_reward_s'"))
    assert panel.rows["odour_s"].status.text() == "✖ refused: 'odour_s' is longer than 'cue_to_reward_s'"
    assert "sent" in panel.rows["odour_b"].status.text()
    assert panel.rows["odour_s"].field.text() == "2.5", "what was typed stays, to be mended"
    qtbot.keyClick(panel.rows["odour_s"].field, Qt.Key_Escape)
    assert panel.rows["odour_s"].field.text() == "1"


def test_what_cannot_be_right_is_not_sent(panel, qtbot, asked):
    row = panel.rows["odour_s"]
    for text, words in (("0", "the least is 0.1 s"), ("4", "the most is 3 s"), ("0,5", "write a number")):
        type_in(qtbot, row.field, text)
        assert words in row.status.text()
        qtbot.keyClick(row.field, Qt.Key_Return)
    type_in(qtbot, panel.rows["odour_b"].field, "2.5")
    qtbot.keyClick(panel.rows["odour_b"].field, Qt.Key_Return)
    assert "whole number" in panel.rows["odour_b"].status.text()
    type_in(qtbot, panel.rows["sizes_ul"].field, "1; 2")
    qtbot.keyClick(panel.rows["sizes_ul"].field, Qt.Key_Return)
    assert asked == []


def test_a_flag_is_sent_by_a_click_and_goes_back_when_refused(panel, qtbot, asked, made):
    box = panel.rows["lights"].box
    qtbot.mouseClick(box, Qt.LeftButton, pos=QPoint(8, box.height() // 2))
    assert asked == [SetParameter(name="lights", value="true")]
    hear(panel, made.notice("warning", "refused: 'lights' cannot be changed"))
    assert not box.isChecked()


def test_a_change_by_another_window_is_shown_unless_something_is_being_typed(panel, qtbot, made):
    hear(panel, made.notice("note", "odour_s = 0.7 from the next trial on"))
    assert panel.rows["odour_s"].field.text() == "0.7"
    type_in(qtbot, panel.rows["odour_s"].field, "0.9")
    hear(panel, made.notice("note", "odour_s = 0.6 from the next trial on"))
    assert panel.rows["odour_s"].field.text() == "0.9"
    qtbot.keyClick(panel.rows["odour_s"].field, Qt.Key_Escape)
    assert panel.rows["odour_s"].field.text() == "0.6"


def test_one_drop_now(panel, qtbot, asked, made):
    assert panel.drop_size.maximum() == 12.0
    assert panel.drop_size.value() == 5.0
    type_in(qtbot, panel.drop_size.lineEdit(), "3.5")
    qtbot.mouseClick(panel.drop_button, Qt.LeftButton)
    assert asked == [ManualReward(volume_ul=3.5)]
    assert not panel.drop_button.isEnabled(), "a second click must not give a second drop"
    qtbot.mouseClick(panel.drop_button, Qt.LeftButton)
    assert len(asked) == 1
    hear(panel, made.notice("note", "manual reward of 3.5 uL"))
    assert panel.drop_status.text() == "✔ 3.5 uL sent to the valve at 1:01.0"
    assert panel.drop_button.isEnabled()


def test_a_refused_drop_says_why(panel, qtbot, made):
    qtbot.mouseClick(panel.drop_button, Qt.LeftButton)
    hear(panel, made.notice("warning", "refused: more than 400 uL within a minute"))
    assert panel.drop_status.text() == "✖ refused: more than 400 uL within a minute"


def test_a_drop_that_the_board_refused_is_taken_back(panel, qtbot, made):
    qtbot.mouseClick(panel.drop_button, Qt.LeftButton)
    hear(
        panel,
        made.notice("note", "manual reward of 5 uL"),
        made.notice("warning", "the board refused a pulse on output 0"),
    )
    assert panel.drop_status.text() == "✖ the board refused a pulse on output 0: no drop was given"


def test_the_wheel_never_changes_a_drop(panel):
    at = QPointF(5, 5)
    glob = panel.drop_size.mapToGlobal(QPoint(5, 5))
    wheel = QWheelEvent(
        at, QPointF(glob), QPoint(), QPoint(0, 120), Qt.NoButton, Qt.NoModifier, Qt.NoScrollPhase, False
    )
    panel.drop_size.setFocus()
    QApplication.sendEvent(panel.drop_size, wheel)
    assert panel.drop_size.value() == 5.0


def test_a_note_is_sent_by_enter_or_click_and_stamped(panel, qtbot, asked, made):
    qtbot.keyClicks(panel.note, "sleepy")
    qtbot.keyClick(panel.note, Qt.Key_Return)
    assert asked == [Note(text="sleepy")]
    assert panel.note.text() == ""
    hear(panel, made.notice("note", "sleepy"))
    assert panel.note_status.text() == "✔ noted at 1:01.0: sleepy"
    qtbot.keyClicks(panel.note, "awake")
    qtbot.mouseClick(panel.note_button, Qt.LeftButton)
    qtbot.mouseClick(panel.note_button, Qt.LeftButton)
    assert asked[1:] == [Note(text="awake")], "an empty note is none"


def test_silence_is_not_taken_for_a_yes(panel, qtbot):
    qtbot.mouseClick(panel.drop_button, Qt.LeftButton)
    panel.tick(100.0)
    panel.tick(100.0 + PATIENCE_S + 0.1)
    assert "no answer" in panel.drop_status.text()
    assert panel.drop_button.isEnabled()


def test_what_could_not_be_handed_over_is_said(panel, qtbot, made):
    qtbot.mouseClick(panel.drop_button, Qt.LeftButton)
    hear(panel, made.notice("error", "not handed over: the session is over"))
    assert panel.drop_status.text() == "✖ not handed over: the session is over"


def test_only_what_the_session_accepts_is_enabled(panel, made):
    parts = {
        "set": panel.rows["odour_s"].field, "reward": panel.drop_button, "note": panel.note,
    }  # fmt: skip
    for name in parts:
        panel.model.take(made.state(accepts=(name,)))
        panel.refresh(Aspect.STATE)
        assert [part for part, widget in parts.items() if widget.isEnabled()] == [name]


@pytest.mark.parametrize(
    ("update", "words"),
    [
        (LinkChanged("nothing was heard for 5 s"), "engine is silent"),
        (
            SessionEnded(
                reason="", ok=True, trials=1, delivered_ul=0, decision_digest="", deadlines_expired=0
            ),
            "session is over",
        ),
    ],
)
def test_when_nothing_can_be_asked_it_says_why(panel, update, words):
    panel.model.take(update)
    panel.refresh(Aspect.STATE)
    assert words in panel.why_not.text() and panel.why_not.isVisible()
    assert not panel.drop_button.isEnabled() and not panel.rows["odour_s"].field.isEnabled()


def test_another_session_gets_a_form_of_its_own(panel, made, asked, qtbot):
    type_in(qtbot, panel.rows["odour_s"].field, "0.8")
    qtbot.keyClick(panel.rows["odour_s"].field, Qt.Key_Return)
    panel.model.reset()
    panel.model.take(made.started((2.0,)))
    panel.refresh(Aspect.EVERYTHING)
    assert panel.rows["odour_s"].field.text() == "1"
    assert panel.rows["odour_s"].status.text() == ""
    assert panel.drop_size.value() == 2.0


def test_it_paints(panel, inked, shown, empty):
    assert inked(panel) > 5000 > inked(shown(SessionPanel, empty))


def test_it_says_why_it_is_empty(empty, shown):
    assert "No session yet" in shown(SessionPanel, empty).empty.text()
