"""Parity with the published analysis on recorded units (needs DOPALOOP_DATA; skips without it).

The folder holds ``varmag_dev_spikes.npz`` (spikes of 20 units), ``varmag_dev_trials.csv`` (their trials
with the published response) and ``golden_dev.json`` (the published pipeline's counts and estimates). Other
sets of units that it holds (``varmag_NAME_spikes.npz`` and so on) are checked in the same way.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
import typer
from typer.testing import CliRunner

from benchmarks.acceptance.checks import NoRecordingError, UnitFiles, known_halves, unit_files
from benchmarks.acceptance.recorded import mean_r, random_halves
from rig.cli.analyze import analyze
from rig.estimate.asymmetry import published_slopes
from rig.estimate.isotonic import isotonic
from rig.estimate.kinked_bayes import KinkedBayes
from rig.estimate.offline import Analysis, analyse
from rig.estimate.shrinkage import shrink
from rig.estimate.sign_count import sign_count
from rig.estimate.utility import PUBLISHED_AXIS, PUBLISHED_SHIFT_HZ, PUBLISHED_UTILITY_HZ
from rig.results.report import Report
from rig.runtime.recordings import read_responses, read_spikes, spike_responses
from rig.stream.published import causal_response, unit_response
from rig.stream.recording import ODOUR_B, REWARD_DELAY_MS, RecordedUnit

U = np.array(PUBLISHED_UTILITY_HZ)
POPULATION = 20
FloatArray = npt.NDArray[np.float64]


@pytest.fixture(scope="module", params=unit_files(), ids=lambda files: files.name)
def files(request: pytest.FixtureRequest) -> UnitFiles:
    made: UnitFiles = request.param
    return made


@pytest.fixture(scope="module")
def golden(files: UnitFiles, recording: Callable[[str], Path]) -> dict[str, Any]:
    path = recording(f"golden_{files.name}.json")
    golden: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return golden


@pytest.fixture(scope="module")
def trials(files: UnitFiles, recording: Callable[[str], Path]) -> list[dict[str, str]]:
    with recording(f"varmag_{files.name}_trials.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def units(files: UnitFiles, recording: Callable[[str], Path]) -> tuple[RecordedUnit, ...]:
    return read_spikes(recording(f"varmag_{files.name}_spikes.npz"))


@pytest.fixture(scope="module")
def analysis(units: tuple[RecordedUnit, ...]) -> Analysis:
    return analyse(spike_responses(units))


def doubled_in(trials: list[dict[str, str]]) -> int:
    return sum(row["dup_flag"] == "1" for row in trials)


def rewarded_in(trials: list[dict[str, str]]) -> int:
    return sum(0 < int(row["trial_type"] or 0) < ODOUR_B for row in trials)


def column(trials: list[dict[str, str]], cell: str, name: str) -> FloatArray:
    return np.array([float(row[name] or "nan") for row in trials if int(row["cell"]) == int(cell)])


def test_the_axis_and_shift_are_the_golden_ones(golden: dict[str, Any]) -> None:
    np.testing.assert_allclose(U, golden["utility_axis_hz"], rtol=0, atol=1e-8)
    assert list(PUBLISHED_AXIS.sizes_ul) == golden["magnitudes_ul"]
    shift = golden["grand_mean_signalled_hz"] - golden["grand_mean_unsignalled_hz"]
    assert pytest.approx(shift, abs=1e-9) == PUBLISHED_SHIFT_HZ


def test_responses(units: tuple[RecordedUnit, ...], trials: list[dict[str, str]]) -> None:
    compared = 0
    for unit in units:
        expected = column(trials, unit.name, "response_hz")[unit.rewarded]
        found = unit_response(unit)[unit.rewarded]
        assert np.abs(found - expected).max() < 1e-4
        compared += found.size
    assert compared == rewarded_in(trials)


def test_causal_counts_and_their_correlation(
    units: tuple[RecordedUnit, ...], trials: list[dict[str, str]]
) -> None:
    live, published, differ = [], [], 0
    for unit in units:
        given = unit.rewarded
        stamps = unit.stamps_ms[given]
        rewards = stamps + np.where(unit.signalled[given], REWARD_DELAY_MS, 0.0)
        response = causal_response(unit.spikes_ms, stamps, rewards)
        counts = column(trials, unit.name, "count_200_600") / 0.4 - column(trials, unit.name, "count_base_1s")
        differ += int((np.abs(response - counts[given]) > 1e-9).sum())
        live.append(response)
        published.append(unit_response(unit)[given])
    # the table's counts were rounded otherwise where a spike lies on a window's edge
    assert differ <= 0.004 * sum(response.size for response in live)
    assert np.corrcoef(np.concatenate(live), np.concatenate(published))[0, 1] == pytest.approx(
        0.992, abs=0.003
    )


def test_doubled_rewards(units: tuple[RecordedUnit, ...], trials: list[dict[str, str]]) -> None:
    for unit in units:
        flagged = column(trials, unit.name, "dup_flag") == 1
        np.testing.assert_array_equal(unit.doubled, flagged)
    assert sum(int(unit.doubled.sum()) for unit in units) == doubled_in(trials)


def test_counts(analysis: Analysis, golden: dict[str, Any]) -> None:
    counts = analysis.estimator.counts
    np.testing.assert_array_equal(counts.n, golden["n_by_cell_magnitude"])
    np.testing.assert_array_equal(counts.positives, golden["n_pos"])
    np.testing.assert_array_equal(counts.negatives, golden["n_neg"])
    np.testing.assert_allclose(counts.total / counts.n, golden["mean_by_cell_magnitude_hz"], atol=1e-5)


def test_reversal_points(analysis: Analysis, golden: dict[str, Any]) -> None:
    estimates = analysis.estimates
    assert [int(e.unit) for e in estimates] == golden["units"]
    np.testing.assert_allclose([e.paper_hz for e in estimates], golden["reversal_utility"], rtol=0, atol=1e-4)
    np.testing.assert_allclose([e.paper_ul for e in estimates], golden["reversal_ul"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(
        [e.isotonic_hz for e in estimates], golden["reversal_isotonic_utility"], rtol=0, atol=1e-4
    )


def test_slopes_and_asymmetry(analysis: Analysis, golden: dict[str, Any]) -> None:
    slopes = analysis.estimator.summary.slopes
    np.testing.assert_allclose(slopes.negative, golden["alpha_neg"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(slopes.positive, golden["alpha_pos"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(slopes.asymmetry, golden["asymmetry"], rtol=0, atol=1e-4)


def test_bayes_agrees_with_the_kinked_fit_where_that_is_settled(
    analysis: Analysis, golden: dict[str, Any]
) -> None:
    fit = np.array(golden["reversal_kinked_wls_utility"])
    mean = np.array([e.bayes_hz for e in analysis.estimates])
    ends = np.array([e.bayes_ci95_hz for e in analysis.estimates])
    settled = np.array(["not settled" not in e.flags for e in analysis.estimates])
    assert settled.mean() >= 0.8
    inner = settled & (fit > U[0] + 0.1) & (fit < U[-1] - 0.1)
    assert np.abs(mean - fit)[inner].max() < 0.4
    assert ((ends[:, 0] <= fit) & (fit <= ends[:, 1]))[inner].all()


def test_a_session_trial_by_trial_equals_the_whole(
    units: tuple[RecordedUnit, ...], analysis: Analysis
) -> None:
    online = type(analysis.estimator)(analysis.estimator.sizes_ul)
    for unit in units:
        shifted = unit_response(unit) + np.where(unit.signalled, 0.0, PUBLISHED_SHIFT_HZ)
        for size, y in zip(unit.size_index[unit.rewarded], shifted[unit.rewarded], strict=True):
            online.update(int(size), {unit.name: float(y)})
    for one, other in zip(online.estimates(), analysis.estimates, strict=True):
        assert (one.unit, one.n, one.flags) == (other.unit, other.n, other.flags)
        assert one.bayes_hz == pytest.approx(other.bayes_hz, rel=1e-9)
        assert one.bayes_ci95_ul == pytest.approx(other.bayes_ci95_ul, rel=1e-9)
        assert one.isotonic_hz == pytest.approx(other.isotonic_hz, rel=1e-9)
        assert one.paper_hz == other.paper_hz


def test_shrinkage_gives_a_plausible_population(analysis: Analysis) -> None:
    estimator = analysis.estimator
    if len(analysis.estimates) < POPULATION:
        pytest.skip(f"{len(analysis.estimates)} units are no population; it takes {POPULATION}")
    fitted = shrink(KinkedBayes(U), estimator.counts)
    assert fitted is not None
    assert -1.0 < fitted.mean_hz < 1.0
    assert 1.2 < fitted.sd_hz < 2.2


def test_an_exported_table_gives_the_same(
    trials: list[dict[str, str]], analysis: Analysis, tmp_path: Path
) -> None:
    path = tmp_path / "dev.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["unit", "trial", "reward_ul", "signalled", "response_hz"])
        for row in trials:
            writer.writerow(
                [row["cell"], row["trial"], row["reward_ul"], row["signalled"], row["response_hz"]]
            )
    from_table = analyse(read_responses(path))
    np.testing.assert_array_equal(from_table.estimator.counts.n, analysis.estimator.counts.n)
    for one, other in zip(from_table.estimates, analysis.estimates, strict=True):
        assert one.isotonic_hz == pytest.approx(other.isotonic_hz, abs=1e-4)
        assert one.bayes_hz == pytest.approx(other.bayes_hz, abs=1e-4)


@pytest.mark.parametrize("doubled", ["keep", "drop"])
def test_the_command(
    files: UnitFiles, trials: list[dict[str, str]], golden: dict[str, Any], doubled: str
) -> None:
    app = typer.Typer()
    app.command()(analyze)
    result = CliRunner().invoke(app, [str(files.spikes), "--json", "--doubled", doubled])
    assert result.exit_code == 0
    made = msgspec.json.decode(result.stdout, type=Report)
    given, extra = rewarded_in(trials), doubled_in(trials)
    assert f"doubled rewards: {extra or 'none'}" in result.stderr
    assert not isinstance(made.source, msgspec.UnsetType)
    assert made.source.doubled == extra
    assert [int(unit.unit) for unit in made.units] == golden["units"]
    copies = 0 if doubled == "keep" else extra
    assert sum(sum(unit.n) for unit in made.units) == given - copies
    if doubled == "keep":
        paper = [unit.reversal.paper.hz for unit in made.units if unit.reversal.paper]
        np.testing.assert_allclose(paper, golden["reversal_utility"], rtol=0, atol=1e-4)


def test_the_population_axis_is_the_units_own(units: tuple[RecordedUnit, ...]) -> None:
    if len(units) < POPULATION:
        pytest.skip(f"{len(units)} units are no population; it takes {POPULATION}")
    responses = spike_responses(units)
    made = analyse(responses, "population")
    shifted = responses.response_hz + np.where(responses.signalled, 0.0, made.shift_hz)
    means = []
    for size in made.estimator.sizes_ul:
        at = responses.reward_ul == size
        means.append(np.mean([shifted[at & (responses.unit == i)].mean() for i in range(len(units))]))
    np.testing.assert_allclose(made.estimator.placed.utility_hz, means, rtol=1e-12)
    assert made.shift_hz == pytest.approx(PUBLISHED_SHIFT_HZ, abs=0.5)


# --- reliability -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("keep", "within"), [(True, (0.02, 0.02, 0.02)), (False, (0.02, 0.02, 0.04))])
def test_split_halves(
    units: tuple[RecordedUnit, ...], keep: bool, within: tuple[float, float, float]
) -> None:
    copies = sum(int(unit.doubled.sum()) for unit in units)
    try:
        expected = known_halves(len(units), copies, keep=keep)
    except NoRecordingError as unknown:
        pytest.skip(str(unknown))
    chosen = units if keep else tuple(unit.keep(~unit.doubled) for unit in units)
    one, other = random_halves(spike_responses(chosen), seed=1)
    paper, paper_other = sign_count(one, U)[0], sign_count(other, U)[0]
    pooled, pooled_other = isotonic(one, U)[0], isotonic(other, U)[0]
    # the asymmetry from one half against the reversal point from the other
    asymmetry = published_slopes(one, U, paper).asymmetry
    pairs = ((paper, paper_other), (pooled, pooled_other), (asymmetry, paper_other))
    found = [mean_r(a, b) for a, b in pairs]
    assert (np.abs(np.array(found) - expected) <= within).all(), found
