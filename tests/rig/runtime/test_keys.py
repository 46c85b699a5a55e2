"""Who may connect: keys, roles, and the door itself, over real sockets."""

from __future__ import annotations

import os
import stat

import pytest
import zmq

from rig.description import Telemetry as TelemetryConfig
from rig.documents import Notice
from rig.errors import ConfigError, TransportError
from rig.runtime.answers import Answers
from rig.runtime.client import Client
from rig.runtime.inbox import Inbox
from rig.runtime.keys import (
    ClientKey,
    Ring,
    new_ring,
    read_client,
    read_ring,
    write_client,
    write_clients,
)
from rig.runtime.sockets import Sockets
from rig.runtime.zap import Doorkeeper, role_and_name


@pytest.fixture
def ring(tmp_path):
    return new_ring(tmp_path / "ring")


@pytest.fixture
def guarded(ring):
    """Sockets that ask for keys, and the keys of one who watches and one who operates."""
    ring, watcher = ring.with_client("watcher", "watch")
    ring, operator = ring.with_client("operator", "operate")
    inbox = Inbox()
    sockets = Sockets(TelemetryConfig(), "run", inbox, ring=ring)
    sockets.start(Answers(sockets.telemetry, inbox))
    yield sockets, watcher, operator
    sockets.close()


def client(sockets, key, timeout_s=5.0):
    return Client(sockets.publish_endpoint, sockets.commands_endpoint, key=key, timeout_s=timeout_s)


def test_a_ring_is_read_as_it_was_written(tmp_path, ring):
    ring, _ = ring.with_client("office", "watch")
    write_clients(tmp_path / "ring", ring)
    assert read_ring(tmp_path / "ring") == ring


def test_a_client_key_is_read_as_it_was_written(tmp_path, ring):
    _, key = ring.with_client("office", "operate")
    write_client(tmp_path / "office.key", key)
    assert read_client(tmp_path / "office.key") == key


def test_a_ring_holds_no_client_secret(tmp_path, ring):
    ring, key = ring.with_client("office", "watch")
    write_clients(tmp_path / "ring", ring)
    texts = [path.read_text() for path in (tmp_path / "ring").iterdir()]
    assert not any(key.secret in text for text in texts)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no modes")
def test_secrets_are_their_owners_alone(tmp_path, ring):
    _, key = ring.with_client("office", "watch")
    write_client(tmp_path / "office.key", key)
    for path in (tmp_path / "office.key", tmp_path / "ring" / "engine.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "office.key").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_client(tmp_path / "office.key")


def test_a_key_is_never_overwritten(tmp_path, ring):
    _, key = ring.with_client("office", "watch")
    write_client(tmp_path / "office.key", key)
    with pytest.raises(ConfigError, match="not overwritten"):
        write_client(tmp_path / "office.key", key)
    with pytest.raises(ConfigError, match="keys in it already"):
        new_ring(tmp_path / "ring")


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 41, "-x", 'a"b'])
def test_hostile_names_are_refused(ring, name):
    with pytest.raises(ConfigError, match="no name for a client"):
        ring.with_client(name, "watch")


def test_a_name_comes_once(ring):
    ring, _ = ring.with_client("office", "watch")
    with pytest.raises(ConfigError, match="already a client"):
        ring.with_client("office", "operate")


@pytest.mark.parametrize(
    "text", ["", "x = 1", "not toml ][", 'public = "short"\nsecret = "short"', "\x00\x01", "public = 7"]
)
def test_a_damaged_file_gives_one_sentence(tmp_path, ring, text):
    path = tmp_path / "ring" / "engine.key"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_ring(tmp_path / "ring")
    assert "\n" not in str(caught.value)


def test_who_operates_reads_and_commands(guarded):
    sockets, _, operator = guarded
    with client(sockets, operator) as mine:
        assert mine.snapshot().session == "run"
        assert mine.submit({"command": "pause"}) >= 0


def test_who_watches_hears_all_and_commands_nothing(guarded):
    sockets, watcher, _ = guarded
    with client(sockets, watcher) as mine:
        mine.snapshot()
        sockets.telemetry.publish([Notice(level="info", source="test", text="hello")])
        heard = next(iter(mine.changes(5.0)))
        assert heard.document.text == "hello"
        with pytest.raises(ConfigError, match="lets it watch, not operate"):
            mine.submit({"command": "pause"})


def test_commands_are_logged_under_the_name_that_was_proven(ring):
    ring, operator = ring.with_client("bench-2", "operate")
    inbox = Inbox()
    sockets = Sockets(TelemetryConfig(), "run", inbox, ring=ring)
    sockets.start(Answers(sockets.telemetry, inbox))
    try:
        with Client(
            sockets.publish_endpoint, sockets.commands_endpoint, key=operator, name="somebody else"
        ) as mine:
            mine.submit({"command": "pause"})
        (entry,) = inbox.get(1.0)
        assert entry.source == "bench-2"
    finally:
        sockets.close()


@pytest.mark.parametrize("stranger", ["no key", "unknown key", "wrong engine"])
def test_strangers_hear_nothing_and_are_not_answered(guarded, stranger):
    sockets, watcher, _ = guarded
    public, secret = (part.decode() for part in zmq.curve_keypair())
    key: ClientKey | None = None
    if stranger == "unknown key":
        key = ClientKey(name="x", role="operate", public=public, secret=secret, engine=watcher.engine)
    elif stranger == "wrong engine":
        key = ClientKey(
            name="watcher", role="watch", public=watcher.public, secret=watcher.secret, engine=public
        )
    with client(sockets, key, timeout_s=0.4) as mine:
        with pytest.raises(TransportError):
            mine.ping()
        sockets.telemetry.publish([Notice(level="info", source="test", text="secret")])
        assert list(mine.changes(0.2)) == []


def test_a_role_cannot_be_claimed_by_the_client(guarded):
    sockets, watcher, _ = guarded
    claimed = ClientKey(
        name="operator", role="operate", public=watcher.public, secret=watcher.secret, engine=watcher.engine
    )
    with client(sockets, claimed) as mine, pytest.raises(ConfigError, match="watch, not operate"):
        mine.submit({"command": "pause"})


def test_without_keys_only_this_computer_is_bound():
    with pytest.raises(ConfigError, match="dopaloop keys new"):
        Sockets(TelemetryConfig(publish="tcp://*:0"), "run", Inbox())


def test_with_keys_the_network_may_be_bound(ring):
    sockets = Sockets(TelemetryConfig(publish="tcp://*:0", commands="tcp://*:0"), "run", Inbox(), ring=ring)
    try:
        assert "0.0.0.0" in sockets.publish_endpoint
    finally:
        sockets.close()


@pytest.mark.parametrize(
    "question",
    [
        [],
        [b"1.0"],
        [b"1.0", b"7", b"dopaloop", b"", b"", b"NULL"],
        [b"1.0", b"7", b"dopaloop", b"", b"", b"PLAIN", b"a", b"b"],
        [b"1.0", b"7", b"dopaloop", b"", b"", b"CURVE", b"short"],
        [b"1.0", b"7", b"other", b"", b"", b"CURVE", b"\x00" * 32],
    ],
)
def test_odd_questions_at_the_door_are_answered_no(ring: Ring, question):
    context = zmq.Context()
    try:
        door = Doorkeeper(context, ring)
        asking = context.socket(zmq.REQ)
        asking.connect("inproc://zeromq.zap.01")
        asking.send_multipart(question or [b""])
        assert door.socket.poll(1000)
        door.serve()
        assert asking.recv_multipart()[2] == b"400"
        assert door.refused == 1
    finally:
        context.destroy(linger=0)


def test_user_ids_are_read_back():
    assert role_and_name("watch:office") == ("watch", "office")
    assert role_and_name(None) == ("operate", "")
    assert role_and_name("anything:x")[0] == "watch"
