"""`dopaloop weigh`: drops of fixed open times on a balance, and the calibration that follows."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rig.calibration.weighing import (
    Weighed,
    calibration_lines,
    check_valve,
    drop_tables,
    implausible,
    uneven,
)
from rig.cli.bench import Bench, on_the_bench
from rig.description import OutputLine, RigDescription
from rig.errors import ConfigError, TransportError
from rig.events import BoardSafe, CommandRefused, EndReason, LinkLost, OutputChange, PulseRefused, TrialEnded
from rig.machine.table import StateTable
from rig.runtime.config import load_rig
from rig.runtime.rig_edit import edited, write_calibration
from rig.units import CYCLE_US, US_PER_S


def weigh(
    rig: Annotated[Path, typer.Argument(help="The rig file (TOML).")],
    open_ms: Annotated[str, typer.Option(metavar="MS,MS,...", help="Open times in ms, ascending.")],
    valve: Annotated[str, typer.Option(help="Which valve.")] = "water",
    drops: Annotated[int, typer.Option(min=1, help="Drops of each open time.")] = 100,
    gap_ms: Annotated[float, typer.Option(min=50, help="How long it is closed between drops.")] = 200.0,
    weights: Annotated[
        str | None,
        typer.Option(metavar="G,G,...", help="Weights in grams, one for each open time: asks nothing."),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Put the calibration into the rig file.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether an animal is in the rig.")] = False,
) -> None:
    """Give drops to be weighed, and say what a valve delivers.

    Some drops of each open time; at the end, the lines for the rig file.
    """
    description = load_rig(rig)
    times = _numbers(open_ms, "--open-ms")
    given = _numbers(weights, "--weights") if weights is not None else None
    out = check_valve(description, valve, times, drops)
    if given is not None and len(given) != len(times):
        raise ConfigError(f"{len(given)} weights for {len(times)} open times; give one for each")
    if write:
        # Nobody shall weigh for half an hour and then hear that it cannot be written.
        edited(rig, valve, calibration_lines([_as_if(ms, drops) for ms in times], "today"))
    total_s = drops * sum(times) / 1000
    question = f"Give {drops} drops each of {open_ms} ms from '{valve}' ({total_s:.0f} s open in all). "
    if not yes and not typer.confirm(question + "Is the animal out of the rig?"):
        raise typer.Exit(1)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    points: list[Weighed] = []
    for k, ms in enumerate(times):
        if given is None:
            typer.prompt(
                f"Put an empty, tared cup under the spout for {ms:g} ms, then press Enter",
                default="",
                show_default=False,
            )
        mean_ms = _give(description, out, valve, ms, drops, gap_ms)
        console.print(f"{valve}: {drops} drops of {mean_ms:g} ms by the board's clock")
        points.append(_weight(points, ms, drops, None if given is None else given[k], console))
        console.print(f"{ms:g} ms: {points[-1].drop_ul:.4g} uL a drop")
    _tell(rig, valve, points, console, write=write)


def _as_if(ms: float, drops: int) -> Weighed:
    return Weighed(open_ms=ms, drops=drops, weight_g=ms * drops / 5e3)


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"{option} takes numbers with commas between them, not '{text}'") from None


def _weight(
    points: Sequence[Weighed], ms: float, drops: int, given: float | None, console: Console
) -> Weighed:
    """Take the weight that was given, or ask until one can be right."""
    before = points[-1] if points else None
    while True:
        weight_g = given if given is not None else typer.prompt("weight of the water, in grams", type=float)
        point = Weighed(open_ms=ms, drops=drops, weight_g=weight_g)
        problem = implausible(point, before)
        if problem is None:
            return point
        if given is not None:
            raise ConfigError(problem)
        console.print(f"{problem} (Ctrl-C ends)")


def _give(
    rig: RigDescription, out: OutputLine, name: str, open_ms: float, drops: int, gap_ms: float
) -> float:
    """Give the drops of one open time; return their mean open time by the board, in ms.

    The port is opened anew for each open time: while people weigh, the board hears nothing from us and makes
    itself safe.
    """
    opened_us: list[int] = []
    with on_the_bench(rig) as bench:
        bench.greet()
        for table in drop_tables(out, name, open_ms, drops, gap_ms):
            opened_us += _run(bench, table, out, name)
    if len(opened_us) != drops:
        raise TransportError(f"'{name}' gave {len(opened_us)} drops instead of {drops}; do not weigh them")
    return sum(opened_us) / len(opened_us) / 1000


def _run(bench: Bench, table: StateTable, out: OutputLine, name: str) -> list[int]:
    """Run one table; return how long each of its drops was, in microseconds."""
    opened_us: list[int] = []
    began_us: int | None = None
    seconds = sum(state.timer_cycles for state in table.states) * CYCLE_US / US_PER_S
    for event in bench.run(table, 5.0 + 3 * seconds):
        match event:
            case OutputChange() if event.output == out.line:
                if began_us is not None and not event.on:
                    opened_us.append(event.t_us - began_us)
                began_us = event.t_us if event.on else None
            case PulseRefused():
                raise ConfigError(f"the board refused to open '{name}'")
            case CommandRefused():
                raise ConfigError(f"the board refused to {event.command}: {event.reason}")
            case LinkLost():
                raise TransportError(event.reason)
            case BoardSafe() | TrialEnded() if not _complete(event):
                raise TransportError(f"the board stopped by itself after {len(opened_us)} drops of '{name}'")
            case _:
                pass
    return opened_us


def _complete(event: BoardSafe | TrialEnded) -> bool:
    return isinstance(event, TrialEnded) and event.reason is EndReason.COMPLETE


def _tell(path: Path, valve: str, points: Sequence[Weighed], console: Console, *, write: bool) -> None:
    told = uneven(points)
    if told is not None:
        console.print(f"note: {told}")
    if len(points) < 2:
        console.print("one open time is no calibration yet; weigh another one at least")
        return
    lines = calibration_lines(points, datetime.datetime.now().astimezone().date().isoformat())
    console.print(f"for [board.outputs.{valve}] of {path}:")
    for line in lines:
        console.print(line)
    if write:
        write_calibration(path, valve, lines)
        console.print(f"written into {path}")
