"""Numbers, history and encoding of what clients are told."""

import msgspec

from rig.documents import Notice
from rig.runtime import telemetry as module
from rig.runtime.telemetry import Telemetry


def notice(text):
    return Notice(level="info", source="x", text=text)


def numbered(first, last, hub):
    return [event.n for event in hub.backfill(first, last)]


def test_events_are_numbered_without_a_gap_and_can_be_had_again(make_state):
    sent = []
    hub = Telemetry("abc", sent.append)
    hub.publish([notice("a"), make_state("running"), notice("b")])
    topics = [frames[0] for frames in sent]
    headers = [msgspec.json.decode(frames[1]) for frames in sent]
    assert topics == [b"events", b"state", b"events"]
    assert [(header["session"], header["n"]) for header in headers] == [("abc", 1), ("abc", 1), ("abc", 2)]
    assert headers[1]["events"] == 1
    assert headers[2]["document"] == {
        "schema": "notice", "version": 1, "level": "info", "source": "x", "text": "b", "board_us": None,
    }  # fmt: skip
    assert [msgspec.json.decode(e.document)["text"] for e in hub.backfill(1, 99)] == ["a", "b"]
    assert numbered(2, 2, hub) == [2]
    assert numbered(3, 9, hub) == []
    assert numbered(-5, 1, hub) == [1]


def test_a_snapshot_has_the_newest_of_each(make_state):
    hub = Telemetry("abc", lambda frames: None)
    assert (hub.snapshot().newest, hub.snapshot().state) == (0, None)
    hub.publish([notice("a"), notice("b"), make_state("deciding"), make_state("running")])
    snapshot = hub.snapshot()
    assert (snapshot.oldest, snapshot.newest, snapshot.state_n) == (1, 2, 2)
    assert msgspec.json.decode(snapshot.state)["phase"] == "running"
    assert snapshot.latest["notice"].n == 2


def test_the_state_is_repeated_with_its_number(make_state):
    sent = []
    hub = Telemetry("abc", sent.append)
    hub.repeat_state()
    assert sent == []
    hub.publish([make_state("running")])
    hub.repeat_state()
    assert sent[0] == sent[1]


def test_history_is_bounded_in_number(monkeypatch):
    monkeypatch.setattr(module, "HISTORY", 5)
    hub = Telemetry("abc", lambda frames: None)
    hub.publish([notice(str(n)) for n in range(8)])
    assert numbered(1, 8, hub) == [4, 5, 6, 7, 8]
    assert hub.snapshot().oldest == 4


def test_history_is_bounded_in_bytes(monkeypatch):
    monkeypatch.setattr(module, "HISTORY_BYTES", 1000)
    hub = Telemetry("abc", lambda frames: None)
    hub.publish([notice("x" * 400) for _ in range(5)])
    assert numbered(1, 5, hub) == [4, 5]
    hub.publish([notice("x" * 4000)])
    assert numbered(1, 9, hub) == [6]


def test_an_answer_to_backfill_is_bounded(monkeypatch):
    hub = Telemetry("abc", lambda frames: None)
    hub.publish([notice("x") for _ in range(module.BACKFILL + 10)])
    assert numbered(1, 10**9, hub) == list(range(1, module.BACKFILL + 1))
    monkeypatch.setattr(module, "BACKFILL_BYTES", 500)
    assert 1 <= len(numbered(1, 100, hub)) < 10


def test_arrays_are_numbered_by_name_and_raw():
    sent = []
    hub = Telemetry("abc", sent.append)
    hub.array("spikes", b"\x01\x02", "<i1", (2,), {"rate_hz": 30000.0})
    hub.array("licks", b"", "<i8", (0,))
    hub.array("spikes", memoryview(b"\x03"), "<i1", (1,))
    assert [frames[0] for frames in sent] == [b"arrays/spikes", b"arrays/licks", b"arrays/spikes"]
    assert [msgspec.json.decode(frames[1])["n"] for frames in sent] == [1, 1, 2]
    assert msgspec.json.decode(sent[0][1]) == {
        "session": "abc", "n": 1, "name": "spikes", "dtype": "<i1", "shape": [2],
        "info": {"rate_hz": 30000.0},
    }  # fmt: skip
    assert [frames[2] for frames in sent] == [b"\x01\x02", b"", b"\x03"]
