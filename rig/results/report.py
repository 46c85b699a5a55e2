"""The JSON of `analyze`, `inspect` and `simulate`: one shape, typed, with a committed schema.

Every null has its reason: a unit's `reasons` maps the path of the null (``truth``, ``reversal.paper``,
``reversal.isotonic``, ``reversal.bayes``, ``asymmetry.paper``, ``asymmetry.bayes``) to one sentence. The
population has reasons of its own, and the report says why there is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import msgspec

from rig.documents import UnitEstimate
from rig.estimate.telling import no_estimate
from rig.photometry.told import FibreTold, LoopLatency
from rig.population.shapes import Population
from rig.results.tag_report import NO_TAG, Tag

NO_TRUTH = "these units are not simulated: nobody knows their true values"
NO_RESPONSES = "no response to a reward was taken"
NO_POPULATION = "it was not asked for"
SCHEMA_ID = "dopaloop estimates, version 1"


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the report's parts."""


class Truth(_Part, frozen=True, kw_only=True):
    """A simulated unit's true reversal point and asymmetry."""

    reversal_hz: float
    reversal_ul: float
    asymmetry: float


class Point(_Part, frozen=True, kw_only=True):
    """A reversal point on the utility axis and in uL."""

    hz: float
    ul: float


class Interval(_Part, frozen=True, kw_only=True):
    """A reversal point with its posterior SD and 95 % interval, ends (low, high)."""

    hz: float
    sd_hz: float
    ci95_hz: tuple[float, float]
    ul: float
    ci95_ul: tuple[float, float]


class Reversal(_Part, frozen=True, kw_only=True):
    """One unit's reversal point by the three estimators."""

    paper: Point | None
    isotonic: Point | None
    bayes: Interval | None


class Asymmetry(_Part, frozen=True, kw_only=True):
    """One unit's asymmetry alpha+ / (alpha+ + alpha-): published (not clipped) and posterior mean."""

    paper: float | None
    bayes: float | None


class Unit(_Part, frozen=True, kw_only=True):
    """One unit; `n` is its number of responses per size, in the order of `sizes_ul`.

    Attributes
    ----------
    tag
        What is known of it and light; null: nothing.
    """

    unit: str
    n: tuple[int, ...]
    truth: Truth | None
    reversal: Reversal
    asymmetry: Asymmetry
    flags: tuple[str, ...]
    reasons: dict[str, str]
    tag: Tag | None = None


class Source(_Part, frozen=True, kw_only=True):
    """What `analyze` read, and how.

    Attributes
    ----------
    doubled
        Doubled rewards in the recording; null where the file has no times to find them by.
    doubled_kept
        Whether they were kept.
    sessions, skipped
        Of a folder: the session files that were read, and one sentence for each that was not.
    """

    file: str
    utility_axis: str
    unsignalled_shift_hz: float
    doubled: int | None
    doubled_kept: bool
    sessions: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


class EpochReport(_Part, frozen=True, kw_only=True):
    """The estimates of one epoch: a stretch of the session with one declared reward distribution.

    Attributes
    ----------
    epoch, name
        Its number and name; the first one is 0.
    first_trial
        0-based.
    reason
        What ended the epoch before.
    """

    epoch: int
    name: str
    first_trial: int
    reason: str
    sizes_ul: tuple[float, ...]
    utility_axis_hz: tuple[float, ...]
    units: tuple[Unit, ...]


class Report(_Part, frozen=True, kw_only=True):
    """Everything; `source` is there after `analyze` only.

    Attributes
    ----------
    trials, rewarded
        Of the whole session.
    sizes_ul, utility_axis_hz, units, population
        Of its newest epoch.
    epochs
        Every epoch with its estimates; empty for a session of one.
    fibres
        Photometry: each fibre's reversal point in the newest epoch. A fibre is a population, not a unit.
    loops
        How long each loop on a fibre took, from light to action.
    reasons
        Why ``population`` or ``source.doubled`` is null, if it is.
    """

    trials: int
    rewarded: int
    sizes_ul: tuple[float, ...]
    utility_axis_hz: tuple[float, ...]
    units: tuple[Unit, ...]
    epochs: tuple[EpochReport, ...]
    population: Population | None
    reasons: dict[str, str]
    source: Source | msgspec.UnsetType = msgspec.UNSET
    fibres: tuple[FibreTold, ...] = ()
    loops: tuple[LoopLatency, ...] = ()


class ReportCounts(_Part, frozen=True, kw_only=True):
    """What a report says about the session as a whole."""

    trials: int
    rewarded: int
    sizes_ul: tuple[float, ...]
    utility_axis_hz: tuple[float, ...]


def report(
    estimates: Sequence[UnitEstimate],
    counts: ReportCounts,
    truth: Mapping[str, Truth] | None = None,
    *,
    no_truth: str = NO_TRUTH,
    population: Population | None = None,
    no_population: str = NO_POPULATION,
    source: Source | msgspec.UnsetType = msgspec.UNSET,
    tags: Mapping[str, Tag] | None = None,
) -> Report:
    """Build the report.

    Parameters
    ----------
    estimates
        The units, in the order to show.
    counts
        Trials, rewarded trials, sizes and their utilities.
    truth
        Unit name -> truth, of simulated units.
    no_truth
        The reason given for a unit whose truth is null.
    population, no_population
        The statistics of all units together, or None and why.
    tags
        Unit name -> what is known of it and light. Units that have no estimates are appended.
    """
    return Report(
        trials=counts.trials,
        rewarded=counts.rewarded,
        sizes_ul=counts.sizes_ul,
        utility_axis_hz=counts.utility_axis_hz,
        units=unit_reports(estimates, truth or {}, no_truth, tags),
        epochs=(),
        population=population,
        reasons={} if population is not None else {"population": no_population},
        source=source,
    )


def unit_reports(
    estimates: Sequence[UnitEstimate],
    truth: Mapping[str, Truth],
    no_truth: str = NO_TRUTH,
    tags: Mapping[str, Tag] | None = None,
) -> tuple[Unit, ...]:
    """Return the units' part of a report; parameters as for `report`."""
    tags = tags or {}
    known = {estimate.unit for estimate in estimates}
    only_lit = [msgspec.structs.replace(no_estimate(unit, ()), flags=(), reason=NO_RESPONSES)
                for unit in tags if unit not in known]  # fmt: skip
    made = (_unit(estimate, truth.get(estimate.unit), no_truth) for estimate in (*estimates, *only_lit))
    return tuple(_with_tag(unit, tags.get(unit.unit)) for unit in made)


def _with_tag(unit: Unit, tag: Tag | None) -> Unit:
    if tag is None:
        return msgspec.structs.replace(unit, reasons={**unit.reasons, "tag": NO_TAG})
    return msgspec.structs.replace(unit, tag=tag)


def _unit(e: UnitEstimate, truth: Truth | None, no_truth: str) -> Unit:
    bayes = None
    if (
        e.bayes_hz is not None
        and e.bayes_sd_hz is not None
        and e.bayes_ci95_hz is not None
        and e.bayes_ul is not None
        and e.bayes_ci95_ul is not None
    ):
        bayes = Interval(
            hz=e.bayes_hz,
            sd_hz=e.bayes_sd_hz,
            ci95_hz=e.bayes_ci95_hz,
            ul=e.bayes_ul,
            ci95_ul=e.bayes_ci95_ul,
        )
    reversal = Reversal(
        paper=_point(e.paper_hz, e.paper_ul), isotonic=_point(e.isotonic_hz, e.isotonic_ul), bayes=bayes
    )
    asymmetry = Asymmetry(paper=e.asymmetry_paper, bayes=e.asymmetry_bayes)
    values = {
        "reversal.paper": reversal.paper,
        "reversal.isotonic": reversal.isotonic,
        "reversal.bayes": reversal.bayes,
        "asymmetry.paper": asymmetry.paper,
        "asymmetry.bayes": asymmetry.bayes,
    }
    reasons = {} if truth is not None else {"truth": no_truth}
    why = e.reason or "not estimated"
    reasons.update({path: why for path, value in values.items() if value is None})
    return Unit(
        unit=e.unit,
        n=e.n,
        truth=truth,
        reversal=reversal,
        asymmetry=asymmetry,
        flags=e.flags,
        reasons=reasons,
    )


def _point(hz: float | None, ul: float | None) -> Point | None:
    return None if hz is None or ul is None else Point(hz=hz, ul=ul)


def schema_text() -> str:
    """Return the JSON Schema of `Report`, as committed in ``docs/reference/estimates.schema.json``."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA_ID}
    schema.update(msgspec.json.schema(Report))
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"
