"""Network Events: requests, answers, and a plugin that does not answer."""

from __future__ import annotations

import threading

import pytest
import zmq

from drivers.open_ephys import network
from drivers.open_ephys.network_client import NetworkEvents
from rig.errors import ConfigError, TransportError


def test_requests_as_the_plugin_reads_them():
    assert network.ttl(3, False) == b"TTL Line=4 State=0"  # its lines count from 1
    assert network.start_record() == b"StartRecord"
    asked = network.start_record(new_directory=True, directory="/data/a b", prepend="m1_", append="it's")
    assert asked == b"""StartRecord CreateNewDir=1 RecDir="/data/a b" PrependText=m1_ AppendText="it's\""""
    assert network.text("block 2 begins") == b"block 2 begins"


@pytest.mark.parametrize("call", [
    lambda: network.ttl(256, True), lambda: network.ttl(-1, True), lambda: network.text("TTL me"),
    lambda: network.text(" "), lambda: network.start_record(directory="""a " and '"""),
])  # fmt: skip
def test_what_cannot_be_sent_is_refused(call):
    with pytest.raises(ConfigError):
        call()


def test_answers():
    assert network.read_reply(b"StartRecord", b"StartedRecording") == "StartedRecording"
    assert network.read_reply(b"TTL Line=4 State=1", b"TTLHandled: Line=4 State=1\x00").startswith("TTL")
    assert network.read_reply(b"GetRecordingPath", b"/data/x") == "/data/x"
    assert network.read_reply(b"block 2 begins", b"NotHandled") == "NotHandled"  # and written down
    for request, reply, error, says in [
        (b"StartRecord", b"NotHandled", ConfigError, "records already"),
        (b"StopRecord", b"NotHandled", ConfigError, "did not handle"),
        (b"TTL Line=300 State=1", b"InvalidChannel", ConfigError, "no such TTL line"),
        (b"StartRecord", b"heartbeat received", TransportError, "not the Network Events"),
        (b"IsRecording", b"\xff\xfe", TransportError, "no text"),
    ]:
        with pytest.raises(error, match=says):
            network.read_reply(request, reply)


@pytest.fixture
def plugin():
    """A REP socket that does what the plugin does with three requests, and leaves one without an answer."""
    with zmq.Context() as context, context.socket(zmq.REP) as rep:
        rep.linger = 0
        port = rep.bind_to_random_port("tcp://127.0.0.1")
        seen, done = [], threading.Event()

        def serve():
            answers = {b"TTL Line=1 State=1": b"TTLHandled: Line=1 State=1", b"GetRecordingPath": b"/data/x"}
            while not done.is_set():
                if rep.poll(10):
                    seen.append(rep.recv())
                    if seen[-1] == b"deaf":
                        return
                    rep.send(answers.get(seen[-1], b"NotHandled"))

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{port}", seen
        done.set()
        thread.join()


def test_over_a_real_socket(plugin):
    endpoint, seen = plugin
    with NetworkEvents(endpoint) as client:
        client.ttl(0, True)
        assert client.recording_path() == "/data/x"
        with pytest.raises(ConfigError, match="records already"):
            client.send(network.start_record())
        assert client.send(network.text("note")) == "NotHandled"
    assert seen == [b"TTL Line=1 State=1", b"GetRecordingPath", b"StartRecord", b"note"]


def test_no_answer_is_one_sentence_and_the_next_request_is_free_to_go(plugin):
    endpoint, seen = plugin
    with NetworkEvents(endpoint, timeout_s=0.1) as client:
        for _ in range(2):  # a REQ socket that waits could not send a second time
            with pytest.raises(TransportError, match=r"did not answer within 0\.1 s"):
                client.send(b"deaf")
    assert seen == [b"deaf"]


def test_no_endpoint():
    with NetworkEvents("nonsense") as client, pytest.raises(ConfigError, match="no endpoint"):
        client.ttl(0, True)
