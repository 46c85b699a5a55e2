"""A unit's numbers in words, the same in every panel. Knows no Qt."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rig.documents import UnitEstimate
from rig.estimate.telling import ISOTONIC_CAPPED, PAPER_CAPPED


def ul(volume_ul: float) -> str:
    """A volume to a tenth of what one drop may be measured to.

    Examples
    --------
    >>> ul(3.8849), ul(12.34)
    ('3.88', '12.3')
    """
    return f"{volume_ul:.1f}" if volume_ul >= 10 else f"{volume_ul:.2f}"


def interval(ends_ul: tuple[float, float]) -> str:
    """A 95 % interval in uL."""
    return f"{ul(ends_ul[0])} to {ul(ends_ul[1])}"


def marked(unit: str, tagged: Collection[str], vanished: Collection[str]) -> str:
    """A unit's name with what must not be overlooked: T for a tagged one, and whether it is silent.

    Examples
    --------
    >>> marked("7:1", {"7:1"}, {"7:1"}), marked("7:2", {"7:1"}, ())
    ('T 7:1 (silent)', '7:2')
    """
    return f"{'T ' if unit in tagged else ''}{unit}{' (silent)' if unit in vanished else ''}"


def unit_numbers(estimate: UnitEstimate, sizes_ul: Sequence[float]) -> list[tuple[str, str]]:
    """Everything that is known of a unit, as (name, value) lines."""
    lines: list[tuple[str, str]] = []
    if estimate.bayes_ul is None:
        lines.append(("no estimate", estimate.reason or "too few responses"))
    else:
        if estimate.bayes_ci95_ul is not None:
            value = f"{ul(estimate.bayes_ul)} uL  (95 %: {interval(estimate.bayes_ci95_ul)})"
            lines.append(("Bayes", value))
        for name, volume, flag in (
            ("isotonic", estimate.isotonic_ul, ISOTONIC_CAPPED),
            ("published", estimate.paper_ul, PAPER_CAPPED),
        ):
            if volume is not None:
                never = "  (a cap: its responses never change sign)" if flag in estimate.flags else ""
                lines.append((name, f"{ul(volume)} uL{never}"))
        if estimate.asymmetry_bayes is not None:
            lines.append(("asymmetry", f"{estimate.asymmetry_bayes:.2f}"))
    by_size = "  ".join(f"{size:g}: {n}" for size, n in zip(sizes_ul, estimate.n, strict=False))
    lines.append(("n", f"{sum(estimate.n)}  ({by_size})"))
    if estimate.flags:
        lines.append(("flags", ", ".join(estimate.flags)))
    return lines
