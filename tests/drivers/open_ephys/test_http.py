"""The client over real sockets, against the stand-in for the GUI."""

from __future__ import annotations

import socket
import threading

import pytest

from drivers.open_ephys.http import OpenEphysHttp
from drivers.open_ephys.http_emulator import GuiState, HttpEmulator, default_chain
from rig.errors import ConfigError, TransportError


@pytest.fixture
def server():
    with HttpEmulator() as running:
        yield running


@pytest.fixture
def client(server):
    return OpenEphysHttp(server.address)


def test_a_session_from_start_to_stop(server, client):
    assert client.mode() == "IDLE"
    client.start_acquisition()
    client.start_acquisition()  # twice does no harm
    assert server.gui.mode == "ACQUIRE"
    client.set_recording(prepend_text="m01_", start_new_directory=True)
    recording = client.start_recording()
    assert recording.folders() == (
        "recordings/m01_2026-01-02_03-04-05/Record Node 106/experiment1/recording1",
    )
    client.message("trial 1")
    client.start_acquisition()  # does not stop a recording
    assert server.gui.mode == "RECORD"
    client.stop_recording()
    assert server.gui.mode == "ACQUIRE"
    assert client.recording().record_nodes[0].recording_number == 1
    client.stop_recording()
    client.stop_acquisition()
    assert client.mode() == "IDLE"
    assert server.gui.messages == ["trial 1"]


def test_the_chain_and_its_ports(client):
    chain = client.processors()
    assert [p.name for p in chain][-2:] == ["ZMQ Interface", "Record Node"]
    assert chain[0].streams[0].sample_rate == 30_000.0
    assert client.data_ports() == {"ZMQ Interface 104": 5556}


def test_parameters_are_set_and_locked_while_it_acquires(client):
    client.set_parameter(104, "data_port", 5600)
    assert client.data_ports() == {"ZMQ Interface 104": 5600}
    client.start_acquisition()
    with pytest.raises(ConfigError, match="locked"):
        client.set_parameter(104, "data_port", 5700)
    with pytest.raises(ConfigError, match="no such thing"):
        client.set_parameter(1, "data_port", 5700)
    assert client.configure(101, "LOW 300") == "Bandpass Filter received: LOW 300"


def test_recording_without_a_record_node_is_told():
    with HttpEmulator(GuiState(default_chain()[:-1])) as server:
        client = OpenEphysHttp(server.address)
        with pytest.raises(ConfigError, match="Record Node"):
            client.start_recording()


def test_a_folder_that_is_not_there_is_told():
    with HttpEmulator(GuiState(directories={"data"})) as server:
        client = OpenEphysHttp(server.address)
        assert client.set_recording(parent_directory="data").parent_directory == "data"
        with pytest.raises(ConfigError, match="does that folder exist"):
            client.set_recording(parent_directory="dta")


def test_nobody_there_is_one_sentence():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TransportError, match="cannot be reached") as caught:
        OpenEphysHttp(f"127.0.0.1:{port}").mode()
    assert "\n" not in str(caught.value)


def test_a_gui_that_does_not_answer_is_given_up():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        client = OpenEphysHttp(f"127.0.0.1:{deaf.getsockname()[1]}", timeout_s=0.1)
        with pytest.raises(TransportError, match=r"within 0\.1 s"):
            client.mode()


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"]
)
def test_something_else_that_answers_is_told(answer):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        def serve():
            connection, _ = other.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with pytest.raises(TransportError):
                OpenEphysHttp(f"127.0.0.1:{other.getsockname()[1]}").mode()
        finally:
            thread.join()


@pytest.mark.parametrize("address", ["", "host:", "host:port", "host:70000", ":37497"])
def test_no_address_is_refused(address):
    with pytest.raises(ConfigError, match="HOST"):
        OpenEphysHttp(address)


def test_malformed_requests_are_answered_as_the_gui_does(server):
    assert server.gui.answer("PUT", "/api/status", b"{") == (400, b"JSON parse error")
    assert server.gui.answer("PUT", "/api/status", b'{"mode":"PARTY"}') == (200, b'{"mode":"IDLE"}')
    assert server.gui.answer("PUT", "/api/recording", b'{"prepend_text":7}')[0] == 200
    assert server.gui.texts["prepend_text"] == ""
    assert server.gui.answer("GET", "/elsewhere", b"")[0] == 404
    assert server.gui.answer("GET", "/api/nothing", b"")[0] == 404
