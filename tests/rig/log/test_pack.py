"""Packing multipart messages into one payload."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.errors import PackError
from rig.log.pack import pack, unpack

messages = st.lists(st.lists(st.binary(max_size=40), max_size=5), max_size=6)


@given(messages)
def test_what_is_packed_is_unpacked(some):
    assert unpack(pack(some)) == [tuple(parts) for parts in some]


def test_the_layout_is_the_documented_one():
    assert pack([[b"ab", b""], []]).hex() == "02000000020000000200000061620000000000000000"


@given(messages, st.data())
def test_every_cut_is_found(some, data):
    payload = pack(some)
    cut = data.draw(st.integers(0, len(payload) - 1))
    with pytest.raises(PackError, match="packed"):
        unpack(payload[:cut])


@given(messages, st.binary(min_size=1, max_size=9))
def test_bytes_left_over_are_found(some, more):
    with pytest.raises(PackError, match="left over"):
        unpack(pack(some) + more)


@given(st.binary(max_size=200))
def test_noise_raises_one_error_or_is_a_packing(noise):
    try:
        found = unpack(noise)
    except PackError:
        return
    assert pack(found) == noise


def test_a_count_that_cannot_be_is_refused_before_anything_is_made():
    with pytest.raises(PackError, match="claim 4294967295 items"):
        unpack(b"\xff\xff\xff\xff" + bytes(100))
