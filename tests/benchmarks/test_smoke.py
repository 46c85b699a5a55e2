"""`python -m benchmarks` measures both sides and says how they compare."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_shows_our_codec_beside_the_official_one():
    command = [sys.executable, "-m", "benchmarks", "benchmarks/test_codec.py", "-k", "4096"]
    # A worker of this suite says so in its environment, and nobody would measure anything in one.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    done = subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    row = next(line for line in done.stdout.splitlines() if "official framer" in line)
    ours, official, ratio = (float(number) for number in re.findall(r"\d+\.\d+", row))
    assert ours > 0 and official > 0
    assert abs(ratio - ours / official) < 0.05 * ratio
