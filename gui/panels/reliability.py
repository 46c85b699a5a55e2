"""Whether the differences between units repeat, and beside that, always, the checks that it needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from PyQt5.QtCore import QPoint
from PyQt5.QtWidgets import QGridLayout

from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.population_panel import AboutPopulation, because
from gui.reliability_cells import BarsCell, Cell, HistogramCell, ScatterCell
from gui.stat_words import p_words, r_words
from gui.theme import Theme
from gui.utility_scale import UtilityScale
from rig.population.shapes import PopulationView, Relation, Repeat

PUBLISHED, ISOTONIC = 0, 1
WAYS: Final = ("paper", "isotonic")
COLUMNS: Final = 3
ASYMMETRY: Final = (-0.05, 1.1)
EXPLAINED: Final = (
    "Every unit's reversal point from one half of the trials against that from the other half. R is the mean "
    "over all halvings; the points are those of one.",
    "R of each of the random halvings. The line is their mean.",
    "First half of the session against the second one. An R well below that of random halves means that "
    "something drifts: random halves cannot see that.",
    "A distributional code binds these two: R must be clearly above zero. A constant of each neuron's own "
    "does not. Reversal points and asymmetries come from different halves of the trials; from the same half "
    "they go together by construction.",
    "Reversal points should not go with baseline rates: R near zero. If they do, think of a floor: a slow "
    "neuron cannot fall far.",
    "Units that answer a size significantly above their baseline (up) and below it (down), two-sided t test, "
    "P < 0.05. With one reversal point for all, no size has both. With a distributional code one has, but "
    "with a constant of each neuron's own as well.",
)
"""What each plot shows and should show, in the order in which they stand."""


class ReliabilityPanel(AboutPopulation):
    """Six small plots. None of them proves a distributional code by itself, so none can be seen alone.

    Attributes
    ----------
    halves, partitions, times, asymmetry, baseline, sizes
        The six, from the upper left to the lower right.
    way
        Which estimator the first three show.
    """

    title: ClassVar[str] = "reliability"
    order: ClassVar[int] = 110
    warns: ClassVar[str] = (
        "Repeating reversal points do not prove a distributional code: if each neuron merely fires a little "
        "more or less after every reward, that repeats as well. Read all six together."
    )
    warns_briefly: ClassVar[str] = (
        "Repeating reversal points do not prove a distributional code. Read all six together."
    )

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        buttons, self.way = self.choice("published", "isotonic", chosen=PUBLISHED)
        self.way.buttonClicked.connect(lambda _: self.refresh(Aspect.POPULATION))
        self.head.addLayout(buttons)
        self.halves = ScatterCell(theme, "random halves", "1st half, uL", "2nd, uL", "uL")
        self.partitions = HistogramCell(theme, "its spread", "R of one halving", "halvings")
        self.times = ScatterCell(theme, "halves in time", "early, uL", "late, uL", "uL")
        self.asymmetry = ScatterCell(
            theme, "asymmetry, reversal", "reversal, uL", "asymm.", "by reversal, uL"
        )
        self.baseline = ScatterCell(theme, "baseline, reversal", "reversal, uL", "Hz", "Hz by reversal, uL")
        self.sizes = BarsCell(theme, "units", "size, uL", "units")
        self.cells: tuple[Cell, ...] = (
            *(self.halves, self.partitions, self.times),
            *(self.asymmetry, self.baseline, self.sizes),
        )
        for cell, words in zip(self.cells, EXPLAINED, strict=True):
            cell.explain(words)
        grid = QGridLayout()
        grid.setSpacing(4)
        for k, cell in enumerate(self.cells):
            grid.addWidget(cell, k // COLUMNS, k % COLUMNS)
            grid.setColumnStretch(k % COLUMNS, 1)
            grid.setRowStretch(k // COLUMNS, 1)
            if isinstance(cell, ScatterCell):
                cell.scatter.clicked.connect(self.controls.select)
                cell.scatter.pointed.connect(self._pointer(cell))
        self.body.addLayout(grid, 1)
        self.body.addWidget(self.warning)

    # --- drawing ----------------------------------------------------------------------------------

    def why_empty(self, view: PopulationView) -> str | None:
        """Nothing can be drawn without a single statistic and without a unit that answers a size."""
        told = view.population
        nothing = told.split_half.paper is None and told.split_half.isotonic is None
        if nothing and not any(up or down for _, up, down in told.up_down):
            return because(view, "split_half.paper")
        return None

    def draw(self, view: PopulationView) -> None:
        """Draw all six."""
        way = WAYS[self.way.checkedId()]
        scale = UtilityScale(view.sizes_ul, view.utility_axis_hz)
        told, units = view.population, view.figures.units
        names = [unit.unit for unit in units]
        halves: list[tuple[float | None, float | None]]
        times: list[tuple[float | None, float | None]]
        if self.way.checkedId() == PUBLISHED:
            halves, times = [u.halves_paper for u in units], [u.times_paper for u in units]
            random, in_time = told.split_half.paper, told.time_split.paper
            spread = view.figures.r_paper
        else:
            halves, times = [u.halves_isotonic for u in units], [u.times_isotonic for u in units]
            random, in_time = told.split_half.isotonic, told.time_split.isotonic
            spread = view.figures.r_isotonic
        self.halves.show_pairs(names, halves, scale)
        self.halves.say(*_repeat(random), because(view, f"split_half.{way}"))
        self.partitions.show_values(spread, random.r if random else None)
        self.partitions.say(*_spread(random, len(spread)), because(view, f"split_half.{way}"))
        self.times.show_pairs(names, times, scale)
        self.times.say(*_repeat(in_time), because(view, f"time_split.{way}"))
        reversal = [unit.halves_paper[1] for unit in units]
        taus = [unit.asymmetry_half for unit in units]
        self.asymmetry.show_against(names, (reversal, taus), scale, ASYMMETRY, guide=0.5)
        self.asymmetry.say(*_relation(told.asymmetry_reversal, "mean "), because(view, "asymmetry_reversal"))
        rates = [unit.baseline_hz for unit in units]
        top = max((rate for rate in rates if rate is not None), default=1.0)
        whole = [self._reversal(name) for name in names]
        self.baseline.show_against(names, (whole, rates), scale, (0.0, max(top * 1.08, 1.0)))
        self.baseline.say(*_relation(told.baseline_reversal), because(view, "baseline_reversal"))
        self.sizes.show_bars(told.up_down)
        self.sizes.say(*_most_divided(told.up_down, told.units), "")

    def _reversal(self, unit: str) -> float | None:
        """The published reversal point from all trials: what the baseline is held against."""
        estimate = self.model.estimates.get(unit)
        return estimate.paper_hz if estimate is not None else None

    def mark(self, unit: str | None) -> None:
        """Mark the selected unit in every scatter."""
        for cell in self.cells:
            if isinstance(cell, ScatterCell):
                cell.scatter.select(unit)

    def _pointer(self, cell: ScatterCell) -> Callable[[str | None, QPoint], None]:
        def point(unit: str | None, at: QPoint) -> None:
            self.tip(cell.tell(unit) if unit is not None else "", at, cell)

        return point


def _repeat(found: Repeat | None) -> tuple[str | None, tuple[str, ...]]:
    if found is None:
        return None, ()
    if found.r_sd is None:
        return r_words(found.r), (p_words(found.p_mean),)
    mean, geometric = p_words(found.p_mean), p_words(found.p_geometric)
    long = (f"mean {mean}, geometric mean {geometric}", f"mean {mean}, geometric {geometric[2:]}")
    return r_words(found.r), (*long, f"mean {mean}, geom. {geometric[2:]}", f"{mean}, geom. {geometric[2:]}")


def _spread(found: Repeat | None, halvings: int) -> tuple[str | None, tuple[str, ...]]:
    if found is None or found.r_sd is None:
        return None, ()
    return f"± {found.r_sd:.2f}", (f"SD of R over {halvings} halvings", f"{halvings} halvings")


def _relation(found: Relation | None, kind: str = "") -> tuple[str | None, tuple[str, ...]]:
    return (None, ()) if found is None else (r_words(found.r), (f"{kind}{p_words(found.p)}",))


def _most_divided(
    up_down: tuple[tuple[float, int, int], ...], units: int
) -> tuple[str | None, tuple[str, ...]]:
    """The size at which most units go the rarer way; of how many units."""
    size, up, down = max(up_down, key=lambda row: (min(row[1:]), max(row[1:])), default=(0.0, 0, 0))
    if not up_down:
        return None, ()
    of = f"of {units}, P < 0.05"
    if not min(up, down):
        return "no size has both", (f"units up ■ and down □, {of}", f"■ up, □ down, {of}", of)
    return f"{up} up, {down} down", (
        f"■ up, □ down, {of}, at {size:g} uL",
        f"at {size:g} uL, {of}",
        f"at {size:g} uL",
    )
