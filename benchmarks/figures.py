"""From measured rounds to rows: ours beside the baseline of the same group.

A benchmark says with `ours` or `baseline` what it is; what it says goes into pytest-benchmark's JSON file
(``extra_info``), and `rows` reads it from there. A group has one baseline.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

MICRO: Final = 1e6


class Bench(Protocol):
    """What we use of pytest-benchmark's fixture, which has no types of its own."""

    group: str | None
    extra_info: dict[str, Any]

    def pedantic(
        self,
        target: Callable[..., object],
        args: tuple[Any, ...] = (),
        *,
        setup: Callable[[], object] | None = None,
        rounds: int = 1,
        warmup_rounds: int = 0,
    ) -> Any:
        """Time `target` so many times, each time with what `setup` returns as (args, kwargs)."""


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """What we want: at most so many times the baseline, or at most so many microseconds."""

    ratio: float | None = None
    us: float | None = None

    def __str__(self) -> str:
        if self.ratio is not None:
            return f"within {self.ratio:g} x"
        return f"below {self.us or 0:,.0f} us"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a benchmark says of itself.

    Attributes
    ----------
    name
        Of this side of the comparison.
    amount, unit
        What one round handles: with them the figure is a rate (bytes give MB/s); without, a time.
    shares
        Percentiles of the rounds to show, each with the aim for it, if there is one.
    seconds
        Durations to use instead of the rounds' own: where another process took the time.
    """

    name: str
    is_baseline: bool = False
    amount: float = 0.0
    unit: str = ""
    shares: dict[str, Aim | None] = msgspec.field(default_factory=lambda: {"p50": None})
    seconds: list[float] = []


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison, ready to be shown."""

    what: str
    ours: str
    figure: str
    baseline: str
    ratio: float
    aim: str = ""
    met: bool | None = None


def ours(
    benchmark: Bench,
    name: str,
    *,
    amount: float = 0.0,
    unit: str = "",
    shares: Mapping[str, Aim | None] | None = None,
    seconds: Sequence[float] = (),
) -> None:
    """Say that this benchmark measured us."""
    said = Said(
        name=name, amount=amount, unit=unit, shares=dict(shares or {"p50": None}), seconds=list(seconds)
    )
    benchmark.extra_info["said"] = msgspec.to_builtins(said)


def baseline(
    benchmark: Bench,
    name: str,
    *,
    amount: float = 0.0,
    unit: str = "",
    seconds: Sequence[float] = (),
) -> None:
    """Say that this benchmark measured what we are compared with."""
    said = Said(name=name, is_baseline=True, amount=amount, unit=unit, seconds=list(seconds))
    benchmark.extra_info["said"] = msgspec.to_builtins(said)


def rows(benchmarks: Iterable[dict[str, Any]]) -> list[Row]:
    """Make the table's rows from the ``benchmarks`` of a pytest-benchmark JSON file, in their order."""
    groups: dict[str, list[tuple[Said, list[float]]]] = {}
    for one in benchmarks:
        said = msgspec.convert(one["extra_info"]["said"], Said)
        groups.setdefault(one["group"], []).append((said, said.seconds or one["stats"]["data"]))
    return [row for what, members in groups.items() for row in _rows_of(what, members)]


def _rows_of(what: str, members: list[tuple[Said, list[float]]]) -> list[Row]:
    made: list[Row] = []
    bare, bare_seconds = next((member for member in members if member[0].is_baseline), (None, []))
    if bare is None:
        return made  # it failed, and pytest has said so
    for said, seconds in members:
        if said.is_baseline:
            continue
        for share, aim in said.shares.items():
            mine, theirs = percentile(seconds, share), percentile(bare_seconds, share)
            ratio = mine / theirs
            if said.amount:
                # Rates: more is better, and so is a greater ratio.
                ratio = (said.amount / mine) / (bare.amount / theirs)
            made.append(
                Row(
                    what=what,
                    ours=said.name,
                    figure=_shown(said, mine, share),
                    baseline=f"{bare.name}: {_shown(bare, theirs, share)}",
                    ratio=ratio,
                    aim="" if aim is None else str(aim),
                    met=None if aim is None else _met(aim, mine, ratio),
                )
            )
    return made


def percentile(seconds: Sequence[float], share: str) -> float:
    """Return a percentile, named like ``p50`` or ``p99``, by the nearest rank."""
    ordered = sorted(seconds)
    rank = math.ceil(float(share.removeprefix("p")) / 100 * len(ordered))
    return ordered[max(0, rank - 1)]


def _met(aim: Aim, seconds: float, ratio: float) -> bool:
    if aim.ratio is not None:
        return ratio <= aim.ratio
    return aim.us is not None and seconds * MICRO <= aim.us


def _shown(said: Said, seconds: float, share: str) -> str:
    if not said.amount:
        return f"{share} {seconds * MICRO:,.0f} us" if seconds > 5e-6 else f"{share} {seconds * 1e9:,.0f} ns"
    rate = said.amount / seconds
    return f"{rate / 1e6:,.1f} MB/s" if said.unit == "B" else f"{rate:,.0f} {said.unit}/s"
