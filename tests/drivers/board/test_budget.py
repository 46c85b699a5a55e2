"""The board's account over the wire, boards that have none, and how soon a valve is closed."""

from __future__ import annotations

import pytest

from drivers.board import registers as reg
from drivers.board.emulator import BoardEmulator
from rig.commands import NO_LIMIT, Abort, Configure, Pulse, PulseCost, StartTrial, UploadTable
from rig.events import (
    BoardReady,
    BoardSafe,
    CommandRefused,
    EndReason,
    OutputChange,
    PulseRefused,
    TableAccepted,
    TrialEnded,
)
from rig.machine.image import encode
from rig.machine.table import EXIT, Action, ActionKind, Condition, State, StateTable, Transition

PRICE = PulseCost(per_cycle=10, deducted=500, least=100)
"""30 ms cost 2500."""


def configure(*, costs=(PRICE,), per_minute=NO_LIMIT, per_session=NO_LIMIT, begin=True):
    return Configure(
        max_open_us=(200_000, 200_000), host_timeout_ms=250, sync_seed=0,
        costs=costs, per_minute=per_minute, per_session=per_session, begin=begin,
    )  # fmt: skip


def fountain(pulse_us=30_000):
    """A drop every 100 ms, for ever."""
    way = (Transition(code=Condition.STATE_TIMER, target=0),)
    drop = (Action(kind=ActionKind.PULSE, index=0, value=pulse_us),)
    return encode(
        StateTable(name="t", states=(State(name="s", timer_cycles=1000, transitions=way, actions=drop),))
    )


def water(loop):
    return [event.t_us for event in loop.happened if isinstance(event, OutputChange) and event.on]


def start(loop, image):
    loop.send(UploadTable(slot=0, image=image))
    loop.until(TableAccepted)
    loop.send(StartTrial(slot=0))


def test_the_host_sees_that_the_board_counts(make_loop):
    assert make_loop().ready().board.limits.counted == 4
    assert make_loop(budgets=False).ready().board.limits.counted == 0


def test_a_configuration_sets_costs_and_budget(make_loop):
    loop = make_loop().ready()
    loop.send(configure(per_minute=7_000, per_session=9_000))
    loop.run(30_000)
    assert not loop.refused
    core = loop.emulator.core
    assert core.pulse(0, 30_000)
    loop.run(50_000)
    assert core.spent == (2_500, 2_500)
    assert not core.pulse(0, 75_000)


def test_a_configuration_without_costs_takes_those_of_before_away(make_loop):
    loop = make_loop().ready()
    loop.send(configure(costs=(PulseCost(), *[PRICE] * 4), per_session=10))
    loop.run(30_000)
    loop.send(configure(costs=(*[PRICE] * 4, PulseCost()), per_session=10))
    loop.run(30_000)
    loop.send(configure(costs=()))
    loop.run(30_000)
    assert not loop.refused
    for _ in range(3):
        loop.send(Pulse(output=0, duration_us=100_000))
        loop.run(150_000)
    assert len(water(loop)) == 3


def test_too_many_costs_are_refused(make_loop):
    loop = make_loop().ready()
    loop.send(configure(costs=(PRICE,) * 5))
    (refused,) = loop.until(CommandRefused)
    assert refused.command == "configure"


def test_a_board_without_an_account_is_not_asked_to_keep_one(make_loop):
    loop = make_loop(budgets=False).ready()
    before = len(loop.written)
    loop.send(configure(per_session=10))
    loop.run(30_000)
    assert not loop.refused
    assert bytes((2, reg.PULSE_COST.size + 4, reg.PULSE_COST.address)) not in loop.written[before:]
    loop.send(Pulse(output=0, duration_us=100_000))
    assert loop.until(OutputChange)[0].on


def test_a_board_without_an_account_does_not_know_the_registers(make_loop):
    board = BoardEmulator(budgets=False)
    asked = [
        reg.PULSE_SPENT.read_frame(),
        reg.PULSE_COST.write_frame(0, 1, 0, 0),
        reg.PULSE_BUDGET.read_frame(),
    ]
    for n, frame in enumerate(asked):
        board.receive(frame, n * 5_000)
        board.advance(n * 5_000 + 4_000)
        assert board.outgoing(n * 5_000 + 4_000)[0] & 0x08, "an error reply"


def test_a_refused_pulse_is_told(make_loop):
    loop = make_loop().ready()
    loop.send(configure(per_session=2_499))
    loop.run(30_000)
    loop.send(Pulse(output=0, duration_us=30_000))
    assert loop.until(PulseRefused)[0].output == 0
    assert not loop.refused, "the request was good; the board said no"
    assert not water(loop)


def test_a_table_that_wants_more_is_stopped_by_the_board_alone(make_loop):
    loop = make_loop().ready()
    loop.send(configure(per_session=10_000))
    start(loop, fountain())
    (safe,) = loop.until(BoardSafe)
    assert safe.reason is EndReason.BUDGET
    assert loop.of(TrialEnded)[-1].reason is EndReason.BUDGET
    assert len(water(loop)) == 4
    assert loop.emulator.core.levels == 0
    loop.send(StartTrial(slot=0))
    assert "safe state" in loop.until(CommandRefused)[0].reason


def test_a_host_that_comes_back_does_not_get_the_water_again(make_loop):
    loop = make_loop().ready()
    loop.send(configure(per_session=5_000))
    start(loop, fountain())
    loop.until(BoardSafe)
    loop.board.connect(loop.now_us * 1000)
    loop.until(BoardReady)
    loop.send(configure(per_session=5_000, begin=False))
    start(loop, fountain())
    loop.until(BoardSafe)
    assert len(water(loop)) == 2


@pytest.mark.parametrize("values", [(16, 1, 0, 0), (0, 0x10000, 0, 0)])
def test_costs_that_make_no_sense_get_an_error_reply(values):
    board = BoardEmulator()
    board.receive(reg.PULSE_COST.write_frame(*values), 0)
    board.advance(5_000)
    assert board.outgoing(5_000)[0] & 0x08


# --- how soon a valve is closed ----------------------------------------------------------------------


def pouring(make_loop, image, **emulator):
    loop = make_loop(guard=True, **emulator).ready()
    start(loop, fountain(190_000))
    loop.run(10_000)
    while not loop.emulator.core.levels:
        loop.step()
    loop.run(5_000)
    assert loop.emulator.core.levels == 1
    return loop


def closed_after_us(loop, since_us, limit_us):
    while loop.emulator.core.levels and loop.now_us < since_us + limit_us:
        loop.step()
    assert loop.emulator.core.levels == 0
    return loop.happened[-1].t_us - since_us if loop.happened else 0


def test_an_abort_closes_the_valve_within_50_ms_behind_an_upload(make_loop, image):
    loop = pouring(make_loop, image)
    loop.send(UploadTable(slot=1, image=image(states=60)))
    loop.step()
    asked_us = loop.now_us
    loop.send(Abort())
    assert closed_after_us(loop, asked_us, 60_000) < 50_000


def test_a_guards_abort_closes_the_valve_within_50_ms_on_a_busy_line(make_loop, image):
    loop = pouring(make_loop, image)
    for _ in range(60):  # events by the dozen
        loop.emulator.input_edge(3, True)
        loop.emulator.input_edge(3, False)
    asked_us = loop.now_us
    loop.emulator.receive(loop.board.abort_frame(), asked_us)
    assert closed_after_us(loop, asked_us, 60_000) < 50_000


def test_a_fault_of_the_table_closes_everything_in_its_cycle(make_loop, image):
    loop = make_loop().ready()
    loop.send(configure(costs=(PRICE, PulseCost()), per_session=21_000))
    loop.run(30_000)
    loop.send(Pulse(output=1, duration_us=200_000))  # another valve, which has no cost
    start(loop, fountain())
    (safe,) = loop.until(BoardSafe)
    last = [event for event in loop.happened if isinstance(event, OutputChange)][-1]
    assert not last.on
    assert last.t_us <= safe.t_us
    assert loop.emulator.core.levels == 0


@pytest.mark.parametrize("timeout_ms", [50, 250])
def test_a_lost_host_closes_the_valve_within_its_limit(make_loop, image, timeout_ms):
    loop = pouring(make_loop, image)
    loop.send(Configure(max_open_us=(1_000_000,), host_timeout_ms=timeout_ms, sync_seed=0))
    loop.run(30_000)
    loop.send(Abort())
    loop.run(20_000)
    way = (Transition(code=Condition.STATE_TIMER, target=EXIT),)
    long = (Action(kind=ActionKind.PULSE, index=0, value=900_000),)
    states = (State(name="s", timer_cycles=20_000, transitions=way, actions=long),)
    start(loop, encode(StateTable(name="t", states=states)))
    while not loop.emulator.core.levels:
        loop.step()
    loop.run(20_000)
    loop.guard = loop.connected = False
    gone_us = loop.now_us
    assert closed_after_us(loop, gone_us, 500_000) < (timeout_ms + 12) * 1000
    assert loop.emulator.core.safe
