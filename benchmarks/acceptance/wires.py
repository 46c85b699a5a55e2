"""Checks over serial lines and clocks: the dLight session through an emulated board, and devices that drift.

The boards and the lines are those of the tests, which hold the same figures on every run of the suite.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from benchmarks.acceptance.checks import Result, check, file_of
from benchmarks.acceptance.recorded import event_means
from drivers.pyphotometry.device import PyPhotometryBoard
from drivers.pyphotometry.emulator import PyPhotometryEmulator
from drivers.transports.serial_port import open_transport
from drivers.transports.servers import PtyServer
from rig.clock.host import HostClock
from rig.clock.model import ClockModel
from rig.events import SamplesLost
from rig.photometry.intake import SampleIntake
from rig.photometry.offline import offline_dff
from rig.photometry.settings import FibreConfig, PhotometryConfig
from rig.runtime.photometry_files import read_photometry
from rig.sim.photometry import Losses

TESTS: Final = Path(__file__).resolve().parents[2] / "tests"
DRIFTS_PPM: Final = (-100.0, -35.0, 60.0, 100.0)
STALLS: Final = 20
LATE: Final = 100
"""Pulses before the loss."""


def from_tests(path: str) -> ModuleType:
    """Return a module of the tests by its path there."""
    spec = importlib.util.spec_from_file_location(f"tests_{Path(path).stem}", TESTS / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def played(lost: Any = None, *, pty: bool) -> tuple[Any, float, float, int]:
    """Play the dLight session on an emulated board; return the player, R, slope, and responses withheld."""
    wires, dlight = (
        from_tests("drivers/pyphotometry/conftest.py"),
        from_tests("drivers/pyphotometry/test_dlight.py"),
    )
    recording = read_photometry(file_of("photometry_dlight_m53.npz"))
    config = PhotometryConfig(name="fibre", port="pty", fibres=dlight.FIBRES)
    emulator = PyPhotometryEmulator(
        lambda start, rate: recording.play, ppm=dlight.PPM, start_us=dlight.START_US - 600_000, lost=lost
    )
    wire = wires.Wire(emulator, PyPhotometryBoard(config))
    server = PtyServer() if pty else None
    host = open_transport(server.name, 115_200) if server is not None else None
    wire.port = (server, host) if server is not None else None
    playing = dlight.Playing(wire, recording)
    playing.run()
    for end in (host, server):
        if end is not None:
            end.close()
    signal, control = recording.channel("dlight"), recording.channel("tdtomato")
    whole = offline_dff(signal, control, recording.rate_hz, regression="ordinary").dff
    r, slope, withheld = playing.against(
        event_means(whole, recording.rate_hz, recording.events_s["reward_cue"])
    )
    return playing, float(r), float(slope), withheld


@check(
    13,
    "the dLight session through an emulated pyPhotometry board, over a pseudo-terminal",
    "event responses against the offline chain: 0.99 or more",
    recorded=True,
)
def over_serial() -> Result:
    playing, r, slope, withheld = played(pty=True)
    told = f"R = {r:.4f} over {len(playing.responses) - withheld} events, slope {slope:.2f}"
    return Result(f"{told}; {withheld} withheld (the first two minutes)", r >= 0.99)


@check(13, "the same with 1 % of the samples lost on their way", "above 0.98; every loss told", recorded=True)
def with_losses() -> Result:
    playing, r, _, withheld = played(Losses(seed=3, share=0.01).lost, pty=False)
    lost = sum(event.count for event in playing.wire.of(SamplesLost))
    gone = playing.wire.emulator.dropped
    told = f"R = {r:.4f}, {withheld} withheld; {lost} of {gone} lost samples told"
    return Result(told, r > 0.98 and lost == gone)


@check(13, "a buffer of 20 samples lost without a number at 1 kHz", "found at the first sync pulse behind it")
def without_a_number() -> Result:
    found = [pulses_until_found(1000, seed) for seed in range(STALLS)]
    return Result(f"{found.count(1)} of {STALLS}", found.count(1) == STALLS)


@check(
    13,
    "one single sample lost without a number at 130 Hz",
    "the same; by the third where the pulse falls so that both are possible",
)
def one_sample() -> Result:
    found = [pulses_until_found(130, seed) for seed in range(STALLS)]
    return Result(
        f"{found.count(1)} of {STALLS} at the first, all by the {max(found)}.",
        max(found) <= 3 and found.count(1) >= 0.8 * STALLS,
    )


def pulses_until_found(rate_hz: int, seed: int) -> int:
    """Lose one buffer behind a pulse; return at which later pulse that is found."""
    wires = from_tests("drivers/pyphotometry/conftest.py")
    mode = "2EX_2EM_pulsed" if rate_hz == 130 else "2EX_2EM_continuous"
    fibres = {"left": FibreConfig(signal="analog_1")}
    config = PhotometryConfig(name="fibre", port="pty", mode=mode, rate_hz=rate_hz, fibres=fibres)
    emulator = PyPhotometryEmulator(lambda start, rate: wires.ramp, ppm=40.0)
    pair = wires.Wire(emulator, PyPhotometryBoard(config))
    intake = SampleIntake(config, step=pair.board.buffer_samples)
    pair.run(1.0)
    steps_us = np.random.default_rng(seed).integers(5_000, 20_001, LATE + 20) * 100
    pulses = (pair.now_us + np.cumsum(steps_us)).tolist()
    taken, late = 0, LATE
    for number, at_us in enumerate(pulses[:-1]):
        emulator.input_edge(0, True, at_us)
        emulator.input_edge(0, False, at_us + 20_000)
        intake.add_board_pulse(at_us)
        if number == late:
            pair.run((at_us + 100_000 - pair.now_us) / 1e6, step_us=1_000_000)
            emulator.advance(emulator.next_due_us() or pair.now_us)
            pair.now_us = emulator.now_us
            emulator.stall(round(2.5 * pair.board.buffer_samples / rate_hz * 1e6))
        pair.run((pulses[number + 1] - 1 - pair.now_us) / 1e6, step_us=1_000_000)
        pair.turn(0)  # all that was sampled by now has arrived
        intake.take(pair.events[taken:])
        taken = len(pair.events)
        if intake.health().missing:
            return number - late
    return len(pulses)


@check(
    14,
    "a spike beside a reward: +-100 ppm, 5 ms of jitter, 2 % lost pulses, a wrap, a restart",
    "within 0.2 ms in 99 %",
)
def clocks() -> Result:
    worlds = from_tests("rig/clock/test_alignment.py")
    found = [
        worlds.errors_ms(int(ppm) + 200, ppm, lambda: ClockModel(edge_samples=0.5))[0] for ppm in DRIFTS_PPM
    ]
    errors_ms = np.concatenate(found)
    p99 = float(np.percentile(errors_ms, 99))
    told = f"{p99:.3f} ms, {errors_ms.max():.3f} ms at most, {errors_ms.size} spikes in 2 hours"
    return Result(told, p99 < 0.2)


@check(14, "the same by the computer's stamps alone", "within the interval that is stated, in 99 %")
def by_stamps() -> Result:
    errors_ms, _, clock = from_tests("rig/clock/test_alignment.py").errors_ms(5, 60.0, HostClock)
    within = float(np.mean(errors_ms <= clock.interval_us / 1000))
    return Result(f"{within:.1%} within +-{clock.interval_us / 1000:.1f} ms", within > 0.99)
