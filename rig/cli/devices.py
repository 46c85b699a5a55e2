"""`dopaloop devices`: whether everything is there, and does what the rig file says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from rig.cli.acquisitions import looked_at, make_acquisitions
from rig.cli.bench import Bench, on_the_bench
from rig.cli.harp_devices import met
from rig.cli.photometry import sampled
from rig.cli.streams import listen
from rig.commands import Pulse
from rig.description import RigDescription
from rig.errors import ConfigError, TransportError
from rig.events import InputEdge, OutputChange, PulseRefused
from rig.machine.calibration import volume_ul
from rig.runtime.config import load_rig
from rig.units import US_PER_MS


def devices(
    rig: Annotated[Path, typer.Argument(help="The rig file (TOML).")],
    watch: Annotated[float, typer.Option(min=0, help="Watch the inputs for so many seconds.")] = 0.0,
    pulse: Annotated[str | None, typer.Option(metavar="OUTPUT", help="Open one output once.")] = None,
    ms: Annotated[float, typer.Option(min=0.1, help="How long to open it.")] = 20.0,
    listen_s: Annotated[float, typer.Option("--listen", min=0, help="Listen to each stream so long.")] = 2.0,
) -> None:
    """Find every device of a rig; watch inputs; pulse an output."""
    description = load_rig(rig)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    if pulse is not None:
        _check_pulse(description, pulse, ms)  # what cannot be is said before anything is opened
    board_error = None
    try:
        with on_the_bench(description) as bench:
            ready = bench.greet()
            kind = f"emulator, up to {ready.time_scale}x" if ready.time_scale else "hardware"
            console.print(
                f"board: {ready.name}, serial {ready.serial}, firmware {ready.firmware}, {kind}, "
                f"on {description.board.port}",
            )
            if pulse is not None:
                _pulse(bench, description, pulse, ms, console)
            if watch > 0:
                _watch(bench, description, watch, console)
            bench.drive_sync()  # so that those that should see the line can
    except TransportError as error:
        board_error = error
        console.print(f"board: {error}", style="red")
    console.print(_lines(description))
    lacking = [one for one in make_acquisitions(description) if not looked_at(one, console)]
    # A session starts the acquisition of a stream that has an http address: then silence is no fault.
    heard = [listen(stream, listen_s, console) or bool(stream.http) for stream in description.streams]
    strange = [device.name for device in description.harp if not met(device, watch, console)]
    dark = [source.name for source in description.photometry if not sampled(source, listen_s, console)]
    if board_error is not None or not all(heard) or lacking or strange or dark:
        raise typer.Exit(1)


def _lines(rig: RigDescription) -> Table:
    table = Table(title="lines", title_justify="left")
    for column in ("name", "line", "kind", "longest pulse", "calibrated"):
        table.add_column(column)
    for name, line in rig.board.inputs.items():
        table.add_row(name, f"in {line.line}", "log only" if line.log_only else "input", "", "")
    for name, out in rig.board.outputs.items():
        span = ""
        if out.calibration:
            span = f"{out.calibration[0][1]:g} to {out.calibration[-1][1]:g} uL {out.calibrated_on}".strip()
        table.add_row(
            name, f"out {out.line}", out.kind, f"{out.max_open_ms:g} ms" if out.max_open_ms else "", span
        )
    return table


def _check_pulse(rig: RigDescription, name: str, ms: float) -> None:
    longest_ms = rig.output(name).max_open_ms
    if longest_ms == 0:
        raise ConfigError(f"'{name}' may not be pulsed; give it a max_open_ms in the rig file if it may")
    if ms > longest_ms:
        raise ConfigError(f"'{name}' may be pulsed for {longest_ms:g} ms at most, not {ms:g} ms")


def _pulse(bench: Bench, rig: RigDescription, name: str, ms: float, console: Console) -> None:
    out = rig.output(name)
    bench.send(Pulse(output=out.line, duration_us=round(ms * US_PER_MS)))
    opened: int | None = None
    for event in bench.watch(ms / 1000 + 1.0):
        if isinstance(event, PulseRefused):
            raise ConfigError(f"the board refused to pulse '{name}'")
        if isinstance(event, OutputChange) and event.output == out.line:
            if event.on:
                opened = event.t_us
            elif opened is not None:
                open_us = event.t_us - opened
                drop = f", {volume_ul(out, open_us):.2f} uL" if out.kind == "valve" else ""
                console.print(f"{name}: open for {open_us / US_PER_MS:g} ms by the board's clock{drop}")
                return
    raise TransportError(f"'{name}' was not seen to open and close; what the board does is unknown")


def _watch(bench: Bench, rig: RigDescription, seconds: float, console: Console) -> None:
    names = {line.line: name for name, line in rig.board.inputs.items()}
    counts: dict[str, int] = dict.fromkeys(names.values(), 0)
    console.print(f"watching {', '.join(counts) or 'no inputs'} for {seconds:g} s")
    for event in bench.watch(seconds):
        if isinstance(event, InputEdge):
            name = names.get(event.line, f"input {event.line}")
            counts[name] = counts.get(name, 0) + event.rising
            console.print(
                f"{event.t_us / 1e6:.6f} s  {name} {'on' if event.rising else 'off'}", highlight=False
            )
    console.print(", ".join(f"{name}: {count}" for name, count in counts.items()))
