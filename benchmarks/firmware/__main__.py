"""`python -m benchmarks.firmware`: hold the firmware to the reference, and measure it.

Needs Debian's ``make gcc gcc-avr avr-libc libsimavr-dev libelf-dev`` (and ``clang libclang-rt-14-dev`` for
libFuzzer).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.firmware.build import build, chip_files, missing
from benchmarks.firmware.corpus import write_corpora
from benchmarks.firmware.figures import all_figures
from benchmarks.firmware.on_the_chip import Bench, expected, happenings, on_the_emulator, run_random
from benchmarks.firmware.reference import Reference
from benchmarks.firmware.scripts import random_script
from benchmarks.firmware.session import plan_for, run_on_chip, simulated_digest
from benchmarks.firmware.stepper import Stepper
from benchmarks.firmware.wire import Reference as WireReference
from benchmarks.firmware.wire import commands, is_same, random_steps
from drivers.board.chip import Chip

WIDTH: Final = 110
_SAY_EVERY: Final = 1_000


def differential(arguments: argparse.Namespace) -> int:
    """Random tables and inputs on the host's C core, on the chip, and talks over the wire."""
    events, seed, differ = 0, arguments.seed, 0
    with Stepper(build("host") / "stepper") as stepper:
        for number in range(arguments.tables):
            script = random_script(seed, number)
            wanted = Reference(script[0].t_us).play(script)
            events += len(wanted.events)
            differ += _told("host core", number, stepper.play(script) == wanted)
    print(f"host core: {arguments.tables} runs, {events} events, {differ} differ", flush=True)
    total, bytes_ = differ, 0
    differ = 0
    with Stepper(build("host") / "stepper") as stepper:
        for number in range(arguments.tables // 10):
            steps = random_steps(seed, number)
            reference = WireReference()
            wanted_bytes = reference.play(steps)
            got = stepper.ask_bytes(commands(steps))
            bytes_ += len(got)
            differ += _told("wire", number, is_same(reference, got, wanted_bytes))
    print(
        f"host core over the wire: {arguments.tables // 10} talks, {bytes_} bytes, {differ} differ",
        flush=True,
    )
    return 1 if total + differ + _on_the_chip(arguments.tables, seed) else 0


def _on_the_chip(tables: int, seed: int) -> int:
    events = differ = overloaded = emulated = 0
    began = time.monotonic()
    with Chip(*chip_files()) as chip:
        bench = Bench(chip)
        bench.set_up()
        for number in range(tables):
            run = run_random(bench, seed, number)
            did = happenings(run)
            events += len(did)
            overloaded += run.overloaded
            emulator = on_the_emulator(run)
            emulated += emulator is not None
            differ += _told("chip", number, did == expected(run) and emulator in (None, did))
        seconds = chip.now_us / 1e6
    took = time.monotonic() - began
    print(
        f"chip: {tables} runs ({emulated} on the Python emulator too), {events} events in {seconds:.0f} s of "
        f"rig time, {overloaded} asked too much of it, {differ} differ ({took:.0f} s)",
        flush=True,
    )
    return differ


def _told(what: str, number: int, same: bool) -> int:
    if not same:
        print(f"{what}: run {number} differs", flush=True)
    elif number and number % _SAY_EVERY == 0:
        print(f"{what}: {number} runs", flush=True)
    return not same


def session(arguments: argparse.Namespace) -> int:
    """A session on the chip, and the same one in pure simulation: equal decisions."""
    wanted = simulated_digest(plan_for(arguments.trials, arguments.units, arguments.seed))
    began = time.monotonic()
    sitting = run_on_chip(*chip_files(), plan_for(arguments.trials, arguments.units, arguments.seed))
    ended, took = sitting.ended, time.monotonic() - began
    print(f"{ended.reason}; {sitting.rig.now_us / 1e6:.0f} s of rig time in {took:.0f} s")
    print(f"simulated: {wanted}")
    print(f"chip:      {ended.decision_digest}")
    print(f"requests repeated: {sitting.board.repeats}, bytes dropped: {sitting.board.codec.dropped}")
    return 0 if ended.ok and ended.decision_digest == wanted else 1


def fuzz(arguments: argparse.Namespace) -> int:
    """Any bytes as frames and as tables, with sanitizers."""
    built = build("fuzz")
    with tempfile.TemporaryDirectory() as folder:
        corpora = write_corpora(Path(folder), arguments.seed, 300)
        for target, corpus in zip(("fuzz_frames", "fuzz_tables"), corpora, strict=True):
            options = (f"-runs={arguments.runs}", f"-seed={arguments.seed}")
            command: list[str | Path] = [built / target, *options, corpus]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            print(f"{target}: {done.stderr.strip().splitlines()[-1]}", flush=True)
            if done.returncode:
                print(done.stderr[-4000:])
                return 1
    return 0


def figures(arguments: argparse.Namespace) -> int:
    """Cycle budget, event rate, stamps, memory."""
    table = Table(title="the firmware on an emulated ATmega2560 at 16 MHz")
    table.add_column("what")
    table.add_column("figure")
    for figure in all_figures(chip_files()):
        table.add_row(figure.what, figure.value)
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)
    return 0


def main(words: Sequence[str] | None = None) -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.firmware", description=__doc__)
    parts = parser.add_subparsers(required=True)

    def add(run: Callable[[argparse.Namespace], int], **numbers: int) -> None:
        part = parts.add_parser(run.__name__, help=run.__doc__)
        for name, default in numbers.items():
            part.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
        part.set_defaults(run=run)

    add(differential, tables=10_000, seed=1)
    add(session, trials=300, units=2, seed=1)
    add(fuzz, runs=1_000_000, seed=1)
    add(figures)
    arguments = parser.parse_args(words)
    why_not = missing("all", "host", "sim")
    if why_not:
        print(why_not, file=sys.stderr)
        return 2
    return int(arguments.run(arguments))


if __name__ == "__main__":
    sys.exit(main())
