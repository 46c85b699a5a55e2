"""Twenty `kill -9` at random moments; `python -m benchmarks.kill` has a thousand."""

from __future__ import annotations

import os

import pytest

from benchmarks.kill import Killer

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(os.name != "posix", reason="signals and pseudo-terminals"),
]


def test_nothing_is_lost_but_the_last_moment(tmp_path):
    outcome = Killer(tmp_path, seed=3, trials=14, longest_s=0.5).run(20)
    assert not outcome.problems
    assert len(outcome.kills) == 20
    worst = max(killed.lost_ms for killed in outcome.kills)
    print(f"at most {worst:.1f} ms of input missing, {sum(k.told for k in outcome.kills)} trials told")
    assert sum(killed.lost_inputs > 0 for killed in outcome.kills) > 3, "they were alive when they died"
