"""A mouse that licks as mice do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.sim.mouse import Mouse

S = 1_000_000


def day(fetch_every=10 * S, trials=60, worth=5.0, gap=300_000, seed=3):
    """Trials: 3 s wait, odour A, reward 1.5 s later, 3 s; every fourth odour B and nothing."""
    mouse = Mouse(seed, worth_ul=worth)
    edges, starts, t = [], [], 0

    def until(to):
        nonlocal t
        while t < to:
            t = min(t + fetch_every, to)
            edges.extend(mouse.emit(t))

    for n in range(trials):
        until(t + gap + 100 * (n % 3))
        t += -t % 100
        starts.append(t)
        mouse.trial_began(t, (n, 0))
        until(t + 3 * S)
        if n % 4 == 3:
            mouse.smelled(t, (n, 1))
            until(t + 3 * S)
        else:
            mouse.promised(t, (n, 1))
            until(t + 1_500_000)
            mouse.rewarded(t, (n, 2), [0.1, 5.0, 20.0][n % 3], signalled=True)
            until(t + 3 * S)
        mouse.trial_ended(t)
    until(t + S)
    return edges, starts


def rises_in(edges, starts, trials, low, high):
    rises = np.array([t for t, rising in edges if rising])
    return [((rises > starts[n] + low) & (rises < starts[n] + high)).sum() for n in trials]


def test_licks_are_whole():
    edges, _ = day()
    times = [t for t, _ in edges]
    assert times == sorted(times)
    assert [rising for _, rising in edges] == [True, False] * (len(edges) // 2)
    assert all(t % 100 for t in times[::2])
    lengths = np.diff(times)[::2]
    # A trial's end draws the tongue in early.
    assert (lengths <= 60_001).all()
    assert np.median(lengths) > 35_000
    assert (np.diff(times)[1::2] > 25_000).all()


def test_anticipation_follows_the_promise():
    edges, starts = day(trials=80)
    promised = [n for n in range(80) if n % 4 != 3]
    nothing = [n for n in range(80) if n % 4 == 3]
    eager = np.mean(rises_in(edges, starts, promised, 3 * S, 4_500_000))
    assert 2.0 < eager < 5.5
    assert rises_in(edges, starts, nothing, 3 * S, 6 * S) == [0] * len(nothing)
    edges, starts = day(trials=20, worth=0.0)
    assert np.mean(rises_in(edges, starts, [n for n in range(8) if n % 4 != 3], 3 * S, 4_500_000)) < 1.0


def test_drops_are_drunk():
    edges, starts = day(trials=80)
    by_size = [
        np.mean(
            rises_in(edges, starts, [n for n in range(80) if n % 4 != 3 and n % 3 == k], 4_500_000, 7_500_000)
        )
        for k in range(3)
    ]
    assert by_size[0] < by_size[1] < by_size[2]
    rises = np.array([t for t, rising in edges if rising])
    between = np.diff(rises)
    assert 6 < 1e6 / np.median(between[between < 200_000]) < 7


def test_idle_licks_are_few():
    edges, starts = day(trials=80)
    assert 0.02 < np.mean(rises_in(edges, starts, range(80), 0, 3 * S)) < 0.3


@settings(max_examples=15, deadline=None)
@given(st.integers(20_000, 3 * S), st.integers(1, 50).map(lambda n: 100_000 * n))
def test_neither_chunks_nor_gaps_matter(fetch_every, gap):
    def relative(edges, starts):
        ends = [*starts[1:], 1 << 60]
        return [
            [(t - start, up) for t, up in edges if start <= t < end]
            for start, end in zip(starts, ends, strict=True)
        ]

    assert relative(*day(fetch_every, trials=8, gap=gap)) == relative(*day(trials=8))


def test_a_tongue_that_is_out_at_the_end_comes_in_before_the_next_trial():
    mouse = Mouse(1)
    mouse.trial_began(0, (0, 0))
    mouse.rewarded(1000, (0, 1), 5.0, signalled=False)
    rise = mouse.next_due_us
    assert mouse.emit(rise) == [(rise, True)]
    end = rise - rise % 100 + 100
    mouse.trial_ended(end)
    assert mouse.emit(end + 99) == [(end + 50, False)]
    assert mouse.next_due_us is None


def test_an_odours_worth_is_learned():
    mouse = Mouse(1, worth_ul=0.0, learning_rate=0.5)
    mouse.rewarded(0, (0, 0), 8.0, signalled=True)
    mouse.rewarded(0, (0, 1), 8.0, signalled=False)
    assert mouse.worth_ul == pytest.approx(4.0)
