"""`python -m benchmarks.acceptance` says what was asked, what came out, and fails when it should."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.acceptance import __main__ as acceptance
from benchmarks.acceptance import recorded
from benchmarks.acceptance.checks import CHECKS, RECORDINGS, Check, NoRecordingError, Result, known_halves

ROOT = Path(__file__).resolve().parents[2]


def test_without_recordings_the_others_are_run():
    command = [sys.executable, "-m", "benchmarks.acceptance", "4", "5", "9", "11"]
    environment = {name: value for name, value in os.environ.items() if name != RECORDINGS}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^6 met, 0 not met, 3 left out; \d+ s$", done.stdout, re.M)
    assert "expectile learners after 20,000 rewards" in done.stdout
    assert "hangs on the estimates" in done.stdout
    assert done.stdout.count("left out") == 4
    assert "DOPALOOP_DATA is not set" in done.stdout
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
    assert out[4] == "| 3 | check 3 | to be met | DOPALOOP_DATA is not set: no recordings | left out |  |"
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
    told = capsys.readouterr().out
    # of whatever units the folder holds
    assert "left out" in told or re.search(r"(\d+) of \1 units", told)


def test_a_folder_without_them_leaves_them_out(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv(RECORDINGS, str(tmp_path))
    for cached in (recorded.golden, recorded.units, recorded.responses, recorded.analysis, recorded.tags):
        cached.cache_clear()
    assert acceptance.main(["1", "2", "10"]) == 0
    told = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "4 left out" in told and "DOPALOOP_DATA holds no" in told


def test_figures_of_other_units_are_not_known():
    assert known_halves(40, 208, keep=True) == (0.76, 0.88, 0.50)
    with pytest.raises(NoRecordingError, match="no figures are known for these 12 units with 0 doubled"):
        known_halves(12, 0, keep=True)
