"""The run-time stream: whole, in pieces, and where one byte could mean several things."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.bpod import wire
from drivers.bpod.codec import (
    Accepted,
    Begun,
    Cycle,
    Discovery,
    Ended,
    Farewell,
    Noise,
    RunStream,
    SoftCode,
)


def end(cycle, t_us, ticks=0):
    return wire.END.pack(wire.END_MARK, cycle, ticks, t_us)


def events(cycle, *codes):
    return bytes((1, len(codes), *codes)) + wire.CYCLE_COUNT.pack(cycle)


RUN = b"\x01" + wire.START.pack(700) + events(500, 173) + b"\x02\x08" + events(800, 9, 173) + end(800, 80_701)
READ = [Accepted(True), Begun(700), Cycle(500, (173,)), SoftCode(8), Cycle(800, (9, 173)), Ended(800, 80_701)]


def read(data, *, expected=1, exits=0, pieces=()):
    stream = RunStream()
    stream.expected, stream.exits = expected, exits
    cuts = [0, *sorted(pieces), len(data)]
    found = []
    for a, b in itertools.pairwise(cuts):
        found += stream.feed(data[a:b])
    assert stream.pending == 0
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(RUN)), max_size=8))
def test_a_run_is_read_however_it_is_cut(cuts):
    assert read(RUN, pieces=cuts) == READ


def test_the_next_run_may_follow_without_a_pause():
    assert read(RUN + RUN, expected=2) == READ + READ


def test_the_captured_run_is_read():
    """As a device answered the captured upload: 50 ms cue with a soft code, 30 ms reward."""
    data = bytes.fromhex(
        "01 BC02000000000000 0208 0101ADF4010000 0101AD20030000 0101FF20030000200300003C3B010000000000"
    )
    assert read(data) == [
        Accepted(True), Begun(700), SoftCode(8), Cycle(500, (173,)), Cycle(800, (173,)), Ended(800, 80_700),
    ]  # fmt: skip


def test_an_exit_while_nothing_runs_is_answered_by_an_end_of_its_own():
    assert read(end(0, 55), expected=0, exits=1) == [Ended(0, 55, stray=True)]
    after = read(RUN + end(800, 90_000), exits=1)
    assert after == [*READ, Ended(800, 90_000, stray=True)]


def test_such_an_end_before_the_next_run_is_not_taken_for_its_acceptance():
    data = RUN + end(800, 90_000) + RUN
    assert read(data, expected=2, exits=1) == [*READ, Ended(800, 90_000, stray=True), *READ]


def test_a_start_whose_bytes_look_like_an_end_is_a_start_if_no_exit_was_asked_for():
    (t_us,) = wire.START.unpack(wire.END_MARK + bytes(5))
    data = b"\x01" + wire.START.pack(t_us) + end(0, t_us)
    assert read(data) == [Accepted(True), Begun(t_us), Ended(0, t_us)]


def test_a_run_can_end_before_it_has_begun():
    assert read(b"\x01" + end(0, 100), exits=1) == [Accepted(True), Ended(0, 100)]


def test_a_matrix_that_had_not_come_whole_is_told():
    assert read(b"\x00") == [Accepted(False)]


@pytest.mark.parametrize("before", [b"", RUN[:9]], ids=["between runs", "in a run"])
def test_a_reset_and_a_good_bye_are_seen_everywhere(before):
    assert read(before + b"\xde")[-1] == Discovery()
    assert read(before + b"1")[-1] == Farewell()


@pytest.mark.parametrize("noise", [b"\x07", b"\x00", b"\x03\x05"])
def test_bytes_that_mean_nothing_are_noise(noise):
    found = read(noise, expected=0)
    assert found[0] == Noise(noise[0])


def test_nothing_raises_on_any_bytes():
    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=60), st.integers(0, 2), st.integers(0, 2))
    def run(data, expected, exits):
        stream = RunStream()
        stream.expected, stream.exits = expected, exits
        for _ in stream.feed(data):
            pass
        assert stream.pending < 262

    run()
