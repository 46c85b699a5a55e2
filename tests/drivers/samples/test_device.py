"""The driver of a sample stream: loss, restarts, strangers, edges; and over a real socket."""

from __future__ import annotations

import msgspec
import numpy as np
import zmq

from drivers.samples.codec import encode
from drivers.samples.device import SampleStream
from drivers.samples.wire import Header
from rig.events import Samples, SamplesLost, SourceReady, StreamRestarted, Ttl, WireNoise
from rig.photometry.settings import PhotometryConfig

CONFIG = PhotometryConfig(name="fp", driver="samples", data="tcp://127.0.0.1:5580", rate_hz=20)
HEADER = Header(stream="fp", seq=0, first_sample=0, rate_hz=20.0, channels=("G0", "iso"), digital=2)


def message(seq, first, samples=5, digital=None, **more):
    values = np.arange(first, first + samples)[:, None] * [1.0, -1.0]
    levels = np.zeros((samples, 2)) if digital is None else np.array(digital)
    return encode(msgspec.structs.replace(HEADER, seq=seq, first_sample=first, **more), values, levels)


def feed(stream, *messages):
    told = []
    for parts in messages:
        told += stream.feed(parts, 0)
    return told


def test_samples_in_order():
    stream = SampleStream(CONFIG)
    told = feed(stream, message(3, 15), message(4, 20))
    ready = SourceReady(
        name="fp", serial="", channels=("G0", "iso"), rate_hz=20.0, detail="<f4, 2 digital lines"
    )
    assert told[0] == ready
    first, second = told[1:]
    assert (first.first, first.end, second.first) == (15, 20, 20)
    assert first.values[:, 0].tolist() == [15, 16, 17, 18, 19]
    assert (stream.messages, stream.samples, stream.lost) == (2, 10, 0)


def test_a_missing_message_is_its_samples():
    stream = SampleStream(CONFIG)
    told = feed(stream, message(0, 0), message(3, 15))
    assert told[2] == SamplesLost(first=5, count=10, reason="2 messages never came")
    assert stream.lost == 10


def test_what_the_sender_lost_itself_is_told_as_such():
    stream = SampleStream(CONFIG)
    told = feed(stream, message(0, 0), message(1, 8))
    assert told[2] == SamplesLost(first=5, count=3, reason="the sender lost them")


def test_a_sender_that_begins_again():
    stream = SampleStream(CONFIG)
    told = feed(stream, message(7, 100), message(0, 0))
    assert [type(event) for event in told] == [SourceReady, Samples, StreamRestarted, SourceReady, Samples]
    assert stream.restarts == 1
    told = feed(stream, message(1, 3))
    assert isinstance(told[0], StreamRestarted)  # samples went back
    told = feed(stream, message(2, 8, rate_hz=40.0))
    assert told[0].reason == "channels or rate have changed"
    assert told[1].rate_hz == 40.0


def test_other_streams_of_the_publisher_are_counted():
    stream = SampleStream(CONFIG)
    assert feed(stream, message(0, 0, stream="other"), message(1, 5, stream="other")) == []
    assert stream.ignored == {"other": 2}
    assert stream.messages == 0


def test_edges_come_before_their_samples():
    stream = SampleStream(CONFIG)
    levels = [[0, 0], [1, 0], [1, 0], [0, 1], [0, 1]]
    told = feed(stream, message(0, 10, digital=[[0, 0]] * 5), message(1, 15, digital=levels))
    assert told[2:5] == [
        Ttl(line=0, rising=True, sample=16),
        Ttl(line=0, rising=False, sample=18),
        Ttl(line=1, rising=True, sample=18),
    ]
    assert isinstance(told[5], Samples)
    (_, edge, _) = feed(stream, message(3, 25, digital=[[0, 0]] * 5))
    assert edge == Ttl(line=1, rising=False, sample=25, after_gap=True)


def test_noise_is_noise():
    (noise,) = SampleStream(CONFIG).feed([b"a", b"b"], 0)
    assert isinstance(noise, WireNoise)
    assert (noise.source, noise.dropped) == ("fp", 2)


def test_over_a_real_socket():
    stream, told = SampleStream(CONFIG), []
    with zmq.Context() as context, context.socket(zmq.PUB) as sender, context.socket(zmq.SUB) as receiver:
        sender.linger = receiver.linger = 0
        port = sender.bind_to_random_port("tcp://127.0.0.1")
        receiver.connect(f"tcp://127.0.0.1:{port}")
        receiver.subscribe(b"")
        seq = 0
        while len(told) < 20:
            # a publisher's first messages go before its subscriber is there
            sender.send_multipart([b"photometry", *message(seq, 5 * seq)])
            seq += 1
            if receiver.poll(20):
                told += stream.feed(receiver.recv_multipart(), 0)
    assert isinstance(told[0], SourceReady)
    assert stream.lost == stream.noise == 0


def test_a_message_that_comes_twice_or_late_costs_no_new_beginning():
    stream = SampleStream(CONFIG)
    feed(stream, message(0, 0), message(1, 5), message(2, 10))
    assert feed(stream, message(1, 5)) == []
    assert [type(event) for event in feed(stream, message(4, 20))] == [SamplesLost, Samples]
    (late,) = feed(stream, message(3, 15))
    assert isinstance(late, WireNoise)
    assert late.reason == "message 3 came after message 4"
    assert [type(event) for event in feed(stream, message(5, 25))] == [Samples]
    assert (stream.doubled, stream.restarts, stream.lost) == (1, 0, 5)


def test_many_in_a_row_that_lie_behind_are_a_sender_that_was_started_again():
    stream = SampleStream(CONFIG)
    feed(stream, *(message(seq, 5 * seq) for seq in range(20)))
    told = feed(stream, *(message(seq, 5 * seq) for seq in range(3, 13)))
    assert stream.restarts == 1
    assert [type(event) for event in told] == [StreamRestarted, SourceReady, Samples, Samples, Samples]
