"""Clients over real sockets: attach, follow, ask again on a gap, survive an engine that goes away."""

import msgspec
import pytest
import zmq

from rig.description import Telemetry as TelemetryConfig
from rig.documents import Notice
from rig.errors import ConfigError, TransportError
from rig.operator import Note, Pause
from rig.runtime import telemetry as telemetry_module
from rig.runtime.answers import Answers
from rig.runtime.client import (
    ArrayBlock,
    Client,
    EventChange,
    EventsMissed,
    Restarted,
    StateChange,
)
from rig.runtime.follower import Follower
from rig.runtime.inbox import Inbox
from rig.runtime.sockets import Sockets


@pytest.fixture
def engine():
    """The telemetry side of an engine; `engine.restart()` runs another one at the same address."""

    class Engine:
        def __init__(self):
            self.runs = 0
            self.config = TelemetryConfig()
            self.start()

        def start(self):
            self.runs += 1
            self.inbox = Inbox()
            self.sockets = Sockets(self.config, f"run {self.runs}", self.inbox)
            self.hub = self.sockets.telemetry
            self.sockets.start(Answers(self.hub, self.inbox))
            self.config = TelemetryConfig(
                publish=self.sockets.publish_endpoint, commands=self.sockets.commands_endpoint
            )

        def restart(self):
            self.sockets.close()
            self.start()

        def tell(self, *texts):
            self.hub.publish([Notice(level="info", source="x", text=text) for text in texts])

    made = Engine()
    yield made
    made.sockets.close()


@pytest.fixture
def client(engine):
    with Client(engine.config.publish, engine.config.commands, name="test", timeout_s=3.0) as client:
        yield client


def follow(client, until, timeout_s=5.0):
    """Follow until `until(changes)`."""
    found = []
    for change in client.changes(timeout_s):
        found.append(change)
        if until(found):
            return found
    raise AssertionError(f"it did not come; what came: {found}")


def events(changes):
    return [(change.n, change.document.text) for change in changes if isinstance(change, EventChange)]


def test_attach_then_follow(engine, client, make_state):
    engine.tell("a", "b")
    engine.hub.publish([make_state("running")])
    view = client.snapshot()
    assert (view.session, view.newest, view.state.phase) == ("run 1", 2, "running")
    assert view.latest["notice"].text == "b"
    engine.tell("c")
    changes = follow(client, lambda found: len(events(found)) == 1)
    assert events(changes) == [(3, "c")]


def test_a_client_without_a_snapshot_gets_everything_from_the_first_on(engine, client, make_state):
    engine.tell("a", "b")
    engine.hub.publish([make_state("running")])
    changes = follow(client, lambda found: any(isinstance(change, StateChange) for change in found))
    assert events(changes) == [(1, "a"), (2, "b")]


def test_what_was_lost_is_asked_for_again(engine, client, make_state):
    client.snapshot()
    engine.hub._send, send = lambda frames: None, engine.hub._send  # as if the queue were full
    engine.tell("a", "b")
    engine.hub._send = send
    engine.tell("c")
    assert events(follow(client, lambda found: len(events(found)) == 3)) == [(1, "a"), (2, "b"), (3, "c")]
    engine.hub._send = lambda frames: None
    engine.tell("d")
    engine.hub._send = send
    engine.hub.publish([make_state("running")])  # the state tells that there is more
    assert events(follow(client, lambda found: len(found) == 2)) == [(4, "d")]


def test_a_long_gap_is_filled_in_pieces(engine, client, monkeypatch):
    monkeypatch.setattr(telemetry_module, "BACKFILL", 7)
    client.snapshot()
    engine.hub._send, send = lambda frames: None, engine.hub._send
    engine.tell(*(str(n) for n in range(50)))
    engine.hub._send = send
    engine.tell("last")
    found = follow(client, lambda found: len(events(found)) == 51)
    assert [n for n, _ in events(found)] == list(range(1, 52))


def test_what_cannot_be_had_again_is_said(engine, client, monkeypatch):
    monkeypatch.setattr(telemetry_module, "HISTORY", 3)
    client.snapshot()
    engine.hub._send, send = lambda frames: None, engine.hub._send
    engine.tell(*(str(n) for n in range(9)))
    engine.hub._send = send
    engine.tell("last")
    found = follow(client, lambda found: events(found)[-1:] == [(10, "last")])
    assert found[0] == EventsMissed(1, 7)
    assert [n for n, _ in events(found)] == [8, 9, 10]


def test_arrays(engine, client):
    client.snapshot()
    for _ in range(3):
        engine.hub.array("licks", b"\x01\x00", "<i2", (1,), {"rate_hz": 1.0})
    found = follow(client, lambda found: len(found) == 1)
    assert isinstance(found[0], ArrayBlock)
    assert (found[0].header.name, found[0].header.shape, found[0].buffer) == ("licks", (1,), b"\x01\x00")


def test_commands(engine, client):
    assert client.submit(Pause()) == 0
    assert client.submit({"command": "note", "text": "she looks sleepy"}) == 1
    assert [entry.source for entry in engine.inbox.get(0)] == ["test", "test"]
    with pytest.raises(ConfigError, match="not a command: Invalid value 'explode'"):
        client.submit({"command": "explode"})


def test_ping(client):
    assert client.ping() == {}


def test_nobody_there(engine, wait_for):
    with Client("tcp://127.0.0.1:9", "tcp://127.0.0.1:9") as client:
        with pytest.raises(TransportError, match=r"no answer from .* within 0\.1 s; is the session running"):
            client.ping(timeout_s=0.1)
        assert list(client.changes(0.05)) == []


def test_no_address():
    with pytest.raises(ConfigError, match="cannot connect there"):
        Client("nonsense", "tcp://127.0.0.1:9")


def test_a_question_that_was_given_up_never_reaches_a_later_engine(engine, client):
    engine.sockets.close()
    with pytest.raises(TransportError):
        client.submit(Note(text="too late"), timeout_s=0.1)
    engine.start()
    assert client.submit(Note(text="new"), timeout_s=3.0) == 0
    assert [entry.payload for entry in engine.inbox.get(0)] == [b'{"command":"note","text":"new"}']


def test_a_restarted_engine_is_noticed(engine, client):
    engine.tell("a", "b", "c")
    client.snapshot()
    engine.restart()
    engine.tell("x")
    # The subscription comes back by itself; until then what is published is lost, and asked for again.
    for n in range(200):
        engine.tell(str(n))
        found = list(client.changes(0.05))
        if found:
            break
    assert found[0] == Restarted("run 2")
    assert events(found)[0] == (1, "x")


def test_a_document_of_a_newer_engine_is_passed_over(engine, client):
    client.snapshot()
    with engine.hub._lock:
        engine.hub._event("wonder", msgspec.Raw(b'{"schema":"wonder","version":9}'))
    engine.tell("known")
    assert events(follow(client, lambda found: len(events(found)) == 1)) == [(2, "known")]


def test_text_that_is_no_message_is_passed_over(engine, client):
    client.snapshot()
    for frames in (
        [b"events"],
        [b"events", b"{"],
        [b"state", b"{}"],
        [b"arrays/x", b"{}", b""],
        [b"events", b"\xff"],
    ):
        engine.sockets._outbox.send(frames)
    engine.tell("good")
    assert events(follow(client, lambda found: len(found) == 1)) == [(1, "good")]


# --- the follower ---------------------------------------------------------------------------------------


class Heard:
    def __init__(self):
        self.snapshots, self.changes, self.links = [], [], []


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def follower(engine, heard):
    follower = Follower(
        engine.config.publish,
        engine.config.commands,
        on_snapshot=heard.snapshots.append,
        on_change=heard.changes.append,
        on_link=heard.links.append,
        name="window",
        silence_s=0.5,
    )
    yield follower
    follower.close()


def test_a_follower_attaches_follows_and_asks(engine, follower, heard, wait_for):
    wait_for(lambda: heard.links == [None])
    engine.tell("a")
    wait_for(lambda: events(heard.changes) == [(1, "a")])
    assert follower.submit(Pause()).result(timeout=5) == 0
    assert engine.inbox.get(0)[0].source == "window"
    with pytest.raises(ConfigError):
        follower.submit({"command": "explode"}).result(timeout=5)


def test_a_follower_tells_when_the_engine_falls_silent_and_attaches_again(
    engine, follower, heard, wait_for, make_state
):
    engine.hub.publish([make_state("running")])
    wait_for(lambda: heard.links == [None])
    engine.sockets.close()
    wait_for(lambda: heard.links[-1] is not None)
    engine.start()
    engine.hub.publish([make_state("running")])
    wait_for(lambda: heard.links[-1] is None and heard.snapshots[-1].session == "run 2")


def test_a_closed_follower_refuses_what_was_still_asked(engine, heard):
    engine.sockets.close()
    follower = Follower(
        engine.config.publish, engine.config.commands, on_snapshot=heard.snapshots.append,
        on_change=heard.changes.append, on_link=heard.links.append, silence_s=0.2,
    )  # fmt: skip
    asked = [follower.submit(Pause()) for _ in range(3)]
    follower.close()
    for future in asked:
        with pytest.raises(TransportError):
            future.result(timeout=1)


def test_a_client_can_be_closed_twice():
    client = Client("tcp://127.0.0.1:9", "tcp://127.0.0.1:9")
    client.close()
    client.close()
    assert zmq.zmq_version_info() >= (4, 2)
