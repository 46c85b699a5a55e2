"""Messages of the sample stream: written out by hand, and in both roles."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.samples.codec import Block, Malformed, decode, encode
from drivers.samples.wire import DTYPES, Header
from rig.errors import EncodeError

# Two samples of two channels as float32, and one digital line: as any language would write it.
TEXT = (
    b'{"stream":"fp3002","seq":7,"first_sample":140,"rate_hz":20.0,"channels":["G0","G0_iso"],'
    b'"dtype":"<f4","digital":1}'
)
BUFFER = bytes.fromhex("0000803f0000004000004040000080400001")


def header(**more):
    return Header(
        **({"stream": "s", "seq": 0, "first_sample": 0, "rate_hz": 20.0, "channels": ("a",)} | more)
    )


@pytest.mark.parametrize("topic", [[], [b"photometry"], [b""]])
def test_a_message_written_by_hand(topic):
    block = decode([*topic, TEXT, BUFFER])
    assert isinstance(block, Block)
    assert block.header == Header("fp3002", 7, 140, 20.0, ("G0", "G0_iso"), "<f4", 1)
    assert block.values.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert block.digital.tolist() == [[0], [1]]


def test_it_is_written_the_same():
    block = decode([TEXT, BUFFER])
    text, buffer = encode(block.header, block.values, block.digital)
    assert msgspec.json.decode(text) == msgspec.json.decode(TEXT)
    assert buffer == BUFFER


def test_unknown_keys_and_whole_numbers_are_fine():
    text = b'{"stream":"s","seq":0,"first_sample":0,"rate_hz":20,"channels":["a"],"colour":470}'
    assert decode([text, bytes(4)]).values.tolist() == [[0.0]]


def test_what_the_sender_does_not_know_is_not_a_number():
    values = np.array([[1.0], [np.nan], [np.inf]], dtype="<f8")
    read = decode(encode(header(dtype="<f8"), values)).values[:, 0]
    assert read[0] == 1.0
    assert np.isnan(read[1:]).all()


@settings(max_examples=80, deadline=None)
@given(
    dtype=st.sampled_from(list(DTYPES)),
    samples=st.integers(1, 30),
    channels=st.integers(1, 5),
    lines=st.integers(0, 8),
    seed=st.integers(0, 1000),
)
def test_what_is_written_is_read(dtype, samples, channels, lines, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 1000, (samples, channels)).astype(DTYPES[dtype])
    digital = rng.integers(0, 2, (samples, lines)).astype(np.uint8)
    names = tuple(f"c{k}" for k in range(channels))
    block = decode(encode(header(channels=names, dtype=dtype, digital=lines), values, digital))
    assert block.values.tolist() == values.astype(float).tolist()
    assert block.digital.tolist() == digital.tolist()


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([TEXT], "1 parts where a message has 2"),
        ([b"", b"", TEXT, BUFFER], "4 parts"),
        ([b"nonsense", BUFFER], "unreadable header"),
        ([TEXT, BUFFER[:-1]], "no whole number of samples of 9"),
        ([TEXT, b""], "0 bytes are no whole number"),
        ([TEXT.replace(b"<f4", b">f4"), BUFFER], "dtype '>f4' is none of <f4, <f8"),
        ([TEXT.replace(b"G0_iso", b"G0"), BUFFER], "two channels have the same name"),
        ([TEXT.replace(b"20.0", b"0"), BUFFER], "unreadable header"),
        ([TEXT.replace(b'"digital":1', b'"digital":9'), BUFFER], "unreadable header"),
        ([TEXT.replace(b'"seq":7', b'"seq":-1'), BUFFER], "unreadable header"),
        ([b"[" * 100_000, BUFFER], "unreadable header"),
    ],
)
def test_what_cannot_be_read_is_noise_with_a_reason(parts, why):
    read = decode(parts)
    assert isinstance(read, Malformed)
    assert why in read.reason
    assert read.dropped == sum(len(part) for part in parts)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=4))
def test_noise_never_raises(parts):
    assert isinstance(decode(parts), Malformed)


@pytest.mark.parametrize(
    ("head", "values", "digital"),
    [
        (header(dtype="<i8"), np.zeros((2, 1)), None),
        (header(), np.zeros((2, 2)), None),
        (header(), np.zeros(2), None),
        (header(digital=1), np.zeros((2, 1)), None),
        (header(), np.zeros((2, 1)), np.zeros((2, 1))),
    ],
)
def test_what_does_not_fit_is_not_written(head, values, digital):
    with pytest.raises(EncodeError, match="are not 1 channels"):
        encode(head, values, digital)
