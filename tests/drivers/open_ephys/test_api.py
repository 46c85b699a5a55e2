"""The HTTP API's values against exchanges captured from a real GUI 1.0.1."""

from __future__ import annotations

import json

import msgspec
import pytest

from drivers.open_ephys import api
from drivers.open_ephys.api import Reply
from rig.errors import ConfigError, TransportError

RECORDING = (
    b'{"append_text":"_a","base_text":"sess","default_record_engine":"BINARY","parent_directory":"RECORDINGS",'
    b'"prepend_text":"m01_","record_nodes":[{"experiment_number":1,"is_synchronized":true,"node_id":106,'
    b'"parent_directory":"RECORDINGS","record_engine":"BINARY","recording_number":0}]}'
)


def test_the_captured_recording_reply():
    recording = api.read_recording(Reply(200, RECORDING))
    assert recording.directory_name == "m01_sess_a"
    assert recording.folders() == ("RECORDINGS/m01_sess_a/Record Node 106/experiment1/recording1",)
    (node,) = recording.record_nodes
    assert (node.node_id, node.is_synchronized, node.record_engine) == (106, True, "BINARY")


def test_a_folder_on_windows_and_one_not_made_up_yet():
    recording = msgspec.json.decode(RECORDING, type=api.Recording)
    windows = msgspec.structs.replace(
        recording,
        parent_directory="E:\\data",
        record_nodes=(api.RecordNode(node_id=5, parent_directory="E:\\data\\", recording_number=2),),
    )
    assert windows.folders() == ("E:\\data\\m01_sess_a\\Record Node 5\\experiment1\\recording3",)
    for unknown in ("", "YYYY-MM-DD_HH-MM-SS"):
        assert msgspec.structs.replace(recording, base_text=unknown).folders() == ()


def test_requests():
    assert api.get_mode() == api.Request("GET", "/api/status")
    assert api.set_mode("RECORD") == api.Request("PUT", "/api/status", b'{"mode":"RECORD"}')
    asked = api.set_recording(prepend_text="m01_", start_new_directory=True)
    assert json.loads(asked.body) == {"prepend_text": "m01_", "start_new_directory": "true"}
    assert api.set_parameter(104, "data_port", 5600).path == "/api/processors/104/parameters/data_port"
    streamed = api.set_parameter(104, "a b", "1", stream=0)
    assert streamed.path == "/api/processors/104/streams/0/parameters/a%20b"
    assert api.configure(7, "GO").path == "/api/processors/7/config"


def test_every_exchange_of_the_capture(recording):
    log = json.loads(recording("open-ephys-capture/rest_log.json").read_text(encoding="utf-8"))
    seen = set()
    for method, path, body, status, text, _ms in log:
        reply = Reply(status, text.encode())
        seen.add((method, path))
        match method, path:
            case "GET", "status":
                assert api.read_mode(reply) == "IDLE"
            case "PUT", "status":
                assert api.reached_mode(reply, body["mode"]) == body["mode"]
                assert json.loads(api.set_mode(body["mode"]).body) == body
            case _, "recording":
                assert api.read_recording(reply).directory_name == "m01_sess_a"
                if body:
                    assert json.loads(api.set_recording(**body).body) == body
            case "PUT", "message":
                api.read_done(reply)
                assert json.loads(api.message(body["text"]).body) == body
            case "GET", "cpu":
                assert 0 <= api.read_load(reply) < 0.1
    assert len(seen) == 7


@pytest.mark.parametrize(
    ("wanted", "reached", "says"),
    [("RECORD", "ACQUIRE", "Record Node"), ("ACQUIRE", "IDLE", "source"), ("IDLE", "RECORD", "question")],
)
def test_another_mode_than_asked_is_told(wanted, reached, says):
    with pytest.raises(ConfigError, match=says):
        api.reached_mode(Reply(200, b'{"mode":"%s"}' % reached.encode()), wanted)


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        (Reply(400, b"Parameter is locked"), ConfigError, "locked while it acquires.*Parameter is locked"),
        (Reply(404, b""), ConfigError, "no such thing"),
        (Reply(500, b"\xff"), ConfigError, "500"),
        (Reply(200, b"<html>"), TransportError, "not the Open Ephys"),
        (Reply(200, b'{"mode":"PARTY"}'), TransportError, "not the Open Ephys"),
        (Reply(200, b"[]"), TransportError, "not the Open Ephys"),
    ],
)
def test_a_bad_reply_is_one_sentence(reply, error, says):
    with pytest.raises(error, match=says) as caught:
        api.read_mode(reply)
    assert "\n" not in str(caught.value)


def test_a_message_too_long_is_refused_here():
    with pytest.raises(ConfigError, match="512"):
        api.message("x" * 513)
