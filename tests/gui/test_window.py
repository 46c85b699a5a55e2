from __future__ import annotations

import os
import signal
import time

import msgspec
import pytest
from PyQt5 import sip
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QApplication, QLabel, QMenuBar, QMessageBox

from gui.client import Begun, HealthSeen
from gui.docks import PanelClass, installed_panels
from gui.header import EMERGENCY_KEY
from gui.health import Level
from gui.model import Aspect
from gui.panel import Panel
from gui.recorded import Recorded
from gui.replaybar import ReplayBar
from gui.settings import remembered
from gui.theme import DARK, LIGHT
from gui.window import Window
from rig.documents import CueRoles, Notice, SessionEnded
from rig.errors import TransportError
from rig.operator import EmergencyStop, Pause, Resume, Stop
from rig.runtime import registry


class Quiet(Panel):
    title = "quiet"
    aspects = Aspect.TRIALS | Aspect.STATE
    area = "right"
    order = 10

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.drawn = []

    def refresh(self, changed):
        self.drawn.append(changed)


class Units(Quiet):
    title = "units"
    area = "centre"
    neural = True


class Slow(Quiet):
    title = "slow"
    area = "centre"
    order = 20

    def refresh(self, changed):
        super().refresh(changed)
        time.sleep(0.02)


class Broken(Quiet):
    title = "broken"

    def refresh(self, changed):
        raise ValueError("this panel is broken")


class Unmakeable(Quiet):
    title = "unmakeable"

    def __init__(self, *arguments):
        raise RuntimeError("this panel cannot be made")


ALL = [PanelClass(kind.__name__, kind) for kind in (Quiet, Units, Slow, Broken, Unmakeable)]
ALL.append(PanelClass("Missing", None, "panel 'Missing' cannot be imported"))


@pytest.fixture
def opened(qtbot, source):
    windows = []

    def make(panels=ALL[:2], **how):
        window = Window(how.pop("source", source), panels, LIGHT, **how)
        windows.append(window)
        window.resize(1366, 768)
        window.show()
        qtbot.waitExposed(window)
        return window

    yield make
    for window in windows:
        if not sip.isdeleted(window):
            window.close_only()
    QApplication.processEvents()


@pytest.fixture
def running(opened, source, started, make_state, good_health, qtbot):
    """A window of a running session."""
    window = opened()
    source.tell(started, make_state(), HealthSeen(good_health(), 2.0))
    qtbot.waitUntil(lambda: window.model.state is not None and window.model.health is not None)
    qtbot.waitUntil(window.header.pause.isEnabled)
    return window


def panel_of(window, name):
    return next(dock for dock in window.docks if dock.objectName() == name)


def press(qtbot, button):
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.LeftButton)


def box_of(window, name):
    return next(
        box for box in window.findChildren(QMessageBox) if box.objectName() == name and box.isVisible()
    )


def click_in(qtbot, box, text):
    qtbot.mouseClick(next(button for button in box.buttons() if button.text() == text), Qt.LeftButton)


def test_the_header_says_who_where_and_how_far(running):
    header = running.header
    assert header.who.text() == "DA12  ·  variable_magnitude  ·  rig 3"
    assert (header.trial.text(), header.water.text()) == ("3 of 300", "1.02 of 2.5")
    assert (header.phase.text(), header.line.text()) == ("running", "trial 4: signalled, 5 uL")


def test_pause_resume_and_emergency(running, source, make_state, qtbot):
    press(qtbot, running.header.pause)
    assert source.asked == [Pause()]
    source.tell(make_state(accepts=("stop", "emergency_stop", "resume")))
    qtbot.waitUntil(lambda: running.header.pause.text() == "Resume")
    assert running.header.phase.text() == "pausing after this trial"
    press(qtbot, running.header.pause)
    assert source.asked[1:] == [Resume()]
    press(qtbot, running.header.emergency)
    qtbot.keyClick(running, getattr(Qt, f"Key_{EMERGENCY_KEY}"))
    assert source.asked[2:] == [EmergencyStop(), EmergencyStop()]


def test_stop_asks_gently(running, source, qtbot):
    press(qtbot, running.header.stop)
    click_in(qtbot, box_of(running, "ask to stop"), "Go on")
    assert source.asked == []
    qtbot.waitUntil(lambda: not running.findChildren(QMessageBox))
    press(qtbot, running.header.stop)
    click_in(qtbot, box_of(running, "ask to stop"), "Stop after this trial")
    assert source.asked == [Stop()]
    assert running.header.phase.text() == "stopping after this trial"
    assert not running.header.stop.isEnabled()


def test_only_what_the_session_accepts_is_enabled(running, source, make_state, qtbot):
    source.tell(make_state(phase="connecting", accepts=("note", "emergency_stop")))
    qtbot.waitUntil(lambda: not running.header.pause.isEnabled())
    assert not running.header.stop.isEnabled()
    assert running.header.emergency.isEnabled()
    source.tell(ended(ok=True))
    qtbot.waitUntil(lambda: not running.header.emergency.isEnabled())
    assert running.header.phase.text() == "ended"


def ended(*, ok):
    return SessionEnded(
        reason="300 trials done", ok=ok, trials=300, delivered_ul=1.0, decision_digest="", deadlines_expired=0
    )


def test_a_command_that_cannot_be_handed_over_is_said(running, source, qtbot):
    source.refusal = TransportError("no answer within 5 s")
    press(qtbot, running.header.pause)
    qtbot.waitUntil(lambda: any("no answer within 5 s" in n.text for n in running.model.notices))
    qtbot.waitUntil(lambda: "no answer within 5 s" in running.bar.words.text())


def test_closing_asks_and_never_touches_the_session(running, source, qtbot):
    running.close()
    assert running.isVisible()
    click_in(qtbot, box_of(running, "ask before closing"), "Cancel")
    assert running.isVisible() and not source.closed
    qtbot.waitUntil(lambda: not running.findChildren(QMessageBox))
    running.close()
    click_in(qtbot, box_of(running, "ask before closing"), "Close the window only")
    assert source.closed
    assert source.asked == []


def test_closing_can_stop_the_session_first(running, source, qtbot):
    running.close()
    click_in(qtbot, box_of(running, "ask before closing"), "Stop the session after this trial")
    assert source.asked == [Stop()]
    assert not source.closed
    source.tell(ended(ok=True))
    qtbot.waitUntil(lambda: source.closed)


def test_a_window_of_a_session_that_is_over_closes_at_once(running, source, qtbot):
    source.tell(ended(ok=True))
    qtbot.waitUntil(lambda: running.model.over)
    running.close()
    assert source.closed


def test_a_panel_that_fails_shows_why_and_nothing_else_happens(opened, source, make_state, qtbot):
    window = opened(ALL)
    source.tell(make_state())
    for name, words in (
        ("Broken", "ValueError: this panel is broken"),
        ("Unmakeable", "RuntimeError: this panel cannot be made"),
        ("Missing", "panel 'Missing' cannot be imported"),
    ):
        dock = panel_of(window, name)
        dock.raise_()
        qtbot.waitUntil(lambda dock=dock: isinstance(dock.widget(), QLabel))
        assert words in dock.widget().text()
    panel_of(window, "Quiet").raise_()
    source.tell(make_state(trial=9))
    qtbot.waitUntil(lambda: window.header.trial.text() == "9 of 300")
    qtbot.waitUntil(lambda: Aspect.STATE in panel_of(window, "Quiet").widget().drawn)


def test_a_panel_draws_what_it_asked_for_and_only_while_it_is_seen(running, source, make_state, qtbot):
    dock = panel_of(running, "Quiet")
    qtbot.waitUntil(lambda: not dock.waiting)
    dock.widget().drawn.clear()
    source.tell(Notice(level="info", source="board", text="not for this panel"), make_state(trial=4))
    qtbot.waitUntil(lambda: dock.widget().drawn == [Aspect.STATE])
    dock.close()
    frames = running.frames.frames
    source.tell(make_state(trial=5))
    qtbot.waitUntil(lambda: running.frames.frames > frames + 3)
    assert len(dock.widget().drawn) == 1
    dock.show()
    qtbot.waitUntil(lambda: len(dock.widget().drawn) == 2)


def test_a_flood_makes_the_picture_late_never_the_window(opened, source, started, make_state, qtbot):
    window = opened([ALL[0], ALL[2]])
    source.tell(started)
    qtbot.waitUntil(lambda: window.frames.frames > 20)
    window.frames.reset()
    states = [make_state(trial=number) for number in range(60_000)]
    source.tell(*states)
    qtbot.waitUntil(lambda: window.model.state is states[-1], timeout=20_000)
    assert window.frames.busiest_ms < 80.0
    assert window.frames.longest_ms < 100.0


def test_a_stalled_source_stalls_nothing_and_is_said_within_a_second(
    opened, source, started, make_state, good_health, qtbot
):
    """The engine falls silent: no more updates at all, as when its process is stopped."""
    window = opened(installed_panels())
    source.tell(started, make_state(), HealthSeen(good_health(), 2.0))
    qtbot.waitUntil(lambda: [x.level for x in window.bar.lights[-1:]] == [Level.GOOD])
    heard = time.monotonic()
    frames = window.frames.frames
    qtbot.waitUntil(lambda: window.frames.frames > frames + 8)
    window.frames.reset()
    assert window.bar.beeps == 0
    qtbot.waitUntil(lambda: window.bar.lights[-1].level is Level.BAD, timeout=3000)
    assert time.monotonic() - heard < 1.3
    assert window.bar.beeps == 1
    assert "engine has not answered" in window.bar.words.text()
    qtbot.waitUntil(lambda: window.frames.frames > 40, timeout=5000)
    assert window.frames.longest_ms < 100.0


def test_red_is_seen_at_once_and_heard_unless_muted(running, source, good_health, qtbot):
    silent = {"probe": {"messages": 1000, "answers": True, "last_heard_s": 0.6}}
    qtbot.mouseClick(running.bar.mute, Qt.LeftButton)
    source.tell(HealthSeen(good_health(feeds=silent), 2.0))
    qtbot.waitUntil(lambda: "Stream probe has sent nothing" in running.bar.words.text())
    assert running.bar.beeps == 0
    source.tell(HealthSeen(good_health(), 2.0))
    qtbot.waitUntil(lambda: running.bar.words.text() == "")
    qtbot.mouseClick(running.bar.mute, Qt.LeftButton)
    source.tell(HealthSeen(good_health(feeds=silent), 2.0))
    qtbot.waitUntil(lambda: running.bar.beeps == 1)


def test_without_a_stream_the_panels_about_units_make_room(opened, source, started, make_state, qtbot):
    window = opened(ALL[:3])
    units, quiet = panel_of(window, "Units"), panel_of(window, "Quiet")
    qtbot.waitUntil(units.isVisible)
    source.tell(started, make_state(streams=(), units=0))
    qtbot.waitUntil(lambda: not units.isVisible())
    assert quiet.isVisible()
    qtbot.waitUntil(lambda: "No neural stream" in window.bar.words.text())
    units.toggleViewAction().trigger()
    qtbot.waitUntil(units.isVisible)


def test_the_layout_is_remembered_and_can_be_reset(opened, qtbot):
    first = opened()
    dock = panel_of(first, "Quiet")
    qtbot.waitUntil(lambda: not first.places.arranging)
    dock.toggleViewAction().trigger()
    qtbot.waitUntil(lambda: not dock.isVisible())
    first.close_only()
    assert remembered().contains("layout/neural")
    second = opened()
    assert not panel_of(second, "Quiet").isVisible()
    second.places.reset()
    qtbot.waitUntil(panel_of(second, "Quiet").isVisible)


def test_other_colours_make_every_panel_anew(running, qtbot, source, make_state):
    before = panel_of(running, "Quiet").widget()
    running._on_theme = lambda name, scale: DARK
    running.dress("dark", 1.2)
    after = panel_of(running, "Quiet").widget()
    assert after is not before
    assert (after.theme, running.scale) == (DARK, 1.2)
    source.tell(make_state(trial=77))
    qtbot.waitUntil(lambda: running.header.trial.text() == "77 of 300")
    qtbot.waitUntil(lambda: Aspect.STATE in after.drawn[-1])


def test_another_session_at_the_same_address_begins_with_a_clean_picture(running, source, make_state, qtbot):
    source.tell(
        Notice(level="info", source="board", text="old"), Begun(), make_state(subject="DA13", trial=0)
    )
    qtbot.waitUntil(lambda: running.header.who.text().startswith("DA13"))
    assert not running.model.notices


@pytest.mark.parametrize("size", [(1366, 768), (3840, 2100)])
def test_every_installed_panel_draws_and_the_window_keeps_its_size(
    opened, documents, source, qtbot, size, make_state
):
    window = opened(installed_panels())
    window.resize(*size)
    source.tell(*documents[: len(documents) // 2], make_state())
    qtbot.waitUntil(lambda: len(window.model.records) > 3)
    # who brings a panel to the front while the docks are still being placed does not see it for long
    qtbot.waitUntil(lambda: not window.places._resized.isActive() and not window.places.arranging)
    qtbot.waitUntil(lambda: not any(dock.waiting for dock in window.docks if dock.on_screen), timeout=10_000)
    assert [(dock.objectName(), dock.failed) for dock in window.docks if dock.failed] == []
    assert (window.width(), window.height()) == size
    for dock in window.docks:
        if dock.isHidden():  # this session has nothing for it; the menu brings it back all the same
            dock.toggleViewAction().trigger()
        dock.raise_()
        qtbot.waitUntil(lambda dock=dock: dock.on_screen and not dock.waiting)
        assert colours(dock.widget()) > 2, dock.objectName()


def colours(widget):
    image = widget.grab().toImage()
    return len({image.pixel(x, y) for x in range(0, image.width(), 2) for y in range(0, image.height(), 2)})


def test_a_recording_in_the_very_same_panels(opened, session_file, qtbot):
    recorded = Recorded(session_file)
    window = opened(
        installed_panels(),
        source=recorded,
        live=False,
        make_bar=lambda theme: ReplayBar(recorded, theme),
    )
    assert not window.header.emergency.isVisible()
    bar = window.bar
    bar.slider.setValue(bar.slider.maximum())
    qtbot.waitUntil(lambda: len(window.model.records) == 14)
    bar.slider.setValue(bar.slider.maximum() // 2)
    qtbot.waitUntil(lambda: 0 < len(window.model.records) < 14)
    trial = recorded.trial
    qtbot.mouseClick(bar.forth, Qt.LeftButton)
    qtbot.waitUntil(lambda: len(window.model.records) == trial + 1)
    bar.speed.setCurrentText("100 x")
    bar.speed.activated.emit(bar.speed.currentIndex())
    qtbot.mouseClick(bar.play, Qt.LeftButton)
    qtbot.waitUntil(lambda: len(window.model.records) > trial + 2)
    assert [(dock.objectName(), dock.failed) for dock in window.docks if dock.failed] == []
    window.close()
    assert not window.findChildren(QMessageBox)


def test_state_without_anything_else_is_enough(opened, source, make_state, qtbot):
    window = opened(installed_panels())
    source.tell(msgspec.structs.replace(make_state(), trials=None))
    qtbot.waitUntil(lambda: window.header.trial.text() == "3")
    assert [dock.failed for dock in window.docks if dock.failed] == []


@pytest.fixture
def population(opened, documents, source, make_state, qtbot):
    """A window with every panel, told half of a session."""
    window = opened(installed_panels())
    source.tell(*documents[: len(documents) // 2], make_state())
    qtbot.waitUntil(lambda: len(window.model.records) > 3)
    return window


def test_the_population_is_worked_out_only_while_it_is_seen(population, documents, source, qtbot):
    window = population
    frames = window.frames.frames
    qtbot.waitUntil(lambda: window.frames.frames > frames + 10)
    assert window.population.pid is None and window.model.population is None
    dock = panel_of(window, "reliability")
    dock.raise_()
    qtbot.waitUntil(lambda: window.model.population is not None, timeout=20_000)
    rewarded = window.model.population.rewarded
    assert rewarded == window.model.rewarded > 0
    qtbot.waitUntil(lambda: not dock.waiting)
    assert f"{rewarded} rewards" in dock.widget().about.text()
    pid = window.population.pid
    source.tell(*documents[len(documents) // 2 :])
    qtbot.waitUntil(lambda: window.model.population.rewarded > rewarded, timeout=20_000)
    window.close_only()
    assert window.population.pid is None
    qtbot.waitUntil(lambda: not registry.alive(pid))


def test_a_worker_that_dies_is_started_again_and_said(population, qtbot):
    window = population
    panel_of(window, "evidence").raise_()
    qtbot.waitUntil(lambda: window.model.population is not None, timeout=20_000)
    os.kill(window.population.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: "ended unexpectedly" in window.bar.words.text(), timeout=10_000)
    assert any("ended unexpectedly" in notice.text for notice in window.model.notices)
    assert window.model.population is not None, "what was known stays in sight"
    qtbot.waitUntil(lambda: not window.population.behind, timeout=20_000)
    qtbot.waitUntil(lambda: window.model.population_note == "")


def test_the_panels_about_all_units_stand_behind_the_reversal_points(population, qtbot):
    window = population
    qtbot.waitUntil(lambda: not window.places.arranging)
    behind = {dock.objectName() for dock in window.tabifiedDockWidgets(panel_of(window, "reversal"))}
    assert behind == {"reliability", "evidence", "decoding", "cue_coding", "asymmetry", "drift"}
    assert panel_of(window, "reversal").on_screen


def test_the_population_layout_gives_them_the_room_and_can_be_left(population, qtbot):
    window = population
    qtbot.waitUntil(lambda: not window.places.arranging)
    action(window, "Population layout").trigger()
    seen = ("reversal", "unit", "reliability", "asymmetry", "evidence", "decoding")
    qtbot.waitUntil(lambda: all(panel_of(window, name).on_screen for name in seen))
    assert not panel_of(window, "licks").isVisible()
    assert (window.width(), window.height()) == (1366, 768)
    qtbot.waitUntil(lambda: not window.places.arranging)
    assert panel_of(window, "reliability").width() > 500
    action(window, "Reset layout").trigger()
    qtbot.waitUntil(panel_of(window, "licks").isVisible)
    assert not panel_of(window, "reliability").on_screen


def action(window, words):
    bar = window.menuWidget().findChild(QMenuBar)
    return next(
        action for menu in bar.actions() for action in menu.menu().actions() if action.text() == words
    )


def test_in_a_replay_the_population_is_that_of_the_moment(opened, session_file, qtbot):
    recorded = Recorded(session_file)
    window = opened(
        installed_panels(), source=recorded, live=False, make_bar=lambda theme: ReplayBar(recorded, theme)
    )
    qtbot.waitUntil(lambda: not window.places.arranging)
    panel_of(window, "reliability").raise_()
    bar, model = window.bar, window.model

    def rewarded():
        return model.population.rewarded if model.population is not None else None

    bar.slider.setValue(bar.slider.maximum())
    qtbot.waitUntil(lambda: len(model.records) == 14)
    qtbot.waitUntil(lambda: rewarded() == model.rewarded > 0, timeout=20_000)
    whole, pid = rewarded(), window.population.pid
    for share in (0.9, 0.4, 0.7, 0.5):  # dragged to and fro
        bar.slider.setValue(round(share * bar.slider.maximum()))
        qtbot.waitUntil(lambda: 0 < len(model.records) < 14)
    qtbot.waitUntil(lambda: rewarded() == model.rewarded, timeout=20_000)
    assert 0 < rewarded() < whole
    assert window.population.pid == pid, "the same process was told to forget"


def test_a_session_about_cues_alone_leads_with_cue_coding(opened, source, started, make_state, qtbot):
    roles = CueRoles(low="a", middle="b", high="c")
    window = opened(installed_panels())
    qtbot.waitUntil(lambda: panel_of(window, "reversal").on_screen)
    source.tell(msgspec.structs.replace(started, reversal_conditions=(), cue_roles=roles), make_state())
    qtbot.waitUntil(lambda: panel_of(window, "cue_coding").on_screen)
    qtbot.waitUntil(lambda: not panel_of(window, "reversal").on_screen)
