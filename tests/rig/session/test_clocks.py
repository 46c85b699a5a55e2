"""Clocks of a session's streams: by the line, by barcodes, by the host's stamps; alarms; units that go."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from rig.clock.barcode import encode
from rig.description import InputLine
from rig.documents import ClocksRead, Notice, ResponseTaken, SessionState, UnitPresence
from rig.events import InputEdge, Progress, Spike, Ttl
from rig.session import Session
from rig.sim.direct import DirectBoard, DirectFeed

SECOND = 1_000_000
GENERATOR = "barcodes"


def with_stream(rig, **changes):
    """Change the one stream of a rig with a virtual stream; `sit` makes that stream, so say it afterwards."""
    return {"streams": tuple(msgspec.structs.replace(stream, **changes) for stream in rig)}


@pytest.fixture
def sit_with(sit, rig):
    """Sit with a stream of other settings."""

    def make(board=None, trials=12, units=3, seed=1, **stream):
        plain = sit(trials=trials, units=units, seed=seed)
        streams = with_stream(plain.session.plan.rig.streams, **stream)["streams"]
        changes = {"streams": streams} | ({"board": board} if board is not None else {})
        return sit(trials=trials, units=units, seed=seed, **changes)

    return make


def missing(sitting):
    return [reason for d in sitting.of(ResponseTaken) for reason in d.response.missing.values()]


def warnings(sitting):
    return [notice.text for notice in sitting.of(Notice) if notice.level == "warning"]


# --- the line -----------------------------------------------------------------------------------------


def test_how_the_clocks_stand_is_written_down_every_five_seconds(sit):
    sitting = sit(trials=12, units=2)
    assert sitting.run().ok
    told = sitting.of(ClocksRead)
    gaps = [after.board_us - before.board_us for before, after in itertools.pairwise(told)]
    assert len(told) > 10 and set(gaps) == {5 * SECOND}
    (device,) = told[-1].devices
    assert (device.name, device.health.source, device.health.verdict) == (
        "simulated units",
        "sync line",
        "ok",
    )
    assert abs(device.health.residual_us) < 5 and abs(device.health.ppm) < 1
    state = sitting.of(SessionState)[-1].streams[0]
    assert state.clock.verdict == "ok" and state.clock.pulses == state.clock_pulses > 20


def test_a_line_that_falls_silent_is_an_alarm_and_its_responses_are_withheld(sit):
    sitting = sit(trials=24, units=2)
    feed = sitting.session.reckoning._streams["simulated units"]._feed
    whole, cut = feed.feed, []

    def cable_out(parts, t_ns):
        events = whole(parts, t_ns)
        gone = 8 <= sitting.session.history.trials < 16
        cut.append(gone)
        return [event for event in events if not (gone and isinstance(event, Ttl))]

    feed.feed = cable_out
    assert sitting.run().ok
    assert any(cut)
    lost, poor = warnings(sitting)
    assert lost.startswith("times cannot be trusted, and responses are withheld: no sync pulse for 1")
    assert poor.endswith("% of the newest sync pulses never came")  # until enough have come again
    back = [n.text for n in sitting.of(Notice) if n.level == "info" and "trusted again" in n.text]
    assert back == ["times can be trusted again (sync line, +0 ppm)"]
    assert set(missing(sitting)) == {"sync pulses stopped"}
    verdicts = [told.devices[0].health.verdict for told in sitting.of(ClocksRead)]
    assert {"ok", "lost"} <= set(verdicts)


def test_a_line_that_was_never_there_says_what_to_do(sit):
    sitting = sit(trials=4, units=2)
    feed = sitting.session.reckoning._streams["simulated units"]._feed
    whole = feed.feed
    feed.feed = lambda parts, t_ns: [e for e in whole(parts, t_ns) if not isinstance(e, Ttl)]
    assert sitting.run().ok
    (lost,) = warnings(sitting)
    assert "none on the stream: wrong line, or no wire?" in lost
    assert 'sync = "host"' in lost
    assert set(missing(sitting)) == {"clock not locked to the sync line"}


def test_a_stream_that_lags_has_not_lost_its_pulses(sit):
    sitting = sit(trials=24, units=2, silence_s=100.0)
    feed = sitting.session.reckoning._streams["simulated units"]._feed
    whole, held = feed.feed, []

    def lagging(parts, t_ns):
        held.append(parts)
        late = 170 if sitting.session.history.trials >= 8 else 1  # blocks of 100 ms
        return [event for _ in range(len(held) - late + 1) for event in whole(held.pop(0), t_ns)]

    feed.feed = lagging
    assert sitting.run().ok
    assert len(held) > 100
    assert warnings(sitting) == []


# --- the host's stamps ------------------------------------------------------------------------------------


def test_without_a_line_the_hosts_stamps_serve_and_the_interval_is_told(sit, sit_with):
    sitting = sit_with(sync="host")
    assert sitting.run().ok
    assert missing(sitting) == []
    (poor,) = warnings(sitting)
    assert poor == "times are poor: no sync line: times are the computer's, right to +-5.9 ms at best"
    health = sitting.of(ClocksRead)[-1].devices[0].health
    assert (health.source, health.verdict, health.residual_us) == ("host stamps", "poor", None)
    assert health.interval_us == pytest.approx(5900, abs=20)
    by_line = sit(trials=12, units=3)
    assert by_line.run().ok
    # Windows that lie some milliseconds off hold nearly the same spikes, and decide nothing.
    one, other = (
        [sum(c[0] for c in d.response.counts) for d in s.of(ResponseTaken)] for s in (sitting, by_line)
    )
    assert len(one) == len(other) > 6
    assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) <= len(one)
    assert sitting.ended.decision_digest == by_line.ended.decision_digest


def test_host_stamps_of_a_stream_that_stops_are_not_believed(sit_with):
    sitting = sit_with(sync="host", trials=20)
    feed = sitting.session.reckoning._streams["simulated units"]._feed
    whole = feed.feed
    feed.feed = lambda parts, t_ns: whole(parts, t_ns) if sitting.session.history.trials < 8 else []
    sitting.run(until_us=250 * SECOND)
    assert any("nothing from the stream for" in text for text in warnings(sitting))


# --- barcodes -----------------------------------------------------------------------------------------------


def edges(t_us):
    """The generator's edges up to `t_us`, from half a second on, a code every five seconds."""
    for value in range(t_us // (5 * SECOND) + 1):
        yield from (
            (at, up) for at, up in encode(900 + value, value * 5 * SECOND + SECOND // 2) if at <= t_us
        )


class CodedBoard(DirectBoard):
    """The board with the generator on input line 6."""

    def __init__(self):
        super().__init__()
        self.seen = 0

    def feed(self, data, t_ns):
        events = super().feed(data, t_ns)
        now_us = max((event.t_us for event in events if hasattr(event, "t_us")), default=self.seen)
        codes = [InputEdge(t_us=at, line=6, rising=up) for at, up in edges(now_us) if at > self.seen]
        self.seen = max(self.seen, now_us)
        return [*codes, *events]


class CodedFeed(DirectFeed):
    """The stream with the generator on its sync line."""

    seen = 0

    def feed(self, parts, t_ns):
        events = [event for event in super().feed(parts, t_ns) if not isinstance(event, Ttl)]
        (progress,) = [event for event in events if isinstance(event, Progress)]
        codes = [
            Ttl(line=0, rising=up, sample=at) for at, up in edges(progress.next_sample) if at > self.seen
        ]
        self.seen = progress.next_sample
        return [*codes, *events]


def test_barcodes_of_a_generator_serve_as_well_as_the_boards_own_line(sit, sit_with, rig):
    inputs = {**rig.board.inputs, GENERATOR: InputLine(line=6, log_only=True)}
    board = msgspec.structs.replace(rig.board, inputs=inputs)
    sitting = sit_with(board=board, sync="barcode", sync_input=GENERATOR)
    plan = sitting.session.plan
    names = sitting.virtual.animal.units.names
    sitting.session = Session(plan, CodedBoard(), {"simulated units": CodedFeed(names)})
    assert sitting.run().ok
    assert missing(sitting) == [] and warnings(sitting) == []
    health = sitting.of(ClocksRead)[-1].devices[0].health
    assert (health.source, health.verdict) == ("barcodes", "ok")
    assert abs(health.residual_us) < 5
    by_line = sit(trials=12, units=3)
    assert by_line.run().ok
    one, other = ([d.response.counts for d in s.of(ResponseTaken)] for s in (sitting, by_line))
    assert one == other


# --- units that come and go ---------------------------------------------------------------------------------


def spikes_only(sitting, allowed):
    """Let through the spikes that `allowed(unit, trials done)` says; the stream itself goes on."""
    feed = sitting.session.reckoning._streams["simulated units"]._feed
    whole = feed.feed

    def some(parts, t_ns):
        done = sitting.session.history.trials
        return [e for e in whole(parts, t_ns) if not isinstance(e, Spike) or allowed(e.unit, done)]

    feed.feed = some


def test_units_are_written_down_as_they_are_discovered_and_told_when_they_come_later(sit_with):
    sitting = sit_with(roster=(), warmup_s=20.0, units=4, trials=12)
    spikes_only(sitting, lambda unit, done: unit != "Tetrode 1:4" or done >= 5)
    assert sitting.run().ok
    found = sitting.of(UnitPresence)
    assert {unit.unit for unit in found[:3]} == {"Tetrode 1:1", "Tetrode 1:2", "Tetrode 1:3"}
    (late,) = found[3:]
    assert (late.unit, late.there, late.again) == ("Tetrode 1:4", True, False)
    assert late.board_us > 20 * SECOND
    told = [(n.source, n.text) for n in sitting.of(Notice) if n.source != "board"]
    assert told == [("Tetrode 1:4", "the unit has appeared")]


def test_a_unit_that_vanishes_and_comes_back_is_written_down_and_warned_of_once(sit):
    sitting = sit(trials=60, units=3)
    spikes_only(sitting, lambda unit, done: unit != "Tetrode 1:2" or not 20 <= done < 45)
    assert sitting.run().ok
    gone, back = sitting.of(UnitPresence)
    assert (gone.unit, gone.there, back.unit, back.again) == ("Tetrode 1:2", False, "Tetrode 1:2", True)
    assert 30 < gone.silent_s < 33
    told = [(n.level, n.text.partition(":")[0]) for n in sitting.of(Notice) if n.source == "Tetrode 1:2"]
    # The alarms, which go by its answers, know that people know.
    again = "the unit is there again. Make sure that it is the same neuron."
    assert told == [("warning", "the unit has fallen silent"), ("info", again)]
