"""The driver against an emulated board: hello, samples, edges, loss, faults."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.pyphotometry.board_repl import traceback
from drivers.pyphotometry.device import PyPhotometryBoard
from drivers.pyphotometry.wire import HARDWARE, VOLTS_PER_COUNT
from rig.errors import ConfigError, EncodeError
from rig.events import LinkLost, Samples, SamplesLost, SourceReady, StreamRestarted, Ttl, WireNoise
from rig.photometry.settings import PhotometryConfig

NS = 1000


def config(**more):
    return PhotometryConfig(name="fibre", port="COM7", **more)


@pytest.mark.parametrize(
    ("mode", "rate_hz", "signals"),
    [
        ("2EX_2EM_pulsed", 130, 2),
        ("2EX_1EM_pulsed", 100, 2),
        ("3EX_2EM_pulsed", 86, 3),
        ("2EX_2EM_continuous", 1000, 2),
    ],
)
def test_samples_arrive_as_they_were_measured(wire, measured, mode, rate_hz, signals):
    pair = wire(mode=mode, rate_hz=rate_hz)
    pair.run(3.0)
    (ready,) = pair.of(SourceReady)
    assert ready.channels == tuple(f"analog_{k + 1}" for k in range(signals))
    assert ready.rate_hz == rate_hz
    assert ready.serial == str(0x0123_4567_89AB)
    assert "LEDs at 30 and 30 mA" in ready.detail
    values = pair.values
    assert values.shape == (len(values), signals)
    assert len(values) > 2 * rate_hz
    assert np.allclose(values, measured(0, len(values))[:, :signals], atol=1e-12)
    samples = pair.of(Samples)
    assert [one.first for one in samples[1:]] == [one.end for one in samples[:-1]]
    assert pair.events[0] is ready
    assert not pair.of(WireNoise)
    assert not pair.of(SamplesLost)


def test_over_a_real_pseudo_terminal(wire, measured, over_pty):
    pair = over_pty(wire())
    pair.run(2.0)
    assert np.allclose(pair.values, measured(0, len(pair.values))[:, :2], atol=1e-12)
    assert len(pair.values) > 150


def test_values_below_nothing_keep_their_sign(wire):
    pair = wire(source=lambda first, count: np.full((count, 2), -20 * VOLTS_PER_COUNT))
    pair.run(1.0)
    assert np.allclose(pair.values, -20 * VOLTS_PER_COUNT)


@pytest.mark.parametrize("volts", [3.3, -0.5])
def test_readings_at_the_end_of_the_range_are_counted(wire, volts):
    pair = wire(source=lambda first, count: np.full((count, 2), volts))
    pair.run(1.0)
    assert pair.board.reader.clipped == pair.board.reader.samples > 0
    assert sum(one.clipped for one in pair.of(Samples)) == pair.board.reader.clipped


def test_edges_bear_the_first_sample_that_saw_them(wire):
    pair = wire()
    pair.run(1.0)
    started = pair.emulator.started_us
    at = [started + round(sample / 130 * 1e6) for sample in (200.5, 203.5, 260.5)]
    pair.emulator.input_edge(0, True, at[0])
    pair.emulator.input_edge(0, False, at[1])
    pair.emulator.input_edge(1, True, at[2])
    told = pair.run(2.0)
    # sample k is taken k + 1 periods after the start
    assert [event for event in told if isinstance(event, Ttl)] == [
        Ttl(line=0, rising=True, sample=200),
        Ttl(line=0, rising=False, sample=203),
        Ttl(line=1, rising=True, sample=260),
    ]
    places = {event.sample: place for place, event in enumerate(told) if isinstance(event, Ttl)}
    for place, event in enumerate(told):
        if isinstance(event, Samples) and event.first in places:
            assert places[event.first] < place


def test_a_line_that_is_high_from_the_start_has_no_edge(wire):
    pair = wire()
    pair.emulator.input_edge(0, True, 0)
    pair.run(1.5)
    assert not pair.of(Ttl)


def test_loss_on_the_way_is_told_to_the_sample(wire, measured):
    pair = wire()
    pair.run(1.0)
    pair.emulator.drop(7)
    pair.emulator.input_edge(0, True, pair.now_us + 30_000)
    told = pair.run(1.0)
    (lost,) = [event for event in told if isinstance(event, SamplesLost)]
    assert lost.count == 7 == pair.board.reader.lost
    samples = pair.of(Samples)
    after = next(one for one in samples if one.first == lost.first + 7)
    assert np.allclose(after.values[0], measured(after.first, 1)[0, :2])
    # an edge that fell into the hole is marked: its time is not known
    assert pair.of(Ttl) == [Ttl(line=0, rising=True, sample=after.first, after_gap=True)]


def test_a_late_program_loses_samples_without_a_word(wire, measured):
    pair = wire()
    pair.run(1.0)
    pair.emulator.stall(50_000)
    pair.run(1.0)
    assert pair.emulator.overrun > 4
    assert not pair.of(SamplesLost)
    assert not np.allclose(pair.values, measured(0, len(pair.values))[:, :2])
    assert np.allclose(pair.values[-1], measured(len(pair.values) - 1 + pair.emulator.overrun, 1)[0, :2])


def test_noise_is_counted_and_passed(wire, measured):
    pair = wire()
    pair.run(1.0)
    pair.events += pair.board.feed(b"\x07\x07nonsense", pair.now_us * NS)
    pair.run(1.0)
    assert sum(event.dropped for event in pair.of(WireNoise)) == 10
    assert not pair.of(SamplesLost)
    assert np.allclose(pair.values, measured(0, len(pair.values))[:, :2])


def test_a_board_without_the_firmware_says_what_to_do_once(wire):
    pair = wire(firmware=False)
    pair.run(12.0)
    (lost,) = pair.of(LinkLost)
    assert "COM7: the board has no pyPhotometry firmware" in lost.reason
    assert "open it once in the pyPhotometry program" in lost.reason
    assert not pair.of(SourceReady)


def test_another_version_of_the_firmware_is_named(wire):
    pair = wire()
    pair.emulator._repl._call = lambda method, arguments: pair.emulator._call(method, [])
    pair.run(1.5)
    (lost,) = pair.of(LinkLost)
    assert "not version 1.1" in lost.reason


def test_nobody_there(wire):
    board = PyPhotometryBoard(config())
    board.connect(0)
    told, t_ns = [], 0
    for _ in range(40):
        board.outgoing()
        t_ns = max(board.deadline_ns(), t_ns)
        told += board.idle(t_ns)
    assert [type(event) for event in told] == [LinkLost]
    assert "no answer to the raw REPL; is a pyPhotometry board plugged in there?" in told[0].reason
    assert t_ns > 20_000_000_000  # it goes on asking


def test_a_program_that_fails_is_quoted_and_started_again(wire):
    pair = wire()
    pair.run(1.0)
    pair.emulator.crash("MemoryError: memory allocation failed")
    told = pair.run(4.0)
    lost, restarted = (next(e for e in told if isinstance(e, kind)) for kind in (LinkLost, StreamRestarted))
    assert lost.reason.endswith("the board's own program failed: MemoryError: memory allocation failed")
    after = told[told.index(restarted) + 1 :]
    assert isinstance(after[0], SourceReady)
    first = next(event for event in after if isinstance(event, Samples))
    assert first.first == 0


def test_last_words_that_never_end_are_quoted_too(wire):
    pair = wire()
    pair.run(1.0)
    pair.emulator.reboot()
    pair.events += pair.board.feed(b"\x04" + traceback("OSError: 5"), pair.now_us * NS)
    pair.run(0.5)
    assert "OSError: 5" in pair.of(LinkLost)[0].reason


def test_silence_is_a_lost_link_and_the_board_is_started_again(wire):
    pair = wire()
    pair.run(1.0)
    pair.emulator.reboot()
    told = pair.run(8.0)
    (lost,) = [event for event in told if isinstance(event, LinkLost)]
    assert "no samples for 3 s" in lost.reason
    assert [type(event) for event in told if isinstance(event, (StreamRestarted, SourceReady))] == [
        StreamRestarted,
        SourceReady,
    ]
    assert pair.emulator.running


def test_a_board_that_runs_already_is_stopped_first(wire):
    pair = wire()
    pair.run(1.0)
    other = PyPhotometryBoard(config())
    pair.board = other
    other.connect(pair.now_us * NS)
    before = len(pair.events)
    pair.run(3.0)
    told = pair.events[before:]
    assert isinstance(told[0], SourceReady)
    assert next(event for event in told if isinstance(event, Samples)).first == 0


def test_stop_switches_off(wire):
    pair = wire()
    pair.run(1.0)
    pair.board.stop()
    assert pair.board.deadline_ns() is None
    pair.run(0.1)
    assert not pair.emulator.running
    assert pair.run(5.0) == []


def test_a_light_is_set_while_it_runs(wire):
    pair = wire(config=config(led_ma=(10, 20)))
    pair.run(1.0)
    assert pair.emulator.led_ma == [10, 20]
    pair.board.set_led(2, 300)
    pair.run(0.1)
    assert pair.emulator.led_ma == [10, 300]
    assert pair.emulator.running
    with pytest.raises(EncodeError, match=r"0 to 300 mA"):
        pair.board.set_led(2, 301)
    with pytest.raises(EncodeError, match="not running"):
        PyPhotometryBoard(config()).set_led(1, 10)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"mode": "1EX"}, "photometry 'fibre': there is no mode '1EX'"),
        ({"rate_hz": 131}, "2EX_2EM_pulsed takes 1 to 130 samples a second, not 131"),
        ({"hardware": "3.0"}, "there is no board version '3.0'; known are 1.0, 2.0"),
        ({"led_ma": (30, 301)}, "led_ma is 301; board 2.0 takes 0 to 300 mA in mode 2EX_2EM_pulsed"),
        ({"led_ma": (101, 30), "hardware": "1.0"}, "board 1.0 takes 0 to 100 mA"),
    ],
)
def test_a_wrong_rig_file_is_refused(more, why):
    with pytest.raises(ConfigError) as refused:
        PyPhotometryBoard(config(**more))
    assert why in str(refused.value)


def test_the_board_is_told_its_own_hardware(wire):
    calls = []
    pair = wire()
    real = pair.emulator._call

    def called(method, arguments):
        calls.append((method, arguments))
        real(method, arguments)

    pair.emulator._repl._call = called
    pair.run(1.0)
    assert calls == [
        ("Photometry", [HARDWARE["2.0"].config()]),
        ("set_mode", ["2EX_2EM_pulsed"]),
        ("set_LED_current", [30, 30]),
        ("start", [130, 4, False]),
    ]


def test_the_same_bytes_give_the_same_events(wire):
    first, second = wire(), wire()
    for pair in (first, second):
        pair.run(1.0)
        pair.emulator.drop(3)
        pair.run(1.0, step_us=10_000 if pair is first else 33_000)
    one, other = first.values, second.values
    length = min(len(one), len(other))
    assert np.array_equal(one[:length], other[:length])
    assert first.of(SamplesLost)[0].count == second.of(SamplesLost)[0].count
