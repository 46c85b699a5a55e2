"""A real engine in a process of its own, driven by clicks; its session file says what happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from PyQt5 import sip
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QApplication, QMessageBox

from gui.client import EngineLink
from gui.docks import installed_panels
from gui.health import Level
from gui.theme import LIGHT
from gui.window import Window
from rig.documents import Notice, SessionEnded, TrialDone
from rig.operator import decode_command
from rig.runtime import registry
from rig.runtime.reader import SessionFile

OTHER_WINDOW = """
import sys
from PyQt5.QtCore import QTimer
from gui.app import Shell
shell = Shell()
window = shell.attach(sys.argv[1], sys.argv[2])
timer = QTimer()
timer.timeout.connect(lambda: window.model.records and print("sees trials", flush=True))
timer.start(100)
shell.run()
"""


class Demo:
    """`dopaloop demo` without a window."""

    def __init__(self, out: Path, *, trials: int, speed: float) -> None:
        command = [sys.executable, "-m", "rig", "demo", "--no-gui", "--units", "4", "--out", str(out)]
        command += ["--trials", str(trials), "--speed", str(speed)]
        self.log = out / "said.txt"
        out.mkdir()
        with self.log.open("w") as said:
            self.process = subprocess.Popen(command, stdout=said, stderr=said)
        self.engine = self._announced()

    def _announced(self) -> registry.RunningEngine:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            for engine in registry.running():
                if engine.pid == self.process.pid:
                    return engine
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)
        raise AssertionError("the engine was not announced")

    def rig_process(self) -> int:
        """The emulated rig is the engine's child."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        if not children.exists():
            pytest.skip("this system does not tell a process's children")
        return int(children.read_text().split()[0])

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def demo(tmp_path):
    demos = []

    def start(**how):
        demos.append(Demo(tmp_path / f"sessions{len(demos)}", **how))
        return demos[-1]

    yield start
    for each in demos:
        each.end()


@pytest.fixture
def attach(qtbot):
    windows = []

    def open_window(engine):
        link = EngineLink(engine.publish, engine.commands)
        window = Window(link, installed_panels(), LIGHT)
        windows.append(window)
        window.resize(1366, 768)
        window.show()
        qtbot.waitUntil(lambda: window.model.started is not None, timeout=10_000)
        return window

    yield open_window
    for window in windows:
        if not sip.isdeleted(window):
            window.close_only()
    QApplication.processEvents()


def session_panel(window):
    return next(dock for dock in window.docks if dock.objectName() == "session").widget()


def press(qtbot, button):
    qtbot.waitUntil(button.isEnabled, timeout=10_000)
    qtbot.mouseClick(button, Qt.LeftButton)


def noted(window, text):
    return lambda: any(text in notice.text for notice in window.model.notices)


def test_a_session_from_start_to_stop_with_the_window_killed_in_between(demo, attach, qtbot):
    run = demo(trials=200, speed=20)
    window = attach(run.engine)
    panel = session_panel(window)
    qtbot.waitUntil(lambda: len(window.model.records) >= 2, timeout=20_000)

    field = panel.rows["drink_s"].field
    field.selectAll()
    qtbot.keyClicks(field, "1.25")
    qtbot.keyClick(field, Qt.Key_Return)
    qtbot.waitUntil(noted(window, "drink_s = 1.25"), timeout=10_000)

    panel.drop_size.setValue(3.0)
    press(qtbot, panel.drop_button)
    qtbot.waitUntil(noted(window, "manual reward of 3 uL"), timeout=10_000)

    press(qtbot, window.header.pause)
    qtbot.waitUntil(lambda: window.model.state.phase == "paused", timeout=20_000)
    qtbot.waitUntil(lambda: window.header.phase.text() == "paused")
    assert window.header.pause.text() == "Resume"
    held = len(window.model.records)
    press(qtbot, window.header.pause)
    qtbot.waitUntil(lambda: len(window.model.records) > held, timeout=20_000)
    window.close_only()

    other = subprocess.Popen(
        [sys.executable, "-c", OTHER_WINDOW, run.engine.publish, run.engine.commands],
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        assert other.stdout.readline() == "sees trials\n"
        other.kill()
    assert run.process.poll() is None, "the session goes on"

    again = attach(run.engine)
    qtbot.waitUntil(lambda: len(again.model.records) > held, timeout=20_000)
    assert noted(again, "drink_s = 1.25")(), "what was told before is told again"
    press(qtbot, again.header.stop)
    box = next(box for box in again.findChildren(QMessageBox) if box.isVisible())
    qtbot.mouseClick(next(b for b in box.buttons() if b.text() == "Stop after this trial"), Qt.LeftButton)
    qtbot.waitUntil(lambda: again.model.over, timeout=20_000)
    qtbot.waitUntil(lambda: again.header.phase.text() == "ended")
    assert run.process.wait(20) == 0, run.log.read_text()

    with SessionFile(run.engine.session_file) as file:
        commands = [decode_command(e.payload) for e in file.inputs() if e.kind == "command"]
        documents = [document for _, document in file.documents()]
    tags = [str(command.__struct_config__.tag) for command in commands]
    assert tags == ["set", "reward", "pause", "resume", "stop"]
    assert isinstance(documents[-1], SessionEnded)
    assert (documents[-1].reason, documents[-1].ok) == ("stopped by window", True)
    records = [document.record for document in documents if isinstance(document, TrialDone)]
    asked = next(k for k, d in enumerate(documents) if isinstance(d, Notice) and "drink_s = 1.25" in d.text)
    later = [document.record for document in documents[asked:] if isinstance(document, TrialDone)][2:]
    assert len(records) == documents[-1].trials == len(again.model.records)
    assert later and all(drink_ms(record) == 1250 for record in later)
    assert drink_ms(records[0]) == 1000
    assert [r.number for r in again.model.records] == [r.number for r in records]


def drink_ms(record):
    """How long the drinking state was held."""
    entered = next(visit.at_us for visit in record.states if visit.name == "drink")
    return round((record.duration_us - entered) / 1000)


def test_emergency_stop_needs_one_click(demo, attach, qtbot):
    run = demo(trials=200, speed=10)
    window = attach(run.engine)
    qtbot.waitUntil(
        lambda: window.model.state is not None and window.model.state.phase == "running", timeout=20_000
    )
    press(qtbot, window.header.emergency)
    qtbot.waitUntil(lambda: window.model.over, timeout=10_000)
    assert window.model.ended.reason == "emergency stop by window"
    assert not [box for box in window.findChildren(QMessageBox) if box.isVisible()]


@pytest.mark.skipif(os.name != "posix", reason="stopping a process needs signals")
def test_a_rig_that_stands_still_is_red_within_a_second_and_no_frame_is_late(demo, attach, qtbot):
    run = demo(trials=200, speed=5)
    window = attach(run.engine)
    qtbot.waitUntil(lambda: len(window.model.records) >= 1, timeout=20_000)
    qtbot.waitUntil(lambda: all(light.level is not Level.BAD for light in window.bar.lights), timeout=5_000)
    rig = run.rig_process()
    window.frames.reset()
    os.kill(rig, signal.SIGSTOP)
    try:
        stopped = time.monotonic()
        names = {"board", "probe"}
        qtbot.waitUntil(lambda: names <= red(window), timeout=5_000)
        assert time.monotonic() - stopped < 1.2
        assert window.bar.beeps >= 1
        assert "has said nothing" in window.bar.words.text() or "sent nothing" in window.bar.words.text()
        qtbot.waitUntil(lambda: time.monotonic() - stopped > 4.0, timeout=6_000)
        assert window.frames.longest_ms < 100.0
    finally:
        os.kill(rig, signal.SIGCONT)
    qtbot.waitUntil(lambda: not red(window), timeout=10_000)


def red(window):
    return {light.name for light in window.bar.lights if light.level is Level.BAD}


def test_an_engine_is_announced_and_gone_afterwards(demo, attach, qtbot):
    run = demo(trials=3, speed=30)
    (entry,) = registry.running()
    assert (entry.subject, entry.protocol, entry.rig) == ("demo", "variable_magnitude", "demo")
    assert Path(entry.session_file).is_file()
    assert msgspec.json.decode(msgspec.json.encode(entry))["pid"] == run.process.pid
    assert run.process.wait(60) == 0
    assert registry.running() == []
