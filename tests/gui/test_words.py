from __future__ import annotations

import doctest

import pytest

import gui.panels.licks
import gui.parameter_row
import gui.rig_clock
import gui.words
from gui.words import session_file


@pytest.mark.parametrize(
    "module",
    [gui.words, gui.rig_clock, gui.parameter_row, gui.panels.licks],
    ids=lambda module: module.__name__,
)
def test_the_examples_are_true(module):
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0


def test_the_engine_knows_best_where_the_session_is_recorded():
    assert session_file("a", None) == "a"
    assert session_file("a", {"recorder": {"file": "b"}}) == "b"
    assert session_file("a", {"recorder": {"stored": 3}}) == "a"
    assert session_file("a", {"recorder": None}) == "a"
