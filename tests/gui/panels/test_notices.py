from __future__ import annotations

import pytest
from PyQt5.QtCore import Qt

from gui.model import MOST_NOTICES, Aspect
from gui.panels.notices import NoticesPanel
from gui.theme import LIGHT
from rig.documents import SessionEnded


@pytest.fixture
def told(model, made):
    for level, text in (
        ("info", "the board is ready"),
        ("note", "mouse looks sleepy"),
        ("warning", "3 board events were lost"),
        ("error", "the stream is lost"),
    ):
        model.take(made.notice(level, text))
    return model


def lines(panel):
    return panel.text.toPlainText().splitlines()


def test_each_has_time_sign_level_source_and_words(told, shown):
    panel = shown(NoticesPanel, told)
    assert lines(panel) == [
        "1:01.0\t● info  window  the board is ready",
        "1:01.0\t✎ note  window  mouse looks sleepy",
        "1:01.0\t▲ warning  window  3 board events were lost",
        "1:01.0\t✖ error  window  the stream is lost",
    ]


def test_buttons_count_and_filter(told, shown, qtbot):
    panel = shown(NoticesPanel, told)
    assert panel.filters["warning"].text() == "▲ 1 warning"
    qtbot.mouseClick(panel.filters["info"], Qt.LeftButton)
    qtbot.mouseClick(panel.filters["note"], Qt.LeftButton)
    assert [line.split()[2] for line in lines(panel)] == ["warning", "error"]
    assert panel.hidden.text() == "2 hidden by the filter" and panel.hidden.isVisible()
    qtbot.mouseClick(panel.filters["info"], Qt.LeftButton)
    assert [line.split()[2] for line in lines(panel)] == ["info", "warning", "error"]


def test_what_is_new_is_added_and_filtered(told, shown, qtbot, made):
    panel = shown(NoticesPanel, told)
    qtbot.mouseClick(panel.filters["note"], Qt.LeftButton)
    told.take(made.notice("note", "not now"))
    told.take(made.notice("warning", "but this"))
    panel.refresh(Aspect.NOTICES)
    assert len(lines(panel)) == 4
    assert lines(panel)[-1].endswith("but this")
    assert panel.filters["warning"].text() == "▲ 2 warnings"


def test_it_follows_the_newest_unless_somebody_reads_further_up(model, shown, made):
    for k in range(60):
        model.take(made.notice("info", f"number {k}"))
    panel = shown(NoticesPanel, model)
    bar = panel.text.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    bar.setValue(0)
    model.take(made.notice("info", "one more"))
    panel.refresh(Aspect.NOTICES)
    assert bar.value() == 0


def test_a_flood_is_bounded_and_it_is_said(model, shown, made):
    panel = shown(NoticesPanel, model)
    for k in range(MOST_NOTICES + 100):
        model.take(made.notice("info", f"number {k}"))
        if k % 97 == 0:
            panel.refresh(Aspect.NOTICES)
    panel.refresh(Aspect.NOTICES)
    assert len(lines(panel)) <= MOST_NOTICES + 1
    assert lines(panel)[-1].endswith(f"number {MOST_NOTICES + 99}")
    assert "100 older ones" in panel.hidden.text()


def test_words_are_shown_as_written_never_as_markup(model, shown, made):
    model.take(made.notice("note", "<b>5 < 6</b>"))
    assert lines(shown(NoticesPanel, model))[0].endswith("<b>5 < 6</b>")


def test_the_end_is_told_once(told, shown):
    panel = shown(NoticesPanel, told)
    told.take(
        SessionEnded(
            reason="stopped by window", ok=True, trials=6, delivered_ul=0, decision_digest="",
            deadlines_expired=0,
        )
    )  # fmt: skip
    panel.refresh(Aspect.SESSION)
    panel.refresh(Aspect.SESSION)
    assert [line for line in lines(panel) if "stopped by window" in line] == [lines(panel)[-1]]


def test_another_session_begins_an_empty_list(told, shown, made):
    panel = shown(NoticesPanel, told)
    told.reset()
    told.take(made.started())
    told.take(made.notice("info", "fresh"))
    panel.refresh(Aspect.EVERYTHING)
    assert [line.split("  ")[-1] for line in lines(panel)] == ["fresh"]


def test_it_paints(told, shown, inked, coloured, empty):
    full, bare = shown(NoticesPanel, told), shown(NoticesPanel, empty)
    assert inked(full) > 4000 and coloured(full.text, LIGHT.bad) > 20
    assert inked(bare) > 500 and coloured(bare, LIGHT.bad) == 0


def test_it_says_why_it_is_empty(empty, model, shown):
    assert "No session yet" in shown(NoticesPanel, empty).empty.text()
    assert "Nothing to report" in shown(NoticesPanel, model).empty.text()
