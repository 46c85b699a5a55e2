"""The GUI as a session's recording program, over real sockets: what is started is stopped, nothing else."""

from __future__ import annotations

import socket
import threading

import pytest
import zmq

from drivers.open_ephys.acquisition import OpenEphysAcquisition
from drivers.open_ephys.http_emulator import GuiState, HttpEmulator, default_chain
from rig.description import StreamConfig
from rig.errors import ConfigError, TransportError


@pytest.fixture
def server():
    with HttpEmulator() as running:
        yield running


def program(server, **changes):
    values = {"name": "probe", "data": "tcp://127.0.0.1:5556", "http": server.address, **changes}
    return OpenEphysAcquisition([StreamConfig(**values)])


def test_acquisition_alone(server):
    one = program(server)
    told = one.begin("m1")
    assert (told.where, told.streams, told.before) == (server.address, ("probe",), "IDLE")
    assert (told.recording, told.folders) == (False, ())
    assert server.gui.mode == "ACQUIRE"
    one.end()
    assert server.gui.mode == "IDLE"


def test_a_recording_of_this_animal_in_a_folder_of_its_own(server):
    server.gui.texts["prepend_text"] = "monday_"
    one = program(server, record=True)
    told = one.begin("m1")
    assert told.recording
    assert told.folders == ("recordings/m1_2026-01-02_03-04-05/Record Node 106/experiment1/recording1",)
    assert server.gui.mode == "RECORD"
    assert server.gui.messages == ["dopaloop: session of m1"]
    one.end()
    assert (server.gui.mode, server.gui.recordings) == ("IDLE", 1)
    assert server.gui.texts["prepend_text"] == "monday_"


def test_what_ran_before_runs_afterwards(server):
    server.gui.mode = "ACQUIRE"
    one = program(server, record=True)
    assert one.begin("m1").before == "ACQUIRE"
    one.end()
    assert server.gui.mode == "ACQUIRE"


def test_a_recording_that_runs_already_is_taken_and_left_alone(server):
    server.gui.answer("PUT", "/api/status", b'{"mode": "RECORD"}')
    for record in (True, False):
        one = program(server, record=record)
        told = one.begin("m1")
        assert told.recording and told.folders[0].startswith("recordings/2026-01-02")
        one.end()
        assert server.gui.mode == "RECORD"
    assert server.gui.texts["prepend_text"] == ""


def test_a_recording_that_cannot_be_made_leaves_nothing_running():
    chain = [part for part in default_chain() if part["name"] != "Record Node"]
    with HttpEmulator(GuiState(chain)) as server:
        one = program(server, record=True)
        with pytest.raises(
            ConfigError, match="asked for RECORD but stays in ACQUIRE: is there a Record Node"
        ):
            one.begin("m1")
        assert server.gui.mode == "IDLE"
        assert server.gui.texts["prepend_text"] == ""
        one.end()


def test_nobody_there():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        config = StreamConfig(
            name="probe", data="tcp://127.0.0.1:5556", http=f"127.0.0.1:{closed.getsockname()[1]}"
        )
        one = OpenEphysAcquisition([config])
        with pytest.raises(TransportError, match="cannot be reached"):
            one.begin("m1")


def test_a_gui_that_goes_away_is_one_sentence_and_both_stops_are_tried():
    with HttpEmulator() as server:
        one = program(server, record=True)
        one.begin("m1")
    with pytest.raises(ConfigError, match=r"may still be running: Open Ephys at .* cannot be reached"):
        one.end()
    one.end()  # there is nothing left to stop


def test_look_tells_and_changes_nothing(server):
    found = program(server, record=True).look()
    assert found.problems == ()
    assert found.line == (
        f"Open Ephys at {server.address}: IDLE; File Reader > Bandpass Filter > Spike Detector > "
        "Amp Sorter > ZMQ Interface > Record Node; ZMQ Interface 104 on port 5556; records to 'recordings'"
    )
    assert server.gui.mode == "IDLE"


def test_look_finds_what_a_session_would_stumble_over():
    chain = [part for part in default_chain(5600) if part["name"] != "Record Node"]
    with HttpEmulator(GuiState(chain)) as server:
        assert program(server, record=True).look().problems == (
            "it shall record, but there is no Record Node in its chain",
            "stream 'probe' listens on port 5556, and no plugin sends there",
        )


@pytest.fixture
def plugin():
    """The Network Events plugin, as far as remarks and TTLs go."""
    with zmq.Context() as context, context.socket(zmq.REP) as rep:
        rep.linger = 0
        port = rep.bind_to_random_port("tcp://127.0.0.1")
        seen, done = [], threading.Event()

        def serve():
            while not done.is_set():
                if rep.poll(10):
                    seen.append(rep.recv().decode())
                    handled = seen[-1].startswith("TTL")
                    rep.send(f"TTLHandled: {seen[-1][4:]}".encode() if handled else b"NotHandled")

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{port}", seen
        done.set()
        thread.join()


def test_remarks_at_trials(server, plugin):
    endpoint, seen = plugin
    one = program(server, network=endpoint, network_line=2)
    assert one.marks
    one.mark(6, on=True)
    one.mark(6, on=False)
    one.end()
    assert seen == ["dopaloop trial 7", "TTL Line=3 State=1", "TTL Line=3 State=0"]
    assert not program(server).marks
