"""Which clock a stream gets, and when people are told that it cannot be trusted."""

from __future__ import annotations

import msgspec
import pytest

from rig.clock.coded import CodedClock
from rig.clock.health import ClockHealth
from rig.clock.host import HostClock
from rig.clock.model import ClockModel
from rig.description import StreamConfig
from rig.stream.clocks import ClockWatch, clock_for

SECOND = 1_000_000
OK = ClockHealth(source="sync line", verdict="ok", ppm=35.0)
LOST = ClockHealth(source="sync line", verdict="lost", reason="no sync pulse for 12 s")
POOR = ClockHealth(source="sync line", verdict="poor", reason="it runs +260 ppm off its stated rate")


@pytest.mark.parametrize(
    ("sync", "kind"), [("line", ClockModel), ("barcode", CodedClock), ("host", HostClock)]
)
def test_the_description_chooses_the_clock(sync, kind):
    assert type(clock_for(StreamConfig(name="probe", data="", sync=sync))) is kind


def said(*story):
    """Look once a second; the story is (clock, seconds) one after the other. Return (second, level, text)."""
    watch, told, now_s = ClockWatch("probe"), [], 100
    for clock, seconds in story:
        for _ in range(seconds):
            notice = watch.look(clock, now_s * SECOND)
            if notice is not None:
                assert (notice.source, notice.board_us) == ("probe", now_s * SECOND)
                told.append((now_s - 100, notice.level, notice.text))
            now_s += 1
    return told


def test_a_clock_that_takes_its_time_to_lock_is_no_alarm():
    assert said((LOST, 15), (OK, 60)) == []


def test_one_that_never_locks_is_told_once_with_what_to_do():
    ((second, level, text),) = said((LOST, 60))
    assert (second, level) == (20, "warning")
    assert text.startswith(
        "times cannot be trusted, and responses are withheld: no sync pulse for 12 s (with"
    )
    assert 'sync = "host"' in text


def test_one_that_is_lost_is_told_within_two_seconds_and_when_it_is_back():
    told = said((OK, 10), (LOST, 30), (OK, 10))
    assert [(second, level) for second, level, _ in told] == [(12, "warning"), (45, "info")]
    assert told[0][2] == "times cannot be trusted, and responses are withheld: no sync pulse for 12 s"
    assert told[1][2] == "times can be trusted again (sync line, +35 ppm)"


def test_what_passes_by_itself_is_not_told():
    assert said((OK, 10), (LOST, 2), (OK, 10), (POOR, 4), (OK, 10)) == []


def test_poor_times_are_told_when_they_last():
    assert said((OK, 10), (POOR, 30)) == [
        (15, "warning", "times are poor: it runs +260 ppm off its stated rate")
    ]


def test_a_board_that_begins_its_time_anew_begins_the_patience_anew():
    watch = ClockWatch("probe")
    assert watch.look(OK, 500 * SECOND) is None
    assert watch.look(LOST, 501 * SECOND) is None
    assert watch.look(LOST, 1 * SECOND) is None
    assert watch.look(LOST, 2 * SECOND) is None
    assert watch.look(LOST, 3 * SECOND) is not None


def test_the_hint_is_for_a_line_only():
    coded = msgspec.structs.replace(LOST, source="barcodes")
    ((_, _, text),) = said((coded, 30))
    assert "host" not in text
