"""The socket thread over real ZeroMQ sockets: feeds in, heartbeats, commands."""

import contextlib
import json
import threading
import time

import pytest
import zmq

from rig.description import Telemetry as TelemetryConfig
from rig.errors import ConfigError
from rig.log.pack import unpack
from rig.runtime import feeds, sockets
from rig.runtime.answers import Answers
from rig.runtime.feeds import FeedPort
from rig.runtime.inbox import Inbox
from rig.runtime.sockets import Sockets


@pytest.fixture
def context():
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def connect(context):
    """Make a socket of a kind, connected."""
    made = []  # kept, since a socket that is forgotten unclosed is a warning

    def make(kind, endpoint):
        socket = context.socket(kind)
        made.append(socket)
        if kind == zmq.SUB:
            socket.subscribe(b"state")
        socket.connect(endpoint)
        return socket

    return make


@pytest.fixture
def serve():
    """Make a running socket thread."""
    made = []

    def make(*feed_ports, inbox=None, config=None):
        inbox = inbox or Inbox()
        thread = Sockets(config or TelemetryConfig(), "abc", inbox, feed_ports)
        made.append(thread)
        thread.start(Answers(thread.telemetry, inbox, health=thread.feeds_health))
        return thread, inbox

    yield make
    for thread in made:
        thread.close()


@pytest.fixture
def publisher(context):
    """A neural stream's PUB socket: (socket, endpoint, wait until somebody listens)."""
    socket = context.socket(zmq.XPUB)
    socket.sndhwm = 0
    port = socket.bind_to_random_port("tcp://127.0.0.1")

    def listened():
        assert socket.poll(5000)
        assert socket.recv() == b"\x01"

    return socket, f"tcp://127.0.0.1:{port}", listened


def taken(inbox, count, timeout_s=10.0):
    """Take inputs until `count` messages came; return (inputs, messages)."""
    inputs, messages = [], []
    until = time.monotonic() + timeout_s
    while len(messages) < count:
        assert time.monotonic() < until, f"only {len(messages)} of {count} messages came"
        for entry in inbox.get(0.05):
            inputs.append(entry)
            messages += unpack(entry.payload)
    return inputs, messages


def test_a_flood_of_messages_comes_in_order_packed_and_complete(publisher, serve):
    socket, endpoint, listened = publisher
    _, inbox = serve(FeedPort(name="probe", data=endpoint))
    listened()
    for n in range(5000):
        socket.send_multipart([b"EVENT\0", b'{"n": %d}' % n, bytes(300)])
    inputs, messages = taken(inbox, 5000)
    assert [int(json.loads(message[1])["n"]) for message in messages] == list(range(5000))
    assert {(entry.source, entry.kind) for entry in inputs} == {("probe", "messages")}
    assert max(len(unpack(entry.payload)) for entry in inputs) <= feeds.BATCH
    assert len(inputs) < 2500  # a flood is batched


def test_one_message_comes_at_once(publisher, serve):
    socket, endpoint, listened = publisher
    _, inbox = serve(FeedPort(name="probe", data=endpoint))
    listened()
    waits = []
    for _ in range(20):
        begun = time.monotonic()
        socket.send_multipart([b"DATA\0", b"{}"])
        taken(inbox, 1)
        waits.append(time.monotonic() - begun)
    assert sorted(waits)[10] < 0.02


def test_bodies_are_reduced_before_they_are_recorded(publisher, serve):
    socket, endpoint, listened = publisher
    port = FeedPort(name="probe", data=endpoint, reduce=lambda parts: [*parts[:2], b"%d" % len(parts[2])])
    _, inbox = serve(port)
    listened()
    socket.send_multipart([b"DATA\0", b"{}", bytes(2784)])
    assert taken(inbox, 1)[1] == [(b"DATA\0", b"{}", b"2784")]


def test_a_full_inbox_loses_nothing_and_holds_nobody_up(publisher, serve, connect):
    socket, endpoint, listened = publisher
    thread, inbox = serve(FeedPort(name="probe", data=endpoint), inbox=Inbox(capacity=2))
    listened()
    for n in range(2000):
        socket.send_multipart([b"%d" % n])
    dealer = connect(zmq.DEALER, thread.commands_endpoint)
    dealer.send(b'{"do":"ping"}')
    assert dealer.poll(5000)
    _, messages = taken(inbox, 2000)
    assert [int(n) for (n,) in messages] == list(range(2000))


def test_two_streams_keep_their_names(context, serve):
    ends = []
    for name in ("a", "b"):
        socket = context.socket(zmq.XPUB)
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        ends.append((socket, FeedPort(name=name, data=f"tcp://127.0.0.1:{port}")))
    _, inbox = serve(*(port for _, port in ends))
    for socket, port in ends:
        assert socket.recv() == b"\x01"
        socket.send(port.name.encode())
    inputs, _ = taken(inbox, 2)
    assert {(entry.source, unpack(entry.payload)[0][0]) for entry in inputs} == {("a", b"a"), ("b", b"b")}
    for socket, _ in ends:
        socket.close()


class Plugin(threading.Thread):
    """Answers heartbeats like the plugin does; deaf to the first `deaf` of them."""

    def __init__(self, context, deaf=0):
        super().__init__()
        self.socket = context.socket(zmq.ROUTER)
        self.endpoint = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1')}"
        self.deaf = deaf
        self.heard = []
        self.stop = False
        self.start()

    def run(self):
        while not self.stop:
            if self.socket.poll(20):
                who, empty, request = self.socket.recv_multipart()
                self.heard.append(request)
                if len(self.heard) > self.deaf:
                    self.socket.send_multipart([who, empty, b"heartbeat received"])
        self.socket.close()


@pytest.fixture
def plugin(context):
    made = []

    def make(**options):
        made.append(Plugin(context, **options))
        return made[-1]

    yield make
    for each in made:
        each.stop = True
        each.join()


def test_heartbeats_are_sent_and_answered_and_not_logged(publisher, plugin, serve, wait_for, monkeypatch):
    monkeypatch.setattr(feeds, "BEAT_S", 0.05)
    plugin = plugin()
    _, endpoint, _ = publisher
    thread, inbox = serve(FeedPort(name="probe", data=endpoint, control=plugin.endpoint, heartbeat=b"beat"))
    wait_for(lambda: len(plugin.heard) >= 3)
    wait_for(lambda: thread.feeds_health()["probe"]["answers"])
    assert set(plugin.heard) == {b"beat"}
    assert inbox.get(0) == []


def test_a_lost_answer_does_not_end_the_heartbeat(publisher, plugin, serve, wait_for, monkeypatch):
    monkeypatch.setattr(feeds, "BEAT_S", 0.02)
    monkeypatch.setattr(feeds, "BEAT_GIVE_UP_S", 0.1)
    plugin = plugin(deaf=2)
    _, endpoint, _ = publisher
    thread, _ = serve(FeedPort(name="probe", data=endpoint, control=plugin.endpoint, heartbeat=b"beat"))
    wait_for(lambda: len(plugin.heard) >= 4)
    wait_for(lambda: thread.feeds_health()["probe"]["answers"])


def test_nobody_there_to_answer_is_no_error(serve, publisher, monkeypatch, wait_for):
    monkeypatch.setattr(feeds, "BEAT_GIVE_UP_S", 0.05)
    _, endpoint, listened = publisher
    thread, _ = serve(FeedPort(name="p", data=endpoint, control="tcp://127.0.0.1:9", heartbeat=b"x"))
    listened()
    time.sleep(0.2)
    assert thread.feeds_health()["p"] == {"messages": 0, "answers": False, "last_heard_s": None}


# --- telemetry and commands -----------------------------------------------------------------------------


def test_a_newcomer_is_sent_the_state_at_once(serve, connect, make_state, monkeypatch):
    monkeypatch.setattr(sockets, "STATE_EVERY_S", 1000.0)
    thread, _ = serve()
    thread.telemetry.publish([make_state("running")])
    for _ in range(2):
        subscriber = connect(zmq.SUB, thread.publish_endpoint)
        assert subscriber.poll(5000)
        topic, header = subscriber.recv_multipart()
        assert (topic, json.loads(header)["document"]["phase"]) == (b"state", "running")


def test_a_req_and_a_dealer_socket_are_both_answered(serve, connect):
    thread, _ = serve()
    for kind in (zmq.REQ, zmq.DEALER):
        socket = connect(kind, thread.commands_endpoint)
        socket.send(b'{"id":5,"do":"ping"}')
        assert socket.poll(5000)
        (answer,) = socket.recv_multipart()
        assert json.loads(answer)["id"] == 5


def test_odd_messages_are_answered_and_the_next_good_one_too(serve, connect):
    thread, _ = serve()
    dealer = connect(zmq.DEALER, thread.commands_endpoint)
    odd = [[b""], [b"", b""], [b"a", b"b", b"c"], [b"\xff" * 100], [b"x" * 70_000]]
    for frames in odd:
        dealer.send_multipart(frames)
    dealer.send(b'{"id":"good","do":"ping"}')
    answers = []
    for _ in range(len(odd) + 1):
        assert dealer.poll(5000)
        answers.append(json.loads(dealer.recv_multipart()[-1]))
    assert [answer["ok"] for answer in answers] == [False] * len(odd) + [True]


def test_a_monstrous_message_costs_its_sender_the_connection_and_nobody_else(serve, connect):
    thread, inbox = serve()
    dealer = connect(zmq.DEALER, thread.commands_endpoint)
    dealer.send(bytes(sockets.HARD_LIMIT + 1))
    assert not dealer.poll(200)
    other = connect(zmq.DEALER, thread.commands_endpoint)
    other.send(b'{"do":"ping"}')
    assert other.poll(5000)
    assert inbox.get(0) == []


def test_what_was_published_before_closing_still_arrives(serve, connect, make_state):
    thread, _ = serve()
    subscriber = connect(zmq.SUB, thread.publish_endpoint)
    thread.telemetry.publish([make_state("running")])
    assert subscriber.poll(5000)
    thread.telemetry.publish([make_state("ended")])
    thread.close()
    phases = []
    with contextlib.suppress(zmq.Again):
        while subscriber.poll(500):
            phases.append(json.loads(subscriber.recv_multipart(zmq.NOBLOCK)[1])["document"]["phase"])
    assert phases[-1] == "ended"


def test_a_subscriber_that_reads_nothing_costs_nobody_anything(serve, connect, make_state):
    thread, _ = serve()
    frozen = connect(zmq.SUB, thread.publish_endpoint)
    frozen.subscribe(b"")
    block = bytes(20_000)
    begun = time.monotonic()
    for _ in range(3000):
        thread.telemetry.array("noise", block, "<i1", (20_000,))
    assert time.monotonic() - begun < 5
    dealer = connect(zmq.DEALER, thread.commands_endpoint)
    dealer.send(b'{"do":"ping"}')
    assert dealer.poll(5000)


@pytest.mark.parametrize("endpoint", ["tcp://*:0", "tcp://0.0.0.0:5599", "tcp://192.168.0.1:5599"])
@pytest.mark.parametrize("key", ["publish", "commands"])
def test_nothing_is_opened_to_the_network(endpoint, key):
    with pytest.raises(ConfigError, match=rf"\[telemetry\] {key} = .* is open to the network"):
        Sockets(TelemetryConfig(**{key: endpoint}), "abc", Inbox())


def test_an_address_that_is_taken(serve):
    thread, _ = serve()
    with pytest.raises(ConfigError, match=r"cannot be used \(Address"):
        Sockets(TelemetryConfig(publish=thread.publish_endpoint), "abc", Inbox())


@pytest.mark.parametrize(
    "wrong", [{"data": "nonsense"}, {"data": "tcp://127.0.0.1:1", "control": "nonsense"}]
)
def test_an_address_of_a_stream_that_is_none(wrong):
    with pytest.raises(ConfigError, match=r"stream 'p', .*: 'nonsense' is no endpoint"):
        Sockets(TelemetryConfig(), "abc", Inbox(), [FeedPort(name="p", heartbeat=b"x", **wrong)])


def test_what_a_driver_cannot_reduce_is_kept_whole(publisher, serve):
    def broken(parts):
        raise ValueError("a bug of the driver's")

    socket, endpoint, listened = publisher
    _, inbox = serve(FeedPort(name="probe", data=endpoint, reduce=broken))
    listened()
    socket.send_multipart([b"DATA\0", b"{}"])
    assert taken(inbox, 1)[1] == [(b"DATA\0", b"{}")]


def test_a_socket_thread_that_fails_tells_the_session(serve, monkeypatch, wait_for):
    thread, inbox = serve()

    def fail():
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(thread.telemetry, "repeat_state", fail)
    (entry,) = wait_for(lambda: inbox.get(0.05))
    assert (entry.source, entry.kind) == ("sockets", "port")
    assert entry.payload == b"lost: the socket thread failed: RuntimeError: a bug of ours"
