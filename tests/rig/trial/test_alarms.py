"""Alarms: silent in sessions in which nothing moves, and told once where something does."""

from __future__ import annotations

import time

import numpy as np
import pytest

from protocols.variable_magnitude import VariableMagnitude
from rig.estimate.utility import PUBLISHED_AXIS, PUBLISHED_UTILITY_HZ
from rig.sim.neurons import Population, PopulationSettings
from rig.trial.alarms import Alarms
from rig.trial.spec import ResponseWindow, TrialResponse

SCHEDULE = VariableMagnitude(VariableMagnitude.Parameters.read({}), 1).schedule
SIZES = tuple(SCHEDULE.distribution())
UTILITY_HZ = PUBLISHED_AXIS.place(SIZES).utility_hz
HALF = 150


def counted(trial, names, after, before):
    """Spikes in 0.4 s after the reward and 1 s before, as a response."""
    hz = after / 0.4 - before
    counts = tuple(zip(after.tolist(), before.tolist(), strict=True))
    return TrialResponse(trial=trial, units=names, response_hz=tuple(hz.tolist()), counts=counts)


def session(seed, units=40, trials=300, change=None):
    """Notices of a session of the published task; `change(base, rates)` bends the rates from halfway on."""
    schedule = VariableMagnitude(VariableMagnitude.Parameters.read({}), seed).schedule
    shares = tuple(schedule.distribution().values())
    animal = Population(PopulationSettings(units=units, seed=seed, sizes_ul=SIZES, probabilities=shares))
    rng = np.random.default_rng(seed)
    names = tuple(f"u{i}" for i in range(units))
    alarms = Alarms(ResponseWindow())
    alarms.begin_epoch(UTILITY_HZ)
    told = []
    for trial in range(trials):
        size_ul = schedule[trial].reward_ul
        if not size_ul:
            continue
        base, rates = animal.background_hz(trial), animal.reward(trial, size_ul)[2:6].mean(axis=0)
        if change is not None and trial >= HALF:
            base, rates = change(base.copy(), rates.copy())
        response = counted(trial, names, rng.poisson(0.4 * np.maximum(rates, 0)), rng.poisson(base))
        alarms.hear(response, frozenset(names))
        alarms.count(SIZES.index(size_ul), dict(zip(names, response.response_hz, strict=True)))
        told += [(trial, notice) for notice in alarms.check(1000 * trial)]
    return told


def test_nothing_is_said_where_nothing_moves():
    said = [notice for seed in range(1, 26) for _, notice in session(seed)]
    said += [notice for seed in range(1, 26) for _, notice in session(seed, units=4)]
    assert not said


@pytest.mark.parametrize(("shift_hz", "word"), [(-1.5, "less"), (1.5, "more")])
def test_a_change_of_all_units_is_told_once(shift_hz, word):
    for seed in (1, 2, 3):
        ((trial, notice),) = session(seed, change=lambda base, rates: (base, rates + shift_hz))
        assert HALF < trial < 270
        assert (notice.level, notice.source) == ("warning", "population")
        assert f"all units together answer {word} than before" in notice.text
        assert notice.board_us == 1000 * trial


def test_a_unit_that_changes_is_told_once_and_by_name():
    def change(base, rates):
        rates[3] += 8.0
        return base, rates

    for seed in (1, 2, 3):
        ((trial, notice),) = session(seed, change=change)
        assert HALF < trial < 270
        assert notice.source == "u3"
        assert "the unit answers more than before" in notice.text


def test_units_that_fall_silent_are_told_one_by_one_and_many_in_one_sentence():
    def silence(units):
        def change(base, rates):
            base[units] = rates[units] = 0.0
            return base, rates

        return change

    told = session(1, change=silence([3, 7]))
    assert sorted(notice.source for _, notice in told) == ["u3", "u7"]
    assert all("has fallen silent (" in notice.text for _, notice in told)
    assert all(HALF + 15 < trial < HALF + 70 for trial, _ in told)

    said = [notice.text for _, notice in session(1, change=silence(slice(0, 40)))]
    assert len(said) <= 15
    assert any("units have fallen silent: u" in text for text in said)


def fed(alarms, names, rates_hz, trials, seed=1):
    rng = np.random.default_rng(seed)
    told = []
    for trial in range(trials):
        rates = np.asarray(rates_hz, dtype=float)
        response = counted(trial, names, rng.poisson(0.4 * rates), rng.poisson(rates))
        alarms.hear(response, frozenset(names))
        told += alarms.check(trial)
    return told


def test_a_unit_that_comes_back_is_told_and_may_be_lost_again():
    alarms, names = Alarms(ResponseWindow()), ("a", "b")
    alarms.begin_epoch(())
    assert fed(alarms, names, (6, 6), 80) == []
    (lost,) = fed(alarms, names, (6, 0), 60)
    assert lost.source == "b" and "has fallen silent" in lost.text
    alarms.begin_epoch(UTILITY_HZ)  # another distribution of rewards changes nothing about silence
    (back,) = fed(alarms, names, (6, 6), 40)
    assert back.source == "b" and "fires again" in back.text and "the same neuron" in back.text
    (again,) = fed(alarms, names, (6, 0), 80)
    assert "has fallen silent" in again.text


def test_a_new_epoch_watches_from_nothing_and_units_may_appear_later():
    alarms, rng = Alarms(ResponseWindow()), np.random.default_rng(1)
    names = tuple("abcdef")
    for level_hz in (0.0, 20.0):
        alarms.begin_epoch(PUBLISHED_UTILITY_HZ)
        for trial in range(90):
            known = names[: 4 if trial < 20 and not level_hz else 6]
            alarms.count(trial % 7, {unit: level_hz + rng.normal(0, 4) for unit in known})
            assert alarms.check(trial) == []
    # Within an epoch the same step is told at once.
    told = []
    for trial in range(10):
        alarms.count(trial % 7, {unit: rng.normal(0, 4) for unit in names})
        told += alarms.check(trial)
    assert told and "all units together answer less" in told[0].text


def test_responses_that_came_late_and_missing_ones_are_counted_once():
    alarms, names = Alarms(ResponseWindow()), ("a", "b")
    alarms.begin_epoch(())
    for trial in range(80):
        response = TrialResponse(trial=trial, units=names, response_hz=(5.0, None), counts=((4, 5), None))
        alarms.hear(response, frozenset(names))
        # Told again with what came later: only the fresh unit counts, and it has fired all along.
        whole = TrialResponse(trial=trial, units=names, response_hz=(5.0, 5.0), counts=((0, 0), (4, 5)))
        alarms.hear(whole, frozenset("b"))
        assert alarms.check(trial) == []


def test_many_units_that_change_in_different_directions_are_told_in_few_sentences():
    alarms, rng = Alarms(ResponseWindow()), np.random.default_rng(1)
    names = tuple(f"u{i}" for i in range(200))
    alarms.begin_epoch(UTILITY_HZ)
    sign = np.where(np.arange(200) % 2, 1.0, -1.0)
    told = []
    for trial in range(160):
        y = rng.normal(0.0, 4.0, 200) + (12.0 * sign if trial >= 100 else 0.0)
        alarms.count(trial % 7, dict(zip(names, y.tolist(), strict=True)))
        told += alarms.check(trial)
    assert len(told) < 40  # of 200 units
    assert {notice.source for notice in told} >= {"population"}
    assert "units answer otherwise than before: u" in told[0].text or told[0].source in names


@pytest.mark.parametrize(("units", "limit_ms"), [(64, 1.0), (1000, 10.0)])
def test_a_trial_costs_little(units, limit_ms):
    alarms, rng = Alarms(ResponseWindow()), np.random.default_rng(1)
    names = tuple(f"Tetrode {i}:1" for i in range(units))
    alarms.begin_epoch(UTILITY_HZ)
    spent = []
    for trial in range(90):
        response = counted(trial, names, rng.poisson(2.4, units), rng.poisson(6.0, units))
        values = dict(zip(names, response.response_hz, strict=True))
        fresh = frozenset(names)
        begun = time.perf_counter()
        alarms.hear(response, fresh)
        alarms.count(trial % 7, values)
        alarms.check(trial)
        spent.append(1e3 * (time.perf_counter() - begun))
    cost = float(np.median(spent[60:]))
    print(f"alarms of {units} units: {cost:.2f} ms a trial")
    assert cost < limit_ms
