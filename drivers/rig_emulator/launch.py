"""Start an emulated rig in a process of its own, and stop it again."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from drivers.rig_emulator.main import TRUTH
from rig.description import RigDescription
from rig.errors import DopaloopError, TransportError
from rig.runtime.config import dump_rig, load_rig

START_S: Final = 30.0
STOP_S: Final = 5.0


class Farewell(msgspec.Struct, frozen=True, kw_only=True):
    """What an emulated rig leaves behind.

    Attributes
    ----------
    truth
        What its animal reveals (`rig.sim.animal.AnimalTruth` as JSON); None if it did not end well.
    reached, held_s, trials
        Mean speed, wall time in which the rig stood still because output was not taken, trials begun.
    """

    truth: bytes | None = None
    reached: float | None = None
    held_s: float | None = None
    trials: int | None = None


class RigProcess:
    """A running emulated rig; use `launch`.

    Attributes
    ----------
    rig
        The effective rig: real ports, roster. Hand it to a session.
    """

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._farewell: Farewell | None = None
        self._reader = threading.Thread(target=self._read, name="emulated rig", daemon=True)
        self._reader.start()
        try:
            self._await_ports()
            self.rig: RigDescription = load_rig(folder / "effective.toml")
        except DopaloopError:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """Process number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def _await_ports(self) -> None:
        try:
            line = self._lines.get(timeout=START_S)
        except queue.Empty:
            raise TransportError(f"the emulated rig did not come up within {START_S:g} s") from None
        if not line:
            self._process.wait(STOP_S)
            why = (self._folder / "errors.txt").read_text(encoding="utf-8", errors="replace").strip()
            raise TransportError(f"the emulated rig ended at once: {why[-2000:] or 'it gave no reason'}")

    def truth(self) -> bytes:
        """Return what the animal reveals by now (`rig.sim.animal.AnimalTruth` as JSON).

        Raises
        ------
        TransportError
            If the emulated rig does not answer.
        """
        stdin = self._process.stdin
        try:
            if stdin is None or stdin.closed:
                raise OSError("it was stopped")
            stdin.write(f"{TRUTH}\n")
            stdin.flush()
            line = self._lines.get(timeout=STOP_S)
        except (OSError, queue.Empty) as error:
            raise TransportError(f"the emulated rig does not answer ({error})") from None
        if not line:
            raise TransportError("the emulated rig has ended")
        return line.strip().encode()

    def stop(self) -> Farewell:
        """End it, and return what it leaves behind; may be called twice."""
        if self._farewell is not None:
            return self._farewell
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._reader.join(STOP_S)
        if process.stdout is not None:
            process.stdout.close()
        self._farewell = self._collect()
        shutil.rmtree(self._folder, ignore_errors=True)
        return self._farewell

    def _collect(self) -> Farewell:
        last = "{}"
        while not self._lines.empty():
            last = self._lines.get() or last
        truth = self._folder / "truth.json"
        farewell = msgspec.json.decode(last, type=Farewell)
        return msgspec.structs.replace(farewell, truth=truth.read_bytes()) if truth.exists() else farewell

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def launch(
    rig: RigDescription, *, speed: float = 1.0, recorded: Path | None = None, stamps: Path | None = None
) -> RigProcess:
    """Start an emulated rig in its own process and wait until its ports are open.

    It ends when it is stopped, and by itself when this process ends in whatever way.

    Parameters
    ----------
    rig
        What to emulate; its ports are opened anew, see `RigProcess.rig` for the real ones.
    speed
        Ceiling of rig time per wall time.
    recorded
        Spike file (.npz) to play instead of simulated units.
    stamps
        Where to write, at the end, when samples left and soft events were taken.

    Raises
    ------
    TransportError
        If it does not come up; says what it said.
    """
    folder = Path(tempfile.mkdtemp(prefix="dopaloop-rig-"))
    asked = folder / "rig.toml"
    asked.write_text(dump_rig(rig), encoding="utf-8")
    command = [sys.executable, "-m", "drivers.rig_emulator", str(asked), "--stdin", "--speed", repr(speed)]
    command += ["--write-rig", str(folder / "effective.toml"), "--truth", str(folder / "truth.json")]
    if recorded is not None:
        command += ["--recorded", str(recorded.resolve())]
    if stamps is not None:
        command += ["--stamps", str(stamps.resolve())]
    # The child finds the packages where this process did, wherever that is.
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    with (folder / "errors.txt").open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
    return RigProcess(process, folder)
