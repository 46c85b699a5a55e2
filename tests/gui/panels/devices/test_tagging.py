"""Units and light: the line of each, the raster of one, what the test says, and a person's word."""

import time

import msgspec
import numpy as np
import pytest
from PyQt5.QtCore import Qt

from gui.model import Aspect
from gui.panels.tagging import TaggingPanel
from gui.theme import DARK
from rig.documents import Notice, SessionState, TagConfirmed, TagsUpdated
from rig.operator import Tag
from rig.tagging.told import Confirmation


@pytest.fixture
def panel(show, told):
    return show(TaggingPanel, *told, size=(820, 420))


@pytest.fixture
def tagged(told):
    """What is known of a unit that looks tagged, and of one that does not."""
    newest = [document for document in told if isinstance(document, TagsUpdated)][-1]
    looks = {tag.suggestion: tag for tag in newest.units}
    return looks[True], looks[False]


def row_of(panel, unit):
    names = [panel.table.item(row, 0).text() for row in range(panel.table.rowCount())]
    return names.index(unit)


def click_row(qtbot, panel, unit):
    item = panel.table.item(row_of(panel, unit), 0)
    qtbot.mouseClick(panel.table.viewport(), Qt.LeftButton, pos=panel.table.visualItemRect(item).center())


def test_every_unit_has_a_line_with_what_the_test_says(panel, tagged):
    yes, no = tagged
    cells = {
        tag.unit: [panel.table.item(row_of(panel, tag.unit), column).text() for column in range(6)]
        for tag in tagged
    }
    assert panel.table.rowCount() == 6
    assert cells[yes.unit] == [
        yes.unit, "<0.001", f"{yes.latency_mean_ms:.1f}", f"{yes.reliability:.0%}", "✔ yes", ""
    ]  # fmt: skip
    assert cells[no.unit][1] == f"{no.salt.p:.2g}" and cells[no.unit][4] == "✖ no"


def test_a_click_shows_the_unit_with_p_and_its_resolution_latency_jitter_reliability(panel, tagged, qtbot):
    yes, _ = tagged
    click_row(qtbot, panel, yes.unit)
    assert panel.unit == yes.unit
    assert panel.name.text().endswith(yes.unit)
    words = panel.numbers.text()
    assert yes.salt.p == 0.0 and "P &lt; 0.00097" in words and "in steps of 0.00097" in words
    assert f"{yes.latency_mean_ms:.1f}" in words and f"&plusmn; {yes.jitter_ms:.1f}" in words
    assert f"{yes.reliability:.0%}" in words and f"by chance {yes.by_chance:.0%}" in words
    assert f"{yes.eligible} of {yes.pulses} pulses tested" in words
    assert f"sham {yes.sham.p_text}".replace("<", "&lt;") in words
    assert "looks tagged" in panel.looks.text() and "does not" not in panel.looks.text()


def test_the_raster_has_a_row_a_pulse_and_grows_with_every_train(show, told, tagged):
    yes, _ = tagged
    trains = [k for k, document in enumerate(told) if isinstance(document, TagsUpdated)]
    panel = show(TaggingPanel, *told[: trains[3]], size=(820, 420))
    panel.model.select(yes.unit)
    panel.refresh(Aspect.EVERYTHING)
    before = len(panel.plots.drawn)
    panel.tell(*told[trains[3] : trains[4]])
    assert len(panel.plots.drawn) == before + 10, "ten pulses a train"
    panel.tell(*told[trains[4] :])
    drawn = panel.plots.drawn
    assert [pulse.sham for pulse in drawn] == sorted((p.sham for p in drawn), reverse=True), "sham below"
    rows = panel.plots.lit.getData()[1][::2]
    spikes = sum(len(p.spikes_ms) for p in drawn if not p.sham)
    assert len(rows) == spikes
    x = panel.plots.lit.getData()[0][::2]
    within = [p.spikes_ms[(p.spikes_ms >= 0) & (p.spikes_ms < 10)] for p in drawn if not p.sham]
    assert ((x >= 0) & (x < 10)).sum() == sum(map(len, within))
    first = np.mean([bool(spikes.size) for spikes in within])
    assert panel.plots.shares[:20].sum() == pytest.approx(first)


def test_it_really_paints(show, told, tagged, coloured):
    yes, _ = tagged
    panel = show(TaggingPanel, *told, size=(820, 420), theme=DARK)
    panel.model.select(yes.unit)
    panel.refresh(Aspect.EVERYTHING)
    assert coloured(panel.plots.raster, DARK.text) > 100, "spikes"
    assert coloured(panel.plots.latencies, DARK.accent) > 100, "latencies"
    assert panel.plots.raster.height() > 60 and panel.plots.latencies.height() > 40


def test_confirming_sends_the_word_and_shows_it_when_the_session_took_it(panel, tagged, asked, qtbot):
    yes, _ = tagged
    click_row(qtbot, panel, yes.unit)
    qtbot.keyClicks(panel.note, "clear, 4 ms")
    qtbot.mouseClick(panel.confirm, Qt.LeftButton)
    assert asked == [Tag(unit=yes.unit, tagged=True, note="clear, 4 ms")]
    assert panel.note.text() == "" and "… sent" in panel.status.text()
    assert panel.table.item(row_of(panel, yes.unit), 5).text() == "", "nothing is claimed before the answer"
    word = Confirmation(unit=yes.unit, tagged=True, by="Ada", board_us=1, evidence=yes)
    panel.tell(TagConfirmed(word=word), Notice(level="note", source="Ada", text=f"unit {yes.unit} is tagged"))
    assert "✔" in panel.status.text()
    assert panel.table.item(row_of(panel, yes.unit), 5).text() == "T yes"
    assert panel.name.text() == f"T {yes.unit}"
    assert panel.model.tagged == {yes.unit}
    assert "Ada says tagged" in panel.looks.toolTip()


def test_a_later_no_replaces_it(panel, tagged, asked, qtbot):
    yes, _ = tagged
    panel.tell(TagConfirmed(word=Confirmation(unit=yes.unit, tagged=True, by="Ada")))
    click_row(qtbot, panel, yes.unit)
    qtbot.mouseClick(panel.reject, Qt.LeftButton)
    assert asked == [Tag(unit=yes.unit, tagged=False)]
    panel.tell(TagConfirmed(word=Confirmation(unit=yes.unit, tagged=False, by="Ada")))
    assert panel.table.item(row_of(panel, yes.unit), 5).text() == "no"
    assert panel.model.tagged == set()


def test_a_refusal_and_no_answer_are_said(panel, qtbot):
    qtbot.mouseClick(panel.confirm, Qt.LeftButton)
    panel.tell(Notice(level="warning", source="window", text="refused: no unit 'x' was heard"))
    assert "✖ refused: no unit" in panel.status.text()
    qtbot.mouseClick(panel.confirm, Qt.LeftButton)
    panel.tick(100.0)
    panel.tick(106.0)
    assert "may or may not have been taken" in panel.status.text()


def test_only_a_session_that_takes_words_has_live_buttons(show, told):
    deaf = [d for d in told if not isinstance(d, SessionState)]
    state = msgspec.structs.replace(next(d for d in told if isinstance(d, SessionState)), accepts=("note",))
    panel = show(TaggingPanel, *deaf, state)
    assert not panel.confirm.isEnabled() and not panel.note.isEnabled()
    panel.tell(msgspec.structs.replace(state, accepts=("note", "tag")))
    assert panel.confirm.isEnabled()


def test_it_says_why_it_is_empty(show, told, started, state):
    assert "No session yet" in show(TaggingPanel).empty.text()
    streams = next(d.streams for d in told if isinstance(d, SessionState))
    task = show(TaggingPanel, started, msgspec.structs.replace(state, streams=streams, sources=()))
    assert "The protocol optotagging identifies units" in task.empty.text()


def test_a_train_more_costs_less_than_five_milliseconds(panel, told):
    newest = [document for document in told if isinstance(document, TagsUpdated)][-1]
    took = []
    for _ in range(10):
        panel.model.take(newest)
        begun = time.thread_time()
        panel.refresh(Aspect.LIGHT)
        took.append(time.thread_time() - begun)
    assert np.median(took) < 0.005
