"""Harp devices of an emulated rig: a clock of their own, and wires from the board's lines."""

from __future__ import annotations

import pytest

from drivers.harp.device import HarpDevice
from drivers.harp.files import load_device
from drivers.rig_emulator.beside import BOOTED_US, EmulatedBeside, emulated_beside
from drivers.rig_emulator.world import EmulatedWorld
from rig.description import BoardConfig, EmulatedHarp, Emulation, HarpConfig, OutputLine, RigDescription
from rig.errors import ConfigError
from rig.events import DeviceReady, OutputChange, RegisterTold, SyncEdge

LINES = {0: "water", 1: "odour_a", 2: "odour_b"}
CONFIG = HarpConfig(
    name="behavior",
    port="pty",
    device="behavior",
    sync_input="DigitalInputState.DI3",
    events=("DigitalInputState",),
)


def device(ppm=0.0, **wires):
    return EmulatedBeside(CONFIG, EmulatedHarp(wires=wires, ppm=ppm), LINES)


def told(beside, happenings, until_us=10_000_000):
    """Let its driver meet it, then play (time in us, board event); return all that the driver heard."""
    driver, heard = HarpDevice(CONFIG, load_device("behavior")), []
    driver.connect(0)
    waiting = sorted(happenings, key=lambda happening: happening[0])
    for now_us in range(0, until_us, 10_000):
        while waiting and waiting[0][0] <= now_us:
            beside.board_event(waiting.pop(0)[1])
        beside.receive(driver.outgoing(), now_us)
        beside.advance(now_us)
        if beside.to_host:
            heard += driver.feed(bytes(beside.to_host), now_us * 1000)
            beside.to_host.clear()
        due_ns = driver.deadline_ns()
        if due_ns is not None and due_ns <= now_us * 1000:
            heard += driver.idle(now_us * 1000)
    return heard


def inputs(heard):
    """(device's own time, state) of every change of its inputs that it sent by itself."""
    return [
        (event.stamp_us, event.value)
        for event in heard
        if isinstance(event, RegisterTold) and event.register == "DigitalInputState" and not event.asked
    ]


def sync(t_us, rising=True):
    return t_us, SyncEdge(t_us=t_us, rising=rising)


def output(t_us, line, on):
    return t_us, OutputChange(t_us=t_us, output=line, on=on)


def test_it_was_switched_on_long_before_and_its_crystal_is_a_little_off():
    heard = told(device(ppm=100.0), [sync(4_000_000), sync(4_020_000, False), sync(8_000_000)])
    assert any(isinstance(event, DeviceReady) for event in heard)
    own_us = [at for at, _ in inputs(heard)]
    assert own_us[0] == pytest.approx(BOOTED_US + 4_000_400, abs=64)  # its stamps come in steps of 32 us
    assert own_us[2] - own_us[0] == pytest.approx(4_000_400, abs=64)


def test_a_wire_carries_the_boards_output():
    beside = device(odour_a="DigitalInputState.DIPort0")
    heard = told(
        beside, [output(4_000_000, 1, True), output(4_500_000, 1, False), output(5_000_000, 0, True)]
    )
    states = [state for _, state in inputs(heard)]
    assert ["DIPort0" in str(state) for state in states] == [True, False]  # and water has no wire


def test_two_outputs_on_one_input_are_joined_by_diodes():
    beside = device(odour_a="DigitalInputState.DIPort0", odour_b="DigitalInputState.DIPort0")
    happenings = [
        output(4_000_000, 1, True), output(4_100_000, 2, True),
        output(4_200_000, 1, False), output(4_300_000, 2, False),
    ]  # fmt: skip
    changes = inputs(told(beside, happenings))
    assert ["DIPort0" in str(state) for _, state in changes] == [True, False]
    assert changes[1][0] - changes[0][0] == pytest.approx(300_000, abs=64)


@pytest.mark.parametrize(
    ("wires", "says"),
    [
        ({"odour_z": "DigitalInputState.DIPort0"}, "the board has no output 'odour_z'"),
        ({"odour_a": "NoSuchState.DIPort0"}, "behavior has no 'NoSuchState'"),
    ],
)
def test_a_wire_that_leads_nowhere_is_refused(wires, says):
    with pytest.raises(ConfigError, match=says):
        device(**wires)


def test_what_it_does_next_is_told_in_board_time():
    beside = device(ppm=100.0)
    due_us = beside.next_due_us()
    assert due_us is not None
    beside.advance(due_us - 2)
    before = beside.next_due_us()
    beside.advance(due_us)
    assert before == due_us
    assert beside.next_due_us() > due_us


def test_the_world_plays_the_devices_of_the_rig_file():
    rig = RigDescription(
        name="r",
        board=BoardConfig(port="pty", outputs={"odour_a": OutputLine(line=1)}),
        harp=(CONFIG,),
        emulation=Emulation(units=0, harp={"behavior": EmulatedHarp(ppm=50.0)}),
    )
    (only,) = emulated_beside(rig, start_us=7)
    assert only.config is rig.harp[0]
    world = EmulatedWorld(rig)
    assert [beside.config.name for beside in world.beside] == ["behavior"]
    while world.now_us < 3_000_000:
        world.run(world.now_us + 100_000)
        world.to_host.clear()
        world.beside[0].to_host.clear()
    assert "DI3" in str(world.beside[0].device.value("DigitalInputState")) or world.now_us >= 3_000_000
