"""From a photometry board's chunk to the other board's action: `python -m benchmarks.photometry_loop`.

Two emulated photometry boards of two signals at 130 Hz and 64 units over ZeroMQ, in real time, in a process
of their own. The session thinks in this one: dF/F above a threshold, a soft event to the running table, and
that switches a light. Stamps of the emulated rig (the computer's one clock) say when a chunk's last byte was
handed to the port and when the table took the soft event. The tool's own figures are printed beside them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.figures import percentile
from drivers.rig_emulator.launch import launch
from drivers.rig_emulator.stamps import Stamped, read_stamps
from rig.cli.plans import make_plan
from rig.cli.sitting import make_session, sit
from rig.photometry.told import LoopLatency
from rig.runtime.config import parse_rig

HERE: Final = Path(__file__).resolve().parent
RATE_HZ: Final = 130
EVERY_S: Final = 0.4
"""A transient of dF/F comes about so often."""
FARTHEST_S: Final = 0.14
"""A soft event that is later than this belongs to another transient."""
TRIAL_S: Final = 10.0

PROTOCOL: Final = f'''
"""A light for 20 ms at each soft event."""

from rig import END, Protocol, StateMachine, TrialSpec, TrialType, soft, timer


class Answering(Protocol):
    """Trials of {TRIAL_S:g} s."""

    response = None

    def block(self):
        return [(TrialType(condition="answering"), 1)]

    def decide(self, history, estimates, rng):
        return TrialSpec(condition="answering")

    def table(self, trial):
        ways = {{timer("trial"): END, soft(1): "one", soft(2): "two"}}
        sm = StateMachine("answering")
        sm.timer("trial", seconds={TRIAL_S})
        sm.state("begin", timer=0.001, then="wait", start_timers="trial")
        sm.state("wait", on=ways)
        sm.state("one", timer=0.02, then="wait", outputs="led", on={{timer("trial"): END}})
        sm.state("two", timer=0.02, then="wait", outputs="led", on={{timer("trial"): END}})
        return sm
'''

RIG: Final = """
name = "latency"
[board]
port = "{port}"
host_timeout_ms = 2000
[board.outputs.led]
line = 3
[emulation]
units = {units}
"""

STREAM: Final = """
[[streams]]
name = "probe"
data = "tcp://127.0.0.1:0"
keep = "headers"
warmup_s = 0.0
"""

SOURCE: Final = """
[[photometry]]
name = "{name}"
port = "{port}"
[photometry.fibres.fibre]
signal = "analog_1"
control = "analog_2"
dff = {{ settle_s = 3.0 }}
[[photometry.thresholds]]
fibre = "fibre"
above_dff = 0.01
soft_event = {number}
refractory_s = 0.15
[emulation.photometry.{name}]
recording = "{recording}"
"""


def transients(path: Path, seconds: float, seed: int) -> None:
    """Write a recording: transients of 3 % at random times, and a control that shows none."""
    rng = np.random.default_rng(seed)
    at_s = np.cumsum(rng.uniform(0.75 * EVERY_S, 1.25 * EVERY_S, int(seconds / EVERY_S) + 10))
    t_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    since_s = t_s - at_s[np.maximum(np.searchsorted(at_s, t_s) - 1, 0)]
    shape = np.where((since_s >= 0) & (since_s < 0.12), np.sin(np.pi * since_s / 0.12), 0.0)
    signal = 15_000 * (1.0 + 0.03 * shape) + rng.normal(0.0, 10.0, len(t_s))
    control = 14_000 + rng.normal(0.0, 10.0, len(t_s))
    np.savez(
        path,
        signal_adc=signal.astype(np.int32),
        control_adc=control.astype(np.int32),
        volts_per_adc=1e-4,
        fs_hz=RATE_HZ,
    )


Decided = tuple[int, int, int]
"""Soft event, newest sample of the chunk that asked for it, and when that was decided, in ns."""


class Way(NamedTuple):
    """Seconds since a chunk's last byte was handed to the port, at the decision and at the action."""

    decided_s: float
    taken_s: float


class Watched(deque[Any]):
    """Remembers every soft event that was sent: (number, newest sample of its chunk, when it was decided)."""

    def __init__(self, sent: list[Decided]) -> None:
        super().__init__()
        self._sent = sent

    def append(self, sent: Any, /) -> None:
        self._sent.append((sent.loop.config.soft_event, sent.sample, time.monotonic_ns()))
        super().append(sent)


def free_ports(count: int, wire: str) -> list[str]:
    """Return ports for the emulated boards: pseudo-terminals, or TCP on this computer."""
    if wire == "pty":
        return ["pty"] * count
    with contextlib.ExitStack() as around:
        held = [around.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [f"socket://127.0.0.1:{one.getsockname()[1]}" for one in held]


def run(
    seconds: float, units: int, boards: int, wire: str = "pty", keep: Path | None = None
) -> tuple[list[Way], list[LoopLatency], str]:
    """Run it; return how long each way really took, and what the session measured itself."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port, *ports = free_ports(boards + 1, wire)
        text = RIG.format(units=units, port=port) + (STREAM if units else "")
        for k in range(boards):
            recording = folder / f"transients_{k}.npz"
            transients(recording, min(seconds + 60.0, 600.0), seed=k)
            text += SOURCE.format(name=f"source_{k}", port=ports[k], number=k + 1, recording=recording)
        (folder / "answering.py").write_text(PROTOCOL)
        sent: list[Decided] = []
        trials = max(1, round(seconds / TRIAL_S))
        with launch(parse_rig(text), speed=1.0, stamps=folder / "stamps.json") as process:
            plan = make_plan(
                str(folder / "answering.py"), process.rig, subject="bench", seed=1, trials=trials, settings={}
            )
            made = make_session(plan)
            session = made[0]
            session.fibres._loops._under_way = Watched(sent)
            outcome, _ = sit(plan, made, keep or folder, Console(quiet=True), quiet=True)
            process.stop()
        told = session.fibres._loops.told(session.fibres._intakes)
        return latencies(sent, read_stamps(folder / "stamps.json")), list(told), outcome.reason


def latencies(sent: list[Decided], stamps: Stamped) -> list[Way]:
    """Pair what was sent with what was taken: seconds from the chunk's last byte to decision and action."""
    found: list[Way] = []
    for number, leaving in enumerate(stamps.sent, 1):
        left = np.array(leaving, dtype=np.int64).reshape(-1, 2)
        # What left last may have no stamp any more.
        mine = [(sample, at_ns) for soft, sample, at_ns in sent if soft == number and sample < left[-1, 0]]
        samples, decided_ns = np.array(mine, dtype=np.int64).reshape(-1, 2).T
        out_ns: NDArray[np.int64] = left[np.searchsorted(left[:, 0], samples + 1), 1]
        for soft, _, taken_ns in stamps.soft:
            newest = int(np.count_nonzero(out_ns < taken_ns)) - 1
            if soft == number and newest >= 0 and taken_ns - out_ns[newest] < FARTHEST_S * 1e9:
                ends_ns = decided_ns[newest], taken_ns
                found.append(Way(*(float(end_ns - out_ns[newest]) * 1e-9 for end_ns in ends_ns)))
    return found


def _print(what: str, seconds: list[float]) -> None:
    shares = ", ".join(
        f"{share} {percentile(seconds, share) * 1e3:.2f} ms" for share in ("p50", "p99", "p100")
    )
    print(f"{what}, {len(seconds)} times: {shares}")


def main() -> None:
    """Run it from the command line and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--boards", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print the latencies as JSON and nothing else")
    parser.add_argument("--wire", choices=("pty", "tcp"), default="pty", help="what the boards are on")
    parser.add_argument("--out", type=Path, help="keep the session file in this folder")
    asked = parser.parse_args()
    ways, told, reason = run(asked.seconds, asked.units, asked.boards, asked.wire, asked.out)
    if asked.json:
        print(json.dumps({"seconds": [way.taken_s for way in ways], "told": msgspec.to_builtins(told)}))
        return
    print(reason)
    _print("chunk's last byte to action", [way.taken_s for way in ways])
    _print("  to the decision", [way.decided_s for way in ways])
    _print("  from there to the action", [way.taken_s - way.decided_s for way in ways])
    for loop in told:
        print(msgspec.json.encode(loop).decode())


if __name__ == "__main__":
    main()
