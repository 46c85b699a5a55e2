"""What marks an interruption, and how people are told of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.log.entry import Input
from rig.log.gap import Gap, read_gap, words

GAP = Gap(
    seconds=75.25,
    host_time="2026-11-23T10:00:00+01:00",
    versions={"python": "3.11.7"},
    protocol_hash="ab" * 32,
)


def entry(payload):
    return Input(7, 12, "engine", "resume", payload)


def test_it_is_read_as_it_was_written():
    assert read_gap(entry(GAP.encode())) == GAP


def test_one_of_a_later_version_is_read_too():
    assert read_gap(entry(GAP.encode()[:-1] + b',"weather":"rain"}')) == GAP


@pytest.mark.parametrize("payload", [b"", b"{}", b"\xff", b'{"seconds":"long","host_time":""}', b"[1]"])
def test_what_cannot_be_read_is_a_gap_of_unknown_length(payload):
    assert read_gap(entry(payload)) is None
    assert words(read_gap(entry(payload))) == (
        "the session goes on after a gap of unknown length; nothing was recorded in it"
    )


@given(st.binary(max_size=200))
def test_noise_raises_nothing(noise):
    read_gap(entry(noise))


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(0.04, "0.0 s"), (12.34, "12.3 s"), (59.6, "1 min 0 s"), (3599.0, "59 min 59 s"), (7384.0, "2 h 3 min")],
)
def test_people_are_told_how_long_it_was(seconds, says):
    gap = Gap(seconds=seconds, host_time="")
    assert words(gap) == f"the session goes on after a gap of {says}; nothing was recorded in it"
