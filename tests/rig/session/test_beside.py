"""Harp devices beside the board: nothing in a trial, no trial without an answer, all on the board's clock."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.harp.device import HarpDevice
from drivers.harp.files import load_device
from drivers.harp.known import emulate
from rig.description import HarpConfig
from rig.documents import HarpEvents, Notice
from rig.effects import Publish, Write
from rig.errors import ConfigError
from rig.log.entry import PORT_OPEN, Input
from rig.outbox import Outbox
from rig.session.beside import Beside

OLFACTOMETER = {
    "device": "olfactometer",
    "events": ("DI0State",),
    "setup": {"EnableEvents": "DI0Trigger", "EnableFlow": 1},
    "cues": {"odour_a": {"OdorValveState": "Valve0"}, "odour_b": {"OdorValveState": "Valve1"}},
    "end": {"ValveState": 0, "EnableFlow": 0},
}
BEHAVIOR = {
    "device": "behavior",
    "sync_input": "DigitalInputState.DI3",
    "events": ("DigitalInputState",),
    "setup": {"EventEnable": "PortDI"},
}


class Rig:
    """One device, what stands for its port, and the part of a session that it is for."""

    def __init__(self, ppm=0.0, **config):
        description = load_device(config["device"])
        self.config = HarpConfig(name="beside", port="COM9", **config)
        self.emulator = emulate(description, start_us=7_000_000_000)
        self.out = Outbox()
        driver = HarpDevice(self.config, description)
        self.beside = Beside((self.config,), {"beside": driver}, self.out)
        self.ppm = ppm
        self.now_us = 0
        self.documents = []
        self.written = []
        self.plugged = True
        self.between = True
        self.spoil = lambda data: data
        self._seq = 0

    def own_us(self, t_us):
        return 7_000_000_000 + round(t_us * (1 + self.ppm * 1e-6))

    def enter(self, kind, payload=b""):
        self.out.begin(self.now_us * 1000)
        self.out.board_us = self.now_us
        entry = Input(self._seq, self.now_us * 1000, "beside", kind, payload)
        self._seq += 1
        if kind == "deadline":
            self.beside.idle()
        else:
            self.beside.take(entry)
        return self.finish()

    def finish(self):
        if self.between:
            self.beside.between()
        self.beside.settle()
        self.beside.flush()
        for effect in self.out.finish("board", b"", []):
            if isinstance(effect, Publish):
                self.documents.append(effect.document)
            elif isinstance(effect, Write) and self.plugged:
                self.written.append(effect.data)
                self.emulator.receive(effect.data, self.own_us(self.now_us))
        return self

    def open(self):
        return self.enter("port", PORT_OPEN)

    def run(self, us, step_us=2_000):
        end_us = self.now_us + us
        while self.now_us < end_us:
            self.now_us += step_us
            self.emulator.advance(self.own_us(self.now_us))
            back = self.spoil(self.emulator.outgoing(0))
            if back and self.plugged:
                self.enter("bytes", back)
            due = [t for t in self.beside.deadlines_ns() if t is not None]
            if due and min(due) <= self.now_us * 1000:
                self.enter("deadline")
        return self

    def wants(self, trial, cue):
        """Ask as the session does, at once and again when the answers have come."""
        self.out.begin(self.now_us * 1000)
        first = self.beside.ready_for(trial, cue)
        self.finish()
        self.run(20_000)
        return first, self.beside.ready_for(trial, cue)

    def told(self, register=None):
        events = [e for d in self.documents if isinstance(d, HarpEvents) for e in d.events]
        return [e for e in events if register in (None, e.register)]

    def notices(self, level):
        return [d.text for d in self.documents if isinstance(d, Notice) and d.level == level]


def test_setup_is_written_once_when_the_device_is_there():
    rig = Rig(**OLFACTOMETER).open().run(500_000)
    assert rig.emulator.value("EnableFlow") == "Enabled"
    assert rig.emulator.value("EnableEvents") == "DI0Trigger"
    assert [e.register for e in rig.told() if e.asked] == ["EnableEvents", "EnableFlow"]
    assert rig.notices("info") == ["Olfactometer, firmware 2.3 is ready"]


def test_a_trial_begins_only_when_its_choice_was_answered():
    rig = Rig(**OLFACTOMETER).open().run(500_000)
    assert rig.wants(0, "odour_b") == (False, True)
    assert rig.emulator.value("OdorValveState") == "Valve1"
    assert rig.wants(1, None) == (True, True)  # nothing to choose
    assert rig.wants(2, "odour_a") == (False, True)
    writes = len(rig.written)
    assert rig.wants(2, "odour_a") == (True, True)
    assert len(rig.written) == writes  # the same trial asks once


def test_nothing_is_written_in_a_trial_whatever_happens():
    rig = Rig(**OLFACTOMETER).open().run(500_000)
    assert rig.wants(0, "odour_a") == (False, True)
    rig.between = False
    rig.plugged = False
    rig.run(4_000_000)
    assert "no sign of life for 3 s" in rig.notices("error")[0]
    rig.emulator.receive(bytes.fromhex("02 05 0b ff 01 01 13"), rig.own_us(rig.now_us))  # it was reset
    rig.emulator.outgoing(0)
    rig.plugged, written = True, len(rig.written)
    rig.run(3_000_000)
    assert rig.emulator.active  # found again: asked who it is, and switched to active mode
    assert rig.emulator.value("EnableFlow") == "Disabled"  # but not set up
    sent = b"".join(rig.written[written:])
    assert all(frame[0] == 1 or frame[2] == 10 for frame in _frames(sent))
    assert not rig.beside.ready_for(1, "odour_b")
    rig.between = True
    rig.enter("deadline").run(200_000)
    assert rig.emulator.value("EnableFlow") == "Enabled"
    assert rig.wants(1, "odour_b") == (False, True)


def _frames(data):
    data = data.replace(bytes(4) + b"\x01\x04\x00", b"\x01\x04\x00")
    while data:
        yield data[: data[1] + 2]
        data = data[data[1] + 2 :]


def test_a_device_that_holds_something_else_is_a_fault():
    rig = Rig(**OLFACTOMETER).open().run(500_000)
    rig.emulator.rules.written = lambda register: rig.emulator.put("OdorValveState", 8)
    rig.wants(0, "odour_a")
    assert rig.beside.fault == (
        "Harp device 'beside': OdorValveState is 'Valve3' now, which is not what was written"
    )


def test_a_refused_write_is_a_fault():
    rig = Rig(**{**OLFACTOMETER, "setup": {"Channel3Range": 1}}).open()
    rig.emulator.rules.written = _refuse
    rig.run(500_000)
    assert "it refused a write of 01 to register Channel3Range" in rig.beside.fault


def _refuse(register):
    from drivers.harp.rules import Refused

    raise Refused


def test_a_device_that_never_answers_is_a_fault_after_five_seconds():
    rig = Rig(**OLFACTOMETER)
    rig.plugged = False
    rig.open().run(4_990_000)
    assert rig.beside.fault is None
    rig.run(20_000)
    assert rig.beside.fault == "nothing on 'COM9' answers as olfactometer; is it the right port, and powered?"


def test_a_port_that_cannot_be_opened_is_a_fault_at_once_and_later_a_wait():
    rig = Rig(**OLFACTOMETER)
    rig.enter("port", b"cannot be opened: there is no port COM9")
    assert rig.beside.fault == "Harp device 'beside': its port cannot be opened: there is no port COM9"
    rig = Rig(**OLFACTOMETER).open().run(500_000)
    rig.enter("port", b"lost: unplugged")
    assert rig.beside.fault is None
    assert not rig.beside.ready_for(0, "odour_a")
    assert rig.notices("error") == ["it is lost: its port lost: unplugged; the next trial waits for it"]
    assert rig.open().run(500_000).wants(0, "odour_a") == (False, True)


def test_the_last_bytes_are_what_the_rig_file_wants_at_the_end():
    rig = Rig(**OLFACTOMETER).open().run(500_000)
    rig.wants(0, "odour_a")
    rig.emulator.receive(rig.beside.farewell("beside"), rig.own_us(rig.now_us))
    assert (rig.emulator.value("ValveState"), rig.emulator.value("EnableFlow")) == ("", "Disabled")


@pytest.mark.parametrize("ppm", [-150.0, 0.0, 80.0])
def test_events_are_put_on_the_boards_clock_by_the_sync_line(ppm):
    rig = Rig(ppm=ppm, **BEHAVIOR).open().run(500_000)
    draws = np.random.Generator(np.random.PCG64(4))
    pokes = []
    for k in range(40):
        gap_us = int(draws.integers(500_000, 2_000_000)) // 100 * 100
        rig.run(gap_us // 2_000 * 2_000 - 40_000)
        rig.beside.board_pulse(rig.now_us, rising=True)
        rig.emulator.advance(rig.own_us(rig.now_us))
        rig.emulator.input("DigitalInputState", "DI3", True)
        rig.run(20_000)
        rig.beside.board_pulse(rig.now_us, rising=False)
        rig.emulator.input("DigitalInputState", "DI3", False)
        rig.run(20_000)
        rig.emulator.input("DigitalInputState", "DIPort1", k % 2 == 0)
        pokes.append(rig.now_us)
    rig.run(500_000)
    seen = [e for e in rig.told("DigitalInputState") if "DI3" not in e.value]
    placed = {round(e.board_us, -3): e for e in seen if e.board_us is not None}
    hits = [placed[poke] for poke in pokes if poke in placed]
    assert len(hits) > 30
    assert max(abs(e.board_us - round(e.board_us, -3)) for e in hits) < 60
    assert all(e.harp_us % 32 == 0 for e in seen)
    (clock,) = rig.beside.clocks(rig.now_us).values()
    assert (clock.verdict, clock.ppm) == ("ok", pytest.approx(ppm, abs=5.0))
    rig.beside.board_restarted("the board was reset")
    assert rig.beside.clocks(rig.now_us)["beside"].verdict == "lost"


def test_without_a_wire_the_computers_stamps_serve():
    rig = Rig(**OLFACTOMETER).open()
    for _ in range(120):
        rig.run(100_000)
        rig.out.begin(rig.now_us * 1000)
        rig.beside.board_heard(rig.now_us - 1_000)
    rig.emulator.input("DI0State", "", True)
    rig.run(300_000)
    (event,) = rig.told("DI0State")
    assert abs(event.board_us - (rig.now_us - 300_000)) < 5_000
    assert rig.beside.clocks(rig.now_us)["beside"].source == "host stamps"


def test_noise_is_summed_and_a_flood_of_events_is_told_in_batches():
    rig = Rig(**{**BEHAVIOR, "events": ("AnalogData",), "setup": {"EventEnable": "AnalogData"}}).open()
    rig.spoil = lambda data: data and b"\x07\x08" + data
    rig.run(3_000_000)
    batches = [d for d in rig.documents if isinstance(d, HarpEvents)]
    assert 20 < len(batches) < 40
    events = rig.told("AnalogData")
    assert len(events) > 2_500
    assert events[0].value == {"AnalogInput0": 0, "Encoder": 0, "AnalogInput1": 0}
    assert len([text for text in rig.notices("info") if "noise" in text]) == 1


def test_a_device_needs_its_driver():
    with pytest.raises(ConfigError, match="no driver was made for the Harp device 'beside'"):
        Beside((HarpConfig(name="beside", port="COM9", device="behavior"),), {}, Outbox())


def test_the_same_inputs_give_the_same_effects():
    def story():
        rig = Rig(ppm=20.0, **BEHAVIOR).open().run(300_000)
        rig.emulator.input("DigitalInputState", "DIPort0", True)
        rig.run(300_000)
        return rig.documents, rig.written

    assert story() == story()
