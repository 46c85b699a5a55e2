"""A session that cannot be recorded is held, once, and let go once."""

from __future__ import annotations

import pytest

from rig.operator import Pause, Resume, decode_command
from rig.runtime.hold import STEADY_S, Hold
from rig.runtime.inbox import Inbox


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def told():
    return []


@pytest.fixture
def hold(inbox, told, clock):
    return Hold(inbox, lambda *what: told.append(what), clock)


def asked(inbox):
    return [(entry.source, decode_command(entry.payload)) for entry in inbox.get(0)]


def test_it_pauses_once_and_resumes_once_it_has_been_well_for_a_while(hold, inbox, told, clock):
    hold.turn(unrecorded=False)
    assert asked(inbox) == []
    for _ in range(3):
        hold.turn(unrecorded=True)
    assert asked(inbox) == [("recorder", Pause())]
    assert hold.on
    hold.turn(unrecorded=False)
    clock.now += STEADY_S - 0.1
    hold.turn(unrecorded=False)
    assert asked(inbox) == []
    clock.now += 0.2
    hold.turn(unrecorded=False)
    hold.turn(unrecorded=False)
    assert asked(inbox) == [("recorder", Resume())]
    assert not hold.on
    assert [level for level, _ in told] == ["error", "info"]


def test_a_disk_at_the_edge_does_not_make_it_flap(hold, inbox, clock):
    hold.turn(unrecorded=True)
    for _ in range(10):
        clock.now += 0.6
        hold.turn(unrecorded=False)
        clock.now += 0.2
        hold.turn(unrecorded=True)
    assert asked(inbox) == [("recorder", Pause())]


def test_it_holds_however_full_the_inbox_is(told, clock):
    inbox = Inbox(capacity=1)
    inbox.put("board", "bytes", b"x")
    hold = Hold(inbox, lambda *what: told.append(what), clock)
    hold.turn(unrecorded=True)
    assert [entry.kind for entry in inbox.get(0)] == ["bytes", "command"]
