"""What choosing pulses is worth, and whether intervals hold: `python -m benchmarks.calibration [SENSORS]`.

The figures of docs/how-to/calibrate-a-sensor.md. Simulated sensors with thresholds of 1 to 50 ms, slopes of
1.5 to 12, and up to 5 % of false alarms and of lapses; pulses of 0.1 to 100 ms; stopped when the threshold is
known within 5 %, after 120 pulses at most. Beside it, as many pulses in even steps over the whole range.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from rig.calibration.chooser import Chooser, GridChooser
from rig.calibration.estimate import Estimate, estimate
from rig.calibration.procedure import Procedure
from rig.calibration.psychometric import Grid, duration_seen, make_grid, p_seen

SHORTEST_MS, LONGEST_MS = 0.1, 100.0
STOP_SD, MOST = 0.05, 120


@dataclass(frozen=True)
class Truth:
    """A sensor."""

    threshold_ms: float
    slope: float
    false_alarms: float
    lapses: float

    def sees(self, duration_ms: float, rng: np.random.Generator) -> bool:
        """Draw an answer."""
        p = p_seen(duration_ms, self.threshold_ms, self.slope, self.false_alarms, self.lapses)
        return bool(rng.random() < p)


def drawn(rng: np.random.Generator) -> Truth:
    """Draw a sensor."""
    return Truth(
        threshold_ms=float(np.exp(rng.uniform(np.log(1), np.log(50)))),
        slope=float(np.exp(rng.uniform(np.log(1.5), np.log(12)))),
        false_alarms=float(rng.uniform(0, 0.05)),
        lapses=float(rng.uniform(0, 0.05)),
    )


def chosen(truth: Truth, grid: Grid, rng: np.random.Generator, chooser: Chooser) -> tuple[Estimate, int]:
    """Calibrate a sensor; return what was found, and after how many pulses."""
    procedure = Procedure(grid, chooser, stop_sd=STOP_SD, most=MOST)
    while procedure.stopped is None:
        duration_ms = procedure.next_ms()
        procedure.take(duration_ms, seen=truth.sees(duration_ms, rng))
    return procedure.estimate, procedure.number


def stepped(truth: Truth, grid: Grid, rng: np.random.Generator, pulses: int) -> Estimate:
    """The same with as many pulses in even logarithmic steps."""
    chooser = GridChooser(grid)
    durations = grid.durations_ms[1:]
    for k in np.linspace(0, durations.size - 1, pulses).round().astype(int):
        chooser.take(float(durations[k]), seen=truth.sees(float(durations[k]), rng))
    return estimate(grid, chooser.posterior())


def within(value: float, ends: tuple[float, float]) -> bool:
    """Whether an interval holds the truth."""
    return ends[0] <= value <= ends[1]


def measure(sensors: int) -> dict[str, list[float]]:
    """Calibrate so many sensors; return what the table is made of."""
    grid = make_grid(SHORTEST_MS, LONGEST_MS, STOP_SD)
    kept: dict[str, list[float]] = {}
    for seed in range(sensors):
        rng = np.random.default_rng([seed, 0xCA1])
        truth = drawn(rng)
        found, pulses = chosen(truth, grid, rng, GridChooser(grid))
        steps = stepped(truth, grid, rng, pulses)
        longest = float(duration_seen(0.99, truth.threshold_ms, truth.slope))
        safe = float(p_seen(found.detected_ci95_ms[1], truth.threshold_ms, truth.slope))
        for name, value in {
            "pulses": pulses,
            "precise": found.sd < STOP_SD,
            "error": np.log(found.threshold_ms / truth.threshold_ms),
            "covered": within(truth.threshold_ms, found.threshold_ci95_ms),
            "detected": within(longest, found.detected_ci95_ms),
            "safe": safe >= 0.99,
            "almost": safe >= 0.98,
            "steps error": np.log(steps.threshold_ms / truth.threshold_ms),
            "steps covered": within(truth.threshold_ms, steps.threshold_ci95_ms),
        }.items():
            kept.setdefault(name, []).append(float(value))
    return kept


def main(sensors: int) -> None:
    """Print the table."""
    kept = {name: np.array(values) for name, values in measure(sensors).items()}
    table = Table("what", "QUEST+", "even steps", title=f"{sensors} simulated sensors")
    pulses = "{:.0f} ({:.0f})".format(*np.quantile(kept["pulses"], [0.5, 0.9]))
    table.add_row("pulses, median (90 % quantile)", pulses, "the same")
    table.add_row("stopped because precise", f"{kept['precise'].mean():.0%}", "")
    rms = [np.sqrt(np.mean(kept[key] ** 2)) for key in ("error", "steps error")]
    table.add_row("RMS error of the threshold", *(f"{value:.1%}" for value in rms))
    covered = [kept[key].mean() for key in ("covered", "steps covered")]
    table.add_row("95 % interval holds the threshold", *(f"{value:.1%}" for value in covered))
    table.add_row("95 % interval holds the 99 % duration", f"{kept['detected'].mean():.1%}", "")
    table.add_row("its upper end is seen in 99 %", f"{kept['safe'].mean():.1%}", "")
    table.add_row("... in 98 %", f"{kept['almost'].mean():.1%}", "")
    Console(width=100).print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
