"""The example files work: the subscriber, the converter, the driver."""

import importlib.util
import io
import subprocess
import sys
import threading
import time
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest
import zmq
from rich.console import Console
from scipy.io import savemat

from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.sitting import make_session, run_session
from rig.cli.streams import listen
from rig.description import StreamConfig
from rig.documents import Notice, TrialDone
from rig.events import Progress, Spike, StreamGap, StreamRestarted, Ttl, WireNoise
from rig.photometry.settings import DffSettings
from rig.runtime import plugins
from rig.runtime.engine import Engine
from rig.runtime.feeds import FeedPort
from rig.runtime.guard import Guard
from rig.runtime.ports import Port
from rig.runtime.reader import SessionFile
from rig.runtime.recordings import read_spikes, spike_responses
from rig.runtime.registry import running
from rig.trial.live_arrays import FIBRE_COLUMNS


@pytest.fixture
def example(root):
    """Import an example by its name."""

    def load(name):
        spec = importlib.util.spec_from_file_location(name, root / "examples" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_the_subscriber_follows_a_real_engine(root, tmp_path):
    with launch(with_emulation(demo_rig(), units=1, seed=1), speed=60) as process:
        rig = process.rig
        plan = make_plan("variable_magnitude", rig, subject="m1", seed=1, trials=3, settings={})
        session, board, feeds = make_session(plan)
        port = Port("board", lambda: plugins.find("transport", "default")(rig.board.port, rig.board.baud))
        (stream,) = rig.streams
        engine = Engine(
            session,
            meta=session.meta,
            out=tmp_path,
            subject="m1",
            ports=[port],
            guard=Guard(port, board.alive_frame, board.abort_frame),
            feeds=[FeedPort(name=stream.name, data=stream.data, reduce=feeds[stream.name].reduce)],
        )
        command = [sys.executable, root / "examples/subscribe.py"]
        command += [engine.publish_endpoint, engine.commands_endpoint]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as subscriber:
            try:
                attached = subscriber.stdout.readline()
                outcome = engine.run()
                rest, _ = subscriber.communicate(timeout=10)
            finally:
                subscriber.kill()
    assert outcome.ok, outcome
    assert attached.startswith("attached at event")
    assert rest.splitlines() == ["0 signalled 2.5 uL", "1 signalled 5.0 uL", "2 odour_b 0.0 uL"]


def test_live_arrays_follow_a_session_with_a_fibre(root, tmp_path):
    """A program beside: it finds the session as any would, and prints dF/F and spikes as they come."""
    lines = []

    def follow():
        while not (found := [one.publish for one in running() if one.subject == "arrays"]):
            time.sleep(0.02)
        command = [sys.executable, root / "examples/live_arrays.py", found[0], "60"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            try:
                while not ({"dff", "spike"} <= {kind(line) for line in lines}) and len(lines) < 50_000:
                    lines.append(program.stdout.readline())
            finally:
                program.kill()

    def kind(line):
        if "  at " in line:
            return "spike"
        return "dff" if "dF/F" in line and "nan" not in line else ""

    rig = with_emulation(demo_rig(fibre=True), units=2, seed=1)
    fibre = rig.photometry[0].fibres["striatum"]
    quick = msgspec.structs.replace(fibre, dff=DffSettings(settle_s=10.0, baseline_s=30.0))
    source = msgspec.structs.replace(rig.photometry[0], fibres={"striatum": quick})
    follower = threading.Thread(target=follow)
    follower.start()
    with launch(msgspec.structs.replace(rig, photometry=(source,)), speed=20) as process:
        plan = make_plan("variable_magnitude", process.rig, subject="arrays", seed=1, trials=8, settings={})
        outcome, _ = run_session(plan, tmp_path, Console(quiet=True), quiet=True)
    follower.join(20)
    assert outcome.ok, outcome
    assert {"dff", "spike"} <= {kind(line) for line in lines}
    assert any(line.startswith("striatum  ") and " V  dF/F " in line for line in lines)


def test_a_program_beside_closes_a_loop_of_its_own(root, tmp_path):
    """It hears spikes, asks for a soft event, and the table that runs switches the light on."""
    asked = []

    def follow():
        while not (found := [one for one in running() if one.subject == "loop"]):
            time.sleep(0.02)
        endpoints = [found[0].publish, found[0].commands]
        command = [sys.executable, root / "examples/own_loop.py", *endpoints, unit, "120"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            try:
                asked.append(program.stdout.readline())
            finally:
                finished.wait(60)
                program.kill()

    finished = threading.Event()
    with launch(with_emulation(demo_rig(), units=2, seed=1), speed=10) as process:
        rig, name = process.rig, str(root / "examples/burst_light.py")
        unit = rig.streams[0].roster[0]
        follower = threading.Thread(target=follow)
        follower.start()
        soon = {"wait_min_s": 1.0, "wait_mean_s": 0.0}
        plan = make_plan(name, rig, subject="loop", seed=1, trials=4, settings=soon)
        outcome, _ = run_session(plan, tmp_path, Console(quiet=True), quiet=True)
        finished.set()
    follower.join(20)
    assert outcome.ok, outcome
    assert f"{unit}  burst, asked as input " in asked[0]
    with SessionFile(outcome.path) as file:
        told = [document for _, document in file.documents()]
    assert any(doc.text == "soft event 1" for doc in told if isinstance(doc, Notice))
    assert any(c.name == "led" for doc in told if isinstance(doc, TrialDone) for c in doc.record.outputs)


def test_the_bonsai_workflow_takes_apart_what_the_session_sends(root):
    """No Bonsai here: that the file is well formed, and says what the arrays channel says."""
    workflow = ElementTree.parse(root / "examples/live_arrays.bonsai").getroot()
    text = ElementTree.tostring(workflow, encoding="unicode")
    assert "arrays/photometry" in text
    columns = FIBRE_COLUMNS.split(",")
    assert f">{len(columns)}<" in text  # as many columns as a fibre has
    assert "F32" in text


def test_the_converter_reads_the_released_form(example, tmp_path):
    rng = np.random.Generator(np.random.PCG64(1))
    for name in ("b_second.mat", "a_first.mat"):
        kinds = np.array([1.0, 7.0, 8.0, 14.0, 15.0, np.nan, 5.0])
        events = {"odorOn": 1000.0 + 8000.0 * np.arange(7), "trialType": kinds, "laserOn": 5.0}
        responses = {"spike": rng.uniform(0, 60_000, 300)}
        savemat(tmp_path / name, {"events": events, "responses": responses})
    out = tmp_path / "units.npz"
    assert example("convert_release").convert(tmp_path, out) == 2
    first, _ = units = read_spikes(out)
    assert first.trial_type.tolist() == [1, 7, 8, 14, 15, 0, 5]
    assert np.all(np.diff(first.spikes_ms) >= 0)
    assert spike_responses(units).rewarded == 5
    assert np.load(out)["unit_names"].tolist() == ["a_first.mat", "b_second.mat"]
    # types that end before the stamps do, and times that are none
    events = {"odorOn": [[1000.0], [9000.0], [np.nan], [17_000.0]], "trialType": [[1.0, 7.0]]}
    savemat(tmp_path / "a_first.mat", {"events": events, "responses": {"spike": [5.0, np.nan, 2.0]}})
    example("convert_release").convert(tmp_path, out)
    first = read_spikes(out)[0]
    assert (first.trial_type.tolist(), first.spikes_ms.tolist()) == ([1, 7, 0], [2.0, 5.0])


def test_the_converter_says_what_is_no_unit(example, tmp_path):
    convert, out = example("convert_release").convert, tmp_path / "units.npz"
    with pytest.raises(SystemExit, match=r"there are no \.mat files"):
        convert(tmp_path, out)
    savemat(tmp_path / "a.mat", {"other": 1})
    with pytest.raises(SystemExit, match=r"a\.mat: this is no released unit"):
        convert(tmp_path, out)
    (tmp_path / "a.mat").write_bytes(b"cut short")
    with pytest.raises(SystemExit, match=r"a\.mat: this is no released unit"):
        convert(tmp_path, out)
    assert not out.exists()


CONFIG = StreamConfig(name="e1", data="tcp://127.0.0.1:5590", driver="line_feed:LineFeed")


def test_the_feed_says_what_came(example):
    feed = example("line_feed").LineFeed(CONFIG)
    told = []
    for line in (
        b'{"n": 1, "unit": "e1:1", "sample": 30412}',
        b'{"n": 2, "line": 0, "up": true, "sample": 30500}',
        b"noise",
        b'{"n": 5, "next": 31000, "rate": 30000.0}',
        b'{"n": 1, "unit": "e1:1", "sample": 7}',
    ):
        told += feed.feed([line], 0)
    noise = told.pop(2)
    assert isinstance(noise, WireNoise)
    assert noise.dropped == 5
    assert isinstance(told.pop(4), StreamRestarted)
    assert told == [
        Spike(unit="e1:1", sample=30412),
        Ttl(line=0, rising=True, sample=30500),
        StreamGap(first=3, last=4),
        Progress(next_sample=31000, rate_hz=30000.0),
        Spike(unit="e1:1", sample=7),
    ]


@pytest.mark.parametrize("junk", [b"", b"\xff\xfe", b"[]", b'{"n": "x"}', b'{"n": 1, "next": 1e400}'])
def test_noise_never_raises(example, junk):
    told = example("line_feed").LineFeed(CONFIG).feed([junk], 0)
    assert [type(event) for event in told] == [WireNoise]


def test_the_feed_is_found_by_its_name_and_listens(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "examples")
    console = Console(record=True, width=200, file=io.StringIO())
    over = threading.Event()
    with zmq.Context() as context, context.socket(zmq.PUB) as publisher:
        publisher.linger = 0
        port = publisher.bind_to_random_port("tcp://127.0.0.1")

        def publish():
            number = 0
            while not over.is_set():
                number += 1
                publisher.send_string(f'{{"n": {number}, "unit": "e1:{number % 2}", "sample": {number}}}')
                time.sleep(0.005)

        sender = threading.Thread(target=publish)
        sender.start()
        try:
            heard = listen(
                StreamConfig(name="e1", data=f"tcp://127.0.0.1:{port}", driver=CONFIG.driver), 0.5, console
            )
        finally:
            over.set()
            sender.join()
    assert heard
    assert "2 units, 0 gaps" in console.export_text()
