"""One reversal point or many: four explanations, and signs that nobody had seen."""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes

from rig.population.shapes import Evidence, HeldOutSigns
from rig.report.facts import Epoch
from rig.report.parts import Item, Missing, Number, Shown, why
from rig.report.style import BLUE, FAINT, INK, PALE, finish, grid, nothing, panel, sheet
from rig.report.words import percent, signed

TITLE = "One reversal point or many?"
EXPLANATIONS: Final = {
    "common": "one reversal point for all",
    "offset": "one, and a constant for each unit",
    "distributional": "an expectile code",
    "both": "an expectile code and constants",
}
VERDICTS: Final = {**EXPLANATIONS, "undecided": "undecided"}
SHORT: Final = {
    "common": "one for all",
    "offset": "one, with constants",
    "distributional": "expectile code",
    "both": "expectiles, constants",
    "undecided": "undecided",
}
SURE: Final = 0.95


def evidence_figure(epoch: Epoch, key: str) -> Item:
    """Posterior probabilities of the explanations, and held-out sign accuracy."""
    view = epoch.view
    if view is None:
        return Missing(key, TITLE, epoch.why_no_units)
    evidence = view.population.evidence
    if evidence is None:
        return Missing(key, TITLE, why(view.population, "evidence"))
    figure = sheet(1.95)
    places = grid(figure, 1, 2, left=2.05, width_ratios=(1.4, 1), wspace=0.75, top=0.3)
    _explanations(panel(figure, places[0], f"a  answer: {SHORT[evidence.verdict]}"), evidence)
    signs = panel(figure, places[1], "b  signs foretold")
    missing = []
    numbers = [
        Number("answer", None, VERDICTS[evidence.verdict]),
        *(
            Number(f"probability of “{words}”", getattr(evidence, name), f"{getattr(evidence, name):.3f}")
            for name, words in EXPLANATIONS.items()
        ),
    ]
    if evidence.held_out is not None:
        _signs(signs, evidence.held_out)
        gain = evidence.held_out.own - evidence.held_out.common
        numbers += [
            Number(
                "signs foretold by one for all", evidence.held_out.common, percent(evidence.held_out.common)
            ),
            Number(
                "signs foretold by each unit's own", evidence.held_out.own, percent(evidence.held_out.own)
            ),
            Number("gain", gain, f"{signed(100 * gain, 1)} points"),
            Number(
                "its standard error over units",
                evidence.held_out.gain_se,
                f"{100 * evidence.held_out.gain_se:.1f} points",
            ),
        ]
    else:
        nothing(signs, "cannot be said yet")
        missing.append(f"No held-out signs: {why(view.population, 'evidence.held_out')}.")
    return Shown(
        key,
        TITLE,
        finish(figure, key, "Probability of four explanations, and held-out sign accuracy"),
        "a: how probable each of four explanations is, given the responses and equal odds beforehand. The "
        f"answer is {_quoted(evidence.verdict)}: one is given only above {SURE:.2f}, and only "
        "if it is ahead of its rivals unit by unit. b: share of positive and negative responses in one "
        "half of the trials foretold by reversal points from the other half.",
        "“Undecided” is an answer. The explanations know nothing of saturation, drift, or reversal points "
        "that differ for some other reason: take an answer as the best of four stories, not as the truth. "
        "Where all units share one point, own points foretell worse.",
        tuple(numbers),
        missing=tuple(missing),
    )


def _quoted(verdict: str) -> str:
    words = VERDICTS[verdict]
    return words if verdict == "undecided" else f"“{words}”"


def _explanations(axes: Axes, evidence: Evidence) -> None:
    names = list(EXPLANATIONS)
    values = [getattr(evidence, name) for name in names]
    for y, (name, value) in enumerate(zip(names, values, strict=True)):
        chosen = name == evidence.verdict
        axes.barh(y, value, height=0.6, color=BLUE if chosen else PALE, edgecolor=INK if chosen else FAINT,
                  linewidth=0.9 if chosen else 0.5)  # fmt: skip
        axes.annotate(
            f"{value:.3f}", (max(value, 0.0), y), (3, 0), textcoords="offset points", va="center", fontsize=7
        )
    axes.axvline(SURE, color=INK, linewidth=0.6, dashes=(3, 2))
    axes.set_xlim(0, 1.0)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), labels=[EXPLANATIONS[name] for name in names])
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([0, 0.5, SURE], labels=["0", "0.5", f"{SURE:g}"])
    axes.set_xlabel("probability")


def _signs(axes: Axes, held_out: HeldOutSigns) -> None:
    values = (held_out.common, held_out.own)
    axes.plot([100 * value for value in values], (0, 1), color=PALE, linewidth=1.2, zorder=0)
    for y, (value, marker) in enumerate(zip(values, "so", strict=True)):
        axes.plot(100 * value, y, marker, color=BLUE if y else "white", markeredgecolor=BLUE, markersize=5)
        axes.annotate(
            percent(value), (100 * value, y), (7, 0), textcoords="offset points", va="center", fontsize=7
        )
    low, high = 100 * min(values), 100 * max(values)
    room = max(high - low, 2.0)
    axes.set_xlim(low - room, high + 2.2 * room)
    axes.set_ylim(1.7, -0.7)
    axes.set_yticks([0, 1], labels=["one for all", "each its own"])
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=4)
    axes.set_xlabel("foretold rightly (%)")
