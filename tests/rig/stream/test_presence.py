"""Units that appear and vanish."""

from __future__ import annotations

import numpy as np

from rig.events import UnitAppeared, UnitVanished
from rig.stream.presence import Presence

RATE_HZ = 30_000.0


def play(presence, trains, seconds):
    """Tell a presence all spikes and progress in order of time; return what it says."""
    spikes = sorted((round(t * RATE_HZ), unit) for unit, train in trains.items() for t in train)
    said, at = [], 0
    for block in range(1, int(seconds * RATE_HZ / 696)):
        end = block * 696
        while at < len(spikes) and spikes[at][0] < end:
            event = presence.spike(spikes[at][1], spikes[at][0])
            said += [] if event is None else [event]
            at += 1
        said += presence.progress(end, RATE_HZ)
    return said


def test_a_unit_appears_once_and_vanishes_once():
    rng = np.random.default_rng(1)
    trains = {"a": np.sort(rng.uniform(0, 200, 1000)), "b": np.sort(rng.uniform(20, 100, 400))}
    presence = Presence()
    said = play(presence, trains, 200)
    assert [type(event) for event in said] == [UnitAppeared, UnitAppeared, UnitVanished]
    gone = said[-1]
    assert gone.unit == "b"
    assert gone.sample == round(trains["b"][-1] * RATE_HZ)
    assert 30 < gone.silent_s < 32
    assert presence.there == ("a",)


def test_it_comes_back_and_may_vanish_again():
    trains = {"a": [*np.arange(0, 30, 0.1), *np.arange(80, 110, 0.1)]}
    said = play(Presence(), trains, 170)
    assert [(type(event), getattr(event, "again", None)) for event in said] == [
        (UnitAppeared, False), (UnitVanished, None), (UnitAppeared, True), (UnitVanished, None),
    ]  # fmt: skip


def test_a_slow_unit_is_given_twenty_of_its_intervals():
    trains = {"slow": np.arange(0, 150, 5.0)}
    said = play(Presence(), trains, 270)
    assert [type(event) for event in said] == [UnitAppeared, UnitVanished]
    assert 100 < said[-1].silent_s < 102


def test_poisson_units_do_not_vanish_by_chance():
    rng = np.random.default_rng(2)
    rates = np.linspace(0.5, 10, 30)
    trains = {str(k): np.sort(rng.uniform(0, 1200, round(1200 * r))) for k, r in enumerate(rates)}
    said = play(Presence(), trains, 1200)
    assert not any(isinstance(event, UnitVanished) for event in said)


def test_a_unit_of_a_few_spikes_is_no_loss_and_a_rostered_one_no_news():
    presence = Presence(known=("a",))
    assert play(presence, {"a": [1.0, 2.0], "b": [3.0]}, 200) == [
        UnitAppeared(unit="b", sample=round(3.0 * RATE_HZ))
    ]


def test_after_a_restart_the_same_units_are_no_news():
    presence = Presence()
    assert presence.spike("a", 10**9) is not None
    presence.clear()
    assert presence.spike("a", 5) is None
    assert presence.spike("new", 6) is not None
