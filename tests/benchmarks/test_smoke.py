"""`python -m benchmarks` measures both sides and says how they compare."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_shows_our_codec_beside_the_official_one():
    command = [sys.executable, "-m", "benchmarks", "benchmarks/test_codec.py", "-k", "4096"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    row = next(line for line in done.stdout.splitlines() if "official framer" in line)
    ours, official, ratio = (float(number) for number in re.findall(r"\d+\.\d+", row))
    assert ours > 0 and official > 0
    assert abs(ratio - ours / official) < 0.05 * ratio
