"""The Event Broadcaster: what a real one sent, and noise."""

from __future__ import annotations

import struct
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.open_ephys.events import (
    SPIKE_KIND,
    TTL_KIND,
    BroadcastFeed,
    RawSpike,
    RawTtl,
    SpikeText,
    TtlText,
    amplitudes,
    decode,
    encode,
)
from drivers.open_ephys.wire import Malformed
from rig.events import Spike, Ttl, UnsortedSpike, WireNoise

TTL_TEXT = (
    b'{\r\n  "event_type": "ttl",\r\n  "stream": "rig_probe",\r\n  "source_node": 105,\r\n'
    b'  "sample_rate": 30000.0,\r\n  "channel_name": "All TTL events",\r\n  "sample_number": 1500,\r\n'
    b'  "line": 0,\r\n  "state": true\r\n}'
)
SPIKE_TEXT = (
    b'{\r\n  "event_type": "spike",\r\n  "stream": "rig_probe",\r\n  "source_node": 105,\r\n'
    b'  "electrode": "Stereotrode 2",\r\n  "num_channels": 2,\r\n  "sample_rate": 30000.0,\r\n'
    b'  "sample_number": 1202,\r\n  "sorted_id": 1,\r\n  "amp1": 112.454757690429688,\r\n'
    b'  "amp2": 54.664306640625\r\n}'
)
RAW_TTL = bytes.fromhex("01036400162700001c84050000000000000000000000f0bf00010100000000000000")


def captured(path):
    data = path.read_bytes()
    messages, at = [], 0
    while at < len(data):
        _, count = struct.unpack_from("<dI", data, at)
        at += 12
        parts = []
        for _ in range(count):
            (length,) = struct.unpack_from("<I", data, at)
            parts.append(data[at + 4 : at + 4 + length])
            at += 4 + length
        messages.append(parts)
    return messages


def test_a_ttl_in_json():
    assert decode([TTL_KIND, TTL_TEXT]) == TtlText(
        stream="rig_probe", source_node=105, sample_rate=30_000.0, channel_name="All TTL events",
        sample_number=1500, line=0, state=True,
    )  # fmt: skip
    assert encode(decode([TTL_KIND, TTL_TEXT])) == [TTL_KIND, TTL_TEXT]
    assert BroadcastFeed().feed([TTL_KIND, TTL_TEXT], 0) == [Ttl(line=0, rising=True, sample=1500)]


def test_a_spike_in_json():
    spike = decode([SPIKE_KIND, SPIKE_TEXT])
    assert isinstance(spike, SpikeText)
    assert amplitudes(SPIKE_TEXT) == (112.454757690429688, 54.664306640625)
    assert BroadcastFeed().feed([SPIKE_KIND, SPIKE_TEXT], 0) == [Spike(unit="Stereotrode 2:1", sample=1202)]


def test_a_ttl_in_binary():
    event = decode([TTL_KIND, RAW_TTL])
    assert event == RawTtl(
        source_node=100,
        stream_id=10006,
        channel=0,
        sample=361500,
        timestamp_s=-1.0,
        line=0,
        state=True,
        word=1,
    )
    assert encode(event) == [TTL_KIND, RAW_TTL]
    with_metadata = decode([TTL_KIND, RAW_TTL + bytes(7)])
    assert with_metadata == event


def test_every_captured_text(recording):
    messages = captured(recording("open-ephys-capture/event_broadcaster.bin"))
    assert len(messages) == 104
    feed = BroadcastFeed()
    events = [event for parts in messages for event in feed.feed(parts, 0)]
    assert Counter(type(event) for event in events) == {Spike: 95, Ttl: 9}
    assert {event.unit for event in events if isinstance(event, Spike)} == {
        "Stereotrode 1:1", "Stereotrode 1:2", "Stereotrode 2:1",
    }  # fmt: skip
    assert (feed.noise, feed.sample_rate_hz) == (0, 30_000.0)
    for parts in messages:
        message = decode(parts)
        amps = amplitudes(parts[1])
        assert encode(message, amps) == parts
        assert len(amps) == getattr(message, "num_channels", 0)


def test_every_captured_packet_in_binary(recording):
    messages = captured(recording("open-ephys-capture/event_broadcaster_raw.bin"))
    feed = BroadcastFeed()
    kinds = Counter()
    for parts in messages:
        message = decode(parts)
        assert encode(message) == parts
        kinds[type(message)] += 1
        if isinstance(message, RawSpike):
            waveform = message.waveform()
            assert waveform.shape == (2, 40)
            assert waveform.min() < -60.0  # the threshold
            # the peak is the tenth sample of the channel that crossed
            assert waveform[:, 9].min() == pytest.approx(waveform.min(), abs=abs(0.5 * waveform.min()))
        feed.feed(parts, 0)
    assert sum(kinds.values()) == len(messages)
    assert kinds[RawSpike] > 20
    assert kinds[RawTtl] >= 2
    assert (feed.noise, feed.ignored) == (0, 0)


def test_the_two_forms_tell_the_same_kind_of_unit():
    spike = RawSpike(
        electrode_type=2, source_node=102, stream_id=7, channel=1, sample=99, timestamp_s=-1.0, sorted_id=3,
        body=np.zeros(82, "<f4").tobytes(),
    )  # fmt: skip
    assert BroadcastFeed().feed(encode(spike), 0) == [Spike(unit="Electrode 1:3", sample=99)]


def test_unsorted_spikes_are_no_units_and_other_streams_are_left_out():
    text = SPIKE_TEXT.replace(b'"sorted_id": 1', b'"sorted_id": 0')
    feed = BroadcastFeed("rig_probe")
    assert feed.feed([SPIKE_KIND, text], 0) == [UnsortedSpike(electrode="Stereotrode 2", sample=1202)]
    assert feed.feed([SPIKE_KIND, SPIKE_TEXT.replace(b"rig_probe", b"other")], 0) == []
    assert (feed.messages, feed.ignored) == (2, 1)
    raw = BroadcastFeed(stream_id=10006)
    assert raw.feed([TTL_KIND, RAW_TTL], 0)
    assert raw.feed([TTL_KIND, RAW_TTL[:4] + b"\x01\x00" + RAW_TTL[6:]], 0) == []


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [TTL_KIND],
        [TTL_KIND, b""],
        [TTL_KIND, TTL_TEXT, b""],
        [b"\x02\x00", TTL_TEXT],
        [SPIKE_KIND, TTL_TEXT],  # another sort under the kind
        [TTL_KIND, TTL_TEXT.replace(b"true", b"1.5")],
        [TTL_KIND, TTL_TEXT.replace(b'"line": 0', b'"line": 300')],
        [TTL_KIND, RAW_TTL[:33]],
        [TTL_KIND, RAW_TTL[:25] + b"\x07" + RAW_TTL[26:]],
        [SPIKE_KIND, b"\x02\x02" + bytes(23)],
        [SPIKE_KIND, b"\x02\x02" + bytes(25)],
        [TTL_KIND, b"\x00\x03" + bytes(32)],
    ],
)
def test_what_is_no_broadcast_is_noise(parts):
    assert isinstance(decode(parts), Malformed)
    (noise,) = BroadcastFeed("s").feed(parts, 0)
    assert isinstance(noise, WireNoise)
    assert noise.dropped == sum(len(part) for part in parts)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.one_of(st.sampled_from([TTL_KIND, SPIKE_KIND]), st.binary(max_size=60)), max_size=3))
def test_noise_never_raises(parts):
    BroadcastFeed().feed(parts, 0)


@settings(deadline=None, max_examples=60)
@given(
    st.builds(
        RawTtl, source_node=st.integers(0, 65535), stream_id=st.integers(0, 65535),
        channel=st.integers(0, 99), sample=st.integers(-(2**63), 2**63 - 1),
        timestamp_s=st.floats(allow_nan=False), line=st.integers(0, 255), state=st.booleans(),
        word=st.integers(0, 2**64 - 1),
    )
)  # fmt: skip
def test_what_is_written_in_binary_is_read(event):
    assert decode(encode(event)) == event


def test_a_waveform_of_numbers_that_are_none_is_read():
    signalling = struct.pack("<I", 0x7F800001)
    body = signalling * 41
    spike = RawSpike(
        electrode_type=1, source_node=1, stream_id=1, channel=1, sample=1, timestamp_s=0.0, sorted_id=1,
        body=body,
    )  # fmt: skip
    assert np.isnan(spike.waveform()).all()


def test_a_waveform_whose_size_fits_no_electrode():
    spike = RawSpike(
        electrode_type=2, source_node=1, stream_id=1, channel=0, sample=0, timestamp_s=0.0, sorted_id=1,
        body=bytes(12),
    )  # fmt: skip
    assert spike.waveform() is None
