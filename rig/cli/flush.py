"""`dopaloop flush`: prime and flush the water valves, timed by the board, outside sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rig.cli.bench import Bench, on_the_bench
from rig.commands import Pulse
from rig.description import OutputLine
from rig.errors import ConfigError, TransportError
from rig.events import OutputChange, PulseRefused
from rig.runtime.config import load_rig
from rig.units import US_PER_MS

LONGEST_TOTAL_S = 120.0
"""A flush never holds a valve open for longer than this in all, whatever was asked for."""


def flush(
    rig: Annotated[Path, typer.Argument(help="The rig file (TOML).")],
    valve: Annotated[str, typer.Option(help="Which valve.")] = "water",
    seconds: Annotated[float, typer.Option(min=0.05, max=LONGEST_TOTAL_S, help="Open time in all.")] = 5.0,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether an animal is in the rig.")] = False,
) -> None:
    """Flush a valve in pulses that the board times.

    None is longer than the rig file allows.
    """
    description = load_rig(rig)
    out = description.output(valve)
    if out.kind != "valve":
        raise ConfigError(f"'{valve}' is not a valve; only valves can be flushed")
    if not yes and not typer.confirm(f"Flush '{valve}' for {seconds:g} s. Is the animal out of the rig?"):
        raise typer.Exit(1)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    with on_the_bench(description) as bench:
        bench.greet()
        total_us = pulses = 0
        while total_us < seconds * 1e6:
            left_ms = seconds * 1000 - total_us / US_PER_MS
            total_us += _one(bench, out, valve, min(out.max_open_ms, max(left_ms, 1.0)))
            pulses += 1
    console.print(f"{valve}: open for {total_us / 1e6:.2f} s in {pulses} pulses, by the board's clock")


def _one(bench: Bench, out: OutputLine, name: str, ms: float) -> int:
    """Give one pulse; return how long the board says it was open, in microseconds."""
    bench.send(Pulse(output=out.line, duration_us=round(ms * US_PER_MS)))
    opened: int | None = None
    for event in bench.watch(ms / 1000 + 2.0):
        if isinstance(event, PulseRefused):
            raise ConfigError(f"the board refused to open '{name}' for {ms:g} ms")
        if isinstance(event, OutputChange) and event.output == out.line:
            if not event.on and opened is not None:
                return event.t_us - opened
            opened = event.t_us if event.on else opened
    raise TransportError(f"'{name}' was not seen to open and close; stopped")
