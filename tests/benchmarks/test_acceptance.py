"""`python -m benchmarks.acceptance` says what was asked, what came out, and fails when it should."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.acceptance import __main__ as acceptance
from benchmarks.acceptance.checks import CHECKS, RECORDINGS, Check, Result

ROOT = Path(__file__).resolve().parents[2]


def test_without_recordings_the_others_are_run():
    command = [sys.executable, "-m", "benchmarks.acceptance", "4", "5", "9", "11"]
    environment = {name: value for name, value in os.environ.items() if name != RECORDINGS}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^6 met, 0 not met, 3 left out: DOPALOOP_DATA is not set; \d+ s$", done.stdout, re.M)
    assert "expectile learners after 20,000 rewards" in done.stdout
    assert "hangs on the estimates" in done.stdout
    assert done.stdout.count("left out") == 4
    assert "NO" not in done.stdout


def test_a_check_that_is_not_met_is_told(monkeypatch, capsys):
    def made(number, told, met, *, recorded=False):
        return Check(number, f"check {number}", "to be met", recorded, lambda: Result(told, met))

    checks = [
        made(2, "0.5 of 0.9", met=False),
        made(1, "0.95", met=True),
        made(3, "", met=True, recorded=True),
    ]
    monkeypatch.setattr(acceptance, "CHECKS", checks)
    monkeypatch.delenv(RECORDINGS, raising=False)
    assert acceptance.main(["--markdown"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("|  | check | asked")
    assert re.fullmatch(r"\| 1 \| check 1 \| to be met \| 0.95 \| yes \| 0.0 \|", out[2])
    assert re.fullmatch(r"\| 2 \| check 2 \| to be met \| 0.5 of 0.9 \| NO \| 0.0 \|", out[3])
    assert out[4] == "| 3 | check 3 | to be met | no recordings | left out |  |"
    assert out[5].startswith("1 met, 1 not met, 1 left out")
    assert acceptance.main(["1"]) == 0


def test_every_number_has_its_checks():
    assert {one.number for one in CHECKS} == set(range(1, 15))
    assert all(one.what and one.asked for one in CHECKS)


def test_the_page_has_every_check():
    page = (ROOT / "docs" / "reference" / "acceptance.md").read_text(encoding="utf-8")
    for one in CHECKS:
        assert f"| {one.number} | {one.what} | {one.asked} |" in page
    assert page.count("| yes |") == len(CHECKS)


@pytest.mark.skipif(RECORDINGS not in os.environ, reason=f"{RECORDINGS} is not set: no recordings")
def test_with_recordings(capsys):
    assert acceptance.main(["1", "2", "9"]) == 0
    assert "20 of 20 units" in capsys.readouterr().out
