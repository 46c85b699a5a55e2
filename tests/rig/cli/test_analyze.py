"""`dopaloop analyze` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from rig.cli.analyze import analyze
from rig.errors import ConfigError
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ
from rig.results.report import Report

FEW = "units have data for an estimate (5 responses, to 2 sizes or more); a statistic over units needs 4"
HEADER = "unit,trial,reward_ul,signalled,response_hz\n"


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(analyze)
    return app


def run(app: typer.Typer, *arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def table(path: Path, units: int = 3, sizes: tuple[float, ...] = PUBLISHED_SIZES_UL) -> Path:
    """Units that reverse at 1 Hz, 12 rewards of each size, half of them signalled."""
    rng = np.random.default_rng(5)
    hz = np.interp(sizes, PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ)
    lines = [HEADER]
    for unit in range(units):
        for trial in range(12 * len(sizes)):
            j = trial % len(sizes)
            lines.append(f"u{unit},{trial},{sizes[j]},{trial % 2},{hz[j] - 1 + rng.normal(0, 2):.4f}\n")
        lines.append(f"u{unit},{12 * len(sizes)},0,0,\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


def spikes(path: Path) -> Path:
    """Two units of one session with ten rewards of each size, one of them doubled."""
    kinds = [*(list(range(1, 15)) * 5), 8, 6]
    stamps = 5000.0 * np.arange(1, len(kinds) + 1)
    stamps[-1] = stamps[-2] + 1500.8
    rng = np.random.default_rng(2)
    arrays = {}
    for name in ("00", "01"):
        rewards = stamps + np.where(np.array(kinds) > 7, 1500.0, 0.0)
        bursts = [t + rng.uniform(200, 600, (k - 1) % 7) for t, k in zip(rewards, kinds, strict=True)]
        arrays[f"spikes_{name}"] = np.sort(np.concatenate([rng.uniform(0, stamps[-1], 1500), *bursts]))
        arrays[f"odor_on_{name}"] = stamps
        arrays[f"trial_type_{name}"] = np.array(kinds)
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def test_json_of_a_table(app: typer.Typer, tmp_path: Path) -> None:
    result = run(app, table(tmp_path / "t.csv"), "--json")
    assert result.exit_code == 0
    made = msgspec.json.decode(result.stdout, type=Report)
    assert (made.trials, made.rewarded) == (85, 84)
    assert made.sizes_ul == PUBLISHED_SIZES_UL
    assert made.utility_axis_hz == PUBLISHED_UTILITY_HZ
    assert [unit.unit for unit in made.units] == ["u0", "u1", "u2"]
    assert made.units[0].n == (12,) * 7
    assert made.units[0].truth is None
    assert "truth" in made.units[0].reasons
    source = json.loads(result.stdout)["source"]
    assert source == {
        "file": "t.csv",
        "utility_axis": "paper",
        "unsignalled_shift_hz": pytest.approx(-1.497, abs=1e-3),
        "doubled": None,
        "doubled_kept": True,
        "sessions": [],
        "skipped": [],
    }
    assert "doubled rewards: not known" in result.stderr


def test_simulated_units_take_no_shift(app: typer.Typer, tmp_path: Path) -> None:
    result = run(app, table(tmp_path / "t.csv"), "--json", "--unsignalled-shift", 0)
    made = msgspec.json.decode(result.stdout, type=Report)
    assert [unit.reversal.bayes.hz for unit in made.units if unit.reversal.bayes] == pytest.approx(
        [1.0] * 3, abs=1.2
    )


def test_the_population_of_a_table(app: typer.Typer, tmp_path: Path) -> None:
    made = msgspec.json.decode(run(app, table(tmp_path / "t.csv", units=6), "--json").stdout, type=Report)
    told = made.population
    assert told is not None and told.units == 6 and made.reasons == {"source.doubled": "a CSV has no times"}
    # one reversal point for all, and a size at which everything is up
    assert told.split_half.paper is not None and told.split_half.paper.p_mean > 0.05
    assert told.up_down[-1] == (20.0, 6, 0)
    assert told.baseline_reversal is None and "baseline" in told.reasons["baseline_reversal"]
    assert all(unit.lost is None for unit in told.drift) and "drift.lost" in told.reasons
    assert told.decoding.published is None
    asked = run(app, tmp_path / "t.csv", "--json", "--decode", "all")
    again = msgspec.json.decode(asked.stdout, type=Report).population
    assert again is not None and again.decoding.published is not None
    assert again.decoding.convex == told.decoding.convex


def test_a_table_may_hold_baselines(app: typer.Typer, tmp_path: Path) -> None:
    file = table(tmp_path / "t.csv", units=6)
    lines = file.read_text(encoding="utf-8").splitlines()
    rates = ["baseline_hz", *(f"{float(line.split(',')[0][1:]) + 2:g}" for line in lines[1:])]
    file.write_text("".join(f"{line},{rate}\n" for line, rate in zip(lines, rates, strict=True)), "utf-8")
    told = msgspec.json.decode(run(app, file, "--json").stdout, type=Report).population
    assert told is not None and told.baseline_reversal is not None
    file.write_text(file.read_text("utf-8").replace(",2\n", ",x\n", 1), "utf-8")
    assert "baseline_hz is 'x'" in str(run(app, file).exception)


def test_words_about_the_population(app: typer.Typer, tmp_path: Path) -> None:
    lines = run(app, table(tmp_path / "t.csv", units=6)).stdout.splitlines()[10:]
    assert lines[0].startswith("population of 6 units")
    assert "published" in lines[1] and "isotonic" in lines[1]
    assert "asymmetry-reversal" in lines[3] and "baseline-reversal not known" in lines[3]
    evidence = next(line for line in lines if line.startswith("  evidence"))
    assert "(common 0." in evidence or "(common 1." in evidence
    assert "does not prove a distributional code" in lines[-1]


def test_population_axis(app: typer.Typer, tmp_path: Path) -> None:
    file = table(tmp_path / "t.csv", units=20)
    made = msgspec.json.decode(run(app, file, "--json", "--utility-axis", "population").stdout, type=Report)
    np.testing.assert_allclose(made.utility_axis_hz, np.array(PUBLISHED_UTILITY_HZ) - 1, atol=0.5)


def test_a_size_off_the_axis_is_flagged(app: typer.Typer, tmp_path: Path) -> None:
    file = table(tmp_path / "t.csv", sizes=(1.2, 3.6, 10.0, 20.0))
    made = msgspec.json.decode(run(app, file, "--json").stdout, type=Report)
    assert made.utility_axis_hz[1] == pytest.approx(-0.858, abs=1e-3)
    assert all("off axis" in unit.flags for unit in made.units)


def test_spikes_with_a_doubled_reward(app: typer.Typer, tmp_path: Path) -> None:
    file = spikes(tmp_path / "s.npz")
    kept, dropped = run(app, file, "--json"), run(app, file, "--json", "--doubled", "drop")
    for result, trials, tenth in ((kept, 72, 11), (dropped, 71, 10)):
        assert result.exit_code == 0
        made = msgspec.json.decode(result.stdout, type=Report)
        assert (made.trials, made.rewarded) == (trials, trials)
        assert made.units[0].n[5] == tenth
        assert not isinstance(made.source, msgspec.UnsetType)
        assert made.source.doubled == 2
    assert "doubled rewards: 2, kept" in kept.stderr
    assert "doubled rewards: 2, dropped" in dropped.stderr


def test_a_unit_that_never_fired_is_told_and_not_counted(app: typer.Typer, tmp_path: Path) -> None:
    file = spikes(tmp_path / "s.npz")
    with np.load(file) as archive:
        arrays = dict(archive)
    name = min(key for key in arrays if key.startswith("spikes_"))
    np.savez(file, **(arrays | {name: np.zeros(0)}))
    made = msgspec.json.decode(run(app, file, "--json").stdout, type=Report)
    assert sum(made.units[0].n) == 0 and made.units[0].reversal.bayes is None
    assert made.population is not None
    assert [unit.lost for unit in made.population.drift] == [True] + [False] * (len(made.units) - 1)
    assert "drift.lost" not in made.population.reasons
    assert "fell silent" in run(app, file).stdout


def test_plain_lines_where_there_is_no_terminal(app: typer.Typer, tmp_path: Path) -> None:
    result = run(app, spikes(tmp_path / "s.npz"))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "s.npz: 2 units, 72 trials, 72 rewarded"
    assert "doubled rewards: 2, kept" in lines[2]
    assert [line.split("\t")[0] for line in lines[3:6]] == ["unit", "00", "01"]
    assert all(len(line.split("\t")) == 9 for line in lines[3:6])
    assert lines[6:] == [f"population: 2 {FEW}"]


def test_a_table_on_a_terminal(app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "160")
    result = run(app, table(tmp_path / "t.csv"))
    assert result.exit_code == 0
    assert "┃" in result.stdout
    assert "u2" in result.stdout


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("absent.csv", None, "there is no such file"),
        ("t.csv", "", "the file is empty"),
        ("t.csv", "unit,trial\n", "there is no column 'reward_ul'"),
        ("t.csv", HEADER + "a,0,5,1,x\n", "line 2: response_hz is 'x'"),
        ("t.csv", HEADER + "a,0,5,1,2\n", "only 5 uL"),
        ("t.csv", HEADER + "a,0,5,1,2\na,1,4.99,1,2\n", "no order on the utility axis"),
        ("t.npz", "spikes", "not a NumPy .npz archive"),
    ],
)
def test_errors_are_one_sentence(
    app: typer.Typer, tmp_path: Path, name: str, text: str | None, words: str
) -> None:
    file = tmp_path / name
    if text is not None:
        file.write_text(text, encoding="utf-8")
    error = run(app, file).exception
    assert isinstance(error, ConfigError)
    assert words in str(error)
    assert str(error).startswith(str(file))
    assert "\n" not in str(error)


def test_doubled_rewards_of_a_table_cannot_be_dropped(app: typer.Typer, tmp_path: Path) -> None:
    error = run(app, table(tmp_path / "t.csv"), "--doubled", "drop").exception
    assert isinstance(error, ConfigError)
    assert "no times" in str(error)


@pytest.mark.parametrize("what", ["absent", "directory", "pickled", "line"])
def test_the_command_ends_with_two_and_no_traceback(tmp_path: Path, what: str) -> None:
    file = tmp_path / ("x.npz" if what == "pickled" else "x.csv")
    if what == "directory":
        file.mkdir()
    elif what == "pickled":
        np.savez(file, spikes_00=np.array([None], dtype=object), odor_on_00=[1.0], trial_type_00=[1])
    elif what == "line":
        file.write_text(HEADER + "a,0,5,1,oops\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "rig", "analyze", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
