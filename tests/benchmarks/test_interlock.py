"""Nothing gets round the ceilings; `python -m benchmarks.interlock` tries a million times."""

from __future__ import annotations

import pytest

from benchmarks.crashes import greedy_sessions
from benchmarks.interlock import Fuzz
from rig.machine.budget import units

pytestmark = pytest.mark.timeout(120)


def test_ten_thousand_random_table_steps():
    fuzz = Fuzz(seed=11)
    fuzz.run(10_000)
    assert not fuzz.broken
    assert fuzz.steps >= 10_000
    assert fuzz.openings > 100 and fuzz.stopped > 50


@pytest.mark.parametrize("what", ["minute", "session"])
def test_the_fuzz_would_find_a_board_that_gives_a_little_more(what):
    class Generous(Fuzz):
        @staticmethod
        def _board(now_us, longest, prices, limits):
            core = Fuzz._board(now_us, longest, prices, limits)
            of = {"minute": limits.max_per_minute_ul, "session": limits.max_session_ul}
            told = {name: units(ul * 1.2 if name == what else ul) for name, ul in of.items()}
            core.set_budget(told["minute"], told["session"])
            return core

    fuzz = Generous(seed=11)
    fuzz.run(200_000)
    assert any(line.startswith(what) for line in fuzz.broken)


def test_a_greedy_protocol_an_operator_and_a_computer_that_dies():
    report = greedy_sessions(6, seed=4)
    print(report)
    assert not report.broken
    assert report.crashes >= 6
    assert report.openings > 10


def test_the_drill_would_find_ceilings_that_are_too_high(monkeypatch):
    monkeypatch.setattr("rig.session.ledger.units", lambda ul: units(1.5 * ul))
    report = greedy_sessions(30, seed=4)
    assert any("of what is allowed" in line for line in report.broken)
