"""A stream's responses are withheld where a spike may be missing; silence is never made up."""

from __future__ import annotations

import pytest

from rig.clock.barcode import ONE_CORE, encode
from rig.description import StreamConfig
from rig.events import Progress, Spike, StreamGap, StreamRestarted, Ttl, WireNoise
from rig.log.pack import pack
from rig.stream.intake import StreamIntake
from rig.trial.placed import Placed
from rig.trial.spec import ResponseWindow, TrialRecord, TrialSpec

RATE = 30_000.0
WINDOW = ResponseWindow()
PULSES_S = (0.5, 1.3, 2.9, 4.0, 5.7, 6.4, 8.1, 9.0, 10.6, 11.4, 12.9, 14.1, 15.0, 16.8, 18.0, 19.3, 20.1)


class Script:
    """A feed that plays what it is given: each message is a list of events."""

    def __init__(self):
        self.events = []

    def feed(self, parts, t_ns):
        return self.events


def sample(seconds):
    return round(seconds * RATE)


@pytest.fixture
def intake():
    config = StreamConfig(name="probe", data="tcp://127.0.0.1:1", roster=("u",))
    return StreamIntake(config, Script())


def give(intake, *events):
    intake._feed.events = list(events)
    intake.take(pack([[b"x"]]), 0)


def run(intake, first_s, last_s, skip=(), rate_s=0.5):
    """Play blocks of half a second with the sync line and a spike every 50 ms."""
    now = first_s
    while now < last_s:
        stop = now + rate_s
        for at in PULSES_S:
            if now <= at < stop:
                intake.clock.add_board_pulse(round(at * 1e6))
                give(intake, Ttl(line=0, rising=True, sample=sample(at)))
        spikes = [Spike(unit="u", sample=sample(now + k * 0.05 + 0.01)) for k in range(10)]
        give(intake, *spikes, Progress(next_sample=sample(stop), rate_hz=RATE))
        now = stop


def reward_at(seconds):
    spec = TrialSpec(condition="free", reward_ul=5.0)
    record = TrialRecord(
        number=0, spec=spec, outcome="complete", start_us=round(seconds * 1e6) - 1000, duration_us=2000,
        states=(), outputs=(), inputs=(), cue_us=None, reward_us=1000, stimulus_us=1000, delivered_ul=5.0,
        table_hash="",
    )  # fmt: skip
    return Placed.after_reward(record, WINDOW)


def test_a_whole_stream_answers(intake):
    run(intake, 0.0, 20.0)
    assert intake.clock.locked
    reward = reward_at(15.0)
    assert intake.why_withheld(reward) is None
    ((unit, counts),) = intake.counts(reward)
    assert (unit, counts) == ("u", (8, 20))


@pytest.mark.parametrize(
    "lost", [StreamGap(first=7, last=9), WireNoise(source="probe", dropped=50, reason="cut short")]
)
def test_a_window_in_which_messages_were_lost_is_withheld(intake, lost):
    run(intake, 0.0, 15.0)
    give(intake, lost)
    run(intake, 15.0, 20.0)
    assert intake.why_withheld(reward_at(14.8)) == "messages were lost in the window"
    assert intake.why_withheld(reward_at(16.2)) == "messages were lost in the window"
    assert intake.why_withheld(reward_at(13.5)) is None
    assert intake.why_withheld(reward_at(17.0)) is None


def test_a_loss_whose_end_is_not_known_yet_withholds_too(intake):
    run(intake, 0.0, 15.0)
    give(intake, StreamGap(first=7, last=9))
    assert intake.why_withheld(reward_at(14.9)) == "messages were lost in the window"


def test_a_stream_that_began_anew_does_not_answer_for_the_time_before(intake):
    run(intake, 0.0, 5.0)
    give(intake, StreamRestarted(reason="acquisition was started again"))
    run(intake, 5.0, 20.0)
    assert intake.clock.locked
    # The windows' spikes are gone with the old acquisition: missing, not zero.
    assert intake.why_withheld(reward_at(4.0)) == "the stream does not reach back to the window"
    assert intake.why_withheld(reward_at(5.9)) == "the stream does not reach back to the window"
    assert intake.why_withheld(reward_at(7.0)) is None


def test_a_stream_that_appears_late_does_not_answer_for_the_time_before(intake):
    for at in PULSES_S:
        if at < 6.0:
            intake.clock.add_board_pulse(round(at * 1e6))
    run(intake, 6.0, 20.0)
    assert intake.clock.locked
    assert intake.why_withheld(reward_at(6.5)) == "the stream does not reach back to the window"
    assert intake.why_withheld(reward_at(9.0)) is None


def test_without_a_clock_nothing_is_said(intake):
    give(intake, Progress(next_sample=sample(20.0), rate_hz=RATE))
    assert intake.why_withheld(reward_at(5.0)) == "clock not locked to the sync line"


def stream(**config):
    return StreamIntake(
        StreamConfig(name="probe", data="tcp://127.0.0.1:1", roster=("u",), **config), Script()
    )


def blocks(intake, until_s, late_s=0.02):
    """Half-second blocks with a spike every 50 ms, each heard a little after its end."""
    for k in range(round(until_s * 2)):
        stop = (k + 1) * 0.5
        spikes = [Spike(unit="u", sample=sample(k * 0.5 + n * 0.05 + 0.01)) for n in range(10)]
        intake._feed.events = [*spikes, Progress(next_sample=sample(stop), rate_hz=RATE)]
        yield stop
        intake.take(pack([[b"x"]]), round((stop + late_s) * 1e9))


def test_barcodes_on_both_sides_are_a_clock_whatever_edges_the_line_has():
    intake = stream(sync="barcode", sync_input="codes")
    for stop in blocks(intake, 40.0):
        if (stop * 2) % 10 == 0:  # a code every five seconds
            for at_us, rising in encode(round(stop), round(stop * 1e6) - 2_000_000, ONE_CORE):
                intake.clock.board_edge(at_us, rising)
                intake.clock.stream_edge(sample(at_us * 1e-6), rising)
    health = intake.clock_health(40_000_000)
    assert (health.source, health.verdict) == ("barcodes", "ok")
    reward = reward_at(30.0)
    assert intake.why_withheld(reward) is None
    assert intake.counts(reward) == (("u", (8, 20)),)


def test_without_a_barcode_the_reason_says_barcodes():
    intake = stream(sync="barcode", sync_input="codes")
    for _ in blocks(intake, 10.0):
        pass
    assert intake.why_withheld(reward_at(5.0)) == "clock not locked to the barcodes"


def test_the_hosts_stamps_alone_count_spikes_and_say_how_well():
    intake = stream(sync="host")
    for stop in blocks(intake, 60.0):
        intake.clock.board_heard(round(stop * 1e6), round((stop + 0.001) * 1e9))
    health = intake.clock_health(60_000_000)
    assert (health.source, health.verdict) == ("host stamps", "poor")
    assert "right to +-" in health.reason
    assert 3_000 < health.interval_us < 12_000
    reward = reward_at(50.0)
    assert intake.why_withheld(reward) is None
    ((_, (inside, before)),) = intake.counts(reward)
    # 14 ms that nobody can know, against a spike every 50 ms
    assert abs(inside - 8) <= 1 and abs(before - 20) <= 1


def test_a_stream_by_the_hosts_stamps_that_fell_silent_is_withheld():
    intake = stream(sync="host")
    assert intake.why_withheld(reward_at(5.0)) == "no data on the stream"
    for stop in blocks(intake, 20.0):
        intake.clock.board_heard(round(stop * 1e6), round((stop + 0.001) * 1e9))
    assert intake.why_withheld(reward_at(40.0)) == "nothing came from the stream"
