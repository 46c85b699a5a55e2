from __future__ import annotations

import datetime
import os
import signal
from pathlib import Path

import msgspec
import pytest
from PyQt5 import sip
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QApplication

from gui.presets import Presets
from gui.rehearsal import Wish, rehearse, rig_words, subjects_of
from gui.settings import config_folder
from gui.start import StartPage
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.errors import ConfigError
from rig.runtime import registry
from rig.runtime.config import dump_rig
from rig.runtime.reader import SessionFile


class Attached:
    """Takes the place of a session's window."""

    def __init__(self) -> None:
        self.engines = []
        self.remarks = []

    def __call__(self, publish, commands, key=""):
        self.engines.append((publish, commands))
        return self

    def remark(self, text):
        self.remarks.append(text)


@pytest.fixture
def attached():
    return Attached()


@pytest.fixture
def page(qtbot, attached, tmp_path):
    opened = []
    made = StartPage(on_attach=attached, on_replay=opened.append, demo_speed=30.0)
    made.opened = opened
    made.show()
    made.at.out.setText(str(tmp_path / "sessions"))
    yield made
    if not sip.isdeleted(made):
        made.close()
    QApplication.processEvents()


@pytest.fixture
def rig_file(tmp_path):
    path = tmp_path / "rig.toml"
    path.write_text(dump_rig(demo_rig()))
    return path


@pytest.fixture
def engines_end():
    """Whatever a test has started is ended with it."""
    yield
    for engine in registry.running():
        os.kill(engine.pid, signal.SIGKILL)


def type_in(qtbot, field, text):
    field.selectAll()
    qtbot.keyClicks(field, text)


def check(page, qtbot):
    qtbot.mouseClick(page.at.check, Qt.LeftButton)
    qtbot.waitUntil(lambda: not page.at.words.text().startswith("…"), timeout=10_000)


def test_check_draws_every_kind_of_trial_and_lets_it_start(page, rig_file, qtbot):
    page.at.rig.setCurrentText(str(rig_file))
    type_in(qtbot, page.at.subject.lineEdit(), "DA12")
    assert not page.at.start.isEnabled()
    check(page, qtbot)
    assert "fit this rig" in page.at.words.text()
    assert {page.at.kinds.itemText(k) for k in range(3)} == {"signalled", "unsignalled", "odour_b"}
    page.at.kinds.setCurrentText("signalled")
    page.at.kinds.activated.emit(page.at.kinds.currentIndex())
    assert page.diagram.states[:2] == ["iti", "cue"]
    assert page.at.seed.text(), "a seed that was drawn is shown"
    assert page.at.start.isEnabled()
    type_in(qtbot, page.choice.form.fields["drink_s"], "1.5")
    assert not page.at.start.isEnabled(), "what was checked is no longer what would be run"


def test_what_is_wrong_is_said_where_it_is(page, rig_file, qtbot):
    page.at.rig.setCurrentText("nowhere.toml")
    assert "there is no such rig file" in page.at.rig_words.text()
    page.at.rig.setCurrentText(str(rig_file))
    check(page, qtbot)
    assert "cannot name a subject" in page.at.words.text()
    type_in(qtbot, page.at.subject.lineEdit(), "DA12")
    type_in(qtbot, page.choice.form.fields["odour_s"], "0")
    check(page, qtbot)
    assert "odour_s: the least is 0.1 s" in page.at.words.text()
    type_in(qtbot, page.choice.form.fields["odour_s"], "3")
    check(page, qtbot)
    assert "'odour_s' is longer than 'cue_to_reward_s'" in page.at.words.text()
    assert not page.at.start.isEnabled()
    page.at.protocol.setCurrentText("variable_magnitud")
    assert "did you mean 'variable_magnitude'" in page.at.words.text()
    assert page.choice.form is None


def test_presets_are_saved_for_each_protocol(page, qtbot):
    type_in(qtbot, page.choice.form.fields["iti_mean_s"], "4")
    page.choice.save_preset("fast")
    assert Presets(config_folder() / "presets", "variable_magnitude").load() == {"fast": {"iti_mean_s": "4"}}
    page.at.preset.setCurrentText("defaults")
    page.at.preset.activated.emit(0)
    assert page.choice.form.fields["iti_mean_s"].text() == "5"
    page.at.protocol.setCurrentText("habituation")
    assert [page.at.preset.itemText(k) for k in range(page.at.preset.count())] == ["defaults"]
    page.at.protocol.setCurrentText("variable_magnitude")
    page.at.preset.setCurrentText("fast")
    page.at.preset.activated.emit(1)
    assert page.choice.form.values() == {"iti_mean_s": "4"}


def test_damaged_presets_are_said(tmp_path):
    presets = Presets(tmp_path, "labs/my task.py:Task")
    assert presets.path.name == "my_task.json"
    presets.save("a", {"x": "1"})
    presets.path.write_text("{")
    with pytest.raises(ConfigError, match="presets cannot be read"):
        presets.load()


def test_subjects_seen_before_are_offered(page, tmp_path):
    out = tmp_path / "seen"
    out.mkdir()
    for number, name in enumerate(
        ("DA_1_20260101_120000", "m2_20260102_120000", "m2_20260102_120000_2", "other")
    ):
        path = out / f"{name}.sqlite"
        path.touch()
        os.utime(path, (number, number))
    assert subjects_of(out) == ["m2", "DA_1"]
    page.at.out.setText(str(out))
    assert page.at.subject.findText("DA_1") >= 0
    assert subjects_of(out / "none") == []


def test_the_age_of_a_calibration_is_told():
    rig = demo_rig()
    water = msgspec.structs.replace(rig.board.outputs["water"], calibrated_on="2026-01-01")
    board = msgspec.structs.replace(rig.board, outputs={**rig.board.outputs, "water": water})
    rig = msgspec.structs.replace(rig, board=board)
    assert "calibrated 1 day ago" in rig_words(rig, datetime.date(2026, 1, 2))
    assert "▲ calibrated 59 days ago" in rig_words(rig, datetime.date(2026, 3, 1))


def test_a_rehearsal_needs_no_window(rig_file):
    wish = Wish(protocol="habituation", rig=str(rig_file), subject="m1", seed=1, trials=5, settings={})
    done = rehearse(wish)
    assert done.checked == 5
    assert done.sentence.startswith("✔ 5 trials fit this rig")


def test_a_protocol_may_look_back_at_its_trials(rig_file, tmp_path):
    path = tmp_path / "looks_back.py"
    path.write_text(
        "from protocols.habituation import Habituation\n\n\n"
        "class LooksBack(Habituation):\n"
        '    """Asks for the trial before."""\n\n'
        "    def decide(self, history, estimates, rng):\n"
        "        assert not history.trials or history.records[-1].number == history.trials - 1\n"
        "        return super().decide(history, estimates, rng)\n"
    )
    wish = Wish(protocol=str(path), rig=str(rig_file), subject="m1", seed=1, trials=5, settings={})
    done = rehearse(wish)
    assert done.checked == 5
    assert list(done.tables) == ["free"]


def test_from_rig_file_to_running_session(page, attached, engines_end, tmp_path, qtbot):
    with launch(with_emulation(demo_rig(), units=3, seed=1), speed=30) as emulated:
        path = tmp_path / "emulated.toml"
        path.write_text(dump_rig(emulated.rig))
        page.at.rig.setCurrentText(str(path))
        qtbot.mouseClick(page.at.devices.button, Qt.LeftButton)
        qtbot.waitUntil(page.at.devices.button.isEnabled, timeout=20_000)
        assert page.at.devices.verdict.text() == "✔ every device of the rig is there"
        assert "firmware" in page.at.devices.said.toPlainText()
        type_in(qtbot, page.at.subject.lineEdit(), "DA12")
        page.at.weight.setValue(24.5)
        page.at.notes.setPlainText("calm")
        type_in(qtbot, page.choice.form.fields["drink_s"], "1.5")
        type_in(qtbot, page.at.seed, "77")
        page.at.trials.setValue(3)
        check(page, qtbot)
        qtbot.mouseClick(page.at.start, Qt.LeftButton)
        qtbot.waitUntil(lambda: len(attached.engines) == 1, timeout=30_000)
        (engine,) = registry.running()
        assert attached.engines == [(engine.publish, engine.commands)]
        assert attached.remarks == ["weight 24.5 g", "calm"]
        qtbot.waitUntil(lambda: not registry.running(), timeout=30_000)
    with SessionFile(engine.session_file) as file:
        assert file.end is not None and file.end.reason == "3 trials done"
        assert (file.meta["subject"], file.meta["seed"], file.meta["max_trials"]) == ("DA12", 77, 3)
        assert file.meta["parameters"]["drink_s"] == 1.5
    assert Path(engine.session_file).parent == tmp_path / "sessions"
    again = StartPage(on_attach=attached, on_replay=attached)
    assert again.at.rig.currentText() == str(path)
    type_in(qtbot, again.at.subject.lineEdit(), "DA12")
    assert again.at.last_weight.text() == "last: 24.5 g"
    again.close()


def test_an_engine_that_cannot_start_says_why(page, rig_file, qtbot):
    page.at.rig.setCurrentText(str(rig_file))
    type_in(qtbot, page.at.subject.lineEdit(), "DA12")
    check(page, qtbot)
    qtbot.mouseClick(page.at.start, Qt.LeftButton)
    qtbot.waitUntil(lambda: page.at.words.text().startswith("✖"), timeout=30_000)
    assert "the board's port cannot be opened" in page.at.words.text()
    assert page.at.start.isEnabled(), "mended, it can be tried again"


def test_the_demo_is_one_click_away_and_running_engines_are_listed(page, attached, engines_end, qtbot):
    assert "No session runs" in page.at.engines.words.text()
    other = StartPage(on_attach=attached, on_replay=attached)
    qtbot.mouseClick(page.at.demo, Qt.LeftButton)
    qtbot.waitUntil(lambda: len(attached.engines) == 1, timeout=30_000)
    qtbot.waitUntil(lambda: other.at.engines.list.count() == 1, timeout=5_000)
    assert "demo: demo, variable_magnitude" in other.at.engines.list.item(0).text()
    qtbot.mouseClick(other.at.engines.attach, Qt.LeftButton)
    assert attached.engines[1] == attached.engines[0]


def test_a_file_that_is_no_session_is_refused_in_words(qtbot, attached, tmp_path):
    from gui.recorded import Recorded

    page = StartPage(on_attach=attached, on_replay=Recorded)
    (tmp_path / "x.sqlite").write_text("no database")
    page.open_session(str(tmp_path / "x.sqlite"))
    assert "no session file" in page.at.words.text()
    page.close()
