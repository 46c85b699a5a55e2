"""Bodies that nothing reads become eight bytes in the record, and nothing else changes."""

from __future__ import annotations

import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.open_ephys import codec
from drivers.open_ephys.device import OpenEphysFeed
from drivers.open_ephys.wire import REDUCED_BODY, Malformed, Message
from rig.description import StreamConfig


def _feed() -> OpenEphysFeed:
    return OpenEphysFeed(StreamConfig(name="rig_probe", data="tcp://127.0.0.1:5556"))


def test_samples_and_waveforms_shrink_to_length_and_crc(spike_parts, data_parts):
    for parts in (spike_parts, data_parts):
        envelope, header, body = codec.reduce(parts)
        assert envelope == parts[0] + b"~"
        assert header == parts[1]
        assert REDUCED_BODY.unpack(body) == (len(parts[2]), zlib.crc32(parts[2]))


def test_a_ttl_stays_whole(ttl_parts):
    assert codec.reduce(ttl_parts) == ttl_parts


def test_reducing_twice_is_reducing_once(literals):
    for parts in literals:
        once = codec.reduce(parts)
        assert codec.reduce(once) == once


def test_a_reduced_message_decodes_as_one_and_encodes_back(spike_parts, data_parts):
    for parts in (spike_parts, data_parts):
        reduced = codec.reduce(parts)
        message = codec.decode(reduced)
        assert isinstance(message, Message)
        assert message.reduced
        assert codec.encode(message) == reduced


def test_reduced_and_whole_bodies_are_never_taken_for_each_other(spike_parts, data_parts, ttl_parts):
    for parts in (spike_parts, data_parts):
        reduced = codec.reduce(parts)
        assert isinstance(codec.decode([parts[0], reduced[1], reduced[2]]), Malformed)
        assert isinstance(codec.decode([reduced[0], parts[1], parts[2]]), Malformed)
    no_ttl = [b"EVENT\x00~", ttl_parts[1], REDUCED_BODY.pack(10, 0)]
    assert isinstance(codec.decode(no_ttl), Malformed)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_the_feed_says_the_same_of_both_forms(literals, data):
    messages = data.draw(st.lists(st.sampled_from(literals), max_size=6))
    messages = [list(parts) for parts in messages]
    for parts in messages:
        if data.draw(st.booleans()):  # some are noise
            which = data.draw(st.integers(0, 2))
            parts[which] = data.draw(st.binary(max_size=40) | st.just(parts[which] + b"?"))
    whole, reduced = _feed(), _feed()
    for parts in messages:
        assert whole.feed(parts, 0) == reduced.feed(codec.reduce(parts), 0)
    assert (whole.messages, whole.lost, whole.noise_bytes) == (
        reduced.messages,
        reduced.lost,
        reduced.noise_bytes,
    )
