"""A session with fibres: a pyPhotometry board on a real pseudo-terminal, and a program over ZeroMQ."""

from __future__ import annotations

import dataclasses
import json
import threading

import msgspec
import numpy as np
import pytest
import zmq
from rich.console import Console
from typer.testing import CliRunner

from rig.cli.app import app
from rig.cli.plans import make_plan
from rig.cli.replay import recorded_plan, replay_file
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.sitting import run_session
from rig.description import EmulatedSource
from rig.documents import FibreResponseTaken
from rig.errors import ReplayMismatch
from rig.log.pack import unpack
from rig.photometry.settings import DffSettings, FibreConfig, FibreWindow, PhotometryConfig, ThresholdConfig
from rig.runtime.reader import SessionFile
from rig.runtime.registry import running

pytestmark = pytest.mark.timeout(120)

TRIALS = 45
QUICK = DffSettings(settle_s=20.0, baseline_s=60.0)
WINDOW = FibreWindow(start_ms=400, stop_ms=1200)
BOX = PhotometryConfig(
    name="box",
    port="pty",
    fibres={"left": FibreConfig(signal="analog_1", control="analog_2", dff=QUICK)},
    window=WINDOW,
    thresholds=(ThresholdConfig(fibre="left", above_dff=0.01, soft_event=1),),
)
PROGRAM = PhotometryConfig(
    name="program",
    driver="samples",
    data="tcp://127.0.0.1:0",
    rate_hz=100,
    fibres={"right": FibreConfig(signal="G0", control="G0_iso", dff=QUICK)},
    window=WINDOW,
)


class Listening(threading.Thread):
    """Another program: hears what the session called `subject` publishes, from its beginning to its end."""

    def __init__(self, subject):
        super().__init__(daemon=True)
        self.subject, self.heard, self.over = subject, [], threading.Event()

    def run(self):
        with zmq.Context() as context, context.socket(zmq.SUB) as socket:
            socket.linger = 0
            socket.rcvhwm = 0
            for topic in (b"arrays/", b"events"):
                socket.subscribe(topic)
            while not (found := [one.publish for one in running() if one.subject == self.subject]):
                if self.over.wait(0.02):
                    return
            socket.connect(found[0])
            while not self.over.is_set():
                while socket.poll(50):
                    self.heard.append(socket.recv_multipart())

    def arrays(self, name):
        for topic, header, buffer in (parts for parts in self.heard if len(parts) == 3):
            if topic == f"arrays/{name}".encode():
                told = json.loads(header)
                yield told, np.frombuffer(buffer, told["dtype"]).reshape(told["shape"])


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The session file, the session, and what another program heard."""
    rig = with_emulation(demo_rig(), units=8, seed=1)
    played = {
        "box": EmulatedSource(sensor="dlight"),
        "program": EmulatedSource(sensor="dlight", lost_share=0.01),
    }
    emulation = msgspec.structs.replace(rig.emulation, photometry=played)
    rig = msgspec.structs.replace(rig, photometry=(BOX, PROGRAM), emulation=emulation)
    listening = Listening("fibred")
    listening.start()
    with launch(rig, speed=60) as process:
        plan = make_plan(
            "variable_magnitude", process.rig, subject="fibred", seed=1, trials=TRIALS, settings={}
        )
        out = tmp_path_factory.mktemp("fibred")
        outcome, session = run_session(plan, out, Console(quiet=True), quiet=True)
    listening.over.set()
    listening.join(5)
    assert outcome.ok, outcome.reason
    return outcome.path, session, listening


def test_both_fibres_answer_and_have_a_reversal_point(ran):
    path, _, _ = ran
    said = CliRunner().invoke(app, ["inspect", str(path), "--json"])
    assert said.exit_code == 0, said.output
    told = json.loads(said.output)
    assert [(fibre["source"], fibre["fibre"]) for fibre in told["fibres"]] == [
        ("box", "left"), ("program", "right"),
    ]  # fmt: skip
    for fibre in told["fibres"]:
        estimate, withheld = fibre["estimate"], sum(fibre["withheld"].values())
        assert sum(estimate["n"]) + withheld == told["rewarded"]
        assert sum(estimate["n"]) > 0.7 * told["rewarded"]
        assert estimate["mean_dff"][-1] > 0.005 > estimate["mean_dff"][0]
        assert estimate["rise"] > 2  # with the reward's utility, in its own standard errors
        # A fast sensor over these units turns at about 1.3 uL; in so few trials it may seem never to.
        low_ul, high_ul = estimate["between_ul"] or (0.0, 20.0)
        assert low_ul <= 2.5 and high_ul >= 1.2
        assert estimate["between_ul"] or estimate["reason"] or estimate["flags"]
    assert {loop["soft_event"]: loop["real_time"] for loop in told["loops"]} == {1: False}
    plain = CliRunner().invoke(app, ["inspect", str(path)])
    assert "left of box" in plain.output
    assert "filter's own delay, 22.1 ms" in plain.output


def test_what_is_lost_is_counted_and_both_clocks_hold(ran):
    _, session, _ = ran
    box, program = session.fibres.states()
    assert (box.lost, box.missing, box.restarts) == (0, 0, 0)
    assert 0 < program.lost < 0.03 * program.samples
    for source, ppm in ((box, -20), (program, -20)):
        assert source.ready
        assert source.clock.verdict == "ok"
        assert source.clock.ppm == pytest.approx(ppm, abs=60)


def test_the_raw_samples_are_in_the_file(ran):
    path, session, _ = ran
    with SessionFile(path) as file:
        kept = [entry for entry in file.inputs() if entry.source in {"box", "program"}]
        columns, rows = file.table("fibre_responses")
        responses = [dict(zip(columns, row, strict=True)) for row in rows]
        told = [doc for _, doc in file.documents() if isinstance(doc, FibreResponseTaken)]
    # two bytes a reading, two readings a sample; the rest are frames, orders and their answers
    sent = sum(len(entry.payload) for entry in kept if entry.source == "box" and entry.kind == "bytes")
    box, program = session.fibres.states()
    assert sent > 4 * box.samples
    messages = [m for e in kept if e.source == "program" and e.kind == "messages" for m in unpack(e.payload)]
    # two floats and one byte of lines a sample; the last of them came when the session had ended
    assert program.samples <= sum(len(parts[-1]) // 9 for parts in messages) < 1.1 * program.samples
    assert len(responses) == len(told)
    assert {row["missing"] is None for row in responses if row["dff"] is not None} == {True}


def test_other_programs_hear_samples_spikes_and_events(ran):
    path, _, listening = ran
    for name in ("photometry/box/left", "photometry/program/right"):
        blocks = list(listening.arrays(name))
        assert sum(len(block) for _, block in blocks) > 10_000
        newest, block = blocks[-1]
        assert newest["info"]["board_us"] > 0
        assert np.isfinite(block).all()
        assert abs(block[-1, 2]) < 0.5
    spikes = list(listening.arrays("spikes/probe"))
    assert {name for told, _ in spikes for name in told["info"]["units"].split("\n")} >= {"Tetrode 1:1"}
    with SessionFile(path) as file:
        kept = [doc for _, doc in file.documents() if isinstance(doc, FibreResponseTaken)]
    heard = [parts for parts in listening.heard if parts[0].startswith(b"events")]
    assert sum(b"fibre_response" in b"".join(parts) for parts in heard) > 0.9 * len(kept)


def test_it_replays_byte_for_byte_and_a_changed_threshold_is_found(ran):
    path, _, _ = ran
    with SessionFile(path) as file:
        plan = recorded_plan(file)
        assert replay_file(file, plan).complete
        assert [source.name for source in plan.rig.photometry] == ["box", "program"]
    # a threshold that never was: the soft events that it sent are missing
    quiet = msgspec.structs.replace(plan.rig.photometry[0], thresholds=())
    rig = msgspec.structs.replace(plan.rig, photometry=(quiet, plan.rig.photometry[1]))
    with SessionFile(path) as file, pytest.raises(ReplayMismatch):
        replay_file(file, dataclasses.replace(plan, rig=rig))
