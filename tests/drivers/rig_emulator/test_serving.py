"""The emulated rig as a process: real pseudo-terminal, real ZeroMQ, and an end that always comes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
import serial
import zmq

from drivers.board.device import HarpBoard
from drivers.open_ephys.device import OpenEphysFeed
from drivers.rig_emulator.launch import launch
from drivers.rig_emulator.main import demo_rig, main, with_emulation
from rig.commands import Configure
from rig.errors import ConfigError, TransportError
from rig.estimate.utility import PUBLISHED_SHIFT_HZ
from rig.events import BoardReady, BoardSafe, Spike, StreamGap, SyncEdge, Ttl
from rig.runtime.config import load_rig
from rig.sim.neurons import unit_names

ROOT = Path(__file__).resolve().parents[3]
NUMBER = re.compile(rb'"message_num": (\d+)')

pytestmark = pytest.mark.skipif(os.name != "posix", reason="serves on a pseudo-terminal")


class Reader:
    """A subscriber to everything on a data port."""

    def __init__(self, endpoint, mark=1000):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.rcvhwm = mark
        self.socket.subscribe(b"")
        self.socket.connect(endpoint)

    def read(self, seconds):
        """Return all messages of some wall time."""
        messages, end = [], time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.socket.poll(int(left * 1000) + 1):
                try:
                    while time.monotonic() < end:
                        messages.append(self.socket.recv_multipart(zmq.NOBLOCK))
                except zmq.Again:
                    pass
        return messages

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.context.term()


def numbers(messages):
    return [int(NUMBER.search(parts[1])[1]) for parts in messages]


class Host:
    """The board's driver on a real port."""

    def __init__(self, rig):
        self.board = HarpBoard(rig.board)
        self.port = serial.serial_for_url(rig.board.port, rig.board.baud, timeout=0.01)
        self.board.connect(time.monotonic_ns())

    def until(self, kind, seconds=20.0):
        """Return all events up to the first of a kind."""
        seen, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            self.port.write(self.board.outgoing())
            data = self.port.read(max(1, self.port.in_waiting))
            seen += self.board.feed(data, time.monotonic_ns()) + self.board.idle(time.monotonic_ns())
            if any(isinstance(event, kind) for event in seen):
                return seen
        raise AssertionError(f"no {kind.__name__} in {seen}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.port.close()


def test_board_and_stream_over_real_ports():
    with launch(with_emulation(demo_rig(), units=5, seed=3), speed=20) as process:
        rig = process.rig
        assert rig.streams[0].roster == unit_names(5)
        assert rig.emulation.seed == 3
        with Host(rig) as host, Reader(rig.streams[0].data) as reader:
            (ready,) = [event for event in host.until(BoardReady) if isinstance(event, BoardReady)]
            assert ready.time_scale == 20
            assert "demo" in ready.name
            host.board.send(
                Configure(max_open_us=(134_000,), host_timeout_ms=250, sync_seed=7), time.monotonic_ns()
            )
            edges = [event for event in host.until(SyncEdge) if isinstance(event, SyncEdge)]
            assert edges[0].rising
            feed, events = OpenEphysFeed(rig.streams[0]), []
            for parts in reader.read(0.7):
                events += feed.feed(parts, 0)
            assert {event.unit for event in events if isinstance(event, Spike)} == set(unit_names(5))
            assert [event.line for event in events if isinstance(event, Ttl)]
            assert not [event for event in events if isinstance(event, StreamGap)]
            # The host falls silent: the board makes itself safe, by the wall's clock.
            host.port.write(host.board.alive_frame(1))
            began = time.monotonic()
            host.until(BoardSafe)
            assert 0.2 < time.monotonic() - began < 2.0


def test_forty_units_at_speed_60_without_a_gap():
    with launch(demo_rig(), speed=60) as process, Reader(process.rig.streams[0].data) as reader:
        got = numbers(reader.read(2.0))
        farewell = process.stop()
    assert got == list(range(got[0], got[0] + len(got)))
    # About 280 messages a second of rig time; the speed depends on what else the machine does.
    assert len(got) > 280 * 2 * 10
    assert farewell.reached > 10


def test_a_slow_reader_slows_the_rig_and_loses_nothing():
    with launch(demo_rig(), speed=200) as process, Reader(process.rig.streams[0].data, mark=200) as reader:
        messages = reader.read(0.3)
        time.sleep(0.8)
        for _ in range(20):
            messages += reader.read(0.02)
            time.sleep(0.02)
        farewell = process.stop()
    got = numbers(messages)
    assert got == list(range(got[0], got[0] + len(got)))
    assert farewell.held_s > 0.5


def test_heartbeats_are_answered():
    with launch(with_emulation(demo_rig(), units=1)) as process:
        context = zmq.Context()
        socket = context.socket(zmq.REQ)
        socket.linger = 0
        socket.connect(process.rig.streams[0].control)
        socket.send(b'{"application": "test", "uuid": "1", "type": "heartbeat"}')
        assert socket.poll(2000)
        assert socket.recv() == b"heartbeat received"
        socket.close()
        context.term()


def test_the_truth_is_told_when_asked_and_at_the_end():
    with launch(with_emulation(demo_rig(), units=3, model="classical")) as process:
        early = msgspec.json.decode(process.truth())
        farewell = process.stop()
        assert msgspec.json.decode(farewell.truth) == early
        assert [unit["unit"] for unit in early["units"]] == list(unit_names(3))
        assert {unit["truth"]["asymmetry"] for unit in early["units"]} == {0.5}
        assert farewell.trials == 0
        assert process.stop() is farewell
        with pytest.raises(TransportError, match="does not answer"):
            process.truth()
    assert not process.alive


def test_a_tcp_port_serves_as_well():
    rig = with_emulation(demo_rig(), units=1)
    rig = msgspec.structs.replace(rig, board=msgspec.structs.replace(rig.board, port="socket://127.0.0.1:0"))
    with launch(rig, speed=5) as process:
        assert re.fullmatch(r"socket://127\.0\.0\.1:\d+", process.rig.board.port)
        with Host(process.rig) as host:
            host.until(BoardReady)


def test_recorded_units_are_served(tmp_path):
    stamps = np.array([2000.0, 9000.0])
    np.savez(
        tmp_path / "units.npz", spikes_07=np.arange(0.0, 9500.0, 20.0), odor_on_07=stamps,
        trial_type_07=np.array([5, 12], dtype=np.int8),
    )  # fmt: skip
    with launch(demo_rig(), recorded=tmp_path / "units.npz") as process:
        assert process.rig.streams[0].roster == ("Tetrode 1:1",)
        assert process.rig.emulation.recorded_trials == {
            "Tetrode 1:1": (0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0)
        }
        assert process.rig.neural.unsignalled_shift_hz == PUBLISHED_SHIFT_HZ
        truth = msgspec.json.decode(process.truth())
    assert truth["animal"] == "recorded"
    assert truth["units"][0]["source"] == "07"


def gone(pid, seconds):
    """Whether a process that is not our child ends in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            # A process that has ended but was not waited for is gone as well.
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            pass
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


PARENT = """
import sys, time
from drivers.rig_emulator.launch import launch
from drivers.rig_emulator.main import demo_rig
process = launch(demo_rig(), speed=10)
print(process.pid, flush=True)
time.sleep(60)
"""


def test_it_dies_within_two_seconds_of_its_parent():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    pid = int(parent.stdout.readline())
    assert not gone(pid, 0.2)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(pid, 2.0)


def test_it_dies_with_a_parent_that_holds_no_pipe():
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'drivers.rig_emulator'], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    pid = int(parent.stdout.readline())
    assert not gone(pid, 0.2)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(pid, 2.0)


def test_a_signal_ends_it_well(tmp_path):
    command = [sys.executable, "-m", "drivers.rig_emulator", "--units", "2", "--speed", "5"]
    command += ["--write-rig", str(tmp_path / "rig.toml"), "--truth", str(tmp_path / "truth.json")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    ports = json.loads(child.stdout.readline())["ports"]
    rig = load_rig(tmp_path / "rig.toml")
    assert (rig.board.port, rig.streams[0].data, rig.streams[0].control) == tuple(ports.values())
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=2.0)
    assert child.returncode == 0
    assert set(json.loads(out)) == {"reached", "held_s", "trials"}
    assert err.startswith("speed reached: ")
    assert len(json.loads((tmp_path / "truth.json").read_text())["units"]) == 2


def test_what_cannot_be_emulated_is_said_in_a_sentence(tmp_path, capsys):
    assert main(["--world", "gauss"]) == 2
    assert "there is no world 'gauss'" in capsys.readouterr().err
    assert main(["--speed", "0"]) == 2
    assert "above 0" in capsys.readouterr().err
    assert main([str(tmp_path / "none.toml")]) == 2
    assert "no such rig file" in capsys.readouterr().err
    with pytest.raises(TransportError, match="there is no world 'gauss'"):
        launch(with_emulation(demo_rig(), world="gauss"))
    with pytest.raises(ConfigError, match=r"\[emulation\]"):
        with_emulation(demo_rig(), units=-1)


def test_a_taken_port_is_named():
    with launch(with_emulation(demo_rig(), units=1)) as process:
        stream = msgspec.structs.replace(demo_rig().streams[0], data=process.rig.streams[0].data)
        rig = msgspec.structs.replace(demo_rig(), streams=(stream,))
        with pytest.raises(TransportError, match=re.escape(process.rig.streams[0].data)):
            launch(rig)
