"""The population of a whole recording: the same counts as in a session, from all responses at once."""

from __future__ import annotations

from collections.abc import Set

import numpy as np

from rig.estimate.counts import IntArray
from rig.estimate.offline import Analysis, Responses
from rig.population.counts import PopulationCounts
from rig.population.shapes import PopulationView
from rig.population.view import population_view
from rig.population.worked import About, Heard

NO_CUES = "a recording of responses to rewards holds none to cues"


def population_of(
    responses: Responses,
    analysis: Analysis,
    heard: Heard | None = None,
    *,
    published: bool = False,
    tagged: Set[str] = frozenset(),
) -> PopulationView:
    """Work out the population of a recording.

    Trials are taken in the order of their numbers. To which half a trial belongs goes by its number, so two
    sessions' trials of one number share their half, as units of one session do.

    Parameters
    ----------
    responses, analysis
        The recording, and what `analyse` made of it.
    heard
        What is known besides.
    published
        Also decode by the published imputation, which takes seconds.
    tagged
        Units that count; if there are none, all do.
    """
    placed = analysis.estimator.placed
    counts = PopulationCounts(placed.utility_hz, placed.sizes_ul)
    counts.add_units(len(responses.names))
    trial = trial_numbers(responses)
    order = np.argsort(trial, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(trial[order])) + 1) if order.size else ():
        size = np.zeros(counts.units, dtype=np.int64)
        y = np.full(counts.units, np.nan)
        baseline = np.full(counts.units, np.nan)
        unit = responses.unit[rows]
        size[unit], y[unit] = analysis.size_index[rows], analysis.response_hz[rows]
        if responses.baseline_hz is not None:
            baseline[unit] = responses.baseline_hz[rows]
        counts.add(int(trial[rows[0]]), size, y, baseline)
    chosen = np.flatnonzero([name in tagged for name in responses.names])
    left_out = len(responses.names) - chosen.size if chosen.size else 0
    heard = heard or Heard(why_no_cues=NO_CUES)
    if left_out:
        counts, heard = counts.rows(chosen), heard.rows(chosen)
    about = About(
        units=[name for name in responses.names if name in tagged] if left_out else responses.names,
        sizes_ul=placed.sizes_ul,
        utility_axis_hz=placed.utility_hz,
        rewarded=responses.rewarded,
        counted="tagged" if left_out else "all",
        left_out=left_out,
    )
    return population_view(counts, about, heard, published=published)


def trial_numbers(responses: Responses) -> IntArray:
    """Trial number of each response, shape (responses,): its own, or its place among its unit's responses."""
    if responses.trial is not None:
        return responses.trial
    seen = np.zeros(len(responses.names), dtype=np.int64)
    number = np.zeros(responses.unit.size, dtype=np.int64)
    for i, unit in enumerate(responses.unit.tolist()):
        number[i] = seen[unit]
        seen[unit] += 1
    return number
