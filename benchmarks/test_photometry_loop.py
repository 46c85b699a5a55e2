"""From a photometry board's chunk to the state-machine board's action, beside a bare process's echo.

Both boards are emulated, in one process; the session is another. The echo goes over the same kind of
pseudo-terminal, there and back, and does nothing.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.far_end import ROOT, FarEnd
from benchmarks.figures import Aim, Bench, baseline, ours

SECONDS = 30.0
PATIENCE_S = 60.0
CHUNK = b"x" * 13


def there_and_back(end: FarEnd) -> None:
    end.send(CHUNK)
    back = b""
    while len(back) < len(CHUNK):
        more = end.read(5.0)
        assert more, "no echo"
        back += more


@pytest.mark.benchmark(group="two fibres' chunk to the board's soft event, 64 units beside")
@pytest.mark.parametrize("what", ["echo", "loop"])
def test_chunk_to_action(benchmark: Bench, tmp_path: Path, what: str) -> None:
    if what == "echo":
        end = FarEnd(tmp_path, "echo")
        benchmark.pedantic(there_and_back, args=(end,), warmup_rounds=50, rounds=500)
        end.close()
        baseline(benchmark, "bare echo")
        return
    command = [sys.executable, "-m", "benchmarks.photometry_loop", "--json", "--seconds", f"{SECONDS:g}"]
    said = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, timeout=SECONDS + PATIENCE_S, check=False
    )
    assert said.returncode == 0, said.stderr
    measured = json.loads(said.stdout.splitlines()[-1])
    assert len(measured["seconds"]) > SECONDS, "too few soft events were taken"
    benchmark.pedantic(lambda: None, rounds=1)
    aim = Aim(us=20_000)
    ours(
        benchmark,
        "session, two photometry boards",
        seconds=measured["seconds"],
        shares={"p50": None, "p99": aim},
    )
