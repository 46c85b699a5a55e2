"""What one stream's messages mean: units, gaps, restarts, foreign streams, noise."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.open_ephys import codec
from drivers.open_ephys.device import OpenEphysFeed
from drivers.open_ephys.wire import (
    TTL_BODY,
    DataContent,
    DataHeader,
    EventContent,
    EventHeader,
    Message,
    SpikeContent,
    SpikeHeader,
)
from rig.description import StreamConfig
from rig.events import Progress, Spike, StreamGap, StreamRestarted, Ttl, UnsortedSpike, WireNoise


def feed_of(name: str = "probe") -> OpenEphysFeed:
    return OpenEphysFeed(StreamConfig(name=name, data="tcp://127.0.0.1:5556"))


def spike(number: int, sample: int, electrode: str = "Tetrode 1", sorted_id: int = 1, stream: str = "probe"):
    content = SpikeContent(stream, 102, electrode, sample, 1, 40, sorted_id, (-60.0,))
    return codec.encode(Message(SpikeHeader(number, content, 1_700_000_000_000), bytes(160)))


def ttl(number: int, sample: int, line: int = 0, up: bool = True, stream: str = "probe"):
    body = TTL_BODY.pack(line, up, up << line)
    header = EventHeader(number, EventContent(stream, 100, 3, sample), len(body), 1_700_000_000_000)
    return codec.encode(Message(header, body))


def block(number: int, sample: int, channel: int = 0, stream: str = "probe", rate: float = 30_000.0):
    content = DataContent(stream, channel, f"CH{channel + 1}", 600, sample, rate)
    return codec.encode(Message(DataHeader(number, content, 2400, 1_700_000_000_000), bytes(2400)))


def run(feed: OpenEphysFeed, *messages: list[bytes]):
    return [event for parts in messages for event in feed.feed(parts, 0)]


def test_real_messages_become_events(spike_parts, ttl_parts, data_parts):
    assert run(feed_of("rig_probe"), data_parts) == [Progress(next_sample=696, rate_hz=30_000.0)]
    assert run(feed_of("rig_probe"), spike_parts) == [Spike(unit="Stereotrode 2:1", sample=1202)]
    assert run(feed_of("rig_probe"), ttl_parts) == [Ttl(line=2, rising=True, sample=67833)]


def test_sorted_id_zero_is_no_unit():
    assert run(feed_of(), spike(1, 50, sorted_id=0)) == [UnsortedSpike(electrode="Tetrode 1", sample=50)]


def test_many_channels_make_one_progress():
    feed = feed_of()
    assert run(feed, *(block(n + 1, 0, n) for n in range(3)), block(4, 600)) == [
        Progress(next_sample=600, rate_hz=30_000.0),
        Progress(next_sample=1200, rate_hz=30_000.0),
    ]
    assert feed.sample_rate_hz == 30_000.0


def test_a_gap_is_told_with_its_bounds():
    feed = feed_of()
    events = run(feed, block(1, 0), spike(5, 700), block(6, 600))
    assert events[1:3] == [StreamGap(first=2, last=4), Spike(unit="Tetrode 1:1", sample=700)]
    assert (feed.messages, feed.lost, feed.restarts) == (3, 3, 0)


def test_joining_late_is_no_gap():
    feed = feed_of()
    assert run(feed, block(4711, 60_000)) == [Progress(next_sample=60_600, rate_hz=30_000.0)]
    assert feed.lost == 0


def test_numbers_that_begin_again_are_a_restart():
    feed = feed_of()
    run(feed, block(1, 90_000), block(2, 90_600))
    first, *rest = run(feed, spike(1, 20), block(2, 0))
    assert isinstance(first, StreamRestarted)
    assert rest == [Spike(unit="Tetrode 1:1", sample=20), Progress(next_sample=600, rate_hz=30_000.0)]
    assert (feed.lost, feed.restarts) == (0, 1)


def test_a_restart_straight_after_the_first_message_is_seen():
    feed = feed_of()
    assert isinstance(run(feed, block(1, 0), block(1, 0))[1], StreamRestarted)


def test_a_restart_whose_beginning_was_missed_has_a_gap_too():
    feed = feed_of()
    run(feed, block(100, 90_000))
    first, gap, _ = run(feed, block(4, 600))
    assert isinstance(first, StreamRestarted)
    assert gap == StreamGap(first=1, last=3)


def test_samples_that_go_back_are_a_restart_even_if_numbers_go_on():
    feed = feed_of()
    run(feed, block(1, 90_000))
    events = run(feed, block(2, 1200))
    assert isinstance(events[0], StreamRestarted)
    assert events[1] == Progress(next_sample=1800, rate_hz=30_000.0)


def test_a_spike_tells_of_a_restart_that_the_numbers_hide():
    feed = feed_of()
    run(feed, block(1, 90_000))
    gap, restart, found = run(feed, spike(50, 1000))
    assert gap == StreamGap(first=2, last=49)
    assert isinstance(restart, StreamRestarted)
    assert found == Spike(unit="Tetrode 1:1", sample=1000)
    assert run(feed, ttl(51, 1100), block(52, 1200))[-1] == Progress(next_sample=1800, rate_hz=30_000.0)
    assert feed.restarts == 1


def test_a_late_spike_is_no_restart():
    feed = feed_of()
    run(feed, block(1, 90_000))
    assert run(feed, spike(9, 89_950))[1:] == [Spike(unit="Tetrode 1:1", sample=89_950)]


def test_other_streams_are_counted_and_ignored():
    feed = feed_of("probe")
    foreign = spike(2, 5, stream="lfp"), ttl(3, 5, stream="lfp"), block(4, 600, stream="lfp")
    events = run(feed, block(1, 0), *foreign, block(5, 600))
    assert [type(event) for event in events] == [Progress, Progress]
    assert (feed.messages, feed.lost, feed.ignored) == (5, 0, {"lfp": 3})


def test_a_nameless_feed_takes_the_first_stream():
    feed = feed_of("")
    assert feed.stream == ""
    assert run(feed, spike(1, 5, stream="a"), spike(2, 6, stream="b")) == [
        Spike(unit="Tetrode 1:1", sample=5)
    ]
    assert feed.stream == "a"


def test_names_of_other_streams_are_bounded():
    feed = feed_of("probe")
    run(feed, *(spike(n, 5, stream=f"s{n}") for n in range(1, 200)))
    assert len(feed.ignored) == 64


def test_noise_is_counted_and_keeps_its_place_in_the_numbers():
    feed = feed_of()
    wrong = spike(2, 5)
    wrong[2] += b"?"
    events = run(feed, block(1, 0), wrong, block(3, 600))
    assert [type(event) for event in events] == [Progress, WireNoise, Progress]
    assert events[1].dropped == sum(len(part) for part in wrong)
    assert (feed.noise, feed.lost) == (1, 0)


def test_noise_feigns_neither_gap_nor_restart():
    feed = feed_of()
    run(feed, block(7, 0))
    for number in (1, 3, 5000):
        (event,) = run(feed, [b"JUNK", b'{"message_num": %d}' % number, b""])
        assert isinstance(event, WireNoise)
    assert run(feed, block(8, 600)) == [Progress(next_sample=1200, rate_hz=30_000.0)]
    assert (feed.lost, feed.restarts) == (0, 0)


def test_an_unreadable_message_is_noise_and_by_its_number_lost():
    feed = feed_of()
    events = run(feed, block(1, 0), [b"EVENT\x00", b"\xff", b""], block(3, 600))
    assert [type(event) for event in events] == [Progress, WireNoise, StreamGap, Progress]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_messages_taken_and_lost_add_up(kept):
    feed = feed_of()
    numbers = [number for number, keep in enumerate([True, *kept, True], start=1) if keep]
    gaps = [e for e in run(feed, *(spike(n, n) for n in numbers)) if isinstance(e, StreamGap)]
    assert feed.lost == sum(gap.last - gap.first + 1 for gap in gaps) == kept.count(False)
    assert feed.messages + feed.lost == len(kept) + 2


# --- messages that come twice, or late --------------------------------------------------------------


def numbered(feed, first, last=None):
    """Feed blocks with these message numbers; return what they mean."""
    numbers = range(first, (last or first) + 1)
    return [event for number in numbers for event in feed.feed(block(number, 600 * number), 0)]


def test_a_message_that_comes_twice_counts_once():
    feed = feed_of()
    numbered(feed, 1, 20)
    assert numbered(feed, 20) == numbered(feed, 15) == []
    assert [type(event) for event in numbered(feed, 21)] == [Progress]
    assert (feed.doubled, feed.restarts, feed.lost) == (2, 0, 0)


def test_a_message_that_comes_late_stays_lost_and_is_said():
    feed = feed_of()
    numbered(feed, 1, 20)
    gap, progress = numbered(feed, 22)
    assert (type(gap), gap.first, gap.last, type(progress)) == (StreamGap, 21, 21, Progress)
    (late,) = numbered(feed, 21)
    assert isinstance(late, WireNoise)
    assert late.reason == "message 21 came after message 22"
    assert [type(event) for event in numbered(feed, 23)] == [Progress]
    assert (feed.restarts, feed.lost) == (0, 1)


def test_many_in_a_row_that_lie_behind_are_a_new_acquisition():
    feed = feed_of()
    numbered(feed, 1, 50)
    told = numbered(feed, 30, 60)
    assert feed.restarts == 1
    assert [event for event in told if isinstance(event, StreamRestarted)]
    assert [type(event) for event in numbered(feed, 61)] == [Progress]


def test_number_one_is_always_a_new_acquisition():
    feed = feed_of()
    numbered(feed, 1, 10)
    assert isinstance(numbered(feed, 1)[0], StreamRestarted)
    assert feed.restarts == 1
