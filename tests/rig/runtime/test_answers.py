"""The commands channel: every request gets one answer, and only good commands reach the session."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.documents import Notice
from rig.runtime.answers import MAX_PER_CLIENT, MAX_PER_SECOND, MAX_REQUEST, Answers
from rig.runtime.inbox import Inbox
from rig.runtime.telemetry import Telemetry


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Desk:
    """Answers with everything behind them."""

    def __init__(self):
        self.clock = Clock()
        self.inbox = Inbox()
        self.hub = Telemetry("abc", lambda frames: None)
        self.answers = Answers(self.hub, self.inbox, health=lambda: {"ports": {}}, clock=self.clock)

    def ask(self, body, who="client 01"):
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return msgspec.json.decode(self.answers.answer(raw, who))


@pytest.fixture
def desk():
    return Desk()


def test_ping(desk):
    answer = desk.ask({"id": "x", "do": "ping"})
    assert (answer["id"], answer["ok"], answer["session"], answer["health"]) == (
        "x",
        True,
        "abc",
        {"ports": {}},
    )
    assert answer["t_ns"] >= 0


def test_snapshot_and_backfill(desk):
    desk.hub.publish([Notice(level="info", source="x", text=str(n)) for n in range(3)])
    assert desk.ask({"id": 1, "do": "snapshot"})["snapshot"]["newest"] == 3
    events = desk.ask({"id": 2, "do": "backfill", "first": 2})["events"]
    assert [event["n"] for event in events] == [2, 3]
    assert desk.ask({"id": 2, "do": "backfill", "first": 7})["events"] == []


def test_a_command_becomes_an_input(desk):
    answer = desk.ask({"id": 3, "do": "submit", "client": "gui", "command": {"command": "pause"}})
    assert answer == {"id": 3, "ok": True, "seq": 0}
    (entry,) = desk.inbox.get(0)
    assert (entry.source, entry.kind, entry.payload) == ("gui", "command", b'{"command":"pause"}')


def test_a_client_without_a_name_is_named_by_its_connection(desk):
    desk.ask({"do": "submit", "command": {"command": "pause"}})
    desk.ask({"do": "submit", "client": "a\nb", "command": {"command": "pause"}})
    assert [entry.source for entry in desk.inbox.get(0)] == ["client 01", "a_b"]


BAD = [
    (b"", "not a request"),
    (b"hello", "not a request"),
    (b"\xff\xfe", "not a request"),
    (b"[" * 5000, "not a request"),
    (b"{" * 50 + b"}" * 50, "not a request"),
    ({"do": "pnig"}, "did you mean 'ping'"),
    ({"do": "__import__"}, "is no request; known are ping, snapshot, backfill, submit"),
    ({"do": "ping", "extra": 1}, "unknown field `extra`"),
    ({"do": "ping", "id": []}, "not a request"),
    ({"do": "ping", "client": "x" * 41}, "not a request"),
    ({"do": "submit"}, "not a command"),
    ({"do": "submit", "command": "pause"}, "not a command"),
    ({"do": "submit", "command": {"command": "explode"}}, "not a command: Invalid value 'explode'"),
    ({"do": "submit", "command": {"command": "reward", "volume_ul": -1}}, "not a command"),
    ({"do": "submit", "command": {"command": "pause", "now": True}}, "unknown field `now`"),
    (b'{"do":"submit","command":' + b"[" * 900 + b"]" * 900 + b"}", "not a"),
    (b" " * (MAX_REQUEST + 1), "at most 65536 are taken"),
]


@pytest.mark.parametrize(("body", "text"), BAD)
def test_what_is_no_good_is_refused_with_a_sentence_and_changes_nothing(desk, body, text):
    answer = desk.ask(body)
    assert answer["ok"] is False
    assert text in answer["error"]
    assert desk.inbox.get(0) == []


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_noise_always_gets_an_answer(noise):
    desk = Desk()
    assert desk.ask(noise)["ok"] in (True, False)


NOTE = {"do": "submit", "command": {"command": "note", "text": "x"}}


def test_a_flood_is_refused_and_passes(desk):
    answers = [desk.ask(NOTE) for _ in range(MAX_PER_CLIENT + 20)]
    assert [answer["ok"] for answer in answers] == [True] * MAX_PER_CLIENT + [False] * 20
    assert "too many commands: at most 50 a second from one client" in answers[-1]["error"]
    desk.clock.now += 1.0
    assert desk.ask(NOTE)["ok"]


def test_one_client_cannot_silence_the_others(desk):
    for _ in range(MAX_PER_CLIENT + 20):
        desk.ask({**NOTE, "client": "gui"})  # it may call itself what it likes
    assert desk.ask({**NOTE, "client": "gui"}, "client 02")["ok"]


def test_all_together_are_limited_and_the_emergency_stop_is_not(desk):
    taken = sum(desk.ask(NOTE, f"client {n % 5}")["ok"] for n in range(3 * MAX_PER_SECOND))
    assert taken == MAX_PER_SECOND
    assert "at most 100 a second are taken" in desk.ask(NOTE, "client 77")["error"]
    assert desk.ask({"do": "submit", "command": {"command": "emergency_stop"}}, "client 0")["ok"]


def test_a_session_that_is_over_or_too_busy(desk):
    desk.inbox._capacity = 1
    command = {"do": "submit", "command": {"command": "pause"}}
    assert desk.ask(command)["ok"]
    assert "too busy" in desk.ask(command)["error"]
    desk.inbox.close()
    assert "is over" in desk.ask(command)["error"]
    assert desk.ask({"do": "ping"})["ok"]


def test_no_client_can_pass_for_the_recorder(desk):
    desk.ask({"do": "submit", "client": "recorder", "command": {"command": "resume"}})
    assert [entry.source for entry in desk.inbox.get(0)] == ["a recorder"]
