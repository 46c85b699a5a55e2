"""The reference, the C core on this computer and the chip: the same in every cycle."""

import re

import pytest

from benchmarks.firmware.on_the_chip import expected, happenings, on_the_emulator, run_random
from benchmarks.firmware.reference import Reference
from benchmarks.firmware.scripts import Step, random_script
from benchmarks.firmware.wire import Reference as WireReference
from benchmarks.firmware.wire import commands, is_same, random_steps
from drivers.board.event_codes import EventKind
from drivers.board.registers import EVERY_REGISTER
from drivers.board.wire import PayloadType
from rig.machine.image import encode
from rig.machine.refusal import Refusal

RUNS, TALKS = 200, 60
SEED = 20261123


def test_the_c_core_equals_the_reference(stepper):
    kinds, refusals = set(), set()
    for number in range(RUNS):
        script = random_script(SEED, number)
        wanted = Reference(script[0].t_us).play(script)
        assert stepper.play(script) == wanted, f"run {number}"
        kinds |= {kind for _, kind, _ in wanted.events}
        refusals |= {answer[0] for answer in wanted.answers if len(answer) == 3}
    # What the runs are good for: everything happened in them.
    assert kinds == set(range(EventKind.INPUT_FALL, EventKind.PULSE_REFUSED + 1))
    assert len(refusals & set(Refusal)) > 10


def test_the_chip_equals_the_reference_and_the_emulated_board(bench):
    overloaded = emulated = states = 0
    for number in range(RUNS):
        run = run_random(bench, SEED, number)
        did = happenings(run)
        assert did == expected(run), f"run {number}"
        emulator = on_the_emulator(run)
        assert emulator in (None, did), f"run {number}"
        emulated += emulator is not None
        overloaded += run.overloaded
        states += sum(kind == EventKind.STATE for _, kind, _ in did)
    print(f"{states} states entered; {emulated} runs on the emulated board; {overloaded} asked too much")
    assert states > 10 * RUNS
    assert emulated > RUNS // 3
    assert overloaded < RUNS // 50


def test_the_c_core_speaks_byte_for_byte_like_the_emulated_board(stepper):
    sent = 0
    for number in range(TALKS):
        steps = random_steps(SEED, number)
        reference = WireReference()
        wanted = reference.play(steps)
        assert is_same(reference, stepper.ask_bytes(commands(steps)), wanted), f"talk {number}"
        sent += len(wanted)
    assert sent > 500 * TALKS


def test_the_counter_wraps_without_a_trace(stepper, reward):
    begin = (1 << 32) - 12_345
    script = [Step(begin, "max_open", 4, 5_000), Step(begin, "load", 0, image=encode(reward(cue_cycles=100)))]
    script += [Step(begin + 100, "start", 0), Step(begin + 30_000, "look")]
    wanted = Reference(begin).play(script)
    assert stepper.play(script) == wanted
    ticks = [tick for tick, _, _ in wanted.events]
    assert ticks[0] > 1 << 31 > ticks[-1]
    assert wanted.events[-1][1:] == (EventKind.TRIAL_END, 0)


def test_a_comparison_that_finds_nothing_would_be_noticed(stepper):
    script = random_script(SEED, 0)
    late = [step if step.what != "edge" else Step(step.t_us + 100, "edge", step.a, step.b) for step in script]
    assert stepper.play(late) != Reference(script[0].t_us).play(script)


def test_the_registers_are_those_of_the_driver():
    from benchmarks.firmware.build import FIRMWARE

    text = (FIRMWARE / "core" / "registers.def").read_text(encoding="utf-8")
    rows = re.findall(r"^REGISTER\((\w+), (\d+), HARP_(\w+), (\d+), (\w+)\)$", text, re.MULTILINE)
    ours = [
        (r.name, r.address, PayloadType(r.type).name, r.length, "true" if r.writable else "false")
        for r in EVERY_REGISTER.values()
    ]
    assert [(name, int(at), kind, int(count), writable) for name, at, kind, count, writable in rows] == ours


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand(chip_built):
    """As a command of its own: python -m benchmarks.firmware differential --tables 10000."""
    from benchmarks.firmware.__main__ import main

    assert main(["differential", "--tables", "10000"]) == 0
