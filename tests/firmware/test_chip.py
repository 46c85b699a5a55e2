"""The firmware on the chip: pins, times, and what happens when something is wrong."""

import zlib

import pytest

from benchmarks.firmware.cycle_figures import opened_us, pin_delays_us
from benchmarks.firmware.figures import lost_at, stamp_errors_us
from benchmarks.firmware.on_the_chip import Bench, run_random, upload_frames
from drivers.board import registers as reg
from drivers.board.chip import CLOCKS_PER_US, Chip
from drivers.board.event_codes import EventKind
from drivers.board.wire import EVENT, READ
from rig.device import BoardLimits
from rig.errors import TransportError
from rig.events import EndReason
from rig.machine.image import encode
from rig.machine.refusal import NO_STATE, Refusal
from rig.machine.sync import SyncLine
from rig.machine.table import Condition, State, StateTable, Transition

HELD = StateTable(name="held", states=(State(name="on", outputs=0xFFFF),))
"""Everything on until somebody ends it."""


def start(bench, table, slot=0):
    assert not bench.upload(slot, encode(table)).is_error, bench.get(reg.TABLE_STATUS)
    bench.clear()
    assert not bench.put(reg.START_TRIAL, slot).is_error


def of(bench, kind):
    return [event for event in bench.events if event.kind == kind]


# --- pins ------------------------------------------------------------------------------------------


def test_a_lick_on_the_pin_opens_the_valve_for_its_time(bench, reward):
    start(bench, reward(pulse_us=1_250, cue_cycles=500))
    chip = bench.chip
    lick_us = chip.now_us // 100 * 100 + 4_321
    chip.drive(0, True, chip.clock_at(lick_us) + 8)
    bench.run_us(lick_us + 30_000)
    (lick,) = of(bench, EventKind.INPUT_RISE)
    assert lick.t_us == lick_us
    drop = next(event for event in of(bench, EventKind.STATE) if event.index == 1)
    assert drop.t_us == lick_us - lick_us % 100 + 100  # the next cycle
    (valve_us,) = opened_us(bench, 4)
    assert valve_us == pytest.approx(1_300, abs=2)  # whole cycles, whatever else the chip had to do
    (end,) = of(bench, EventKind.TRIAL_END)
    assert end.index == EndReason.COMPLETE


def test_output_pins_move_at_the_end_of_the_cycle_that_their_event_names(bench, reward):
    for _ in range(20):
        start(bench, reward())
        bench.run_us(bench.chip.now_us + 20_000)
        delays = pin_delays_us(bench.chip, bench)
        assert len(delays) == 3  # cue on; cue off and valve open; valve closed
        assert 100 < min(delays) <= max(delays) < 110


def test_the_sync_line_is_the_sequence_of_its_seed(bench):
    bench.clear()
    bench.put(reg.SYNC_SEED, 1990)
    bench.run_us(bench.chip.now_us + 4_000_000)
    noted = [(event.t_us // 100, event.kind == EventKind.SYNC_RISE) for event in bench.events]
    line, wanted = SyncLine(), []
    line.begin(1990, 0)
    while len(wanted) < len(noted):
        wanted.append((line.next_cycle, line.toggle()))
    begin = noted[0][0] - wanted[0][0]
    assert [(cycle - begin, rising) for cycle, rising in noted] == wanted
    assert len(noted) > 5
    seen = [(pin.clock, pin.sync) for pin in bench.pins]
    for (cycle, rising), (clock, level) in zip(noted, seen, strict=True):
        assert level == rising
        assert 0 < clock - bench.chip.clock_at(cycle * 100) < 10 * CLOCKS_PER_US


def test_an_unwired_input_is_not_heard_and_a_line_high_at_power_on_is_no_edge(chip_built):
    with Chip(*chip_built) as chip:
        for line in (0, 3):
            chip.drive(line, True, 1_000)
        bench = Bench(chip)
        bench.set_up()
        bench.clear()
        bench.run_us(chip.now_us + 20_000)
        assert not bench.events
        for line in (0, 3):
            chip.drive(line, False, chip.clock + 1_600)
        bench.run_us(chip.now_us + 5_000)
        assert sorted((event.kind, event.index) for event in bench.events) == [(1, 0), (1, 3)]


def test_edges_are_stamped_where_they_were(bench):
    captured, changed = [], []
    for number in range(20):
        first, others = stamp_errors_us(run_random(bench, 3, number), bench.chip)
        captured += first
        changed += others
    assert len(captured) > 40
    assert -1 <= min(captured) <= max(captured) < 0.5  # by hardware: the microsecond itself
    assert len(changed) > 300
    assert -8 < min(changed) <= max(changed) < 16  # by the program, whatever else it does
    assert sum(-1.5 < error < 9 for error in changed) > 0.95 * len(changed)


def test_a_pulse_shorter_than_the_handler_is_two_edges(bench):
    chip = bench.chip
    bench.clear()
    at = chip.clock_at(chip.now_us + 500)
    chip.drive(0, True, at)
    chip.drive(0, False, at + 2 * CLOCKS_PER_US)
    bench.run_us(chip.now_us + 2_000)
    assert [(event.kind, event.index) for event in bench.events] == [(2, 0), (1, 0)]


def test_an_opening_after_a_lick_is_never_longer_and_hardly_shorter_than_its_time(bench, reward):
    """A lick late in a cycle leaves the chip less time: the valve may open later then, and closes on time."""
    chip, opened = bench.chip, []
    for phase in range(3, 100, 12):
        start(bench, reward(pulse_us=1_250, cue_cycles=500))
        lick_us = chip.now_us // 100 * 100 + 4_300 + phase
        chip.drive(0, True, chip.clock_at(lick_us) + 8)
        bench.run_us(lick_us + 20_000)
        chip.drive(0, False, chip.clock + 1)
        opened += opened_us(bench, 4)
    assert len(opened) == 9
    assert 1_250 < min(opened) <= max(opened) < 1_303
    assert sum(us > 1_298 for us in opened) >= 4


# --- safety ----------------------------------------------------------------------------------------


def test_a_lost_host_closes_everything_by_the_chips_own_clock(bench):
    bench.put(reg.HOST_TIMEOUT_MS, 50)
    start(bench, HELD)
    bench.put(reg.HOST_ALIVE, 1)
    alive_us = bench.chip.now_us
    bench.run_us(alive_us + 45_000)
    assert bench.pins[-1].levels == 0xFFFF
    bench.run_us(alive_us + 60_000)
    assert bench.pins[-1].levels == 0
    off_us = (bench.pins[-1].clock - bench.chip.clock_at(alive_us)) / CLOCKS_PER_US
    assert 49_000 < off_us < 50_400
    assert [event.index for event in of(bench, EventKind.TRIAL_END)] == [EndReason.HOST_LOST]
    assert [event.index for event in of(bench, EventKind.SAFE)] == [EndReason.HOST_LOST]
    assert bench.put(reg.START_TRIAL, 0).is_error
    bench.put(reg.PULSE, 4, 1_000)
    bench.run_us(bench.chip.now_us + 3_000)
    assert bench.pins[-1].levels == 0
    bench.put(reg.ARM, 1)
    assert not bench.put(reg.START_TRIAL, 0).is_error


def test_an_abort_closes_everything_at_once(bench):
    start(bench, HELD)
    bench.run_us(bench.chip.now_us + 5_000)
    written = bench.chip.clock
    bench.put(reg.ABORT, 1)
    assert bench.pins[-1].levels == 0
    after_us = (bench.pins[-1].clock - written) / CLOCKS_PER_US
    print(f"outputs off {after_us:.0f} us after the host began to write the abort")
    assert after_us < 500  # 70 us of it on the line


def test_a_table_that_asks_too_much_makes_the_board_safe_and_leaves_it_answering(bench):
    """Every cycle, 16 outputs change: 17 events in 100 us."""
    timer = Condition.STATE_TIMER
    states = tuple(
        State(
            name=f"s{n}",
            timer_cycles=0,
            outputs=0xFFFF * n,
            transitions=(Transition(code=timer, target=1 - n),),
        )
        for n in (0, 1)
    )
    chip = bench.chip
    bench.upload(0, encode(StateTable(name="flood", states=states)))
    for _ in range(4):
        bench.clear()
        bench.put(reg.ARM, 1)
        begin = chip.now_us
        for number in range(10):
            chip.drive(number % 2, number % 4 < 2, chip.clock_at(begin + 1_000 + 3_456 * number))
        chip.write(reg.START_TRIAL.write_frame(0))
        bench.run_us(begin + 60_000)
        assert [event.index for event in of(bench, EventKind.SAFE)] == [EndReason.FAULT]
        assert bench.pins[-1].levels == 0
        assert bench.get(reg.WHO) == (reg.WHO_AM_I,)
        assert bench.get(reg.TICK)[0] == pytest.approx(chip.now_us, abs=2_000)  # time went on as ever
        assert all(begin < event.t_us < chip.now_us for event in bench.events)


def test_a_table_that_leaves_no_time_for_the_host_is_ended(bench):
    """Never a cycle late, and yet nobody would be answered: it re-enters its state in every cycle."""
    timer = Condition.STATE_TIMER
    ends = []
    for codes in range(6, 23, 4):
        way = tuple(Transition(code=code, target=0) for code in (*range(codes), timer))
        busy = StateTable(name="busy", states=(State(name="a", timer_cycles=0, transitions=way),))
        bench.put(reg.ARM, 1)
        assert not bench.upload(0, encode(busy)).is_error
        bench.clear()
        bench.chip.write(reg.START_TRIAL.write_frame(0))
        bench.run_us(bench.chip.now_us + 150_000)
        bench.ask(reg.ABORT.write_frame(1), reg.ABORT.address, 150_000)
        bench.run_us(bench.chip.now_us + 50_000)
        ends += [event.index for event in of(bench, EventKind.TRIAL_END)]
    assert set(ends) == {EndReason.ABORTED, EndReason.FAULT}
    assert bench.get(reg.TICK)[0] == pytest.approx(bench.chip.now_us, abs=3_000)  # it was not reset


@pytest.mark.parametrize(
    ("lines", "edges_khz", "for_ms"),
    [((1,), 200, 10), ((0,), 400, 10), ((0, 3, 6), 150, 10), ((1,), 20, 200), ((0, 2), 100, 100)],
)
def test_noise_on_inputs_costs_neither_the_clock_nor_the_link(bench, lines, edges_khz, for_ms):
    """Where an input changes faster than anybody could tell, what counts is heard: the level in the end."""
    chip, every = bench.chip, 16_000 // edges_khz
    bench.put(reg.MAX_OPEN, 4, 60_000)
    bench.clear()
    begin = chip.clock_at(chip.now_us + 500)
    count = for_ms * 16_000 // every | 1  # odd: high in the end
    noise = sorted((begin + n * every + 7 * line, line, n % 2 == 0) for n in range(count) for line in lines)
    for clock, line, high in noise:
        chip.drive(line, high, clock)
    bench.put(reg.PULSE, 4, for_ms * 250)
    while chip.clock < begin + (for_ms - 2) * 16_000:
        assert bench.get(reg.WHO) == (reg.WHO_AM_I,)  # in the midst of it
    bench.run_us(chip.now_us + 32_000)
    (opened,) = opened_us(bench, 4)
    assert opened == pytest.approx(for_ms * 250, abs=600)
    assert bench.get(reg.TICK)[0] == pytest.approx(chip.now_us, abs=3_000)
    edges = [event for event in bench.events if event.kind in (EventKind.INPUT_FALL, EventKind.INPUT_RISE)]
    assert 30 < len(edges) < len(noise)
    for line in lines:
        assert [event.kind for event in edges if event.index == line][-1] == EventKind.INPUT_RISE
    assert {event.index for event in of(bench, EventKind.SAFE)} <= {EndReason.FAULT}
    for line in lines:
        chip.drive(line, False, chip.clock + 1)


def test_a_third_change_within_a_cycle_is_heard_at_its_end(bench):
    chip = bench.chip
    bench.clear()
    begin = (chip.now_us // 100 + 5) * 100
    edges = {line: begin + 10 + 22 * number for number, line in enumerate((1, 5, 3))}
    for line, t_us in edges.items():
        chip.drive(line, True, chip.clock_at(t_us))
    for line in sorted(edges):  # and later they are told as ever
        chip.drive(line, False, chip.clock_at(begin + 1_000 * line))
    bench.run_us(begin + 8_000)
    late = {event.index: event.t_us - edges[event.index] for event in of(bench, EventKind.INPUT_RISE)}
    assert max(late[1], late[5]) < 10
    assert 10 < late[3] < 60
    falls = of(bench, EventKind.INPUT_FALL)
    assert [event.index for event in falls] == sorted(edges)
    assert max(event.t_us - begin - 1_000 * event.index for event in falls) < 10


def test_water_beyond_the_budget_is_not_given_whatever_a_table_asks(bench, reward):
    """Each opening of 1 ms costs 10 cycles; 25 are allowed: two drops, not three."""
    assert not bench.put(reg.PULSE_COST, 4, 1, 0, 0).is_error
    assert not bench.put(reg.PULSE_BUDGET, 25, 0xFFFF_FFFF, 1).is_error
    for _ in range(2):
        start(bench, reward())
        bench.run_us(bench.chip.now_us + 20_000)
        assert opened_us(bench, 4) == [pytest.approx(1_000, abs=5)]
    assert bench.get(reg.PULSE_SPENT) == (20, 20)
    start(bench, reward())
    bench.run_us(bench.chip.now_us + 20_000)
    assert not opened_us(bench, 4)
    assert [event.index for event in of(bench, EventKind.PULSE_REFUSED)] == [4]
    assert [event.index for event in of(bench, EventKind.TRIAL_END)] == [EndReason.BUDGET]
    assert [event.index for event in of(bench, EventKind.SAFE)] == [EndReason.BUDGET]
    bench.put(reg.ARM, 1)
    bench.clear()
    bench.put(reg.PULSE, 4, 500)
    bench.put(reg.PULSE, 4, 600)
    bench.run_us(bench.chip.now_us + 3_000)
    (opened,) = opened_us(bench, 4)  # five are left, six are too many
    assert 460 < opened < 502  # a command in the last microseconds of a cycle: the pin is a little late
    assert len(of(bench, EventKind.PULSE_REFUSED)) == 1
    assert bench.get(reg.PULSE_SPENT) == (25, 25)


def test_a_reset_forgets_everything(bench):
    start(bench, HELD)
    bench.run_us(bench.chip.now_us + 2_000)
    assert bench.pins[-1].levels == 0xFFFF
    assert not bench.put(reg.RESET, 1).is_error
    bench.run_us(bench.chip.now_us + 3_000)
    assert bench.pins[-1].levels == 0
    assert bench.get(reg.OPERATION) == (0,)
    assert bench.get(reg.TICK)[0] < 10_000
    assert bench.put(reg.START_TRIAL, 0).is_error


def test_no_pulse_before_its_limit_was_set(chip_built):
    with Chip(*chip_built) as chip:
        bench = Bench(chip)
        bench.put(reg.OPERATION, 1)
        bench.clear()
        bench.put(reg.PULSE, 4, 1_000)
        bench.run_us(chip.now_us + 3_000)
        assert [(event.kind, event.index) for event in bench.events] == [(EventKind.PULSE_REFUSED, 4)]
        assert not bench.pins


# --- the line --------------------------------------------------------------------------------------


def test_it_says_who_it_is(bench):
    assert bench.get(reg.WHO) == (reg.WHO_AM_I,)
    limits = BoardLimits()
    assert bench.get(reg.CAPABILITIES) == (
        limits.states, limits.transitions, limits.inputs, limits.outputs, limits.timers, limits.counters,
        limits.table_bytes, limits.cycle_us,
    )  # fmt: skip
    assert bench.get(reg.TIME_SCALE) == (0,)
    assert bytes(bench.get(reg.DEVICE_NAME)).rstrip(b"\0") == b"dopaloop board"
    bench.clear()
    bench.chip.write(reg.OPERATION.write_frame(0x09))
    bench.run_us(bench.chip.now_us + 30_000)
    dumped = [frame.address for frame in bench.frames if frame.kind == READ]
    assert dumped == list(reg.EVERY_REGISTER)


def test_an_upload_is_refused_as_a_whole_and_says_why(bench, reward):
    image = encode(reward(pulse_us=60_000))
    assert bench.upload(0, image).is_error
    assert bench.get(reg.TABLE_STATUS) == (Refusal.PULSE, 1, 4, 0)
    assert bench.put(reg.START_TRIAL, 0).is_error
    image = encode(reward())
    for frame in upload_frames(0, image)[:-1]:
        bench.ask(frame, reg.TABLE_CHUNK.address)
    assert bench.put(reg.TABLE_COMMIT, 0, len(image), zlib.crc32(image) ^ 1).is_error
    assert bench.get(reg.TABLE_STATUS) == (Refusal.CRC, NO_STATE, 0, 0)
    assert not bench.put(reg.TABLE_COMMIT, 0, len(image), zlib.crc32(image)).is_error


def test_the_next_table_is_uploaded_while_one_runs(bench, reward):
    start(bench, reward(drink_cycles=3_000))
    whole = encode(StateTable(name="whole", states=tuple(State(name=f"s{n}") for n in range(64))))
    assert not bench.upload(1, whole).is_error
    assert not of(bench, EventKind.TRIAL_END)
    assert bench.upload(0, whole).is_error
    assert bench.get(reg.TABLE_STATUS) == (Refusal.BUSY, NO_STATE, 0, 0)
    bench.run_us(bench.chip.now_us + 320_000)
    assert of(bench, EventKind.TRIAL_END)
    assert not bench.put(reg.START_TRIAL, 1).is_error


def test_heartbeats_lie_on_the_second_and_events_can_be_had_again(bench, reward):
    start(bench, reward())
    bench.run_us(bench.chip.now_us + 30_000)
    seq = bench.events[2].seq
    sent = next(f for f in bench.frames if f.kind == EVENT and f.payload[4:6] == seq.to_bytes(2, "little"))
    bench.clear()
    bench.put(reg.READ_EVENT, seq)
    bench.run_us(bench.chip.now_us + 1_000)
    assert [frame.raw for frame in bench.frames if frame.kind == EVENT] == [sent.raw]
    bench.put(reg.OPERATION, 0x05)
    bench.clear()
    bench.run_us(bench.chip.now_us + 2_000_000)
    beats = [frame.stamp_us for frame in bench.frames if frame.address == reg.HEARTBEAT.address]
    assert len(beats) == 2
    assert {beat % 1_000_000 for beat in beats} == {0}


def test_nothing_is_lost_at_a_megabaud_both_ways(bench, reward):
    """Chunks without a pause, at most 200 bytes unanswered, while a table runs and eight lines lick."""
    start(bench, reward(drink_cycles=30_000))
    chip, chunk = bench.chip, reg.TABLE_CHUNK.write_frame(*range(64))
    chip.probe()
    begin, written, answered = chip.now_us, 0, 0
    for number in range(160):
        chip.drive(number % 8, number // 8 % 2 == 0, chip.clock_at(begin + 1_000) + number * 16_777)
    while chip.now_us < begin + 200_000:
        while written - answered < 2:
            chip.write(chunk)
            written += 1
        seen = len(bench.frames)
        bench.run_us(chip.now_us + 100)
        answers = [frame for frame in bench.frames[seen:] if frame.address == reg.TABLE_CHUNK.address]
        assert not any(frame.is_error for frame in answers)
        answered += len(answers)
    bench.run_us(chip.now_us + 10_000)
    measured = chip.measured()
    assert (measured["overruns"], chip.memory("uart_lost", 2)) == (0, b"\0\0")
    assert written > 120
    assert bench.codec.dropped == 0
    numbers = [
        int.from_bytes(f.payload[4:6], "little") for f in bench.frames if f.address == reg.BOARD_EVENT.address
    ]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(of(bench, EventKind.INPUT_RISE)) == len(of(bench, EventKind.INPUT_FALL)) == 80


def test_two_thousand_events_a_second_are_no_effort(chip_built):
    assert lost_at(chip_built, 2_000, seconds=0.2) == 0
    assert lost_at(chip_built, 6_000, seconds=0.2) > 0  # more than the line can carry: told, not hidden


def test_the_stack_and_the_variables_do_not_meet(bench, chip_built):
    bench.chip.probe()
    for number in range(20):
        run_random(bench, 4, number)
    lowest = bench.chip.measured()["lowest_stack"]
    import subprocess

    size = subprocess.run(["avr-size", chip_built[1]], capture_output=True, text=True, check=True)
    data, bss = map(int, size.stdout.splitlines()[1].split()[1:3])
    spare = lowest - (0x200 + data + bss)
    print(f"{spare} bytes between the variables and the deepest stack")
    assert spare > 256


# --- the emulated chip itself ------------------------------------------------------------------------


def test_a_run_is_the_same_twice(chip_built):
    def run():
        with Chip(*chip_built) as chip:
            bench = Bench(chip)
            bench.set_up()
            for number in range(5):
                run_random(bench, 9, number)
            return [frame.raw for frame in bench.frames], bench.events, bench.pins, chip.clock

    assert run() == run()


def test_a_hex_file_runs_too_but_keeps_its_events_to_itself(chip_built):
    program, firmware = chip_built
    with Chip(program, firmware.with_suffix(".hex")) as chip:
        bench = Bench(chip)
        assert bench.get(reg.WHO) == (reg.WHO_AM_I,)
        bench.put(reg.OPERATION, 1)
        chip.drive(2, True, chip.clock + 16_000)
        bench.run_us(chip.now_us + 5_000)
        assert not bench.events
        (event,) = [frame for frame in bench.frames if frame.kind == EVENT]
        assert event.payload[6:] == bytes((EventKind.INPUT_RISE, 2))


def test_a_file_that_is_no_firmware_is_an_error(chip_built, tmp_path):
    with pytest.raises(TransportError, match="firmware file"):
        Chip(chip_built[0], tmp_path / "nothing.elf")
    with pytest.raises(TransportError, match="cannot be started"):
        Chip(tmp_path / "no chip", chip_built[1])
