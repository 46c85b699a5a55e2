"""Hours of rig time on two rigs at once: `python -m benchmarks.soak --hours 8`.

Two emulated rigs of 16 units at twenty times real time at most, each with an engine of its own (`dopaloop
run`), all four processes watched from outside: memory, open files, threads; the engines are asked for their
health. The boards' counters begin a minute before they wrap, and wrap every 71.6 minutes after that. In the
end both files must be whole and replay.

Memory may not grow with time. It does grow with trials by design: a session keeps its records, and telemetry
the newest 64 MB of events for windows that come late. So what is judged is how it grows in the second half.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.kill import free_endpoint
from rig.cli.replay import recorded_plan, replay_file
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.description import Emulation, Limits, RigDescription, Telemetry
from rig.documents import Notice, SessionState, TrialDone
from rig.errors import TransportError
from rig.runtime.client import Client
from rig.runtime.config import dump_rig
from rig.runtime.reader import SessionFile
from rig.units import TICK_WRAP_US, US_PER_S

UNITS: Final = 16
RIGS: Final = 2
MOST_SPEED: Final = 20.0
LOOK_S: Final = 2.0
BEFORE_WRAP_US: Final = 60 * US_PER_S
STARTS_S: Final = 60.0
HOUR_US: Final = 3_600 * US_PER_S
MB_AN_HOUR: Final = 25.0
"""Growth of an engine's memory per hour of rig time (some 300 trials) that is still put down to records."""
TRIP: Final = "the board fell into its safe state (HOST_LOST)"
PAGE: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Look(msgspec.Struct, frozen=True):
    """One look at a process."""

    rig_us: int
    rss_mb: float
    files: int
    threads: int


class Watched:
    """A process, looked at now and then."""

    def __init__(self, name: str, pid: int) -> None:
        self.name = name
        self._proc = Path(f"/proc/{pid}")
        self.looks: list[Look] = []

    def look(self, rig_us: int) -> None:
        """Look."""
        with contextlib.suppress(OSError):
            pages = int((self._proc / "statm").read_text().split()[1])
            files = len(list((self._proc / "fd").iterdir()))
            threads = len(list((self._proc / "task").iterdir()))
            self.looks.append(Look(rig_us, pages * PAGE / 2**20, files, threads))

    @property
    def second_half(self) -> list[Look]:
        """Looks from the middle of the rig time on."""
        middle = (self.looks[0].rig_us + self.looks[-1].rig_us) / 2
        return [look for look in self.looks if look.rig_us >= middle]

    def mb_an_hour(self) -> float:
        """How memory grows in the second half, per hour of rig time."""
        half = self.second_half
        if len(half) < 3 or half[-1].rig_us == half[0].rig_us:
            return 0.0
        hours = np.array([look.rig_us / HOUR_US for look in half])
        return float(np.polyfit(hours, [look.rss_mb for look in half], 1)[0])


class Sitting:
    """One rig and its engine."""

    def __init__(self, number: int, folder: Path, speed: float) -> None:
        self.name = f"rig {number}"
        self.folder = folder / str(number)
        self.folder.mkdir(parents=True)
        self._around = contextlib.ExitStack()
        self.process = self._around.enter_context(launch(_emulated(number), speed=speed))
        telemetry = Telemetry(publish=free_endpoint(), commands=free_endpoint())
        rig = msgspec.structs.replace(self.process.rig, telemetry=telemetry)
        rig_file = self.folder / "rig.toml"
        rig_file.write_text(dump_rig(rig), encoding="utf-8")
        words = ["run", "variable_magnitude", "--rig", rig_file, "--subject", f"m{number}"]
        words += ["--out", self.folder, "--seed", number, "--no-gui"]
        self._log = (self.folder / "said.txt").open("w", encoding="utf-8")
        self.engine = subprocess.Popen(
            [sys.executable, "-m", "rig", *map(str, words)], stdout=self._log, stderr=self._log
        )
        self.client = Client(telemetry.publish, telemetry.commands, name="soak", timeout_s=5.0)
        self.watched = [
            Watched(f"{self.name}: engine", self.engine.pid),
            Watched(f"{self.name}: emulated rig", self.process.pid),  # type: ignore[attr-defined]
        ]
        self.first_us: int | None = None
        self.state: SessionState | None = None
        self.worst_lag_s = self.longest_gap_ms = 0.0
        self.most_waiting = self.incomplete = 0

    def look(self) -> None:
        """Ask the engine how it is, and look at both processes."""
        with contextlib.suppress(TransportError):
            health: Any = self.client.ping()
            self.state = self.client.snapshot().state or self.state
            self.worst_lag_s = max(self.worst_lag_s, health["recorder"]["lag_s"])
            self.longest_gap_ms = max(self.longest_gap_ms, health["guard"]["longest_gap_ms"])
            self.most_waiting = max(self.most_waiting, health["most_waiting"])
        if self.state is None or not self.state.board_us:
            return
        if self.first_us is None:
            self.first_us = self.state.board_us
        for watched in self.watched:
            watched.look(self.rig_us)

    @property
    def rig_us(self) -> int:
        """Rig time so far."""
        return self.state.board_us - self.first_us if self.state and self.first_us is not None else 0

    @property
    def wraps(self) -> int:
        """How often the board's counter has wrapped."""
        if self.state is None or self.first_us is None:
            return 0
        return self.state.board_us // TICK_WRAP_US - self.first_us // TICK_WRAP_US

    def stop(self) -> int:
        """Stop after the running trial; return the engine's status."""
        self.engine.send_signal(signal.SIGINT)
        try:
            return self.engine.wait(60)
        except subprocess.TimeoutExpired:
            self.engine.kill()
            return self.engine.wait()

    def close(self) -> None:
        """End both."""
        self.client.close()
        if self.engine.poll() is None:
            self.engine.kill()
            self.engine.wait()
        self._log.close()
        self._around.close()

    def problems(self, status: int) -> list[str]:
        """Return what is wrong after all."""
        found = [] if status == 0 else [f"the engine ended with status {status}: {self._said()}"]
        (path,) = self.folder.glob("*.sqlite")
        with SessionFile(path) as file:
            replayed = replay_file(file, recorded_plan(file))
            documents = [d for _, d in file.documents()]
        records = [d.record for d in documents if isinstance(d, TrialDone)]
        trips = sum(isinstance(d, Notice) and d.text.startswith(TRIP) for d in documents)
        if not replayed.complete:
            found.append(replayed.sentence)
        self.incomplete = sum(record.outcome != "complete" for record in records)
        if self.incomplete > trips:
            found.append(f"{self.incomplete} trials are not complete, for {trips} heartbeats that came late")
        if any(b.start_us <= a.start_us for a, b in itertools.pairwise(records)):
            found.append("board time went back")
        if self.wraps < 1:
            found.append("the board's counter did not wrap")
        state = self.state
        if state is not None and (state.events_lost or any(stream.lost for stream in state.streams)):
            found.append(f"{state.events_lost} board events were lost, or messages of a stream")
        for watched in self.watched:
            half = watched.second_half
            if half and half[-1].files > half[0].files + 2:
                found.append(f"{watched.name}: open files grew from {half[0].files} to {half[-1].files}")
            if watched.mb_an_hour() > MB_AN_HOUR:
                found.append(f"{watched.name}: memory grows by {watched.mb_an_hour():.0f} MB an hour")
        return [f"{self.name}: {text}" for text in found]

    def _said(self) -> str:
        self._log.flush()
        return (self.folder / "said.txt").read_text(encoding="utf-8")[-300:]


def _emulated(number: int) -> RigDescription:
    rig = with_emulation(demo_rig(), units=UNITS, seed=number)
    emulation = msgspec.structs.replace(
        rig.emulation or Emulation(), board_start_us=TICK_WRAP_US - BEFORE_WRAP_US
    )
    # A thirsty mouse: eight hours of trials are ten times a day's water.
    return msgspec.structs.replace(rig, emulation=emulation, limits=Limits(max_session_ul=40_000.0))


def table(sittings: list[Sitting], wall_s: float) -> Table:
    """Lay the figures out."""
    made = Table(title=f"{wall_s / 60:.1f} min of wall time")
    for heading in ("process", "rig time", "trials", "wraps", "memory MB", "grows MB/h", "files", "threads"):
        made.add_column(heading, justify="left" if heading == "process" else "right")
    for sitting in sittings:
        for watched in sitting.watched:
            first, last = watched.looks[0], watched.looks[-1]
            trials = sitting.state.trial if sitting.state else 0
            made.add_row(
                watched.name, f"{last.rig_us / HOUR_US:.2f} h", str(trials), str(sitting.wraps),
                f"{first.rss_mb:.0f} to {last.rss_mb:.0f}", f"{watched.mb_an_hour():+.1f}",
                f"{first.files} to {last.files}", f"{first.threads} to {last.threads}",
            )  # fmt: skip
    return made


def main() -> int:
    """Run, print the figures, say what is wrong; 1 if something is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=8.0, help="rig time")
    parser.add_argument("--speed", type=float, default=MOST_SPEED, help="rig time per wall time, at most 20")
    asked = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 130)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dopaloop-soak-") as folder, contextlib.ExitStack() as around:
        sittings = []
        for number in range(1, RIGS + 1):
            sittings.append(Sitting(number, Path(folder), min(asked.speed, MOST_SPEED)))
            around.callback(sittings[-1].close)
        while any(s.rig_us < asked.hours * HOUR_US and s.engine.poll() is None for s in sittings):
            time.sleep(LOOK_S)
            for sitting in sittings:
                sitting.look()
            if time.monotonic() - begun > STARTS_S and not all(s.rig_us for s in sittings):
                break
        wall_s = time.monotonic() - begun
        problems = [text for s, status in [(s, s.stop()) for s in sittings] for text in s.problems(status)]
        if all(watched.looks for sitting in sittings for watched in sitting.watched):
            console.print(table(sittings, wall_s))
        for s in sittings:
            console.print(
                f"{s.name}: {s.rig_us / 1e6 / wall_s:.1f} times real time; recorder at most "
                f"{1e3 * s.worst_lag_s:.0f} ms behind, longest gap between two signs of life "
                f"{s.longest_gap_ms:.0f} ms, most inputs waiting {s.most_waiting}; trials cut short because "
                f"this computer was too busy for the heartbeat: {s.incomplete}",
                highlight=False,
            )
        for text in problems:
            console.print(f"PROBLEM: {text}", highlight=False, markup=False)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
