"""The simulated fibre: what drives it, what spoils it, and that pieces do not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.photometry.chain import OnlineDff
from rig.photometry.settings import DffSettings
from rig.sim.photometry import SENSORS, FibreWorld, Losses, SimulatedFibre

RATE_HZ = 130.0
CALM = FibreWorld(movements_per_min=0.0, noise_v=0.0, bleached=(0.0, 0.0))


def spikes(count=3000, seconds=60, seed=1):
    return np.sort(np.random.default_rng(seed).integers(0, seconds * 1_000_000, count))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 200), min_size=1, max_size=40), st.sampled_from(["isosbestic", "static", "none"])
)
def test_samples_are_the_same_to_the_bit_in_any_pieces(sizes, control):
    world = FibreWorld(seed=4, control=control)
    whole, pieces = SimulatedFibre(world, RATE_HZ, 5_000), SimulatedFibre(world, RATE_HZ, 5_000)
    times = 5_000 + spikes()
    whole.drive_spikes(times, 40)
    total = sum(sizes)
    expected, truth = whole.take_with_truth(0, total)
    at, got, true, told = 0, [], [], 0
    for size in sizes:
        # the drive comes just in time
        until = int(np.searchsorted(times, 5_000 + (at + size + 1) / RATE_HZ * 1e6))
        pieces.drive_spikes(times[told:until], 40)
        told = until
        volts, dff = pieces.take_with_truth(at, size)
        got.append(volts)
        true.append(dff)
        at += size
    assert np.array_equal(np.concatenate(got), expected)
    assert np.array_equal(np.concatenate(true), truth)
    assert expected.shape == (total, 1 if control == "none" else 2)


@pytest.mark.parametrize("sensor", SENSORS)
def test_one_event_is_the_kernel(sensor):
    fibre = SimulatedFibre(FibreWorld(sensor=sensor), 10_000.0)
    fibre.drive(np.array([100_050]), np.array([0.05]))
    _, dff = fibre.take_with_truth(0, 40_000)
    rise, decay = SENSORS[sensor]
    t_s = (np.arange(40_000) + 1) / 10_000 - 0.10005
    shape = np.where(t_s > 0, np.exp(-t_s / decay) - np.exp(-t_s / rise), 0.0)
    assert dff == pytest.approx(0.05 * shape / shape.max(), abs=2e-5)
    assert dff.max() == pytest.approx(0.05, rel=1e-3)


def test_spikes_of_all_units_add_up():
    fibre = SimulatedFibre(CALM, RATE_HZ)
    fibre.drive_spikes(np.repeat(np.array([1_000_000]), 40), 40)
    volts, dff = fibre.take_with_truth(0, 500)
    assert dff.max() == pytest.approx(CALM.per_spike, rel=0.02)
    assert volts[:, 0] == pytest.approx(1.5 * (1 + dff))
    assert volts[:, 1] == pytest.approx(1.4 * (1 - 0.1 * dff))  # the isosbestic control leaks, inverted


def test_movement_is_common_and_bleaching_is_slow():
    world = FibreWorld(
        control="static", noise_v=0.0, bleached=(0.0, 0.3), movements_per_min=20.0, movement=0.02
    )
    volts = SimulatedFibre(world, RATE_HZ).take(0, 130 * 300)
    assert volts[:, 0] / 1.5 == pytest.approx(volts[:, 1] / 1.4)
    relative = volts[:, 0] / 1.5
    assert 0.005 < np.std(relative[:3000] - np.median(relative[:3000])) < 0.03
    assert np.median(relative[-3000:]) == pytest.approx(0.7 + 0.3 * np.exp(-290 / 4000), rel=0.01)
    quiet = SimulatedFibre(FibreWorld(movements_per_min=0.0, noise_v=0.0), RATE_HZ).take(0, 1000)
    assert np.all(np.diff(quiet[:, 0]) < 0)


def test_noise_has_its_size_and_channels_their_own():
    noisy = SimulatedFibre(FibreWorld(movements_per_min=0.0, noise_v=0.006, bleached=(0.0, 0.0)), RATE_HZ)
    volts = noisy.take(0, 20_000)
    assert volts.std(axis=0) == pytest.approx([0.006, 0.006], rel=0.03)
    assert abs(np.corrcoef(volts.T)[0, 1]) < 0.03
    other = SimulatedFibre(FibreWorld(seed=2, movements_per_min=0.0), RATE_HZ).take(0, 100)
    assert not np.allclose(volts[:100], other)


def test_the_chain_finds_the_truth_under_all_of_it():
    fibre = SimulatedFibre(FibreWorld(sensor="dlight", movement=0.01), RATE_HZ)
    events = np.arange(130_000_000, 900_000_000, 7_300_000)
    sizes = np.random.default_rng(3).uniform(0.0, 0.06, len(events))
    fibre.drive(events, sizes)
    volts, _ = fibre.take_with_truth(0, int(905 * RATE_HZ))
    made = OnlineDff(DffSettings(), RATE_HZ).take(0, volts[:, 0], volts[:, 1])
    places = (events * 1e-6 * RATE_HZ).astype(int)
    found = [np.nanmean(made.dff[p + 3 : p + 68]) - np.nanmean(made.dff[p - 65 : p]) for p in places]
    assert np.corrcoef(found, sizes)[0, 1] > 0.97


def test_order_is_kept():
    fibre = SimulatedFibre(CALM, RATE_HZ)
    fibre.take(0, 10)
    with pytest.raises(ValueError, match="sample 10 is next, not 11"):
        fibre.take(11, 1)
    with pytest.raises(ValueError, match="sample 9 is out"):
        fibre.drive(np.array([1000]), np.array([0.1]))


@pytest.mark.parametrize(("share", "burst"), [(0.01, 1), (0.05, 4), (0.3, 10)])
def test_losses_have_their_share_and_their_length(share, burst):
    plan = Losses(seed=5, share=share, burst=burst)
    lost = plan.lost(0, 60_000)
    assert lost.mean() == pytest.approx(share, rel=0.15)
    assert np.array_equal(np.concatenate([plan.lost(at, 7) for at in range(0, 700, 7)]), lost[:700])
    edges = np.flatnonzero(np.diff(lost.astype(int)))
    assert np.diff(edges)[::2].min() >= 1
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], lost.astype(int), [0]]))))[::2]
    assert runs.min() >= min(burst, runs.min())
    assert np.median(runs) == burst
