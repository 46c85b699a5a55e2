"""`dopaloop emulate`: serve an emulated rig until told to stop."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import sys
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Literal, Self, TextIO

import msgspec

from drivers.rig_emulator.demo_fibre import with_fibre
from drivers.rig_emulator.parent import ParentWatch
from drivers.rig_emulator.ports import SourcePort, StreamPorts, serve_board
from drivers.rig_emulator.server import Server
from drivers.rig_emulator.stamps import Stamps
from drivers.rig_emulator.world import EmulatedWorld
from drivers.transports.servers import PortServer
from rig.description import Emulation, RigDescription
from rig.errors import ConfigError, DopaloopError
from rig.estimate.utility import PUBLISHED_SHIFT_HZ
from rig.runtime.config import dump_rig, load_rig, parse_rig
from rig.runtime.recordings import read_spikes
from rig.sim.recorded import supply
from rig.stream.recording import RecordedUnit

DEMO_RIG = "demo_rig.toml"
DEFAULT_SPEED = 1.0
TRUTH = "truth"
"""Line on standard input that asks for it."""


def demo_rig(*, fibre: bool = False) -> RigDescription:
    """Return the rig of `dopaloop demo`, which is part of this package; with a fibre if that is asked for."""
    text = resources.files("drivers.rig_emulator").joinpath(DEMO_RIG).read_text(encoding="utf-8")
    rig = parse_rig(text, DEMO_RIG)
    return with_fibre(rig) if fibre else rig


def with_emulation(
    rig: RigDescription,
    *,
    units: int | None = None,
    seed: int | None = None,
    model: Literal["distributional", "classical", "quantile"] | None = None,
    world: str | None = None,
    start: Literal["trained", "naive"] | None = None,
) -> RigDescription:
    """Return `rig` with parts of its `[emulation]` replaced by what was asked for on the command line.

    Raises
    ------
    ConfigError
        If a value cannot stand in a rig file.
    """
    asked = {"units": units, "seed": seed, "model": model, "world": world, "start": start}
    changes = {name: value for name, value in asked.items() if value is not None}
    values = {**msgspec.to_builtins(rig.emulation or Emulation()), **changes}
    try:
        return msgspec.structs.replace(rig, emulation=msgspec.convert(values, Emulation))
    except msgspec.ValidationError as error:
        raise ConfigError(f"[emulation]: {error}") from None


def serve(
    rig: RigDescription,
    *,
    speed: float = DEFAULT_SPEED,
    recording: Sequence[RecordedUnit] | None = None,
    write_rig: Path | None = None,
    truth: Path | None = None,
    stamps: Path | None = None,
    by_stdin: bool = False,
    ended: Callable[[], bool] | None = None,
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> float:
    """Serve an emulated rig until its parent goes, a signal comes, or `ended` says so.

    One JSON line with the ports goes to `out` as soon as they are open, another one with the speed
    reached at the end. With `by_stdin`, the end of standard input means the end of the rig, and a line
    ``truth`` on it is answered by a line with what the animal reveals.

    Parameters
    ----------
    speed
        Ceiling of rig time per wall time.
    recording
        Recorded units to play instead of simulated ones.
    write_rig
        Where to write the effective rig file: the same rig with its real ports and its roster of units.
    truth
        Where to write, at the end, what the animal reveals.
    stamps
        Where to write, at the end, when samples left and soft events were taken (`rig_emulator.stamps`).

    Returns
    -------
    float
        The mean speed reached.

    Raises
    ------
    ConfigError
        If the rig cannot be emulated, or a port cannot be opened.
    """
    if not (math.isfinite(speed) and speed > 0):
        raise ConfigError(f"the speed is {speed:g}; it must be a number above 0")
    out, err = out or sys.stdout, err or sys.stderr
    watch = ParentWatch(by_stdin=by_stdin)
    world = EmulatedWorld(
        rig,
        recording,
        time_scale=min(max(1, math.ceil(speed)), 0xFFFF),
        start_us=(rig.emulation or Emulation()).board_start_us,
    )

    def attend() -> bool:
        while watch.asked:
            if watch.asked.popleft() == TRUTH:
                _line(out, world.animal.truth().encode().decode())
        return watch.over() or (ended is not None and ended())

    with _Ports(rig) as ports, watch.catching_signals() if ended is None else contextlib.nullcontext():
        effective = effective_rig(
            rig,
            world.animal.units.names,
            ports.board,
            ports.stream,
            recording=recording,
            sources=ports.sources,
            beside=ports.beside,
        )
        if write_rig is not None:
            write_rig.write_text(dump_rig(effective), encoding="utf-8")
        kept = Stamps(world) if stamps is not None else None
        on_sent = kept.sent if kept is not None else lambda source: None
        server = Server(
            world,
            ports.board,
            ports.stream,
            speed,
            sources=ports.sources,
            beside=ports.beside,
            on_sent=on_sent,
        )
        _say(out, ports=_endpoints(effective), speed=speed, units=len(world.animal.units.names))
        server.run(attend)
        reached = server.reached
    if truth is not None:
        truth.write_bytes(world.animal.truth().encode())
    if stamps is not None and kept is not None:
        kept.write(stamps)
    _say(out, reached=round(reached, 2), held_s=round(server.held_ns / 1e9, 3), trials=world.animal.trials)
    print(f"speed reached: {reached:.1f} of {speed:g}", file=err, flush=True)
    return reached


class _Ports:
    """The rig's ports, open for as long as the `with` lasts."""

    def __init__(self, rig: RigDescription) -> None:
        self.board = serve_board(rig.board.port)
        self.stream: StreamPorts | None = None
        self.sources: list[SourcePort] = []
        self.beside: list[PortServer] = []
        try:
            self.stream = StreamPorts(rig.streams[0]) if rig.streams else None
            for config in rig.photometry:
                self.sources.append(SourcePort(config))
            for device in rig.harp:
                self.beside.append(serve_board(device.port))
        except DopaloopError:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.board.close()
        if self.stream is not None:
            self.stream.close()
        for source in self.sources:
            source.close()
        for server in self.beside:
            server.close()


def effective_rig(
    rig: RigDescription,
    names: tuple[str, ...],
    port: PortServer,
    stream: StreamPorts | None,
    *,
    recording: Sequence[RecordedUnit] | None = None,
    sources: Sequence[SourcePort] = (),
    beside: Sequence[PortServer] = (),
) -> RigDescription:
    """Return `rig` as `dopaloop run` must know it: real ports, and the roster of units.

    Of recorded units it also says how many trials of each type there are, and unless the rig file has a
    shift of unsignalled responses, they get the published one.
    """
    replace = msgspec.structs.replace
    streams, neural, emulation = rig.streams, rig.neural, rig.emulation or Emulation()
    if stream is not None:
        streams = (replace(streams[0], data=stream.data, control=stream.control, roster=names),)
    photometry = tuple(
        replace(config, port=port.name) if config.port else replace(config, data=port.name)
        for config, port in zip(rig.photometry, sources, strict=True)
    )
    harp = tuple(replace(config, port=server.name) for config, server in zip(rig.harp, beside, strict=True))
    if recording is not None:
        emulation = replace(emulation, recorded_trials=dict(zip(names, map(supply, recording), strict=True)))
        if neural.unsignalled_shift_hz == 0:
            neural = replace(neural, unsignalled_shift_hz=PUBLISHED_SHIFT_HZ)
    board = replace(rig.board, port=port.name)
    parts = {"streams": streams, "photometry": photometry, "neural": neural, "emulation": emulation}
    return replace(rig, board=board, harp=harp, **parts)


def _endpoints(rig: RigDescription) -> dict[str, str]:
    found = {"board": rig.board.port}
    for stream in rig.streams:
        found |= {"data": stream.data, "control": stream.control}
    for source in rig.photometry:
        found[source.name] = source.port or source.data
    for device in rig.harp:
        found[device.name] = device.port
    return found


def _say(out: TextIO, **values: object) -> None:
    _line(out, json.dumps(values))


def _line(out: TextIO, text: str) -> None:
    # A parent that no longer reads is no reason to end badly.
    with contextlib.suppress(BrokenPipeError):
        print(text, file=out, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from a command line of our own (`python -m drivers.rig_emulator`): what `launch` starts."""
    parser = argparse.ArgumentParser(prog="python -m drivers.rig_emulator", description=__doc__)
    parser.add_argument("rig", nargs="?", type=Path, help="rig file; the demo's own if none is given")
    parser.add_argument(
        "--speed", type=float, default=DEFAULT_SPEED, help="ceiling of rig time per wall time"
    )
    parser.add_argument("--units", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--model", choices=("distributional", "classical", "quantile"))
    parser.add_argument("--world")
    parser.add_argument("--start", choices=("trained", "naive"))
    parser.add_argument("--recorded", type=Path, help="spikes (.npz) to play instead of simulated units")
    parser.add_argument("--write-rig", type=Path, help="write the effective rig file here")
    parser.add_argument("--truth", type=Path, help="write what the animal reveals here, at the end")
    parser.add_argument("--stamps", type=Path, help="write when samples left here, at the end")
    parser.add_argument("--stdin", action="store_true", help="end when standard input ends")
    asked = parser.parse_args(arguments)
    try:
        rig = load_rig(asked.rig) if asked.rig is not None else demo_rig()
        rig = with_emulation(
            rig, units=asked.units, seed=asked.seed, model=asked.model, world=asked.world, start=asked.start
        )
        serve(
            rig,
            speed=asked.speed,
            recording=read_spikes(asked.recorded) if asked.recorded is not None else None,
            write_rig=asked.write_rig,
            truth=asked.truth,
            stamps=asked.stamps,
            by_stdin=asked.stdin,
        )
    except (DopaloopError, OSError) as error:
        print(f"emulated rig: {error}", file=sys.stderr, flush=True)
        return 2
    return 0
