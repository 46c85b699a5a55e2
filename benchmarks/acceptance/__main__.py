"""Run the acceptance checks and print one table: `python -m benchmarks.acceptance [--markdown] [NUMBER ...]`.

Exit code 1 if one is not met. Those that need a recording which the folder
`DOPALOOP_DATA` does not hold are left out, and the table says so. `--markdown` prints the table as
docs/reference/acceptance.md has it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

import benchmarks.acceptance.recorded
import benchmarks.acceptance.simulated
import benchmarks.acceptance.wires  # noqa: F401 - all three put their checks into the list
from benchmarks.acceptance.checks import CHECKS, NOT_SET, RECORDINGS, Check, NoRecordingError

WIDTH = 170
MARKDOWN = "--markdown"
HEAD = ("", "check", "asked", "came out", "met", "s")


def main(arguments: Sequence[str] = ()) -> int:
    """Run all, or the numbers that are asked for; return 1 if a check failed."""
    wanted = {int(number) for number in arguments if number != MARKDOWN}
    chosen = [one for one in sorted(CHECKS, key=lambda c: c.number) if not wanted or one.number in wanted]
    begun = time.perf_counter()
    done = [line(one) for one in chosen]
    rows, met = [row for row, _ in done], [met for _, met in done]
    if MARKDOWN in arguments:
        print("\n".join(f"| {' | '.join(row)} |" for row in (HEAD, ["---"] * len(HEAD), *rows)))
    else:
        console = Console(width=None if sys.stdout.isatty() else WIDTH, markup=False)
        console.print(laid_out(rows))
    total = f"{met.count(True)} met, {met.count(False)} not met"
    if None in met:
        total += f", {met.count(None)} left out"
    print(f"{total}; {time.perf_counter() - begun:.0f} s")
    return int(False in met)


def laid_out(rows: Sequence[Sequence[str]]) -> Table:
    """Return the table for a terminal."""
    table = Table(title="acceptance", title_justify="left")
    for heading in HEAD:
        table.add_column(heading, overflow="fold", justify="right" if heading == "s" else "left")
    for row in rows:
        table.add_row(*row)
    return table


def line(one: Check) -> tuple[list[str], bool | None]:
    """Run one check; return its line, and whether it was met (None: left out)."""
    head = [str(one.number), one.what, one.asked]
    if one.recorded and RECORDINGS not in os.environ:
        return [*head, NOT_SET, "left out", ""], None
    begun = time.perf_counter()
    try:
        result = one.run()
    except NoRecordingError as missing:
        return [*head, str(missing), "left out", ""], None
    seconds = time.perf_counter() - begun
    return [*head, result.told, "yes" if result.met else "NO", f"{seconds:.1f}"], result.met


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
