"""Each fault once, seeded; `python -m benchmarks.faults` has all of them many times."""

from __future__ import annotations

import os

import pytest

from benchmarks.faults import port
from benchmarks.faults.catalogue import ALL, BOARD, STREAM
from benchmarks.faults.drill import Drill
from benchmarks.faults.report import markdown, row, source_row
from benchmarks.faults.sources import PHOTOMETRY, PROGRAM
from benchmarks.faults.wire import Cut, Moment, Wire

SEED = 4
BLIND = {fault.name for fault in (*ALL, *PHOTOMETRY, *PROGRAM) if fault.blind}


def named(faults):
    return pytest.mark.parametrize("fault", faults, ids=[fault.name for fault in faults])


def drill(fault, seed, speed):
    return Drill(fault.make(seed, speed), seed=seed, speed=speed).run()


@named([fault for fault in BOARD if fault.name not in BLIND])
def test_a_session_keeps_its_promises_over_a_bad_board_wire(fault):
    seed = SEED + BOARD.index(fault)
    found = drill(fault, seed, (1, 5)[seed % 2])
    assert not found.broken
    assert found.trials == 8
    assert found.spoilt or fault.name == "none"


@named([fault for fault in STREAM if fault.name not in BLIND])
def test_a_session_keeps_its_promises_over_a_bad_stream(fault):
    found = drill(fault, SEED, 5)
    assert not found.broken
    assert (found.trials, found.incomplete, found.over_ul) == (8, 0, pytest.approx(0.0, abs=1e-5))
    assert found.responses > found.missing
    assert found.spoilt


def test_a_drill_is_the_same_every_time():
    fault = next(fault for fault in BOARD if fault.name == "frames-garbled")
    assert drill(fault, 2, 20) == drill(fault, 2, 20)


def test_what_people_are_told_of_a_cut_cable():
    found = Drill(Cut(Moment(trial=3, after_us=1_500_000), 12_500_000), seed=1, speed=5).run()
    assert found.incomplete == 1
    told = set(found.notices)
    assert "error: board is lost: port broke: the cable was pulled" in told
    assert "warning: a trial is incomplete: the board was lost in it" in told


@named([fault for fault in (*PHOTOMETRY, *PROGRAM) if fault.name not in BLIND])
def test_a_sample_bears_its_own_number_or_is_told_as_lost(fault):
    found = fault.run(SEED)
    assert not found.broken
    assert found.samples > 0.3 * found.true
    if found.samples < 0.95 * found.true and fault.name != "ppm-slow":
        assert found.lost or found.links or found.restarts


# --- the judge must be able to find something -----------------------------------------------------


class Liar(Wire):
    """Tells the host of licks that never were: a frame of the board's own, changed and made good again."""

    def __init__(self):
        super().__init__()
        self._codec = None

    def to_host(self, data, now_us):
        from drivers.board.codec import HarpCodec
        from drivers.board.wire import Frame

        self._codec = self._codec or HarpCodec()
        out = b""
        for item in self._codec.feed(data, now_us * 1000):
            if isinstance(item, Frame):
                out += self._lie(bytearray(item.raw))
        return out

    def _lie(self, raw):
        if raw[0] == 3 and raw[2] == 41 and raw[17] in (1, 2):  # an input's edge: say it was another line
            raw[18] ^= 1
            raw[19] = sum(raw[:19]) & 0xFF
            self.spoilt += 1
        return bytes(raw)


def test_a_lie_is_found_out():
    found = Drill(Liar(), seed=1, speed=20).run()
    assert found.spoilt
    assert any("inputs is not what it was" in text for text in found.broken)


def test_the_table_shows_what_was_tried_lost_and_told():
    found = drill(next(fault for fault in BOARD if fault.name == "reset"), 3, 20)
    text = markdown(row("reset", "the board is reset", [found]))
    assert text.startswith("| the board is reset (`reset`) | 1 | 1 of 8 trials incomplete; ")
    assert "the board was reset" in text
    assert text.endswith("| kept |")
    blind = next(fault for fault in PHOTOMETRY if fault.name == "ppm-late")
    told = markdown(source_row(blind.name, blind.what, [blind.run(SEED)], blind.blind))
    assert told.endswith("| 1 of 1 drills broke one: the board numbers what it sends, not what it measures: "
                         "the sync line tells |")  # fmt: skip


# --- the whole engine -----------------------------------------------------------------------------

ON_A_PTY = {"port-garbled", "port-cut", "port-reset"}


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
@pytest.mark.timeout(120)
@named([fault for fault in port.PORT if fault.name in ON_A_PTY])
def test_the_whole_engine_keeps_its_promises_over_a_real_port(fault, tmp_path):
    found = port.run(fault, SEED, tmp_path)
    assert not found.broken
    assert found.trials == port.TRIALS
    if fault.name in {"port-cut", "port-reset"}:
        assert any("board is lost" in text for text in found.notices)
