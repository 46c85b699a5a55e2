"""State matrices as bytes: one that was captured from bpod-core, and any."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.bpod.matrix import (
    HEADER_BYTES,
    EventCounter,
    GlobalTimer,
    Level,
    MatrixError,
    MatrixState,
    StateMatrix,
    body_size,
    decode,
    encode,
)
from drivers.bpod.wire import upload
from rig.errors import EncodeError

CAPTURED = bytes.fromhex(
    "43 01 00 2C 00 02 00 00 00 01 02 00 01 6D 00 02 09 FF 05 08 01 0D 01"
    " 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 F4 01 00 00 2C 01 00 00 00"
)
"""As bpod-core 0.1.0a15 uploaded it to a machine of type 3 with 16 timers."""


def test_a_captured_upload_is_read_and_written_alike():
    matrix = decode(CAPTURED[5:], wide=False, timers=16)
    cue, reward = matrix.states
    assert (cue.timer, cue.after, cue.inputs, cue.outputs) == (500, 1, (), ((9, 255), (5, 8)))
    assert (reward.timer, reward.after, reward.inputs, reward.outputs) == (300, 2, ((0x6D, 0),), ((13, 1),))
    assert reward.after == matrix.exit
    assert upload(encode(matrix, wide=False, timers=16)) == CAPTURED


def numbers(most):
    return st.integers(0, most)


def pairs(most_key, most_value, least_value=0):
    entry = st.tuples(numbers(most_key), st.integers(least_value, most_value))
    return st.lists(entry, max_size=4).map(tuple)


@st.composite
def matrices(draw, wide, timers):
    n, value = draw(st.integers(1, 6)), 0xFFFF if wide else 0xFF
    mask = (1 << (8 if timers <= 8 else 16 if timers <= 16 else 32)) - 1
    state = st.builds(
        MatrixState,
        timer=numbers(0xFFFF_FFFF),
        after=st.one_of(st.none(), numbers(n)),
        inputs=pairs(255, n),
        outputs=pairs(value, value),
        timer_starts=pairs(255, n),
        timer_ends=pairs(255, n),
        counters=pairs(255, n),
        conditions=pairs(255, n),
        trigger=numbers(mask),
        cancel=numbers(mask),
        reset=numbers(8),
    )
    timer = st.builds(
        GlobalTimer, duration=numbers(0xFFFF_FFFF), channel=numbers(255), on=numbers(value),
        off=numbers(value), loops=numbers(255), tells=numbers(1), delay=numbers(0xFFFF_FFFF),
        interval=numbers(0xFFFF_FFFF), triggers=numbers(mask),
    )  # fmt: skip
    states = draw(st.lists(state, min_size=n, max_size=n))
    own = [
        MatrixState(**{f: getattr(s, f) for f in s.__struct_fields__} | {"after": None})
        if s.after == number
        else s
        for number, s in enumerate(states)
    ]
    return StateMatrix(
        states=tuple(own),
        timers=tuple(draw(st.lists(timer, max_size=min(4, timers)))),
        counters=tuple(
            draw(st.lists(st.builds(EventCounter, event=numbers(255), threshold=numbers(99_999)), max_size=3))
        ),
        conditions=tuple(
            draw(st.lists(st.builds(Level, channel=numbers(255), value=numbers(255)), max_size=3))
        ),
    )


@pytest.mark.parametrize(("wide", "timers"), [(False, 16), (True, 16), (False, 5), (False, 20)])
def test_every_matrix_comes_back(wide, timers):
    @settings(max_examples=40, deadline=None)
    @given(matrices(wide, timers))
    def run(matrix):
        data = encode(matrix, wide=wide, timers=timers)
        assert body_size(data[:HEADER_BYTES]) == len(data) - HEADER_BYTES
        assert decode(data[HEADER_BYTES:], wide=wide, timers=timers) == matrix

    run()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 80))
def test_bytes_that_are_none_are_a_matrix_error_and_nothing_else(noise, at):
    body = CAPTURED[5:]
    for data in (noise, body[:at] + noise + body[at:], body[:at]):
        with contextlib.suppress(MatrixError):
            decode(data, wide=False, timers=16)


def test_serial_messages_packed_behind_are_passed_over():
    body = CAPTURED[5:-1] + bytes.fromhex("01 4C 00 01 05 02 AA BB 00")
    assert decode(body, wide=False, timers=16) == decode(CAPTURED[5:], wide=False, timers=16)


def test_what_does_not_fit_is_an_encode_error():
    with pytest.raises(EncodeError, match="does not fit"):
        encode(StateMatrix(states=(MatrixState(outputs=((9, 256),)),)), wide=False, timers=16)
    with pytest.raises(EncodeError, match="too big"):
        encode(StateMatrix(states=()), wide=False, timers=16)
