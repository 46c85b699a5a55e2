"""Matching two pulse trains by their intervals alone."""

from __future__ import annotations

import pytest

from rig.clock.pattern import find_pairs


@pytest.mark.parametrize("newest_is_board", [True, False])
def test_a_common_stretch_is_found(newest_is_board, make_line):
    line = make_line(1, 20)
    pairs = find_pairs(line.board[2:], line.stream[:], 30_000.0, newest_is_board=newest_is_board)
    assert pairs == list(zip(line.stream[2:], line.board[2:], strict=True))


def test_three_common_pulses_are_too_few(make_line):
    line = make_line(2, 9)
    assert find_pairs(line.board[6:], line.stream[:], 30_000.0, newest_is_board=True) is None
    assert (
        find_pairs(line.board[:6] + line.board[8:], line.stream[5:], 30_000.0, newest_is_board=True) is None
    )


def test_a_spurious_newest_pulse_matches_nothing(make_line):
    line = make_line(3, 20)
    stray = line.board[-1] + 313_300
    assert find_pairs([*line.board, stray], line.stream, 30_000.0, newest_is_board=True) is None
    assert find_pairs([*line.board, stray], line.stream, 30_000.0, newest_is_board=False) is not None


def test_a_few_that_agree_among_many_that_do_not_are_not_believed(make_line):
    line, other = make_line(4, 40), make_line(5, 40)
    # Four pulses of the line, thrown among forty of another.
    mixed = sorted([*other.stream, *line.stream[10:40:8]])
    newest = line.stream[34]
    mixed = [sample for sample in mixed if sample <= newest]
    assert mixed[-1] == newest
    assert find_pairs(line.board[:35], mixed, 30_000.0, newest_is_board=False) is None


def test_clocks_too_far_apart_do_not_match(make_line):
    good, bad = (make_line(6, 30, drift=lambda x, ppm=ppm: ppm * 1e-6 * x) for ppm in (250, 1500))
    assert find_pairs(good.board, good.stream, 30_000.0, newest_is_board=True) is not None
    assert find_pairs(bad.board, bad.stream, 30_000.0, newest_is_board=True) is None
