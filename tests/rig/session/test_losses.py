"""Losses are told at once, then in sums, and always with their bounds."""

from __future__ import annotations

import pytest

from rig.events import EventsLost, LinkLost, StreamGap, StreamRestarted, WireNoise
from rig.outbox import Outbox
from rig.session.losses import AGAIN_NS, SETTLE_NS, Losses

S = 1_000_000_000


class Desk:
    def __init__(self):
        self.out = Outbox()
        self.losses = Losses(self.out)

    def at(self, seconds):
        """Let a step begin; return what the one before it told."""
        told = self.told()
        self.out.begin(int(seconds * S))
        return told

    def told(self):
        return [(effect.document.level, effect.document.text) for effect in self.out.finish("board", b"", [])]


@pytest.fixture
def desk():
    made = Desk()
    made.at(100)
    return made


def lost(count, after_us, before_us):
    return EventsLost(count=count, after_us=after_us, before_us=before_us)


def noise(dropped):
    return WireNoise(source="board", dropped=dropped, reason="no Harp frame")


def test_the_first_is_told_at_once_and_the_next_as_a_sum(desk):
    desk.losses.board("board", lost(3, 10, 20))
    assert desk.at(101) == [("warning", "3 board events were lost between board times 10 and 20 us")]
    for k in range(500):
        desk.losses.board("board", lost(2, 100 + k, 110 + k))
    assert desk.at(104) == []
    assert desk.losses.deadline_ns() == 100 * S + AGAIN_NS
    desk.at(105)
    desk.losses.tell()
    assert desk.at(106) == [
        ("warning", "1000 board events were lost between board times 100 and 609 us, 500 times")
    ]
    assert desk.losses.events == 1003


def test_nothing_is_left_untold_at_the_end(desk):
    desk.losses.board("board", noise(5))
    desk.at(101)
    desk.losses.board("board", noise(7))
    desk.losses.board("board", noise(8))
    desk.losses.tell(over=True)
    assert desk.told() == [("info", "15 bytes of noise: no Harp frame, and 1 times more like it")]
    desk.losses.tell(over=True)
    assert desk.losses.deadline_ns() is None


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (StreamGap(first=5, last=9), "messages were lost: 5 of numbers 5 to 9"),
        (
            WireNoise(source="probe", dropped=40, reason="2 parts"),
            "a message could not be read (2 parts); 40 bytes in all",
        ),
        (LinkLost(source="probe", reason="gone"), "the stream is lost: gone"),
        (
            StreamRestarted(reason="numbers began again"),
            "the stream began anew (numbers began again); its clock must be found again",
        ),
    ],
)
def test_what_is_said_of_a_stream(desk, event, text):
    desk.losses.stream("probe", event)
    assert desk.told() == [("warning", text)]


def test_sources_and_kinds_are_told_apart(desk):
    desk.losses.stream("probe", StreamGap(first=1, last=1))
    desk.losses.stream("other", StreamGap(first=2, last=2))
    desk.losses.stream("probe", WireNoise(source="probe", dropped=1, reason="x"))
    assert len(desk.told()) == 3


def test_a_board_that_lost_events_is_given_time(desk):
    assert not desk.losses.unsettled(100 * S)
    desk.losses.board("board", lost(1, 0, 1))
    assert desk.losses.unsettled(100 * S + SETTLE_NS - 1)
    assert desk.losses.deadline_ns() == 100 * S + SETTLE_NS
    assert not desk.losses.unsettled(100 * S + SETTLE_NS)
    desk.at(200)
    desk.losses.shaken()
    assert desk.losses.unsettled(200 * S + 1)


def test_noise_alone_delays_nothing(desk):
    desk.losses.board("board", noise(100))
    assert not desk.losses.unsettled(100 * S)
