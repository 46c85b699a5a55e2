"""What a terminal shows while a session runs: a progress line and a live table, or plain lines."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rig.documents import (
    Document,
    EpochStarted,
    EstimatesUpdated,
    Notice,
    ResponseTaken,
    SessionEnded,
    SessionStarted,
    SessionState,
    TrialDone,
    UnitEstimate,
)
from rig.trial.reckoning import NO_DISTRIBUTION

BAR = 22
"""Width of the uL axis in characters."""

SHORT = {"not settled": "unsettled", "at edge": "at edge", "off axis": "off axis"}
"""Flags that a narrow terminal shows, in short; `inspect --json` has all of them."""


class SessionDisplay:
    """Shows documents as they come; use as a context manager.

    On a terminal: a table that redraws four times a second. Elsewhere: one line a trial, and every
    notice.
    """

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._live: Live | None = None
        self._state: SessionState | None = None
        self._units: tuple[UnitEstimate, ...] = ()
        self._sizes: tuple[float, ...] = ()
        self._notices: list[str] = []
        self._missing = 0

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._console.is_terminal and not self._quiet:
            self._live = Live(
                get_renderable=self._render, console=self._console, refresh_per_second=4, transient=True
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing."""
        if self._live is not None:
            self._live.stop()

    def show(self, document: Document) -> None:
        """Take a document."""
        match document:
            case SessionStarted():
                self._sizes = document.sizes_ul
                self._line(f"{document.subject}: {document.protocol} on {document.rig}, seed {document.seed}")
            case EpochStarted():
                self._sizes, self._units = document.sizes_ul, ()
                self._line(f"epoch '{document.name}' begins: {document.reason}", always=not self._quiet)
            case SessionState():
                self._state = document
            case EstimatesUpdated():
                self._units = document.units
            case ResponseTaken():
                self._missing = len(document.response.missing)
            case TrialDone():
                record = document.record
                reward = f"{record.delivered_ul:.2f} uL" if record.reward_us is not None else "no reward"
                self._line(f"trial {record.number + 1}: {record.spec.condition}, {reward}, {record.outcome}")
            case Notice() if document.level != "info":
                text = f"{document.level}: {document.source}: {document.text}"
                self._notices = [*self._notices, text][-3:]
                self._line(text, always=True)
                if document.level == "error":
                    self._console.bell()
            case SessionEnded():
                self._line(f"ended: {document.reason}")
            case _:
                pass

    def _line(self, text: str, *, always: bool = False) -> None:
        if self._live is not None:
            if always:
                self._live.console.print(Text(text, style="yellow"))
        elif always or not self._quiet:
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _render(self) -> Group:
        return Group(self._headline(), estimates_table(self._units, self._sizes, most=24))

    def _headline(self) -> Text:
        state = self._state
        if state is None:
            return Text("connecting")
        trials = f"{state.trial} of {state.trials}" if state.trials else str(state.trial)
        minutes, seconds = divmod(state.board_us // 1_000_000, 60)
        lost = sum(stream.lost for stream in state.streams) + state.events_lost
        return Text.assemble(
            (f"{state.subject} ", "bold"),
            f"{state.protocol}  ",
            (f"trial {trials}", "bold cyan"),
            f"  rig time {minutes}:{seconds:02d}  water {state.delivered_ul / 1000:.2f} mL  ",
            f"settled {state.settled} of {state.units}  ",
            (f"lost {lost}  ", "bold red" if lost else "dim"),
            (f"{state.phase}", "green" if state.phase in {"running", "closing"} else "yellow"),
            "\n",
            (state.last_line, "dim"),
        )


def reversal_words(conditions: tuple[str, ...] | None) -> str | None:
    """Say what the reversal points of a protocol are about (`Protocol.reversal_conditions`).

    Examples
    --------
    >>> reversal_words(("uniform",))
    'reversal points of these trials only: uniform'
    """
    if conditions is None:
        return None
    if not conditions:
        return f"no reversal points: {NO_DISTRIBUTION}"
    return f"reversal points of these trials only: {', '.join(conditions)}"


def estimates_table(
    units: tuple[UnitEstimate, ...], sizes_ul: tuple[float, ...], *, most: int | None = None
) -> Table:
    """Return a table of reversal points, lowest first, with the interval drawn on the uL axis.

    Parameters
    ----------
    most
        Show at most so many rows; the rest is counted in the caption.
    """
    table = Table(
        title="reversal points (kinked Bayes)",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    longest = max((len(unit.unit) for unit in units), default=4)
    table.add_column("unit", no_wrap=True, min_width=min(longest, 16))
    table.add_column("n", justify="right", no_wrap=True, min_width=3)
    table.add_column("uL", justify="right", no_wrap=True, min_width=5)
    table.add_column("95 % interval", justify="right", no_wrap=True, min_width=14)
    axis = f"{sizes_ul[0]:g} .. {sizes_ul[-1]:g} uL" if sizes_ul else "uL"
    table.add_column(axis, no_wrap=True, min_width=BAR)
    table.add_column("")
    ranked = sorted(units, key=lambda unit: (unit.bayes_hz is None, unit.bayes_hz or 0.0, unit.unit))
    shown = ranked if most is None or len(ranked) <= most else ranked[:: -(-len(ranked) // most)]
    for unit in shown:
        table.add_row(*_row(unit, sizes_ul))
    if len(shown) < len(ranked):
        table.caption = f"{len(shown)} of {len(ranked)} units shown"
    return table


def _row(unit: UnitEstimate, sizes_ul: tuple[float, ...]) -> tuple[str, str, str, str, Text | str, str]:
    n = str(sum(unit.n))
    if unit.bayes_ul is None or unit.bayes_ci95_ul is None:
        return unit.unit, n, "", "", "", "too few"
    low, high = unit.bayes_ci95_ul
    flags = ", ".join(SHORT[flag] for flag in unit.flags if flag in SHORT)
    bar = _bar(unit.bayes_ul, low, high, sizes_ul)
    return unit.unit, n, f"{unit.bayes_ul:.2f}", f"{low:.2f} to {high:.2f}", bar, flags


def _bar(value: float, low: float, high: float, sizes_ul: tuple[float, ...]) -> Text | str:
    if len(sizes_ul) < 2:
        return ""

    def column(ul: float) -> int:
        # Sizes are spaced evenly, as they nearly are on a logarithmic axis.
        for k in range(len(sizes_ul) - 1):
            if ul <= sizes_ul[k + 1]:
                part = (ul - sizes_ul[k]) / (sizes_ul[k + 1] - sizes_ul[k])
                return round((k + max(part, 0.0)) / (len(sizes_ul) - 1) * (BAR - 1))
        return BAR - 1

    cells = [" "] * BAR
    for k in range(column(low), column(high) + 1):
        cells[k] = "-"
    cells[column(value)] = "o"
    return Text("".join(cells), style="cyan")
