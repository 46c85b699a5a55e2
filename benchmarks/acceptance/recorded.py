"""Checks on recordings: light-identified units, forty published pairs, one dLight session.

The units are those of Dabney et al. 2020, all forty or twenty of them. Twenty give other figures than the
paper's: what is asked was worked out for each of the two, independently of this program. In the recordings
some rewards are entered twice (208 of all forty units, 82 of the twenty): "kept" and "dropped" is of these.
"""

from __future__ import annotations

import csv
import functools
import json
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

from benchmarks.acceptance.checks import Result, check, file_of, known_halves, unit_files
from rig.cli.analyze import analyze
from rig.estimate.asymmetry import published_slopes
from rig.estimate.counts import SizeCounts
from rig.estimate.isotonic import isotonic
from rig.estimate.offline import Analysis, Responses, analyse
from rig.estimate.sign_count import sign_count
from rig.estimate.utility import PUBLISHED_AXIS, PUBLISHED_SHIFT_HZ, PUBLISHED_UTILITY_HZ
from rig.photometry.chain import OnlineDff
from rig.photometry.offline import offline_dff
from rig.photometry.settings import DffSettings
from rig.population.decoding import convex, shuffled, wasserstein
from rig.population.imputation import imputed
from rig.population.offline import population_of
from rig.population.shapes import Population
from rig.runtime.photometry_files import read_photometry
from rig.runtime.recordings import read_spikes, spike_responses
from rig.stream.published import unit_response
from rig.stream.recording import RecordedUnit
from rig.tagging.offline import batch_histograms, tag_recording
from rig.tagging.salt import SaltSettings
from rig.tagging.salt import salt as salt_test
from rig.tagging.told import UnitTag

Floats = NDArray[np.float64]
U = np.array(PUBLISHED_UTILITY_HZ)
SPLITS = 1000


@functools.cache
def golden() -> dict[str, Any]:
    """What the published pipeline makes of the units."""
    read: dict[str, Any] = json.loads(unit_files()[0].golden.read_text(encoding="utf-8"))
    return read


@functools.cache
def units(*, keep: bool = True) -> tuple[RecordedUnit, ...]:
    """The units, with the copied rewards or without."""
    read = read_spikes(unit_files()[0].spikes)
    return read if keep else tuple(unit.keep(~unit.doubled) for unit in read)


@functools.cache
def responses(*, keep: bool = True) -> Responses:
    """Their responses."""
    return spike_responses(units(keep=keep))


def copies() -> tuple[bool, ...]:
    """For each line of the table of trials, whether it is a doubled reward."""
    with unit_files()[0].trials.open(encoding="utf-8", newline="") as file:
        return tuple(row["dup_flag"] == "1" for row in csv.DictReader(file))


def halves(*, keep: bool) -> tuple[float, float, float]:
    """What the halves of these units must give."""
    return known_halves(len(units()), sum(copies()), keep=keep)


@functools.cache
def analysis(*, keep: bool = True) -> Analysis:
    """Their reversal points."""
    return analyse(responses(keep=keep))


@functools.cache
def population(*, keep: bool = True) -> Population:
    """What the window and the JSON say of them together."""
    return population_of(responses(keep=keep), analysis(keep=keep)).population


# --- responses and reversal points -------------------------------------------------------------------


@check(1, "responses from spikes", "those of the published pipeline within 1e-4 Hz", recorded=True)
def pipeline() -> Result:
    expected: dict[int, list[float]] = {}
    with unit_files()[0].trials.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            expected.setdefault(int(row["cell"]), []).append(float(row["response_hz"] or "nan"))
    errors = [np.abs(unit_response(unit) - expected[int(unit.name)])[unit.rewarded] for unit in units()]
    worst, number = float(np.concatenate(errors).max()), sum(e.size for e in errors)
    return Result(f"largest difference {worst:.1e} Hz over {number} responses", worst < 1e-4)


@check(1, "utility axis", "the published one within 1e-5 Hz", recorded=True)
def axis() -> Result:
    worst = float(np.abs(U - golden()["utility_axis_hz"]).max())
    return Result(f"largest difference {worst:.1e} Hz", worst < 1e-5)


@check(2, "reversal points by sign count", "the published ones within 1e-4 Hz and uL", recorded=True)
def reversal() -> Result:
    made = analysis().estimates
    hz = np.abs(np.array([e.paper_hz for e in made], dtype=float) - golden()["reversal_utility"])
    ul = np.abs(np.array([e.paper_ul for e in made], dtype=float) - golden()["reversal_ul"])
    return Result(
        f"{int(((hz < 1e-4) & (ul < 1e-4)).sum())} of {len(made)} units; largest difference "
        f"{hz.max():.0e} Hz, {ul.max():.0e} uL",
        bool(hz.max() < 1e-4 and ul.max() < 1e-4),
    )


# --- split halves ----------------------------------------------------------------------------------------


def random_halves(made: Responses, seed: int) -> tuple[SizeCounts, SizeCounts]:
    """Counts of exactly equal halves, per unit and size; all splits stacked as units."""
    rng = np.random.default_rng(seed)
    shifted = made.response_hz + np.where(made.signalled, 0.0, PUBLISHED_SHIFT_HZ)
    number = len(made.names)
    halves = SizeCounts(7, SPLITS * number), SizeCounts(7, SPLITS * number)
    for i in range(number):
        rows = np.arange(SPLITS) * number + i
        for j, size in enumerate(PUBLISHED_AXIS.sizes_ul):
            y = shifted[(made.unit == i) & (made.reward_ul == size)]
            first = rng.random((SPLITS, y.size)).argsort(axis=1) < y.size // 2
            for half, member in zip(halves, (first, ~first), strict=True):
                half.n[rows, j] = member.sum(axis=1)
                half.total[rows, j] = member @ y
                half.squares[rows, j] = member @ (y * y)
                half.positives[rows, j] = (member & (y >= 1e-9)).sum(axis=1)
                half.negatives[rows, j] = (member & (y <= -1e-9)).sum(axis=1)
    return halves


def mean_r(one: Floats, other: Floats) -> float:
    """Mean over splits of Pearson's R over units."""
    a, b = one.reshape(SPLITS, -1), other.reshape(SPLITS, -1)
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    return float(((a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))).mean())


def three(
    found: list[float], asked: tuple[float, float, float], within: tuple[float, float, float]
) -> Result:
    """Sign count, isotonic, and asymmetry of one half against reversal of the other."""
    told = "{:.3f} sign count, {:.3f} isotonic, {:.3f} asymmetry-reversal".format(*found)
    return Result(told, bool((np.abs(np.array(found) - asked) <= within).all()))


def exact(*, keep: bool) -> list[float]:
    one, other = random_halves(responses(keep=keep), seed=1)
    paper, paper_other = sign_count(one, U)[0], sign_count(other, U)[0]
    asymmetry = published_slopes(one, U, paper).asymmetry
    pooled = isotonic(one, U)[0], isotonic(other, U)[0]
    return [mean_r(paper, paper_other), mean_r(*pooled), mean_r(asymmetry, paper_other)]


def shown(*, keep: bool) -> list[float]:
    told = population(keep=keep)
    paper, pooled, relation = told.split_half.paper, told.split_half.isotonic, told.asymmetry_reversal
    assert paper is not None and pooled is not None and relation is not None
    return [paper.r, pooled.r, relation.r]


@check(
    3,
    "1,000 random halves, copies kept: mean R",
    "twenty units: 0.82, 0.93, 0.63 (+- 0.02)",
    recorded=True,
)
def halves_kept() -> Result:
    return three(exact(keep=True), halves(keep=True), (0.02, 0.02, 0.02))


@check(3, "the same, copies dropped", "twenty units: 0.84, 0.95 (+- 0.02), 0.66 (+- 0.04)", recorded=True)
def halves_dropped() -> Result:
    return three(exact(keep=False), halves(keep=False), (0.02, 0.02, 0.04))


@check(3, "as shown live (halves by hash), copies kept", "the same; the last +- 0.03", recorded=True)
def live_kept() -> Result:
    return three(shown(keep=True), halves(keep=True), (0.02, 0.02, 0.03))


@check(3, "the same, copies dropped", "the same; the last +- 0.06", recorded=True)
def live_dropped() -> Result:
    return three(shown(keep=False), halves(keep=False), (0.02, 0.02, 0.06))


# --- decoding ---------------------------------------------------------------------------------------------


@check(
    6,
    "convex decoding of the units' published points",
    "nearer to the rewards than 95 % of 100 shuffles",
    recorded=True,
)
def decoding() -> Result:
    e, tau = np.array(golden()["reversal_utility"]), np.array(golden()["asymmetry"])
    given = np.array(golden()["n_by_cell_magnitude"], dtype=np.float64).sum(axis=0)
    rng = np.random.default_rng(7)
    orders = np.array([rng.permutation(e.size) for _ in range(100)])
    own = convex(e, tau, U[0], U[-1])
    distance = wasserstein(own.x, own.p, U, given)
    control = np.array([wasserstein(one.x, one.p, U, given) for one in shuffled(e, tau, U[0], U[-1], orders)])
    better = float((control > distance).mean())
    return Result(
        f"{distance:.2f} Hz away, shuffles {control.mean():.2f} Hz; nearer than {better:.0%}", better >= 0.95
    )


@check(6, "the same as shown live, from different halves", "the same", recorded=True)
def decoding_halves() -> Result:
    told = population().decoding.convex
    assert told is not None
    control = np.array(told.shuffled_hz)
    better = float((control > told.wasserstein_hz).mean())
    return Result(
        f"{told.wasserstein_hz:.2f} Hz away, shuffles {control.mean():.2f} Hz; nearer than {better:.0%}",
        better >= 0.95,
    )


@check(6, "published imputation, 40 published pairs: loss", "0.18 within 5 % (best of 5)", recorded=True)
def imputation() -> Result:
    e, tau = np.loadtxt(file_of("published_reversal_asymmetry_pairs.csv"), delimiter=",", skiprows=1).T
    rng = np.random.default_rng(6)
    losses = sorted(imputed(e, tau, 0.1, 20.0, rng.random((1000, 100))).loss for _ in range(5))
    told = ", ".join(f"{loss:.3f}" for loss in losses)
    return Result(f"{e.size} pairs: {told}", abs(losses[0] / 0.18 - 1) <= 0.05)


# --- light, photometry, copies ----------------------------------------------------------------------------


@functools.cache
def tags(baselines: int) -> tuple[UnitTag, ...]:
    """What light does to each unit."""
    with np.load(unit_files()[0].spikes) as file:
        names = sorted(key[9:] for key in file.files if key.startswith("laser_on_"))
        settings = SaltSettings(baselines=baselines)
        return tuple(
            tag_recording(
                name, np.sort(file[f"spikes_{name}"]), np.sort(file[f"laser_on_{name}"]), settings
            ).view()
            for name in names
        )


@check(9, "SALT on light-identified units", "at least 95 % called driven (P < 0.01)", recorded=True)
def salt() -> Result:
    p = np.array([tag.salt.p for tag in tags(15) if tag.salt is not None])
    return Result(
        f"{(p < 0.01).sum()} of {p.size} units, largest P {p.max():.3f}", bool((p < 0.01).mean() >= 0.95)
    )


@check(9, "SALT on sham pulses between them", "at most 10 % at P < 0.05", recorded=True)
def sham() -> Result:
    p = np.array([tag.sham.p for tag in tags(15) if tag.sham is not None])
    share = float((p < 0.05).mean())
    return Result(f"{share:.0%} of {p.size} units, smallest P {p.min():.3f}", p.size > 0 and share <= 0.10)


@check(9, "SALT on random moments, 20 sets a unit", "at most 10 % at P < 0.05", recorded=True)
def random_sham() -> Result:
    settings, rng, p = SaltSettings(baselines=15), np.random.default_rng(1), []
    with np.load(unit_files()[0].spikes) as file:
        for key in sorted(key for key in file.files if key.startswith("laser_on_")):
            spikes, light = np.sort(file[key.replace("laser_on_", "spikes_")]), np.sort(file[key])
            for _ in range(20):
                moments = rng.uniform(spikes[0] + 1000, spikes[-1] - 1000, 400)
                far = np.abs(moments[:, None] - light).min(axis=1) > 1000
                histograms = batch_histograms(spikes, np.sort(moments[far][:100]), settings)
                tested = salt_test(histograms, settings)
                p += [] if tested is None else [tested.p]
    share = float((np.array(p) < 0.05).mean())
    return Result(f"{share:.1%} of {len(p)} sets", share <= 0.10)


@check(
    10,
    "dF/F online against offline, dLight session",
    "correlation of event responses 0.99 or more",
    recorded=True,
)
def photometry() -> Result:
    read = read_photometry(file_of("photometry_dlight_m53.npz"))
    signal, control, rate_hz = read.channel("dlight"), read.channel("tdtomato"), read.rate_hz
    live = OnlineDff(DffSettings(), rate_hz).take(0, signal, control).dff
    whole = offline_dff(signal, control, rate_hz).dff
    cues = read.events_s["reward_cue"]
    cues = cues[cues > 121]  # before that there is no dF/F online
    mine, reference = (event_means(trace, rate_hz, cues) for trace in (live, whole))
    r = float(np.corrcoef(mine, reference)[0, 1])
    slope = float(np.polyfit(reference, mine, 1)[0])
    return Result(f"R = {r:.4f} over {cues.size} events, slope {slope:.2f}", r >= 0.99)


def event_means(trace: Floats, rate_hz: float, events_s: Floats) -> Floats:
    """Mean of the second after each event minus that before."""

    def mean(from_s: Floats, to_s: Floats) -> Floats:
        ends = np.ceil(np.stack([from_s, to_s]) * rate_hz).astype(int)
        return np.array([np.nanmean(trace[low:high]) for low, high in ends.T])

    return mean(events_s, events_s + 1) - mean(events_s - 1, events_s)


@check(
    12,
    "rewards that are entered twice",
    "all reported; dropped if asked, kept for parity",
    recorded=True,
)
def doubled() -> Result:
    app = typer.Typer()
    app.command()(analyze)
    told, counted = [], []
    for how in ("keep", "drop"):
        done = CliRunner().invoke(app, [str(unit_files()[0].spikes), "--json", "--doubled", how])
        made = json.loads(done.stdout)
        told.append(made["source"]["doubled"])
        counted.append(sum(sum(unit["n"]) for unit in made["units"]))
    return Result(
        f"{told[0]} reported; {counted[0]} responses with them, {counted[1]} without",
        told == [sum(copies())] * 2 and counted[0] - counted[1] == sum(copies()),
    )
