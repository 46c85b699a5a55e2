"""The emulated GUI, seen through the feed, as the session sees it."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.open_ephys import codec
from drivers.open_ephys.device import OpenEphysFeed
from drivers.open_ephys.emulator import BLOCK_SAMPLES, OpenEphysEmulator
from drivers.open_ephys.wire import DataHeader, EventHeader, Message, SpikeHeader
from rig.description import StreamConfig
from rig.events import Progress, Spike, StreamGap, StreamRestarted, Ttl, UnsortedSpike, WireNoise

UNITS = ("Tetrode 1:1", "Tetrode 1:2", "Tetrode 2:1")


def emulator(**changes) -> OpenEphysEmulator:
    return OpenEphysEmulator(UNITS, stream="probe", **changes)


def feed() -> OpenEphysFeed:
    return OpenEphysFeed(StreamConfig(name="probe", data="tcp://127.0.0.1:5556"))


def heard(messages, listener: OpenEphysFeed | None = None):
    listener = listener or feed()
    return [event for parts in messages for event in listener.feed(parts, 0)]


def ints(*numbers: int):
    return np.array(numbers, dtype=np.int64)


def headers(messages):
    found = [codec.decode(parts) for parts in messages]
    assert all(isinstance(message, Message) for message in found)
    return [message.header for message in found]


def test_nothing_comes_out_before_a_block_is_complete():
    gui = emulator()
    gui.add_spikes(ints(0), ints(10))
    assert gui.advance(BLOCK_SAMPLES - 1) == []
    assert len(gui.advance(BLOCK_SAMPLES)) == 2
    assert gui.next_sample == BLOCK_SAMPLES


def test_a_block_is_spikes_then_ttls_then_data_numbered_from_one():
    gui = emulator(channels=2)
    gui.add_ttl(3, True, 5)
    gui.add_spikes(ints(1, 0), ints(300, 200))
    found = headers(gui.advance(BLOCK_SAMPLES))
    assert [type(header) for header in found] == [
        SpikeHeader,
        SpikeHeader,
        EventHeader,
        DataHeader,
        DataHeader,
    ]
    assert [header.message_num for header in found] == [1, 2, 3, 4, 5]
    assert [header.spike.sample_num for header in found[:2]] == [300, 200]  # as handed over


def test_spikes_near_a_blocks_end_come_with_the_next_block():
    gui = emulator()
    gui.add_spikes(ints(0, 0, 0), ints(595, 596, 695))
    first, second = gui.advance(BLOCK_SAMPLES), gui.advance(2 * BLOCK_SAMPLES)
    assert [e.sample for e in heard(first) if isinstance(e, Spike)] == [595]
    assert [e.sample for e in heard(second) if isinstance(e, Spike)] == [596, 695]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9_000)), max_size=60),
    st.lists(st.integers(0, 12_000), max_size=8),
)
def test_every_spike_comes_once_and_before_its_window_may_close(spikes, stops):
    gui, listener = emulator(), feed()
    units, samples = (ints(*column) for column in zip(*spikes, strict=True)) if spikes else (ints(), ints())
    gui.add_spikes(units, samples)
    got: list[tuple[str, int]] = []
    delivered = 0
    for stop in [*sorted(stops), 12_000]:
        for event in heard(gui.advance(stop), listener):
            if isinstance(event, Progress):
                delivered = event.next_sample
            else:
                assert isinstance(event, Spike)
                assert event.sample >= delivered - 200
                got.append((event.unit, event.sample))
    assert sorted(got) == sorted((UNITS[unit], sample) for unit, sample in spikes)
    assert (listener.lost, gui.late) == (0, 0)


def test_its_spikes_are_written_as_the_codec_writes_them():
    gui = OpenEphysEmulator(("Sonde 100% µ:7",), stream="50% é", first_sample=10**12)
    gui.add_spikes(ints(0), ints(10**12 + 5))
    parts = gui.advance(10**12 + BLOCK_SAMPLES, timestamp_ms=1_795_387_761_486)[0]
    message = codec.decode(parts)
    assert isinstance(message, Message)
    assert message.header.spike.electrode == "Sonde 100% µ"
    assert message.header.spike.sample_num == 10**12 + 5
    assert codec.encode(message) == parts


def test_a_waveform_has_its_trough_at_the_tenth_sample():
    gui = emulator()
    gui.add_spikes(ints(2), ints(20))
    wave = struct.unpack("<40f", gui.advance(BLOCK_SAMPLES)[0][2])
    assert wave.index(min(wave)) == 9
    assert min(wave) == pytest.approx(-100.0)


def test_ttls_carry_the_word_of_all_lines():
    gui = emulator(sync_line=4)
    gui.add_sync(True, 10)
    gui.add_ttl(0, True, 20)
    gui.add_sync(False, 30)
    messages = gui.advance(BLOCK_SAMPLES)
    assert [parts[2][2] for parts in messages[:3]] == [0b10000, 0b10001, 0b00001]
    assert heard(messages)[:3] == [
        Ttl(line=4, rising=True, sample=10),
        Ttl(line=0, rising=True, sample=20),
        Ttl(line=4, rising=False, sample=30),
    ]


def test_time_stamps_are_computed_or_given():
    gui = emulator()
    computed = headers(gui.advance(10 * BLOCK_SAMPLES))
    assert [header.timestamp - computed[0].timestamp for header in computed[:4]] == [0, 23, 46, 69]
    assert (
        headers(gui.advance(11 * BLOCK_SAMPLES, timestamp_ms=1_800_000_000_000))[0].timestamp
        == 1_800_000_000_000
    )


def test_twice_the_same_is_the_same_bytes():
    runs = []
    for _ in range(2):
        gui = emulator(seed=5)
        gui.add_spikes(ints(0, 1, 2), ints(900, 100, 800))
        runs.append(gui.advance(5000))
    assert runs[0] == runs[1]


def test_what_is_handed_over_too_late_goes_out_and_is_counted():
    gui = emulator()
    gui.advance(10 * BLOCK_SAMPLES)
    gui.add_spikes(ints(0), ints(5))
    gui.add_ttl(0, True, 6)
    events = heard(gui.advance(11 * BLOCK_SAMPLES))
    assert events[:2] == [Spike(unit="Tetrode 1:1", sample=5), Ttl(line=0, rising=True, sample=6)]
    assert gui.late == 2


# --- faults -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_dropped_messages_leave_a_gap(count):
    gui, listener = emulator(), feed()
    heard(gui.advance(BLOCK_SAMPLES), listener)
    gui.add_spikes(ints(0, 1), ints(700, 710))
    gui.add_ttl(0, True, 720)
    gui.drop(count)
    events = heard(gui.advance(10 * BLOCK_SAMPLES), listener)
    assert [event for event in events if isinstance(event, StreamGap)] == [StreamGap(first=2, last=1 + count)]
    assert listener.lost == count


def test_a_stop_is_silence_and_a_restart_begins_again():
    gui, listener = emulator(), feed()
    heard(gui.advance(5000), listener)
    gui.stop()
    gui.add_spikes(ints(0), ints(5500))
    assert gui.advance(50_000) == []
    gui.restart(first_sample=0)
    gui.add_spikes(ints(1), ints(30))
    events = heard(gui.advance(BLOCK_SAMPLES), listener)
    assert isinstance(events[0], StreamRestarted)
    assert events[1:] == [Spike(unit="Tetrode 1:2", sample=30), Progress(next_sample=696, rate_hz=30_000.0)]


def test_unsorted_spikes():
    gui = emulator()
    gui.add_unsorted("Tetrode 9", ints(10, 20))
    gui.add_unsorted("Tetrode 9", ints(30))
    events = heard(gui.advance(BLOCK_SAMPLES))
    assert events[:3] == [UnsortedSpike(electrode="Tetrode 9", sample=at) for at in (10, 20, 30)]


def test_a_bare_event_is_noise_to_the_feed():
    gui, listener = emulator(), feed()
    gui.bare_event()
    gui.add_ttl(0, True, 10)
    gui.add_ttl(0, False, 20)
    messages = gui.advance(BLOCK_SAMPLES)
    assert [len(parts) for parts in messages] == [2, 3, 3]
    events = heard(messages, listener)
    assert isinstance(events[0], WireNoise)
    assert events[1] == Ttl(line=0, rising=False, sample=20)
    assert listener.lost == 0


@pytest.mark.parametrize(
    ("request_bytes", "reply"),
    [
        (codec.heartbeat_message("dopaloop", "1"), b"heartbeat received"),
        (b'{"type": "event", "event": {}}', b"message correctly parsed"),
        (b"hello", b"JSON message could not be read"),
        (b"\xff\x00", b"JSON message could not be read"),
        (b"[" * 100_000, b"JSON message could not be read"),
    ],
)
def test_the_control_socket_answers_as_the_plugin_does(request_bytes, reply):
    assert OpenEphysEmulator.reply(request_bytes) == reply
