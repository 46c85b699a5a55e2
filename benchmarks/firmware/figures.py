"""What the firmware costs and holds, measured on the emulated chip. Clocks are 1/16 us."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.firmware.build import BUILT, FIRMWARE
from benchmarks.firmware.cycle_figures import (
    Figure,
    lick_openings,
    openings,
    pin_delays_us,
    step_costs,
    steps,
)
from benchmarks.firmware.on_the_chip import Bench, Run, run_random
from benchmarks.firmware.scripts import Draws
from drivers.board import registers as reg
from drivers.board.chip import CLOCKS_PER_US, Chip
from drivers.board.event_codes import EventKind
from rig.machine.image import encode
from rig.units import CYCLE_US

RAM_BYTES: Final = 8192
RAM_BEGIN: Final = 0x200
RAM_END: Final = RAM_BEGIN + RAM_BYTES
RECEIVE_VECTOR, SEND_VECTOR = 25, 26
CAPTURE_VECTOR, CHANGE_VECTOR = 46, 9

# --- the line --------------------------------------------------------------------------------------


def lost_at(chip_files: tuple[Path, Path], rate_hz: int, seconds: float = 0.4) -> int:
    """Return how many events are lost when an input makes `rate_hz` of them a second."""
    with Chip(*chip_files) as chip:
        bench = Bench(chip)
        bench.set_up()
        begin, span_us = chip.now_us + 500, round(seconds * 1e6)
        for number in range(round(rate_hz * seconds)):
            chip.drive(0, number % 2 == 0, chip.clock_at(begin) + round(number * 16e6 / rate_hz))
        alive = 0
        while chip.now_us < begin + span_us:
            alive += 1
            chip.write(reg.HOST_ALIVE.write_frame(alive))
            bench.run_us(chip.now_us + 10_000)
        bench.run_us(chip.now_us + 50_000)
    return sum(event.index for event in bench.events if event.kind == EventKind.OVERRUN)


def event_rate(chip_files: tuple[Path, Path]) -> Iterator[Figure]:
    """Yield the highest rate of events without a loss, in steps of 100 a second, beside signs of life."""
    held = max(rate for rate in range(3_000, 5_100, 100) if lost_at(chip_files, rate) == 0)
    lost = lost_at(chip_files, held + 200)
    yield Figure(
        "events without a loss, HostAlive every 10 ms", f"{held} /s ({lost} lost at {held + 200} /s)"
    )


def under_load(chip_files: tuple[Path, Path]) -> Iterator[Figure]:
    """Yield what happens while tables are uploaded without a pause, a table runs and a mouse licks."""
    chunk = reg.TABLE_CHUNK.write_frame(*bytes(64))
    with Chip(*chip_files) as chip:
        bench = Bench(chip)
        bench.set_up()
        bench.upload(0, encode(steps()["... and a pulse"]))
        bench.put(reg.START_TRIAL, 0)
        bench.clear()
        chip.probe()
        begin, written = chip.now_us, 0
        draws = Draws(1)
        for number in range(100):
            clock = chip.clock_at(begin + 1_000 + 8_000 * number) + draws.below(16 * CYCLE_US)
            chip.drive(number % 8, number // 8 % 2 == 0, clock)
        answered = 0
        while chip.now_us < begin + 800_000:
            while written - answered < 2:
                chip.write(chunk)
                written += 1
            seen = len(bench.frames)
            bench.run_us(chip.now_us + CYCLE_US)
            answered += sum(frame.address == reg.TABLE_CHUNK.address for frame in bench.frames[seen:])
        measured, lost = chip.measured(), int.from_bytes(chip.memory("uart_lost", 2), "little")
        delays = pin_delays_us(chip, bench)
        late = chip.memory("cycles_worst_delay", 1)[0]
        seconds = (chip.now_us - begin) / 1e6
    yield Figure("table bytes a second while a trial runs", f"{answered * reg.CHUNK_BYTES / seconds:.0f}")
    yield Figure("bytes lost by the chip's receiver, by its ring", f"{measured['overruns']}, {lost}")
    yield Figure("bytes waiting in the receiver, of 3", f"{measured['deepest']} at most")
    off_us = measured["longest_off"] / CLOCKS_PER_US
    yield Figure("interrupts off", f"{off_us:.1f} us at most")
    yield Figure(
        "output pins after the beginning of their cycle", f"{min(delays):.0f} to {max(delays):.0f} us"
    )
    yield Figure("cycles begun late", f"by {late} at most")
    for name, vector in (
        ("a byte received", RECEIVE_VECTOR),
        ("a byte sent", SEND_VECTOR),
        ("an edge captured", CAPTURE_VECTOR),
        ("a pin change", CHANGE_VECTOR),
    ):
        yield Figure(f"interrupt of {name}", f"{measured[f'longest_own_{vector}']} clocks at most")
    yield Figure("processor asleep meanwhile", f"{measured['slept'] / measured['clocks']:.0%}")


# --- stamps, memory --------------------------------------------------------------------------------


def stamp_errors_us(run: Run, chip: Chip) -> tuple[list[float], list[float]]:
    """Return stamp minus true time of the captured line's edges, and of the others'."""
    errors: tuple[list[float], list[float]] = ([], [])
    for line in range(8):
        driven = [(clock, high) for clock, number, high in run.driven if number == line]
        noted = [event for event in run.events if event.kind in (1, 2) and event.index == line][: len(driven)]
        if [high for _, high in driven] != [event.kind == EventKind.INPUT_RISE for event in noted]:
            continue  # two edges within a handler's time are none
        errors[line > 0].extend(
            (chip.clock_at(event.t_us) - clock) / CLOCKS_PER_US
            for (clock, _), event in zip(driven, noted, strict=True)
        )
    return errors


def stamps(chip_files: tuple[Path, Path], runs: int = 150) -> Iterator[Figure]:
    """Yield how far the stamps of edges lie from the edges, under random tables; and the stack used."""
    captured: list[float] = []
    changed: list[float] = []
    with Chip(*chip_files) as chip:
        bench = Bench(chip)
        bench.set_up()
        chip.probe()
        for number in range(runs):
            first, others = stamp_errors_us(run_random(bench, 77, number), chip)
            captured += first
            changed += others
        stack = RAM_END - chip.measured()["lowest_stack"]
    yield Figure("stamp minus edge, line 0", _spread(captured))
    yield Figure("stamp minus edge, lines 1 to 7", _spread(changed))
    yield Figure("stack used, at most", f"{stack} bytes")


def _spread(values: list[float]) -> str:
    ordered, count = sorted(values), len(values)
    parts = [ordered[0], ordered[count // 2], ordered[count * 99 // 100], ordered[-1]]
    least, median, most_of, most = (f"{part:.1f}" for part in parts)
    return f"{least} to {most} us; median {median}, 99 % below {most_of} ({count} edges)"


def memory() -> Iterator[Figure]:
    """Yield flash and RAM as the linker counted them."""
    size = subprocess.run(["avr-size", BUILT / "board.elf"], capture_output=True, text=True, check=True)
    text, data, bss = map(int, re.findall(r"\d+", size.stdout.splitlines()[1])[:3])
    yield Figure("flash", f"{text + data} of 262144 bytes")
    yield Figure("RAM without the stack", f"{data + bss} of {RAM_BYTES} bytes")
    yield Figure("RAM left for the stack", f"{RAM_BYTES - data - bss} bytes")


def fast_line(chip_files: tuple[Path, Path]) -> Iterator[Figure]:
    """Yield what twice the speed of the line would lose."""
    folder = BUILT / "two_megabaud"
    subprocess.run(
        ["make", "-C", FIRMWARE, "-s", f"BUILD={folder.name and 'build/' + folder.name}", "UBRR=0"],
        capture_output=True, check=True,
    )  # fmt: skip
    fast = (chip_files[0], folder / "board.elf")
    chunk = reg.TABLE_CHUNK.write_frame(*bytes(64))
    with Chip(*fast) as chip:
        bench = Bench(chip)
        bench.set_up()
        bench.upload(0, encode(steps()["... and a pulse"]))
        bench.put(reg.START_TRIAL, 0)
        chip.probe()
        begin = chip.now_us
        for number in range(100):
            chip.drive(number % 8, number // 8 % 2 == 0, chip.clock_at(begin + 1_000 + 4_130 * number))
        for _ in range(400):  # two chunks, which need 740 us; a host that waits for no answer
            chip.write(chunk * 2)
            bench.run_us(chip.now_us + 1_000)
        measured = chip.measured()
    yield Figure("at 2 Mbaud, the same load: bytes lost", f"{measured['overruns']} of {800 * len(chunk)}")


def all_figures(chip_files: tuple[Path, Path]) -> Iterator[Figure]:
    """Yield everything, in the order of the reference page."""
    yield from step_costs(chip_files)
    yield from openings(chip_files)
    yield from lick_openings(chip_files)
    yield from event_rate(chip_files)
    yield from under_load(chip_files)
    yield from stamps(chip_files)
    yield from memory()
    yield from fast_line(chip_files)
