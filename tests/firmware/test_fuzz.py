"""Any bytes as frames and as tables: nothing is read or written where it must not be."""

import re
import subprocess

import pytest

from benchmarks.firmware.build import build, missing
from benchmarks.firmware.corpus import frames_sample, table_sample, write_corpora
from benchmarks.firmware.scripts import random_image

RUNS = {"frames": 250, "tables": 2_500}


def run(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


@pytest.mark.parametrize("target", ["frames", "tables"])
def test_fuzz(fuzz_built, tmp_path, target):
    frames, tables = write_corpora(tmp_path, seed=1, count=60)
    corpus = frames if target == "frames" else tables
    told = run(fuzz_built / f"fuzz_{target}", f"-runs={RUNS[target]}", "-seed=1", corpus)
    done = int(re.search(r"Done (\d+) runs", told)[1])
    assert done >= RUNS[target]


def test_samples_are_what_the_targets_read():
    from benchmarks.firmware.scripts import Draws

    sample = table_sample(1, 5)
    length = int.from_bytes(sample[:2], "little")
    assert sample[2 : 2 + length] == random_image(Draws(1, 5, 0x7AB1E))
    sample, at, pieces = frames_sample(1, 5), 0, 0
    while at < len(sample):
        at += 1 + sample[at] + 1
        pieces += 1
    assert at == len(sample)
    assert pieces > 10


def test_the_driver_without_libfuzzer_finds_a_planted_fault(tmp_path):
    """Three bytes in a row that crash: it gets there from a sample that has two of them."""
    why_not = missing("host")
    if why_not:
        pytest.skip(why_not)
    from benchmarks.firmware.build import FIRMWARE

    target = tmp_path / "target.c"
    target.write_text(
        "#include <stdint.h>\n#include <stdlib.h>\n#include <stddef.h>\n"
        "int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);\n"
        "int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)\n"
        "{ size_t i; for (i = 0; i + 2 < n; i++) if (d[i] == 7 && d[i + 1] == 8 && d[i + 2] == 9) abort();\n"
        "  return 0; }\n"
    )
    program = tmp_path / "fuzz"
    driver = FIRMWARE / "host" / "fuzz_driver.c"
    subprocess.run(["gcc", "-std=c99", driver, target, "-o", program], check=True)
    (tmp_path / "sample").write_bytes(bytes((1, 7, 8, 2, 3)))
    quiet = subprocess.run([program, "-runs=0", tmp_path / "sample"], capture_output=True, check=False)
    assert quiet.returncode == 0
    loud = subprocess.run([program, "-runs=200000", tmp_path / "sample"], capture_output=True, check=False)
    assert loud.returncode != 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_million(fuzz_built):
    """As a command of its own: python -m benchmarks.firmware fuzz --runs 1000000."""
    from benchmarks.firmware.__main__ import main

    assert build("fuzz")
    assert main(["fuzz", "--runs", "1000000"]) == 0
