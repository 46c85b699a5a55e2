"""`kill -9` of the engine at random moments: `python -m benchmarks.kill [KILLS] [TRIALS]`.

A session on an emulated rig (real pseudo-terminal, real ZeroMQ, a process of its own) is run by an engine in
another process, which is killed, started again with ``--resume``, killed, and so on; when all trials are done
the next session begins. After every kill the file must open, be sound, hold all inputs but those of the last
100 ms, and every trial that a subscriber was told of. At the end of every session all its trials must be
there, in the declared order, and the file must replay as a whole.

One engine in four dies at any moment after it was started, one in four some time after it has told of a new
trial, the others some time after they have taken something in.

How late the newest input was is measured by the stamps that the engine gave: the killed process leaves its
last one in shared memory. The processes are forked from a server that has imported everything, or they would
do little else. A computer that is too busy for the engine delays it by as much as it likes: how long its
threads waited for a processor just before they died (Linux counts it) is not held against it, and told apart.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import signal
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import zmq

from benchmarks.killed import run_new, run_on
from rig.cli.plans import make_plan
from rig.cli.replay import recorded_plan, replay_file
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.simulate import run_virtual, virtual_description
from rig.description import Emulation, Telemetry
from rig.documents import SessionEnded, TrialDone
from rig.runtime.config import dump_rig
from rig.runtime.reader import SessionFile
from rig.trial.spec import TrialRecord, TrialSpec

KILLS: Final = 1_000
TRIALS: Final = 20
UNITS: Final = 4
SPEED: Final = 60.0
LONGEST_S: Final = 1.0
"""An engine lives up to so long."""
ANY_MOMENT: Final = 0.25
AFTER_A_TRIAL: Final = 0.25
END_S: Final = 60.0
LOST_MS: Final = 100.0
LATELY_S: Final = 0.5
PRELOADED: Final = (
    "benchmarks.killed", "drivers.board.device", "drivers.open_ephys.device", "drivers.transports",
    "drivers.rig_emulator.launch", "protocols.variable_magnitude",
)  # fmt: skip


class Killed(msgspec.Struct, frozen=True, kw_only=True):
    """One kill.

    How long the engine had lived, what was lost, how long its threads had lately waited for a processor, how
    many trials were told and are on file.
    """

    lived_s: float
    lost_inputs: int
    lost_ms: float
    waited_ms: float
    told: int
    on_file: int


class Outcome(msgspec.Struct, kw_only=True):
    """What came of it."""

    kills: list[Killed] = []
    sessions: int = 0
    incomplete: int = 0
    same_digest: int = 0
    problems: list[str] = []


class Killer:
    """Kills engines.

    Parameters
    ----------
    folder
        For session files.
    trials
        Of a session.
    """

    def __init__(
        self, folder: Path, *, seed: int = 1, trials: int = TRIALS, longest_s: float = LONGEST_S
    ) -> None:
        self._folder, self._trials, self._longest_s = folder, trials, longest_s
        self._draws = np.random.Generator(np.random.PCG64(seed))
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(list(PRELOADED))
        self.outcome = Outcome()

    def run(self, kills: int) -> Outcome:
        """Kill so many; every session is run to its end."""
        while len(self.outcome.kills) < kills and not self.outcome.problems:
            number = self.outcome.sessions + 1
            folder = self._folder / str(number)
            folder.mkdir(parents=True)
            emulated = with_emulation(demo_rig(), units=UNITS, seed=number)
            with launch(emulated, speed=SPEED) as process, _Subscriber() as ear:
                rig = msgspec.structs.replace(process.rig, telemetry=ear.telemetry)
                (folder / "rig.toml").write_text(dump_rig(rig), encoding="utf-8")
                self._session(folder, number, ear, kills)
            self.outcome.sessions += 1
        return self.outcome

    def _session(self, folder: Path, seed: int, ear: _Subscriber, kills: int) -> None:
        killed_here = 0
        while True:
            left = kills - len(self.outcome.kills)
            newest = self._processes.RawArray(ctypes.c_longlong, 3)
            newest[0] = -1
            began = time.monotonic()
            file = next(folder.glob("*.sqlite"), None)
            moment = self._moment(newest, ear, len(_look(file)[2]), left)
            status, told, waited_ms = self._live(folder, seed, newest, ear, moment)
            path = next(folder.glob("*.sqlite"), None)
            if status is not None:
                self._check_end(path, seed, killed_here, status)
                return
            if left <= 0:
                self.outcome.problems.append(f"session {seed} did not end within {END_S:g} s")
                return
            killed_here += 1
            self._check_kill(path, list(newest), told, time.monotonic() - began, waited_ms)
            if path is not None and _has(path, "end"):  # it died when all was written
                self._check_end(path, seed, killed_here, 0)
                return

    def _moment(self, newest: Any, ear: _Subscriber, trials: int, left: int) -> Callable[[], bool]:
        """Draw when an engine is to die; return what says whether it may still live."""
        lives_s = float(self._draws.uniform(0, self._longest_s)) if left > 0 else END_S
        kind = self._draws.uniform()
        any_moment = kind < ANY_MOMENT
        after_a_trial = left > 0 and kind > 1 - AFTER_A_TRIAL
        since = [time.monotonic()]
        ear.newest = -1

        def lives() -> bool:
            now = time.monotonic()
            begun = ear.newest >= trials if after_a_trial else newest[0] >= 0
            if not any_moment and not begun and now - since[0] < END_S:
                return True
            if not any_moment and len(since) == 1:
                since.append(now)
            return now - since[-1] < lives_s

        return lives

    def _live(
        self, folder: Path, seed: int, newest: Any, ear: _Subscriber, lives: Callable[[], bool]
    ) -> tuple[int | None, set[int], float]:
        """Let an engine live for a while, then kill it.

        Return its status if it ended by itself, what it told, and how long it waited for a processor.
        """
        path = next(folder.glob("*.sqlite"), None)
        if path is not None and not _has(path, "versions"):
            path.unlink()  # killed before there was a session in it
            path = None
        if path is None:
            new = (str(folder / "rig.toml"), str(folder), seed, self._trials, newest)
            process = self._processes.Process(target=run_new, args=new)
        else:
            process = self._processes.Process(target=run_on, args=(str(path), newest))
        process.start()
        queue = _Queue(process.pid or 0)
        told = ear.listen(lambda: queue.look() and process.is_alive() and lives())
        process.kill()
        process.join()
        killed = process.exitcode == -signal.SIGKILL  # it may have ended just before
        return None if killed else process.exitcode, told | ear.listen(lambda: False), queue.waited_ms

    def _check_kill(
        self, path: Path | None, newest: list[int], told: set[int], lived_s: float, waited_ms: float
    ) -> None:
        taken, t_ns, began_ns = newest
        stored, stored_ns, trials, sound = _look(path)
        lost = max(0, taken - stored)
        # Between two lives there was nothing to lose.
        lost_ms = max(0.0, (t_ns - max(stored_ns, began_ns)) / 1e6) if lost else 0.0
        killed = Killed(
            lived_s=lived_s, lost_inputs=lost, lost_ms=lost_ms, waited_ms=waited_ms, told=len(told),
            on_file=len(trials),
        )  # fmt: skip
        self.outcome.kills.append(killed)
        where = f"kill {len(self.outcome.kills)} ({path.name if path else 'no file'})"
        if sound != "ok":
            self.outcome.problems.append(f"{where}: the file is not sound: {sound}")
        if lost_ms > LOST_MS + waited_ms:
            text = f"{where}: the last {lost_ms:.0f} ms of input are missing; it waited {waited_ms:.0f} ms"
            self.outcome.problems.append(text)
        if not told <= trials:
            self.outcome.problems.append(
                f"{where}: trials {sorted(told - trials)} were told, and are not on file"
            )

    def _check_end(self, path: Path | None, seed: int, kills: int, status: int | None) -> None:
        name = f"session {seed}"
        if path is None or status != 0:
            self.outcome.problems.append(f"{name} ended with status {status}")
            return
        expected, digest = _uninterrupted(seed, self._trials)
        with SessionFile(path) as file:
            documents = [document for _, document in file.documents()]
            replayed = replay_file(file, recorded_plan(file))
            resumed = sum(entry.kind == "resume" for entry in file.inputs())
        records = [document.record for document in documents if isinstance(document, TrialDone)]
        ended = [document for document in documents if isinstance(document, SessionEnded)]
        self.outcome.incomplete += sum(record.outcome != "complete" for record in records)
        self.outcome.same_digest += bool(ended) and ended[-1].decision_digest == digest
        if [record.spec for record in records] != expected:
            self.outcome.problems.append(f"{name}: {_difference(records, expected)}")
        if not replayed.complete or resumed > kills:
            self.outcome.problems.append(f"{name}: {replayed.sentence}; {resumed} gaps for {kills} kills")


class _Subscriber:
    """Somebody who is told of trials, whoever is alive to tell."""

    def __init__(self) -> None:
        self.telemetry = Telemetry(publish=free_endpoint(), commands=free_endpoint())
        self.newest = -1
        """Number of the newest trial that was told of."""
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.subscribe(b"events")
        self._socket.setsockopt(zmq.RECONNECT_IVL, 10)
        self._socket.linger = 0
        self._socket.connect(self.telemetry.publish)

    def listen(self, go_on: Callable[[], bool]) -> set[int]:
        """Return the trials that were told of while `go_on` holds, and what had come by then."""
        told: set[int] = set()
        while True:
            more = go_on()
            if self._socket.poll(10 if more else 0):
                with contextlib.suppress(zmq.Again):
                    document = msgspec.json.decode(self._socket.recv_multipart(zmq.NOBLOCK)[-1])["document"]
                    if document["schema"] == "trial":
                        told.add(document["record"]["number"])
                        self.newest = max(told)
            elif not more:
                return told

    def __enter__(self) -> _Subscriber:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.destroy(linger=0)


class _Queue:
    """How long a process's threads lately waited for a processor; nothing where the system does not tell."""

    def __init__(self, pid: int) -> None:
        self._tasks = Path(f"/proc/{pid}/task")
        self._looks: deque[tuple[float, dict[str, int]]] = deque()

    def look(self) -> bool:
        """Look; always True."""
        now_s, waited_ns = time.monotonic(), dict[str, int]()
        with contextlib.suppress(OSError):
            for task in self._tasks.iterdir():
                with contextlib.suppress(OSError, IndexError):  # a thread that has ended meanwhile
                    waited_ns[task.name] = int((task / "schedstat").read_text().split()[1])
        if waited_ns:
            self._looks.append((now_s, waited_ns))
        while len(self._looks) > 2 and now_s - self._looks[1][0] > LATELY_S:
            self._looks.popleft()
        return True

    @property
    def waited_ms(self) -> float:
        """All threads together, within the last half second."""
        if not self._looks:
            return 0.0
        before, now = self._looks[0][1], self._looks[-1][1]
        return sum(waited_ns - before.get(task, 0) for task, waited_ns in now.items()) / 1e6


def free_endpoint() -> str:
    """Return an address on this computer that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{one.getsockname()[1]}"


def _has(path: Path, key: str) -> bool:
    """Whether the file's description holds this; ``versions`` is its last part, ``end`` the end mark."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as db:
            return bool(db.execute("SELECT count(*) FROM meta WHERE key = ?", (key,)).fetchone()[0])
    except sqlite3.Error:
        return False


def _look(path: Path | None) -> tuple[int, int, set[int], str]:
    """Return inputs on file, the time of the newest, the trials, and whether the file is sound."""
    if path is None or not _has(path, "versions"):
        return 0, 0, set(), "ok"
    with contextlib.closing(sqlite3.connect(path)) as db:
        (sound,) = db.execute("PRAGMA integrity_check").fetchone()
        newest, t_ns, count = db.execute("SELECT max(seq), max(t_ns), count(*) FROM inputs").fetchone()
        trials = {n for (n,) in db.execute("SELECT trial FROM trials")}
    if count and count != newest + 1:
        sound = f"{newest + 1 - count} inputs are missing in the middle"
    return count, t_ns or 0, trials, sound


def _difference(records: list[TrialRecord], expected: list[TrialSpec]) -> str:
    """Say how trials are not those of a session that was left alone."""
    numbers = [record.number for record in records]
    if numbers != list(range(len(expected))):
        return f"its trials are numbered {numbers}, not 0 to {len(expected) - 1}"
    wrong = next(record for record, spec in zip(records, expected, strict=True) if record.spec != spec)
    return f"trial {wrong.number} was {wrong.spec}, not {expected[wrong.number]}"


def _uninterrupted(seed: int, trials: int) -> tuple[list[TrialSpec], str]:
    rig = virtual_description(demo_rig(), Emulation(units=UNITS, seed=seed))
    plan = make_plan("variable_magnitude", rig, subject="m1", seed=seed, trials=trials, settings={})
    outcome = run_virtual(plan)
    return [record.spec for record in outcome.session.history.records], outcome.ended.decision_digest


def main(kills: str = str(KILLS), trials: str = str(TRIALS)) -> int:
    """Kill, and print what came of it; 1 if something was lost that must not be. Ctrl-C prints it earlier."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dopaloop-kill-") as folder:
        killer = Killer(Path(folder), trials=int(trials))
        with contextlib.suppress(KeyboardInterrupt):
            killer.run(int(kills))
        outcome = killer.outcome
    for problem in outcome.problems:
        print("PROBLEM:", problem)
    lost_ms = sorted(killed.lost_ms for killed in outcome.kills) or [0.0]
    lost = [killed.lost_inputs for killed in outcome.kills]
    told = sum(killed.told for killed in outcome.kills)
    lost_told = any("were told" in problem for problem in outcome.problems)
    print(
        f"{len(outcome.kills)} kills in {outcome.sessions} whole sessions of {trials} trials, "
        f"{time.monotonic() - begun:.0f} s\n"
        f"input missing: median {statistics.median(lost_ms):.1f} ms, 99 % "
        f"{lost_ms[int(0.99 * len(lost_ms))]:.1f} ms, most {lost_ms[-1]:.1f} ms (at most "
        f"{max(lost, default=0)} inputs; {sum(n == 0 for n in lost)} kills lost none)\n"
        f"missing beyond what the engine's threads waited for a processor: at most "
        f"{max((max(0.0, k.lost_ms - k.waited_ms) for k in outcome.kills), default=0.0):.1f} ms\n"
        f"trials told before a kill: {told}; all of them on file: {'no' if lost_told else 'yes'}\n"
        f"trials incomplete: {outcome.incomplete}; sessions with the digest of one that was left alone: "
        f"{outcome.same_digest}"
    )
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
