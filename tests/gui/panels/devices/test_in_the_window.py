"""Fibres, light and clocks in the whole window: which panels come, and what the bar says."""

import msgspec
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QApplication

from gui.client import HealthSeen
from gui.docks import installed_panels
from gui.health import Level
from gui.recorded import Recorded
from gui.theme import LIGHT, apply
from gui.window import Window
from rig.documents import StreamState
from rig.log.entry import Input
from rig.log.replay import EndMark
from rig.runtime.files import new_session_file
from rig.runtime.recorder import Recorder
from rig.runtime.tag_file import read_tags

PORT = {"open": True, "error": None, "last_heard_s": 0.01, "unanswered_s": None, "answer_ms": 0.9}


@pytest.fixture
def window(qtbot, qapp, source):
    apply(qapp, LIGHT)
    made = Window(source, installed_panels(), LIGHT)
    made.resize(1366, 768)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close_only()
    QApplication.processEvents()


@pytest.fixture
def source():
    """A source that is fed by hand."""

    class Source:
        def __init__(self):
            self.waiting, self.health = [], None

        def tell(self, *updates):
            self.waiting += updates

        def updates(self):
            while self.waiting:
                yield self.waiting.pop(0)
            if self.health is not None:  # the engine answers, however slow this computer is
                yield self.health

        def submit(self, command):
            raise AssertionError("nobody clicks here")

        def close(self):
            pass

    return Source()


@pytest.fixture
def well(good_health):
    return HealthSeen(good_health(ports={"board": PORT, "bench": PORT}, feeds={}), 1.0)


def dock(window, name):
    return next(dock for dock in window.docks if dock.objectName() == name)


def test_a_fibre_brings_its_panel_and_its_light_and_a_lost_clock_turns_it_red(
    window, source, started, state, samples, response, well, clock, qtbot
):
    source.health = well
    source.tell(started, state, response(0, 0.01), samples(0, 2600))
    photometry = dock(window, "photometry")
    qtbot.waitUntil(lambda: photometry.on_screen and not photometry.waiting)
    assert len(photometry.widget().live._signal.getData()[0]) > 800
    assert not dock(window, "tagging").isVisible() and not dock(window, "reversal").isVisible()
    qtbot.waitUntil(lambda: "bench" in [light.name for light in window.bar.lights])
    assert {light.level for light in window.bar.lights} == {Level.GOOD}
    first = photometry.widget().live._signal.getData()[1][-1]
    source.tell(samples(2600, 13))
    qtbot.waitUntil(lambda: photometry.widget().live._signal.getData()[1][-1] != first)
    height = window.bar.height()
    why = "no sync pulse for 12 s: is the cable out, or the stream stopped?"
    gone = msgspec.structs.replace(clock, verdict="lost", reason=why)
    bench = msgspec.structs.replace(state.sources[0], clock=gone, ready=False)
    source.tell(msgspec.structs.replace(state, sources=(bench,)))
    qtbot.waitUntil(lambda: f"The times of bench cannot be trusted: {why}" in window.bar.words.text())
    assert window.bar.words.text().endswith("Responses are withheld.")
    assert window.bar.beeps == 1
    words = window.bar.words
    wanted = words.fontMetrics().boundingRect(words.rect(), Qt.TextWordWrap, words.text())
    assert (window.bar.height(), window.height()) == (height, 768), "nothing moves"
    assert words.rect().contains(wanted.size().width() - 1, wanted.size().height() - 1), "all of it is seen"
    dock(window, "clock").raise_()
    qtbot.waitUntil(lambda: "■ lost" in dock(window, "clock").widget().lines.text())


def test_a_session_of_light_leads_with_tagging(window, source, started, state, qtbot):
    stream = StreamState(
        name="probe",
        messages=9,
        lost=0,
        noise_bytes=0,
        restarts=0,
        clock_sigma_us=80.0,
        clock_pulses=9,
        units=4,
    )
    light = msgspec.structs.replace(started, photometry=(), sizes_ul=(), stimulated=True)
    source.tell(light, msgspec.structs.replace(state, sources=(), streams=(stream,)))
    tagging = dock(window, "tagging")
    qtbot.waitUntil(lambda: tagging.on_screen and "No train of light yet" in tagging.widget().empty.text())
    assert not dock(window, "photometry").isVisible()
    qtbot.waitUntil(lambda: "No responses: unit panels" in window.bar.words.text())


def test_in_a_replay_a_word_goes_into_the_file(qtbot, qapp, told, tmp_path):
    path = new_session_file(tmp_path, "DA12")
    meta = {"subject": "DA12", "rig": {"name": "demo", "streams": [{"name": "probe"}]}}
    recorder = Recorder(path, {key: msgspec.json.encode(value).decode() for key, value in meta.items()})
    recorder.start()
    for seq, document in enumerate(told):
        recorder.append(Input(seq, seq * 1000, "board", "bytes", b""), bytes(32))
        recorder.documents(seq, [document])
    assert recorder.close(EndMark(inputs=len(told), chain="", reason="done", ok=True)) == 0
    recorded = Recorded(path)
    window = Window(recorded, installed_panels(), LIGHT, live=False, session_file=str(path))
    qtbot.addWidget(window)
    window.show()
    recorded.seek(recorded.end_us)
    tagging = dock(window, "tagging")
    qtbot.waitUntil(lambda: tagging.on_screen and not tagging.waiting, timeout=10_000)
    panel = tagging.widget()
    qtbot.waitUntil(panel.confirm.isEnabled)
    unit = panel.unit
    qtbot.mouseClick(panel.confirm, Qt.LeftButton)
    qtbot.waitUntil(lambda: "✔" in panel.status.text())
    assert read_tags(path)[0].words[unit].tagged
    window.close()
