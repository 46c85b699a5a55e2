"""`dopaloop calibrate`: the shortest pulse that a sensor sees, found by QUEST+, outside sessions."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console

from rig.calibration.chooser import QuestPlusChooser
from rig.calibration.procedure import Calibration, Checked, Procedure
from rig.calibration.psychometric import STEP_MS, make_grid
from rig.calibration.pulses import TOO_SLOW, Answer, LightRest, PulseWatch, check_output, pulse_table
from rig.cli.bench import Bench, on_the_bench
from rig.description import OutputLine, RigDescription
from rig.errors import ConfigError, TransportError
from rig.events import OutputChange
from rig.machine.check import check
from rig.runtime.config import load_rig
from rig.runtime.guard import PERIOD_S
from rig.units import US_PER_MS, US_PER_S

DECADES: Final = 1000.0
"""Without a word the shortest pulse is this many times shorter than the longest."""
BUSY: Final = "close other programs, or give the board a longer host_timeout_ms"
STUCK: Final = "look at '{}' with dopaloop devices --watch, and {} if it is on at rest"
MOST_VOID: Final = 10
"""So many pulses in a row that do not count, and the sensor is not ready to be calibrated."""


def calibrate(
    rig: Annotated[Path, typer.Argument(help="The rig file (TOML).")],
    pulse: Annotated[str, typer.Option(metavar="OUTPUT", help="Which output to pulse; no water valve.")],
    seen_by: Annotated[str, typer.Option(metavar="INPUT", help="Which input should see it.")],
    shortest_ms: Annotated[
        float | None, typer.Option(min=0.1, help="Shortest pulse; a thousandth of the longest by default.")
    ] = None,
    longest_ms: Annotated[
        float | None, typer.Option(min=0.2, help="Longest pulse; what the rig file allows by default.")
    ] = None,
    trials: Annotated[int, typer.Option(min=20, help="Most pulses to give.")] = 120,
    stop_sd: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Precise enough: SD of the threshold, as a share of it.")
    ] = 0.05,
    after_ms: Annotated[
        float, typer.Option(min=1.0, help="How long after the longest pulse the input may still answer.")
    ] = 50.0,
    quiet_ms: Annotated[float, typer.Option(min=1.0, help="Quiet time before each pulse.")] = 200.0,
    check_with: Annotated[
        int, typer.Option("--check", min=0, help="Pulses, and windows without, to prove the result with.")
    ] = 20,
    falling: Annotated[
        bool, typer.Option("--falling", help="The input falls when it sees something, instead of rising.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether an animal is in the rig.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
) -> None:
    """Find the shortest pulse of an output that a sensor sees.

    The next pulse is always the one that tells most.
    """
    description = load_rig(rig)
    longest = check_output(description, pulse, longest_ms)
    line = _input(description, seen_by)
    grid = make_grid(shortest_ms or max(STEP_MS, longest / DECADES), longest, stop_sd)
    procedure = Procedure(grid, QuestPlusChooser(grid), stop_sd=stop_sd, most=trials)
    if not yes and not typer.confirm(f"Pulse '{pulse}' up to {trials} times. Is the animal out of the rig?"):
        raise typer.Exit(1)
    console = Console(soft_wrap=True, markup=False, highlight=False, quiet=json)
    giver = _Giver(description, pulse, line, longest + after_ms, quiet_ms, rising=not falling)
    with on_the_bench(description) as bench, ThreadPoolExecutor(1) as aside:
        bench.greet()
        void = _run(bench, giver, procedure, aside, console, seen_by)
        checked = _check(bench, giver, procedure.safe_ms, check_with) if check_with else None
    found = procedure.result(
        pulse=pulse,
        seen_by=seen_by,
        window_ms=longest + after_ms,
        checked=checked,
        lasted_s=giver.lasted_s,
        void=void,
    )
    if json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        _tell(found, console)


def _input(rig: RigDescription, name: str) -> int:
    try:
        return rig.board.inputs[name].line
    except KeyError:
        known = ", ".join(sorted(rig.board.inputs)) or "none"
        raise ConfigError(f"the rig has no input '{name}'; it has {known}") from None


class _Giver:
    """Gives one pulse after the other, and says what came of each.

    Attributes
    ----------
    watch
        What the board told of the pulse and the input.
    otherwise
        What to type if the input is on at rest.
    """

    def __init__(
        self,
        rig: RigDescription,
        output: str,
        line: int,
        window_ms: float,
        quiet_ms: float,
        *,
        rising: bool,
    ) -> None:
        self._rig = rig
        self._name = output
        self._out: OutputLine = rig.output(output)
        self._window_ms = window_ms
        self._quiet_us = round(quiet_ms * US_PER_MS)
        self._rest = LightRest(self._out)
        self._now_us = 0
        self._began_us: int | None = None
        self.watch = PulseWatch(self._out.line, line, rising=rising)
        self.otherwise = "say --falling" if rising else "leave --falling out"

    @property
    def lasted_s(self) -> float:
        """From the first pulse to the last, by the board's clock."""
        return 0.0 if self._began_us is None else (self._now_us - self._began_us) / US_PER_S

    def give(self, bench: Bench, duration_ms: float) -> Answer:
        """Give a pulse (0: a catch trial)."""
        rest_us = self._rest.wait_us(round(duration_ms * US_PER_MS), self._now_us)
        quiet_us = max(self._quiet_us, rest_us)
        table = pulse_table(self._rig, self._name, duration_ms, quiet_us=quiet_us, window_ms=self._window_ms)
        check(table, self._rig)
        if self.watch.asleep:
            bench.configure()
            self.watch.asleep = False
        patience_s = 5.0 + 3 * (quiet_us / US_PER_S + self._window_ms / 1000)
        for event in bench.run(table, patience_s):
            answer = self.watch.take(event)
            if isinstance(event, OutputChange) and event.output == self._out.line:
                self._now_us = event.t_us
            if answer is not None:
                self._now_us = max(self._now_us, answer.ended_us)
                self._began_us = self._began_us if self._began_us is not None else self._now_us
                self._rest.add(self._now_us, answer.open_us)
                if duration_ms and not answer.open_us and not answer.void:
                    raise TransportError(f"'{self._name}' was not seen to come on; stopped")
                return answer
        raise TransportError("the board did not say what came of the pulse; stopped")


def _run(
    bench: Bench, giver: _Giver, procedure: Procedure, aside: Executor, console: Console, seen_by: str
) -> int:
    """Give pulses until it is enough; return how many did not count."""
    void = in_a_row = 0
    while procedure.stopped is None:
        choice = aside.submit(procedure.next_ms)  # the board must hear from us while we think
        while not choice.done():
            for event in bench.watch(PERIOD_S):
                giver.watch.take(event)
        duration_ms = choice.result()
        answer = giver.give(bench, duration_ms)
        if answer.void:
            void, in_a_row = void + 1, in_a_row + 1
            if in_a_row >= MOST_VOID:
                raise ConfigError(
                    f"{in_a_row} pulses in a row did not count: {answer.void}; "
                    + (BUSY if answer.void == TOO_SLOW else STUCK.format(seen_by, giver.otherwise))
                )
            continue
        in_a_row = 0
        latency_ms = None if answer.latency_us is None else answer.latency_us / US_PER_MS
        procedure.take(duration_ms, seen=latency_ms is not None, latency_ms=latency_ms)
        _progress(procedure, duration_ms, seen=latency_ms is not None, console=console)
    return void


def _check(bench: Bench, giver: _Giver, duration_ms: float, number: int) -> Checked:
    """Give pulses of one duration and windows without one in turns."""
    seen = {0.0: 0, duration_ms: 0}
    given = dict.fromkeys(seen, 0)
    for one_ms in [duration_ms, 0.0] * number:
        answer = giver.give(bench, one_ms)
        if not answer.void:
            given[one_ms] += 1
            seen[one_ms] += answer.latency_us is not None
    return Checked(
        duration_ms=duration_ms,
        given=given[duration_ms],
        seen=seen[duration_ms],
        without=given[0.0],
        false_alarms=seen[0.0],
    )


def _progress(procedure: Procedure, duration_ms: float, *, seen: bool, console: Console) -> None:
    found = procedure.estimate
    low, high = found.threshold_ci95_ms
    given = f"{duration_ms:7.1f} ms" if duration_ms else "  no pulse"
    told = "seen    " if seen else "not seen"
    console.print(
        f"{procedure.number:4d}  {given}  {told}  "
        f"threshold {found.threshold_ms:.3g} ms ({low:.3g} to {high:.3g})"
    )


def _tell(found: Calibration, console: Console) -> None:
    one = found.estimate
    low, high = one.threshold_ci95_ms
    d_low, d_high = one.detected_ci95_ms
    why = "precise enough" if found.stopped == "precise" else "no more pulses to give"
    console.print(f"'{found.seen_by}' and pulses of '{found.pulse}', {len(found.pulses)} of them: {why}")
    console.print(
        f"threshold: {one.threshold_ms:.3g} ms, 95 % interval {low:.3g} to {high:.3g} (63 % are seen)"
    )
    console.print(f"detected at 99 %: {one.detected_ms:.3g} ms, 95 % interval {d_low:.3g} to {d_high:.3g}")
    if found.checked is not None:
        told = found.checked
        console.print(
            f"checked: {told.seen} of {told.given} pulses of {told.duration_ms:g} ms were seen, and "
            f"something in {told.false_alarms} of {told.without} windows without a pulse"
        )
    console.print(
        f"slope: {one.slope:.2g}; without a pulse seen: {_percent(one.false_alarms, one.false_alarms_ci95)}; "
        f"missed at any length: {_percent(one.lapses, one.lapses_ci95)}"
    )
    if found.latency_ms is not None:
        console.print(f"the input changed {found.latency_ms:.3g} ms after the onset (median)")
    if found.void:
        console.print(f"{found.void} more pulse{'s' * (found.void != 1)} did not count")
    for note in found.notes:
        console.print(f"note: {note}")


def _percent(share: float, ends: tuple[float, float]) -> str:
    return f"{share:.1%} ({ends[0]:.1%} to {ends[1]:.1%})"
