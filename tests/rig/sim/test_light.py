"""Simulated units answer light as recorded ones do, and the same however they are driven."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from rig.description import BoardConfig, Emulation, OutputLine, RigDescription
from rig.events import EndReason, OutputChange, TrialEnded, TrialStarted
from rig.sim.compose import make_animal
from rig.sim.light import LightResponses, LightTruth
from rig.sim.recorded import RecordedUnits
from rig.sim.spiking import SpikeTrains
from rig.sim.stimuli import Wiring
from rig.sim.truth import AnimalTruth
from rig.stream.recording import RecordedUnit

RIG = RigDescription(
    name="r",
    board=BoardConfig(
        port="none",
        outputs={
            "laser": OutputLine(line=4, kind="laser", max_open_ms=100, max_on_ms_per_minute=5000),
            "odour_a": OutputLine(line=1),
        },
    ),
    emulation=Emulation(units=30, seed=3, tagged_share=0.6),
)


def test_units_spread_as_recorded_ones_do():
    light = LightResponses(1, 2000, 0.75)
    assert light.tagged.mean() == pytest.approx(0.75, abs=0.03)
    assert np.median(light.latency_ms) == pytest.approx(5.0, abs=0.2)
    assert light.latency_ms.min() >= 2.0 and light.latency_ms.max() <= 7.0
    assert np.median(light.jitter_ms) == pytest.approx(1.2, abs=0.1)
    assert light.jitter_ms.min() >= 0.2 and light.jitter_ms.max() <= 2.5
    assert np.median(light.reliability) == pytest.approx(0.57, abs=0.03)
    assert light.reliability.min() >= 0.17 and light.reliability.max() <= 0.96


def test_evoked_spikes_have_the_units_own_latency_jitter_and_reliability():
    light = LightResponses(2, 40, 1.0)
    times = [[] for _ in range(40)]
    for pulse in range(400):
        units, at_us = light.evoked(0, pulse, 1_000_000)
        assert np.all(np.diff(at_us) >= 0)
        assert np.all(at_us % 100 == 50)  # never on the machine's grid
        for unit, t_us in zip(units.tolist(), at_us.tolist(), strict=True):
            times[unit].append((t_us - 1_000_000) / 1000)
    for unit, found in enumerate(times):
        assert len(found) / 400 == pytest.approx(light.reliability[unit], abs=0.1)
        assert np.mean(found) == pytest.approx(light.latency_ms[unit], abs=0.5)
        assert np.std(found) == pytest.approx(light.jitter_ms[unit], abs=0.4)
        assert min(found) >= 0.8


def test_untagged_units_do_not_notice():
    light = LightResponses(4, 50, 0.0)
    assert light.evoked(0, 0, 0)[0].size == 0
    assert light.truth(7) == LightTruth(tagged=False)


def test_a_pulse_is_answered_the_same_whatever_came_before():
    one, other = LightResponses(5, 20, 1.0), LightResponses(5, 20, 1.0)
    for pulse in range(5):
        other.evoked(2, pulse, 0)
    for mine, theirs in zip(one.evoked(3, 1, 7000), other.evoked(3, 1, 7000), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert not np.array_equal(one.evoked(3, 1, 0)[1], one.evoked(3, 2, 0)[1])


def events(light):
    """Two trials of ten pulses at 10 Hz; without light, two trials of nothing."""
    told = []
    for trial in range(2):
        begin = 10_000_000 * trial
        told.append(TrialStarted(t_us=begin, slot=0))
        for pulse in range(10) if light else ():
            at = begin + 1_000_000 + 100_000 * pulse
            told += [
                OutputChange(t_us=at, output=4, on=True),
                OutputChange(t_us=at + 5000, output=4, on=False),
            ]
        told.append(TrialEnded(t_us=begin + 3_000_000, reason=EndReason.COMPLETE))
    return told


def spikes(*, light=True, fetch_us=None, rig=RIG):
    animal, units, times = make_animal(rig, lambda slot: None), [], []
    for event in events(light):
        for to_us in [*range(0, event.t_us, fetch_us or 10**9)][1:]:
            if times and to_us <= times[-1][-1:].max(initial=0):
                continue
            found = animal.emit(to_us)[1]
            units.append(found[0])
            times.append(found[1])
        animal.on_event(event)
    found = animal.emit(20_000_000)[1]
    return np.concatenate([*units, found[0]]), np.concatenate([*times, found[1]]), animal


def test_the_animal_answers_light_on_top_of_everything_else():
    units, times, animal = spikes()
    dark_units, dark_times, _ = spikes(light=False)
    lit, dark = (
        set(zip(u.tolist(), t.tolist(), strict=True)) for u, t in ((units, times), (dark_units, dark_times))
    )
    assert dark <= lit
    tagged = {k for k, told in enumerate(animal.truth().units) if told.light.tagged}
    assert 0 < len(tagged) < 30
    extra = lit - dark
    assert {unit for unit, _ in extra} == tagged
    # every evoked spike lies within some milliseconds after a pulse
    after = [min((t - 1_000_000 - 10_000_000 * (t // 10_000_000)) % 100_000, 10**9) for _, t in extra]
    assert max(after) < 15_000
    assert np.all(np.diff(times) >= 0)


def test_it_does_not_matter_in_how_many_pieces_the_spikes_are_fetched():
    whole = spikes()
    for fetch_us in (70_000, 333_333):
        pieces = spikes(fetch_us=fetch_us)
        np.testing.assert_array_equal(whole[0], pieces[0])
        np.testing.assert_array_equal(whole[1], pieces[1])


def test_light_changes_no_other_draw():
    """A session without light is the same whatever share of the units is tagged."""
    for share in (0.0, 1.0):
        emulation = msgspec.structs.replace(RIG.emulation, tagged_share=share)
        dark = spikes(light=False, rig=msgspec.structs.replace(RIG, emulation=emulation))
        np.testing.assert_array_equal(dark[1], spikes(light=False)[1])


def test_the_truth_is_revealed_with_everything_else():
    truth = spikes()[2].truth()
    again = msgspec.json.decode(truth.encode(), type=AnimalTruth)
    assert again.units[0].light == truth.units[0].light
    assert again.settings["tagged_share"] == 0.6


def test_recorded_units_do_not_answer():
    unit = RecordedUnit("a", np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))
    units = RecordedUnits([unit], Wiring.of(RIG))
    units.lit(1_000_000, 0, 0)
    assert units.emit(2_000_000)[0].size == 0


def test_spikes_cannot_be_added_to_what_is_out():
    trains = SpikeTrains(1, 3)
    trains.begin(0, (0, 0), np.zeros((0, 3)), np.zeros(3))
    trains.add(np.array([1, 0]), np.array([5_050, 7_050]))
    trains.add(np.array([2]), np.array([6_050]))
    assert trains.emit(6_000)[1].tolist() == [5_050]
    assert trains.emit(10_000)[0].tolist() == [2, 0]
    with pytest.raises(ValueError, match="are out"):
        trains.add(np.array([0]), np.array([9_950]))
