"""What chunk numbers mean: loss, damage, doubles, a board that counts anew."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.pyphotometry.codec import Run
from drivers.pyphotometry.order import ChunkOrder, CountedAnew, Dropped, Missing, Taken


def run(numbers, joined=True):
    """Chunks whose one word is the number they ought to bear."""
    told = np.array(numbers, dtype=np.uint16)
    return Run(told, told[:, None].copy(), joined)


def take(order, *runs):
    told = []
    for one in runs:
        told += order.take(one)
    return told


def words(told):
    return [word for one in told if isinstance(one, Taken) for word in one.words[:, 0].tolist()]


def test_a_row_is_taken_at_once():
    order = ChunkOrder()
    (taken,) = take(order, run(range(1, 200)))
    assert (taken.first, len(taken.words)) == (0, 199)
    assert not order.waiting
    assert (order.missing, order.damaged, order.astray) == (0, 0, 0)


def test_a_gap_is_told_exactly_once_the_next_chunk_agrees():
    order = ChunkOrder()
    assert words(take(order, run([1, 2]))) == [1, 2]
    assert take(order, run([6])) == []
    assert order.waiting
    missing, taken = take(order, run([7]))
    assert missing == Missing(2, 3)
    assert (taken.first, words([taken])) == (5, [6, 7])
    assert order.missing == 3


def test_a_damaged_number_is_set_right_by_its_successor():
    order = ChunkOrder()
    damaged = run([1, 2, 2 + 256, 4, 5])
    (taken,) = take(order, damaged)
    assert (taken.first, len(taken.words)) == (0, 5)
    assert (order.missing, order.damaged) == (0, 1)


def test_a_chunk_between_two_losses_is_kept():
    order = ChunkOrder()
    told = take(order, run([1, 2]), run([5]), run([9, 10]))
    assert [one for one in told if isinstance(one, Missing)] == [Missing(2, 2), Missing(5, 3)]
    assert words(told) == [1, 2, 5, 9, 10]


def test_nothing_follows_for_a_while():
    order = ChunkOrder()
    take(order, run([1]), run([4]))
    told = []
    order.settle(told)
    assert told[0] == Missing(1, 2)
    assert words(told) == [4]


def test_numbers_wrap():
    order = ChunkOrder()
    order.due = 65533
    told = take(order, run([65534, 65535, 0, 1, 4, 5]))
    assert [one for one in told if isinstance(one, Missing)] == [Missing(65537, 2)]
    assert order.due == 65541


def test_a_chunk_that_came_twice_is_dropped():
    order = ChunkOrder()
    told = take(order, run([1, 1, 2, 2, 3, 3]), run([4]))
    assert words(told) == [1, 2, 3, 4]
    assert order.astray == 3
    assert order.missing == 0


def test_a_far_false_chunk_alone_among_noise_is_dropped():
    order = ChunkOrder()
    told = take(order, run([1, 2]), run([30_000], joined=False), run([3, 4], joined=False))
    assert words(told) == [1, 2, 3, 4]
    assert [one.count for one in told if isinstance(one, Dropped)] == [1]
    assert order.missing == 0


def test_eight_chunks_behind_in_a_row_are_a_board_that_counts_anew():
    order = ChunkOrder()
    take(order, run(range(1, 301)))
    told = take(order, run(range(1, 13)))
    (anew,) = [one for one in told if isinstance(one, CountedAnew)]
    assert anew.number == 8
    assert words(told) == [8, 9, 10, 11, 12]
    assert order.due == 12


@settings(max_examples=150, deadline=None)
@given(
    lost=st.sets(st.integers(2, 300), max_size=60),
    cuts=st.sets(st.integers(1, 299), max_size=60),
    start=st.sampled_from([0, 65_300]),
)
def test_loss_is_told_exactly_whatever_is_lost(lost, cuts, start):
    """Any chunks lost on their way (not the very last): each is told once, and no other."""
    order = ChunkOrder()
    order.due = start
    kept = [number for number in range(1, 304) if number not in lost]
    told, before = [], 0
    for cut in [*sorted(cut for cut in cuts if cut < len(kept)), len(kept)]:
        if cut > before:
            told += order.take(run([(start + number) % 65536 for number in kept[before:cut]]))
        before = cut
    order.settle(told)
    missing = [one.first + k for one in told if isinstance(one, Missing) for k in range(one.count)]
    assert missing == [start + number - 1 for number in sorted(lost)]
    assert words(told) == [(start + number) % 65536 for number in kept]
    assert (order.astray, order.damaged) == (0, 0)
