"""The window under the load of a big rig: 200 units, 2000 happenings a second, a trial every few seconds.

The documents come as they would from an engine: a thread decodes them and fills the window's queue. What is
told is a simulated session of 12 trials, told over and over with trials and times that go on.
"""

from __future__ import annotations

import gc
import itertools
import queue
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gui.client import HealthSeen
from gui.docks import installed_panels
from gui.theme import LIGHT
from gui.window import Window
from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.description import Emulation
from rig.documents import (
    AlignedSpikes,
    BoardActivity,
    Document,
    EstimatesUpdated,
    Happening,
    ResponseTaken,
    SessionEnded,
    SessionStarted,
    SessionState,
    TrialDone,
)

UNITS = 200
TRIALS = 12
HAPPENINGS_PER_S = 2000
MESSAGES_PER_S = 100
SPEED = 6.0
"""Rig seconds a second: about a trial every 1.7 seconds."""
LEAST_FPS = 20.0
HISTORY_KB_PER_TRIAL = 150
"""A window keeps every trial's spikes, answers and estimates of 200 units; that much it may take for one."""
HISTORY_OBJECTS_PER_TRIAL = 2500
"""Happenings are not kept: 2000 of them a second would be 4000 objects more each second."""

EVENTS = msgspec.json.Decoder(Document)


@pytest.fixture(scope="session")
def told():
    """Everything a session with 200 units told between its first trial and its end."""
    rig = virtual_description(demo_rig(), Emulation(units=UNITS, seed=3))
    plan = make_plan("variable_magnitude", rig, subject="DA12", seed=3, trials=TRIALS, settings={})
    documents = []

    class Keeper:
        def show(self, document):
            documents.append(document)

    run_virtual(plan, Keeper())
    return documents


def later(document, lap, lap_us):
    """Return a document of the session's `lap`th telling."""
    trials, us = lap * TRIALS, lap * lap_us
    match document:
        case TrialDone():
            record = msgspec.structs.replace(
                document.record,
                number=document.record.number + trials,
                start_us=document.record.start_us + us,
            )
            return msgspec.structs.replace(document, record=record)
        case ResponseTaken():
            response = document.response
            response = msgspec.structs.replace(response, trial=response.trial + trials)
            return msgspec.structs.replace(document, response=response)
        case AlignedSpikes():
            return msgspec.structs.replace(document, trial=document.trial + trials)
        case EstimatesUpdated():
            return msgspec.structs.replace(
                document, trial=document.trial + trials, rewarded=document.rewarded + trials
            )
        case SessionState():
            return msgspec.structs.replace(
                document, trial=document.trial + trials, trials=None, board_us=document.board_us + us
            )
        case BoardActivity():
            happened = tuple(
                Happening(h.kind, h.name, h.on, h.board_us + us)
                for h in document.happened
                if h.kind != "input"
            )
            return BoardActivity(trial=document.trial + trials, happened=happened)
    return document


class Load(threading.Thread):
    """A source with an engine's pace: what is due is decoded here and waits for the window.

    Parameters
    ----------
    before
        Tellings of the session that lie behind when the window opens.
    """

    def __init__(self, told, before):
        super().__init__(daemon=True)
        self._first = [d for d in told if isinstance(d, SessionStarted)]
        body = [d for d in told if not isinstance(d, SessionStarted | SessionEnded)]
        body = [d for d in body if not isinstance(d, SessionState) or d.phase != "ended"]
        begin_us = next(d.board_us for d in body if isinstance(d, SessionState) and d.phase == "deciding")
        self._body, now_us = [], begin_us
        for document in body:
            if isinstance(document, SessionState):
                now_us = document.board_us
            elif isinstance(document, BoardActivity):
                now_us = document.happened[-1].board_us
            if now_us >= begin_us:
                self._body.append((now_us - begin_us, document))
        self._begin_us, self._lap_us = begin_us, now_us - begin_us
        self._before = before
        self._queue = queue.SimpleQueue()
        self._over = threading.Event()
        self.happenings = self.trials = 0
        self.rig_s = 0.0
        self.late_s = 0.0

    def _put(self, document):
        self.trials += isinstance(document, TrialDone)
        self._queue.put(EVENTS.decode(msgspec.json.encode(document)))

    def _lap(self, lap):
        return ((at + lap * self._lap_us, later(document, lap, self._lap_us)) for at, document in self._body)

    def run(self):
        for document in self._first:
            self._put(document)
        for lap in range(self._before):
            for _, document in self._lap(lap):
                if not isinstance(document, BoardActivity):
                    self._put(document)
        stream = itertools.chain.from_iterable(self._lap(lap) for lap in itertools.count(self._before))
        begun, at_begin = time.monotonic(), self._before * self._lap_us
        at_us, document = next(stream)
        for message in itertools.count(1):
            due = begun + message / MESSAGES_PER_S
            self.late_s = time.monotonic() - due
            if self._over.wait(max(-self.late_s, 0.0)):
                return
            self.rig_s = message / MESSAGES_PER_S * SPEED
            now_us = at_begin + round(self.rig_s * 1e6)
            while at_us <= now_us:
                self._put(document)
                at_us, document = next(stream)
            self._put(self._licks(now_us))
            if message % (MESSAGES_PER_S // 4) == 0:
                self._queue.put(HealthSeen({"uptime_s": self.rig_s, "loop_s": 0.001}, 0.9))

    def _licks(self, now_us):
        """A detector that chatters."""
        many = HAPPENINGS_PER_S // MESSAGES_PER_S
        self.happenings += many
        apart = SPEED * 1e6 / HAPPENINGS_PER_S
        times = [self._begin_us + now_us + round((k - many) * apart) for k in range(many)]
        happened = tuple(Happening("input", "lick", k % 2 == 0, us) for k, us in enumerate(times))
        return BoardActivity(trial=self.trials, happened=happened)

    def updates(self):
        while True:
            try:
                yield self._queue.get_nowait()
            except queue.Empty:
                return

    @property
    def waiting(self):
        return self._queue.qsize()

    def submit(self, command):
        future = Future()
        future.set_result(1)
        return future

    def close(self):
        self._over.set()


def resident_kb():
    """What this process holds in memory now."""
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("this system does not tell a process's memory")
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmRSS"))


def soak(qtbot, told, *, before, warm_s, seconds):
    """Load a window; return it, its source, and (seconds, trials, kB, objects) every half second."""
    load = Load(told, before)
    window = Window(load, installed_panels(), LIGHT)
    qtbot.addWidget(window, before_close_func=lambda w: setattr(w, "live", False))
    window.resize(1366, 768)
    window.show()
    load.start()
    qtbot.waitUntil(lambda: len(window.model.records) > before * TRIALS, timeout=60_000)
    qtbot.wait(round(warm_s * 1e3))
    window.frames.reset()
    gc.collect()
    begun, seen = time.monotonic(), []
    docks, turn = window.docks, 0
    while time.monotonic() - begun < seconds:
        qtbot.wait(500)
        seen.append((time.monotonic() - begun, load.trials, resident_kb(), sys.getallocatedblocks()))
        turn += 1
        docks[turn % len(docks)].raise_()  # somebody looks at one panel after the other
    return window, load, np.array(seen)


def slope_of(seconds, values):
    """Return what is added a second."""
    return float(np.polyfit(seconds, values, 1)[0])


def check(window, load, seen, *, leak_kb_per_s, leak_objects_per_s):
    assert not [dock.failed for dock in window.docks if dock.failed]
    assert load.waiting < 200 and load.late_s < 1.0, "the window keeps up with what is told"
    assert load.happenings > HAPPENINGS_PER_S * seen[-1, 0]
    assert len(window.model.estimates) == UNITS
    gap_ms = float(np.median(window.frames.gaps_ms))
    seconds, trials, kb, blocks = seen.T
    slope = slope_of(seconds, kb - HISTORY_KB_PER_TRIAL * trials)
    objects = slope_of(seconds, blocks - HISTORY_OBJECTS_PER_TRIAL * trials)
    told = (
        f"median gap {gap_ms:.1f} ms, longest {window.frames.longest_ms:.0f} ms, busiest "
        f"{window.frames.busiest_ms:.0f} ms, {trials[-1] - trials[0]:.0f} trials, memory "
        f"{slope_of(seconds, kb):+.0f} kB and {slope_of(seconds, blocks):+.0f} objects a second; "
        f"beyond the trials' history {slope:+.0f} kB and {objects:+.0f} objects"
    )
    print(told)
    assert 1e3 / gap_ms > LEAST_FPS, told
    assert slope < leak_kb_per_s, told
    assert objects < leak_objects_per_s, told


@pytest.mark.timeout(280)
def test_it_draws_on_and_its_memory_stays(qtbot, told):
    check(*soak(qtbot, told, before=10, warm_s=4, seconds=45), leak_kb_per_s=60, leak_objects_per_s=500)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_hours_of_rig_time(qtbot, told):
    """Two hours of rig time in twenty minutes; not part of the suite, but a command of its own::

    pytest -m slow -s tests/gui/test_under_load.py
    """
    window, load, seen = soak(qtbot, told, before=0, warm_s=30, seconds=7200 / SPEED)
    assert load.rig_s > 7000
    check(window, load, seen, leak_kb_per_s=20, leak_objects_per_s=100)
