"""The makers' own host, bpod-core, against our emulator on pseudo-terminals; its compiler against ours."""

from __future__ import annotations

import contextlib
import queue
import select
import sys
import threading
import time
import warnings

import pytest

from drivers.bpod.compiler import compile_table
from drivers.bpod.emulator import BpodEmulator
from drivers.bpod.hardware import R2, R2_PLUS
from drivers.bpod.matrix import encode
from drivers.transports import PtyServer
from rig.machine.table import EXIT, NO_TIMER, ActionKind, Condition

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals here", allow_module_level=True)
pytest.importorskip("bpod_core", reason="bpod-core is not installed (pip install bpod-core)")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for a runtime folder while it is imported; it gets one below
    from bpod_core import com, ipc
    from bpod_core.bpod import Bpod
    from bpod_core.fsm import StateMachine
from serial.tools.list_ports_common import ListPortInfo


class Served:
    """An emulated Bpod on two pseudo-terminals, in real time, by a thread."""

    def __init__(self, hardware=R2):
        self.ports = [PtyServer(), PtyServer()]
        self.device = BpodEmulator(hardware)
        self.happened = []
        self.edges = queue.SimpleQueue()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        begin, device = time.monotonic_ns(), self.device
        waiting = [b"", b""]
        while not self.stop.is_set():
            listening = [port for port in self.ports if port.connected]
            if listening:
                select.select(listening, [], [], 0.001)
            else:
                time.sleep(0.001)
            now_us = (time.monotonic_ns() - begin) // 1000
            device.receive(self.ports[0].read(), now_us)
            device.receive_app(self.ports[1].read(), now_us)
            self.happened += device.advance(now_us)
            while not self.edges.empty():
                device.input_edge(*self.edges.get())
            for n, out in enumerate((device.outgoing(now_us), device.outgoing_app())):
                waiting[n] += out
                waiting[n] = waiting[n][self.ports[n].write(waiting[n]) :]

    def close(self):
        self.stop.set()
        self.thread.join()
        for port in self.ports:
            port.close()


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Bpod-core, connected to an emulated r2; it looks ports up among the USB devices, so these are told."""
    served = Served()

    def listed():
        found = [ListPortInfo(port.name) for port in served.ports]
        for info in found:
            info.vid, info.pid, info.serial_number = 0x16C0, 0x048B, "12345"
        return found

    monkeypatch.setattr(com, "comports", listed)
    monkeypatch.setattr("bpod_core.bpod.CONFIG_PATH", tmp_path)
    monkeypatch.setattr(ipc.LocalServiceAdvertisement, "_runtime_directory", tmp_path)
    with contextlib.closing(served), Bpod(port=served.ports[0].name) as bpod:
        bpod.served = served
        yield bpod


def wait_for(what):
    end = time.monotonic() + 5.0
    while not what():
        assert time.monotonic() < end
        time.sleep(0.002)


def rows(data, kind):
    return data.filter(data["Type"] == kind)


def test_it_connects_and_names_our_events_as_it_should(host):
    assert (host.version.firmware, host.version.machine) == ((23, 10), 3)
    events = [*host._compiler._input_events.names]
    assert len(events) == 174
    assert events[-1] == "Tup"
    hardware = host.served.device.hardware
    for name, channel in hardware.input_channels().items():
        theirs = name.replace("BNC", "TTLIn")
        assert events[hardware.edge(channel, rising=True)] == f"{theirs}_High"
        assert events[hardware.edge(channel, rising=False)] == f"{theirs}_Low"
    assert events[hardware.soft_event] == "SoftCode0"
    assert events[hardware.timer_start] == "GlobalTimer0_Start"
    assert events[hardware.timer_end] == "GlobalTimer0_End"
    assert events[hardware.counter] == "GlobalCounter0_End"
    assert events[hardware.condition] == "Condition0"
    assert events[hardware.state_timer] == "Tup"
    assert set(hardware.output_channels()) == {
        name.replace("TTLOut", "BNC") for name in host.outputs if not name.startswith(("Serial", "SoftCode"))
    }


def test_it_runs_a_machine_and_reads_what_happened(host):
    fsm = StateMachine()
    fsm.add_state("cue", timer=0.05, transitions={"Tup": "reward"}, actions={"PWM1": 255, "SoftCode": 7})
    fsm.add_state(
        "reward", timer=0.03, transitions={"Tup": ">exit", "Port1_High": "cue"}, actions={"Valve1": 1}
    )
    heard = []
    host.set_softcode_handler(heard.append)
    host.run(fsm)
    host.wait()
    data = host.get_data()
    start = data["Time"][0]
    visits = rows(data, "StateStart")
    assert [
        (s, (t - start).total_seconds()) for s, t in zip(visits["State"], visits["Time"], strict=True)
    ] == [
        ("cue", 0.0),
        ("reward", 0.05),
    ]
    assert (rows(data, "TrialEnd")["Time"][0] - start).total_seconds() == pytest.approx(0.08)
    assert (rows(data, "TrialEndControl")["Time"][0] - start).total_seconds() == pytest.approx(0.08, abs=1e-4)
    wait_for(lambda: heard == [7])
    pins = [(h.number, h.value) for h in host.served.happened if h.kind == "pin"]
    assert pins == [(9, 255), (9, 0), (13, 1), (13, 0)]


def test_inputs_counters_timers_and_soft_codes_lead_where_it_says(host):
    fsm = StateMachine()
    fsm.set_global_timer(0, duration=0.02, onset_delay=0.01, channel="Valve2", value_on=1)
    fsm.set_global_counter(0, event="Port1_High", threshold=3)
    fsm.add_state("count", timer=5, transitions={"GlobalCounter0_End": "soft", "Tup": ">exit"})
    fsm.add_state("soft", timer=5, transitions={"SoftCode3": "timer", "Tup": ">exit"})
    fsm.add_state(
        "timer",
        timer=5,
        transitions={"GlobalTimer0_End": "done", "Tup": ">exit"},
        actions={"GlobalTimerTrig": 0},
    )
    fsm.add_state("done", timer=0.001, transitions={"Tup": ">exit"})
    host.run(fsm)
    served = host.served
    wait_for(lambda: served.device.running)
    time.sleep(0.01)
    for _ in range(3):
        served.edges.put((9, True))
        time.sleep(0.01)
        served.edges.put((9, False))
        time.sleep(0.01)
    wait_for(lambda: [h.number for h in served.happened if h.kind == "state"] == [0, 1])
    host.send_softcode(3)
    host.wait()
    data = host.get_data()
    assert rows(data, "StateStart")["State"].to_list() == ["count", "soft", "timer", "done"]
    times = dict(zip(rows(data, "StateStart")["State"], rows(data, "StateStart")["Time"], strict=True))
    assert (times["done"] - times["timer"]).total_seconds() == pytest.approx(0.03)
    licks = rows(data, "InputEvent").filter(rows(data, "InputEvent")["Event"] == "Port1_High")
    assert len(licks) == 3
    # The counter is told one cycle after the third lick: the firmware counts after it has looked.
    assert (times["soft"] - licks["Time"][2]).total_seconds() == pytest.approx(1e-4)


def test_a_queued_trial_follows_one_cycle_after_the_last_and_a_stop_is_reported(host):
    fsm = StateMachine()
    fsm.add_state("only", timer=0.05, transitions={"Tup": ">exit"})
    for _ in range(3):
        host.run(fsm)
    host.wait()
    data = host.get_data()
    starts, ends = rows(data, "TrialStart")["Time"], rows(data, "TrialEnd")["Time"]
    gaps = [(starts[n + 1] - ends[n]).total_seconds() for n in range(2)]
    assert gaps == pytest.approx([1e-4, 1e-4])
    waits = StateMachine()
    waits.add_state("wait", timer=60, transitions={"Tup": ">exit"}, actions={"Valve1": 1})
    host.run(waits)
    wait_for(lambda: host.served.device.running)
    time.sleep(0.01)
    host.stop_state_machine()
    host.wait()
    assert [h.value for h in host.served.happened if h.kind == "pin"] == [1, 0]


# --- its compiler as the oracle for ours -----------------------------------------------------------------


def theirs(table, wiring, compiled):
    """The same table written for bpod-core, with the timers that our compiler gave to pulses."""
    names_in = {line: name for name, channel in wiring.hardware.input_channels().items() for line, c in
                wiring.inputs.items() if c == channel}  # fmt: skip
    names_out = {channel: name for name, channel in wiring.hardware.output_channels().items()}
    fsm = StateMachine()
    for number, timer in enumerate(compiled.matrix.timers):
        channel = None if timer.channel == 254 else names_out[timer.channel].replace("BNC", "TTLOut")
        how = {} if channel is None else {"channel": channel, "value_on": timer.on}
        fsm.set_global_timer(number, duration=timer.duration / 10_000, **how)

    def event(code):
        if code < Condition.SOFT:
            line, rising = divmod(code, 2)
            return f"{names_in[line].replace('BNC', 'TTLIn')}_{'High' if rising else 'Low'}"
        if code < Condition.COUNTER:
            return f"SoftCode{code - Condition.SOFT}"
        if code < Condition.TIMER:
            return f"GlobalCounter{code - Condition.COUNTER}_End"
        return "Tup" if code == Condition.STATE_TIMER else f"GlobalTimer{code - Condition.TIMER}_End"

    for number, counter in enumerate(table.counters):
        fsm.set_global_counter(number, event=event(counter.code), threshold=counter.threshold)
    for number, state in enumerate(table.states):
        actions = {}
        for channel, value in compiled.matrix.states[number].outputs:
            actions[names_out[channel].replace("BNC", "TTLOut")] = value
        row = compiled.matrix.states[number]
        if row.trigger:
            actions["GlobalTimerTrig"] = row.trigger.bit_length() - 1
        if row.cancel:
            actions["GlobalTimerCancel"] = row.cancel.bit_length() - 1
        if row.reset:
            actions["GlobalCounterReset"] = row.reset - 1
        timed = state.timer_cycles != NO_TIMER
        fsm.add_state(
            f"s{number}",
            timer=state.timer_cycles / 10_000 if timed else 0.0,
            # They keep the order in which transitions were written; ours are soft events, then inputs.
            transitions={
                event(t.code): ">exit" if t.target == EXIT else f"s{t.target}"
                for t in sorted(
                    state.transitions, key=lambda t: not Condition.SOFT <= t.code < Condition.COUNTER
                )
            },
            actions=actions,
        )
    return fsm


def comparable(table):
    """What bpod-core's language can say: one timer started or cancelled a state, no way to itself."""
    for number, state in enumerate(table.states):
        starts = sum(a.kind in (ActionKind.TIMER_START, ActionKind.PULSE) for a in state.actions)
        cancels = sum(a.kind is ActionKind.TIMER_CANCEL for a in state.actions)
        if starts > 1 or cancels > 1 or any(t.target == number for t in state.transitions):
            return False
    return True


def test_both_compilers_make_the_same_bytes(host, draws, wiring):
    compared = 0
    for seed in range(400):
        draw = draws(500_000 + seed)
        table = draw.table(pulses=draw.chance(0.5))
        if not comparable(table):
            continue
        compiled = compile_table(table, wiring)
        expected, _ = host._compiler.compile(state_machine=theirs(table, wiring, compiled), validate=False)
        assert encode(compiled.matrix, wide=False, timers=16).hex(" ") == expected.hex(" "), seed
        compared += 1
    assert compared > 50


def test_a_machine_of_type_4_gets_the_bytes_that_their_compiler_makes_for_it(wiring):
    from bpod_core.bpod._compiler import StateMachineCompiler
    from bpod_core.bpod.constants import FlexIOChannelType
    from bpod_core.bpod.structs import VersionInfo, _HardwareConfiguration

    plus = R2_PLUS
    hardware = _HardwareConfiguration(
        256, 100, 75, 5, 16, 8, 16, len(plus.inputs), plus.inputs.encode(), len(plus.outputs),
        plus.outputs.encode(), 10_000, 3, 4,
    )  # fmt: skip
    compiler = StateMachineCompiler(
        hardware,
        VersionInfo((23, 10), 4, "2+ r1.0", 0, ""),
        {f"Serial{n}": [f"Serial{n}_{k}" for k in range(15)] for n in (1, 2, 3)},
        flexio_channel_types={f"Flex{n}": FlexIOChannelType.DISABLED for n in range(1, 5)},
        threshold_voltages={},
    )
    fsm = StateMachine()
    fsm.set_global_timer(0, duration=0.03, channel="Valve5", value_on=1)
    fsm.add_state("a", timer=0.1, transitions={"Port5_High": "b", "Tup": "b"}, actions={"PWM5": 255})
    fsm.add_state("b", timer=0.2, transitions={"Tup": ">exit"}, actions={"GlobalTimerTrig": 0})
    expected, _ = compiler.compile(state_machine=fsm, validate=False)

    from drivers.bpod.compiler import Wiring
    from rig.machine.table import Action, State, StateTable, Transition

    table = StateTable(
        name="plus",
        states=(
            State(
                name="a",
                timer_cycles=1000,
                outputs=1 << 1,
                transitions=(
                    Transition(code=Condition.INPUT + 1, target=1),
                    Transition(code=Condition.STATE_TIMER, target=1),
                ),
            ),
            State(
                name="b",
                timer_cycles=2000,
                transitions=(Transition(code=Condition.STATE_TIMER, target=EXIT),),
                actions=(Action(kind=ActionKind.PULSE, index=0, value=30_000),),
            ),
        ),
    )
    outputs = plus.output_channels()
    ours = compile_table(
        table,
        Wiring(
            hardware=plus,
            inputs={0: plus.input_channels()["Port5"]},
            outputs={0: outputs["Valve5"], 1: outputs["PWM5"]},
        ),
    )
    assert encode(ours.matrix, wide=True, timers=16).hex(" ") == expected.hex(" ")
