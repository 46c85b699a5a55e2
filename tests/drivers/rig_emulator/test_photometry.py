"""Photometry of an emulated rig: what each source measures, when it says so, and what it gets wrong."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from drivers.pyphotometry.device import PyPhotometryBoard
from drivers.rig_emulator.photometry import EVENT_US, IDLE_V, EmulatedPhotometry, emulated_photometry
from drivers.rig_emulator.world import EmulatedWorld
from drivers.samples.device import SampleStream
from rig.description import BoardConfig, EmulatedSource, Emulation, InputLine, RigDescription
from rig.errors import ConfigError
from rig.events import InputEdge, Samples, SamplesLost, SourceReady, SyncEdge, Ttl
from rig.photometry.settings import FibreConfig, PhotometryConfig

BOX = PhotometryConfig(
    name="box", port="pty", fibres={"left": FibreConfig(signal="analog_1", control="analog_2")}
)
PROGRAM = PhotometryConfig(
    name="program",
    driver="samples",
    data="tcp://127.0.0.1:0",
    rate_hz=100,
    fibres={"right": FibreConfig(signal="G0", control="G0_iso"), "far": FibreConfig(signal="G1")},
)
STILL = EmulatedSource(noise_v=0.0, movements_per_min=0.0, bleached=(0.0, 0.0), ppm=0.0)


def emulated(config=BOX, played=STILL, **more):
    return EmulatedPhotometry(config, played, seed=3, units=1, **more)


def board_told(source, until_us, step_us=20_000, actions=()):
    """Let the driver of a board talk to it; return what it told."""
    board, told, waiting = PyPhotometryBoard(source.config), [], sorted(actions, key=lambda action: action[0])
    board.connect(0)
    for now_us in range(0, until_us, step_us):
        while waiting and waiting[0][0] <= now_us:
            waiting.pop(0)[1]()
        source.receive(board.outgoing(), now_us)
        source.advance(now_us)
        if source.to_host:
            told += board.feed(bytes(source.to_host), now_us * 1000)
            source.to_host.clear()
        due_ns = board.deadline_ns()
        if due_ns is not None and due_ns <= now_us * 1000:
            told += board.idle(now_us * 1000)
    return told


def stream_told(source, until_us):
    stream, told = SampleStream(source.config), []
    source.advance(until_us)
    while source.messages:
        told += stream.feed(source.messages.popleft(), 0)
    return told


def of(told, kind):
    return [event for event in told if isinstance(event, kind)]


def values(told):
    return np.concatenate([event.values for event in of(told, Samples)])


def test_a_program_sends_its_fibres_channels_and_the_sync_line():
    source = emulated(PROGRAM)
    source.sync(1_000_000, rising=True)
    source.sync(1_020_000, rising=False)
    told = stream_told(source, 2_000_000)
    (ready,) = of(told, SourceReady)
    assert (ready.channels, ready.rate_hz) == (("G0", "G0_iso", "G1"), 100.0)
    assert len(values(told)) == pytest.approx(200, abs=5)  # the last message is not full yet
    rise, fall = of(told, Ttl)
    assert (rise.line, rise.rising, fall.rising) == (0, True, False)
    assert (rise.sample, fall.sample) == (99, 101)


def test_a_board_answers_its_driver_and_measures_from_its_start_on():
    told = board_told(emulated(), 4_000_000)
    (ready,) = of(told, SourceReady)
    assert ready.channels[:2] == ("analog_1", "analog_2")
    assert 300 < len(values(told)) <= 4 * 130
    assert of(told, Samples)[0].first == 0


def test_spikes_light_the_signal_and_not_the_control():
    source = emulated(PROGRAM, msgspec.structs.replace(STILL, per_spike=0.05))
    source.spikes(np.array([1_000_000], dtype=np.int64))
    measured = values(stream_told(source, 3_000_000))
    before, peak = measured[:95].mean(axis=0), measured[100:130].max(axis=0)
    assert peak[0] / before[0] == pytest.approx(1.05, abs=0.01)
    assert peak[1] / before[1] == pytest.approx(1.0, abs=0.005)


def test_a_channel_without_a_fibre_is_idle():
    config = msgspec.structs.replace(BOX, fibres={"left": FibreConfig(signal="analog_1")})
    measured = values(board_told(emulated(config), 2_500_000))
    assert np.allclose(measured[:, 1], IDLE_V, atol=1e-3)
    assert measured[:, 0].mean() > 2 * IDLE_V


def test_it_does_not_matter_in_what_steps_time_passes():
    fine, coarse = emulated(PROGRAM), emulated(PROGRAM)
    pieces = [stream_told(fine, t) for t in range(0, 3_000_001, 7_000)]
    one = stream_told(coarse, 3_000_000)
    many = [event for told in pieces for event in told]
    assert np.array_equal(values(many)[: len(values(one))], values(one)[: len(values(many))])
    assert len(values(many)) == pytest.approx(len(values(one)), abs=5)


def test_what_gets_lost_is_numbered_or_not():
    lossy = stream_told(emulated(PROGRAM, msgspec.structs.replace(STILL, lost_share=0.2)), 20_000_000)
    assert sum(event.count for event in of(lossy, SamplesLost)) == pytest.approx(400, rel=0.4)
    stalling = emulated(BOX, msgspec.structs.replace(STILL, stall_every_s=2.0, stall_ms=100.0))
    told = board_told(stalling, 9_000_000)
    assert stalling.board.overrun > 0  # nobody was told: that is what the sync pulses are for
    assert not of(told, SamplesLost)


def test_a_recording_is_played_with_its_events(tmp_path):
    path = tmp_path / "session.npz"
    counts = np.arange(1000)
    np.savez(
        path, signal_adc=counts, control_adc=counts[::-1].copy(), volts_per_adc=1e-4, fs_hz=130,
        cue_s=np.array([0.5, 3.0]),
    )  # fmt: skip
    played = msgspec.structs.replace(STILL, recording=str(path), events="cue", events_input="port")
    source = emulated(BOX, played)
    told = board_told(source, 5_000_000)
    measured = values(told)
    assert np.allclose(measured[:, 0], 1e-4 * counts[: len(measured)], atol=2e-4)
    assert source.edges(20_000_000) == [True, False] * 2
    with pytest.raises(ConfigError, match="no events 'nose'; it has cue"):
        emulated(BOX, msgspec.structs.replace(played, events="nose"))


def test_recorded_events_reach_the_boards_input_at_their_time(tmp_path):
    path = tmp_path / "session.npz"
    np.savez(path, a_adc=np.zeros(1000), fs_hz=100, cue_s=np.array([1.0]))
    played = msgspec.structs.replace(STILL, recording=str(path), events="cue", events_input="nose")
    rig = RigDescription(
        name="r",
        board=BoardConfig(port="pty", inputs={"nose": InputLine(line=2)}),
        photometry=(PROGRAM,),
        emulation=Emulation(units=0, photometry={"program": played}),
    )
    world, seen = EmulatedWorld(rig), []
    world.watch = lambda event: seen.append(event) if isinstance(event, InputEdge | SyncEdge) else None
    while world.now_us < 2_000_000:
        world.run(world.now_us + 50_000)
        world.to_host.clear()
        world.photometry[0].messages.clear()
    edges = of(seen, InputEdge)
    assert [(edge.line, edge.rising) for edge in edges] == [(2, True), (2, False)]
    assert edges[0].t_us == pytest.approx(1_010_000, abs=1)  # sample k is taken at (k + 1) periods
    assert edges[1].t_us - edges[0].t_us == EVENT_US


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"fibres": {"left": FibreConfig(signal="analog_9")}}, "no channel 'analog_9'; it has analog_1"),
        ({"driver": "lockin"}, "the emulated rig plays 'pyphotometry' and 'samples'"),
    ],
)
def test_what_cannot_be_emulated_is_said(changes, says):
    with pytest.raises(ConfigError, match=says):
        emulated(msgspec.structs.replace(BOX, **changes))


def test_each_source_of_a_rig_draws_for_itself():
    noisy = EmulatedSource()
    rig = RigDescription(
        name="r",
        board=BoardConfig(port="pty"),
        photometry=(PROGRAM, msgspec.structs.replace(PROGRAM, name="twin")),
        emulation=Emulation(photometry={"program": noisy}),
    )
    one, two = emulated_photometry(rig, units=2, start_us=0, grain_us=0)
    first, second = (values(stream_told(source, 1_000_000)) for source in (one, two))
    assert first.shape == second.shape
    assert not np.array_equal(first, second)
