"""From counts to what is told of a population: its numbers, its figures, a reason for every null."""

from __future__ import annotations

import msgspec

from rig.population.counts import PopulationCounts
from rig.population.figures import figures
from rig.population.numbers import no_numbers, numbers
from rig.population.shapes import Figures, PopulationView
from rig.population.worked import About, Heard, worked_out


def population_view(
    counts: PopulationCounts | None, about: About, heard: Heard | None = None, *, published: bool = False
) -> PopulationView:
    """Work out everything.

    Parameters
    ----------
    counts
        None where no responses to rewards are taken.
    about, heard
        What the counts are about, and what is known beside them.
    published
        Also decode by the published imputation, which takes seconds.
    """
    heard = heard or Heard()
    if counts is None:
        population = no_numbers(about, heard)
        drawn = Figures(units=(), r_paper=(), r_isotonic=(), r_asymmetry=(), delivered=())
    else:
        worked = worked_out(counts)
        population = numbers(worked, about, heard, published=published)
        drawn = figures(worked, about.units)
    population = msgspec.structs.replace(population, counted=about.counted, left_out=about.left_out)
    return PopulationView(
        rewarded=about.rewarded,
        epoch=about.epoch,
        sizes_ul=about.sizes_ul,
        utility_axis_hz=about.utility_axis_hz,
        population=population,
        figures=drawn,
    )
