"""A session takes an LSL stream in as photometry, and offers its documents on LSL; replay needs neither."""

from __future__ import annotations

import io
import json
import sys
import threading
import time

import msgspec
import numpy as np
import pytest
from rich.console import Console

from drivers.lsl.inlet import LslInlet
from drivers.lsl.outlet import ValueOutlet
from rig.cli.photometry import sampled
from rig.cli.plans import make_plan
from rig.cli.replay import recorded_plan, replay_file
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.sitting import run_session
from rig.description import Telemetry
from rig.documents import FibreResponseTaken, TrialDone
from rig.errors import ConfigError
from rig.photometry.settings import DffSettings, FibreConfig, PhotometryConfig
from rig.runtime.config import parse_rig
from rig.runtime.reader import SessionFile

pytestmark = pytest.mark.timeout(120)

RATE_HZ = 100
SOURCE = PhotometryConfig(
    name="camera",
    driver="lsl",
    data="lsl:source_id=t-session-fibre",
    sync="host",
    rate_hz=RATE_HZ,
    fibres={
        "left": FibreConfig(signal="G0", control="G0_iso", dff=DffSettings(settle_s=1.0, baseline_s=10.0))
    },
)
QUICK = {"wait_min_s": 0.6, "wait_mean_s": 0.1, "lick_within_s": 0.5}


class Sending(threading.Thread):
    """A program with an LSL stream of 100 samples a second, a chunk every 20 ms."""

    def __init__(self, lsl):
        super().__init__(daemon=True)
        self.lsl, self.over, self.sent = lsl, threading.Event(), 0

    def run(self):
        with ValueOutlet("fibre", "t-session-fibre", ["G0", "G0_iso"], rate_hz=float(RATE_HZ)) as outlet:
            begun_s = self.lsl.local_clock()
            while not self.over.wait(0.005):
                due = int((self.lsl.local_clock() - begun_s) * RATE_HZ)
                if due >= self.sent + 2:
                    t_s = np.arange(self.sent, due) / RATE_HZ
                    rows = np.stack([1.0 + 0.05 * np.sin(2 * np.pi * 0.5 * t_s), np.full(len(t_s), 0.8)], 1)
                    outlet.send(rows.tolist(), begun_s + (due - 1) / RATE_HZ)
                    self.sent = due


class Following(threading.Thread):
    """Another program: hears what the session offers."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over, self.heard = threading.Event(), []

    def run(self):
        while not self.over.is_set():
            try:
                with LslInlet("source_id", "box-3-events", 1.0) as inlet:
                    while not self.over.wait(0.05):
                        for _, _, body in inlet.pull():
                            self.heard += [json.loads(text) for _, text in json.loads(body)]
            except ConfigError:
                continue  # not there yet


@pytest.fixture(scope="module")
def sending(lsl):
    thread = Sending(lsl)
    thread.start()
    yield thread
    thread.over.set()
    thread.join()


@pytest.fixture(scope="module")
def ran(sending, tmp_path_factory):
    """A session of some seconds with that stream; the file and what was offered meanwhile."""
    rig = msgspec.structs.replace(
        with_emulation(demo_rig(), units=0, seed=1), streams=(), telemetry=Telemetry(lsl="box-3")
    )
    following = Following()
    following.start()
    with launch(rig, speed=1.0) as process:
        rig = msgspec.structs.replace(process.rig, photometry=(SOURCE,))
        plan = make_plan("habituation", rig, subject="m1", seed=1, trials=4, settings=QUICK)
        outcome, session = run_session(plan, tmp_path_factory.mktemp("lsl"), Console(quiet=True), quiet=True)
    time.sleep(0.3)
    following.over.set()
    following.join()
    assert outcome.ok, outcome.reason
    return outcome.path, session, following.heard


def test_its_samples_are_recorded_placed_and_answer_rewards(ran):
    path, session, _ = ran
    (source,) = session.fibres.states()
    assert source.samples > 4 * RATE_HZ
    assert (source.lost, source.noise_bytes, source.restarts) == (0, 0, 0)
    # The emulated board's time waits for its process, so no bound would hold on a busy computer; it says so.
    assert (source.clock.source, source.clock.verdict) == ("host stamps", "poor")
    assert "right to +-" in source.clock.reason
    assert source.clock.interval_us > 3_000
    with SessionFile(path) as file:
        kept = sum(entry.kind == "messages" for entry in file.inputs() if entry.source == "camera")
        told = [document for _, document in file.documents() if isinstance(document, FibreResponseTaken)]
    assert kept > 50
    assert any(response.dff is not None for response in told), [response.reason for response in told]


def test_what_the_session_says_is_offered(ran):
    path, _, heard = ran
    with SessionFile(path) as file:
        done = [document for _, document in file.documents() if isinstance(document, TrialDone)]
    found = [document for document in heard if document.get("schema") == TrialDone.__struct_config__.tag]
    assert [document["record"]["number"] for document in found] == [d.record.number for d in done]


def test_a_replay_needs_no_lsl(ran, monkeypatch):
    path, _, _ = ran
    monkeypatch.setitem(sys.modules, "pylsl", None)  # an import of it fails
    with SessionFile(path) as file:
        assert replay_file(file, recorded_plan(file)).complete


def test_the_source_can_be_met_without_a_session(sending):
    console = Console(record=True, width=200, file=io.StringIO())
    assert sampled(SOURCE, 1.0, console)
    said = console.export_text()
    assert "G0, G0_iso at 100 Hz" in said
    assert "no sync line" in said
    gone = msgspec.structs.replace(SOURCE, data="lsl:source_id=nobody")
    assert not sampled(gone, 0.5, console)
    assert "no LSL stream with source_id 'nobody'" in console.export_text()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('data = "tcp://127.0.0.1:5"\nsync = "host"', "takes data = 'lsl:name=NAME'"),
        ('data = "lsl:name=x"', "an LSL stream has no digital lines"),
    ],
)
def test_a_rig_file_that_cannot_be_is_refused(line, says):
    text = f'name = "r"\n[board]\nport = "COM1"\n[[photometry]]\nname = "camera"\ndriver = "lsl"\n{line}\n'
    with pytest.raises(ConfigError, match=says):
        parse_rig(text + '[photometry.fibres.left]\nsignal = "G0"\n')
