"""A capture of a real GUI through the codec, the feed, and real sockets (needs DOPALOOP_DATA)."""

from __future__ import annotations

from collections import Counter

import zmq

from drivers.open_ephys import codec
from drivers.open_ephys.device import OpenEphysFeed
from drivers.open_ephys.wire import Message
from rig.description import StreamConfig
from rig.events import Progress, Spike, StreamEvent, Ttl

UNITS = {"Stereotrode 1:1": 53, "Stereotrode 1:2": 14, "Stereotrode 2:1": 25}


def _check(feed: OpenEphysFeed, events: list[StreamEvent]) -> None:
    assert (feed.messages, feed.lost, feed.noise, feed.restarts) == (399, 0, 0, 0)
    assert Counter(event.unit for event in events if isinstance(event, Spike)) == UNITS
    edges = [event for event in events if isinstance(event, Ttl)]
    assert len(edges) == 9
    assert [edge.sample for edge in edges if edge.line == 2] == [67833, 70833]
    assert {type(event) for event in events} == {Spike, Ttl, Progress}
    assert (feed.stream, feed.sample_rate_hz) == ("rig_probe", 30_000.0)


def _feed() -> OpenEphysFeed:
    return OpenEphysFeed(StreamConfig(name="rig_probe", data="tcp://127.0.0.1:5556", sync_line=0))


def test_every_message_is_written_back_byte_for_byte(capture):
    for parts in capture:
        message = codec.decode(parts)
        assert isinstance(message, Message)
        assert codec.encode(message) == parts


def test_every_message_reduced_is_written_back_too(capture):
    for parts in capture:
        reduced = codec.reduce(parts)
        message = codec.decode(reduced)
        assert isinstance(message, Message)
        assert codec.encode(message) == list(reduced)


def test_whole_and_reduced_the_feed_finds_all(capture):
    for take in (list, codec.reduce):
        feed = _feed()
        _check(feed, [event for parts in capture for event in feed.feed(take(parts), 0)])


def test_published_over_real_sockets_the_feed_finds_all(capture):
    with zmq.Context() as context, context.socket(zmq.PUB) as pub, context.socket(zmq.SUB) as sub:
        for socket in (pub, sub):
            socket.linger = 0
        pub.sndhwm = sub.rcvhwm = 0
        port = pub.bind_to_random_port("tcp://127.0.0.1")
        sub.subscribe(b"")
        sub.connect(f"tcp://127.0.0.1:{port}")
        # A subscription takes a while to arrive: knock until one message comes through.
        for _ in range(1000):
            pub.send(b"knock")
            if sub.poll(10):
                break
        pub.send(b"begin")
        for parts in capture:
            pub.send_multipart(parts)
        while _receive(sub) != [b"begin"]:
            pass
        feed = _feed()
        events = [event for _ in capture for event in feed.feed(_receive(sub), 0)]
        assert not sub.poll(0)
    _check(feed, events)


def _receive(socket: zmq.Socket[bytes]) -> list[bytes]:
    assert socket.poll(5000), "nothing came for 5 s"
    return socket.recv_multipart()
