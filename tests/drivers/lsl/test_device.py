"""Packed pulls as events, without LSL."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.lsl.codec import ENVELOPE, Header, decode, encode_markers, encode_samples
from drivers.lsl.device import LslFeed
from drivers.lsl.library import load
from rig.errors import ConfigError
from rig.events import Marker, Samples, SamplesLost, SourceReady, StreamRestarted, WireNoise

HEADER = Header(uid="u", name="phot", kind="samples", channels=("a", "b"), rate_hz=100.0, offset_ns=5_000)


def block(first, n, *, begin_s=10.0, header=HEADER, jitter=None):
    stamps = begin_s + (first + np.arange(n)) / 100.0 + (0.0 if jitter is None else jitter)
    return encode_samples(header, stamps.tolist(), np.full((n, 2), float(first)).tolist())


def test_blocks_are_numbered_on():
    feed = LslFeed("phot")
    first, second = feed.feed(block(0, 10), 0), feed.feed(block(10, 3), 0)
    assert isinstance(first[0], SourceReady)
    assert (first[1].first, first[1].end, second[0].first, second[0].end) == (0, 10, 10, 13)
    assert second[0].values.shape == (3, 2)
    assert feed.newest == (12, round(10.12 * 1e9) + 5_000)
    assert feed.host_s() == pytest.approx(10.12 + 5e-6)


def test_a_gap_in_the_stamps_is_lost_samples_and_the_numbers_know():
    feed = LslFeed("phot")
    feed.feed(block(0, 50), 0)
    events = feed.feed(block(80, 20), 0)
    assert events[0] == SamplesLost(first=50, count=30, reason=events[0].reason)
    assert events[1].first == 80
    assert feed.lost == 30


def test_a_gap_within_one_pull():
    feed = LslFeed("phot")
    stamps = [*(10 + np.arange(5) / 100), *(10 + np.arange(40, 45) / 100)]
    events = feed.feed(encode_samples(HEADER, stamps, np.zeros((10, 2)).tolist()), 0)
    assert [type(event) for event in events] == [SourceReady, Samples, SamplesLost, Samples]
    assert (events[1].end, events[2].first, events[2].count, events[3].first) == (5, 5, 35, 40)


def test_jitter_is_no_gap_and_a_rate_a_little_off_is_followed():
    feed, rng = LslFeed("phot"), np.random.default_rng(1)
    for k in range(300):
        jitter = rng.uniform(0, 0.03, 20) + 2e-4 * 0.2 * k  # stamps of a busy sender, 200 ppm slow
        feed.feed(block(20 * k, 20, jitter=jitter), 0)
    assert feed.lost == 0
    assert feed.newest[0] == 5999


def test_an_irregular_stream_has_no_gaps():
    header = Header(uid="u", name="estimates", kind="samples", channels=("a", "b"))
    feed = LslFeed("estimates")
    for k in range(5):
        events = feed.feed(encode_samples(header, [10.0 * k], [[1.0, 2.0]]), 0)
    assert [type(event) for event in events] == [Samples]
    assert events[0].first == 4


def test_a_new_sender_begins_anew():
    feed = LslFeed("phot")
    feed.feed(block(0, 10), 0)
    other = Header(uid="u#1", name="phot", kind="samples", channels=("a", "b"), rate_hz=100.0)
    events = feed.feed(block(0, 4, begin_s=0.0, header=other), 0)
    assert [type(event) for event in events] == [StreamRestarted, SourceReady, Samples]
    assert events[-1].first == 0
    assert feed.restarts == 1


def test_markers_have_their_time_and_no_number():
    header = Header(uid="m", name="bonsai", kind="markers", offset_ns=-1_000_000_000)
    feed = LslFeed("bonsai")
    events = feed.feed(encode_markers(header, [3.5, 4.0], ["start", "größer"]), 0)
    assert events[1:] == [
        Marker(source="bonsai", text="start", t_ns=2_500_000_000),
        Marker(source="bonsai", text="größer", t_ns=3_000_000_000),
    ]
    assert feed.feed(encode_markers(header, [], []), 0) == []


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"lsl", b"{}", b""],
        [ENVELOPE, b"{", b""],
        [ENVELOPE, b'{"uid":"u","name":"n","kind":"party"}', b""],
        [ENVELOPE, b'{"uid":"u","name":"n","kind":"markers"}', b"[[1]]"],
        [ENVELOPE, b'{"uid":"u","name":"n","kind":"samples"}', b""],
        [ENVELOPE, b'{"uid":"u","name":"n","kind":"samples","channels":["a"]}', bytes(15)],
        encode_samples(HEADER, [float("nan")], [[1.0, 2.0]]),
    ],
)
def test_what_is_no_packed_pull_is_noise(parts):
    assert isinstance(decode(parts), str)
    (noise,) = LslFeed("s").feed(parts, 0)
    assert isinstance(noise, WireNoise)
    assert noise.dropped == sum(map(len, parts))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.one_of(st.just(ENVELOPE), st.binary(max_size=80)), max_size=4))
def test_noise_never_raises(parts):
    LslFeed("s").feed(parts, 0)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 20), st.integers(1, 4), st.randoms(use_true_random=False))
def test_what_is_packed_is_read(n, channels, random):
    header = Header(uid="u", name="n", kind="samples", channels=tuple(map(str, range(channels))), rate_hz=9.0)
    stamps = [random.uniform(0, 1e6) for _ in range(n)]
    values = [[random.gauss(0, 1) for _ in range(channels)] for _ in range(n)]
    pulled = decode(encode_samples(header, stamps, values))
    assert pulled.header == header
    assert pulled.stamps.tolist() == stamps
    assert pulled.values.tolist() == values


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ImportError("x"), r"dopaloop\[lsl\]"),
        (RuntimeError("LSL binary library file was not found\nmore"), "liblsl"),
    ],
)
def test_without_the_library_it_says_what_to_install(monkeypatch, error, says):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "pylsl":
                raise error

    monkeypatch.delitem(sys.modules, "pylsl", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(ConfigError, match=says) as caught:
        load()
    assert "\n" not in str(caught.value)
