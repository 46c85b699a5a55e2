"""The population in `simulate`: its JSON, its epochs, and the few lines for people."""

from __future__ import annotations

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from rig.cli.population_words import VERDICTS, WARNING, population_lines
from rig.cli.simulate import simulate
from rig.population.evidence import EXPLANATIONS
from rig.results.report import Report


def run(*arguments: object) -> str:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(simulate)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.exception
    return result.stdout


def told(*arguments: object) -> Report:
    return msgspec.json.decode(run(*arguments, "--json"), type=Report)


def test_a_simulated_session_has_its_population() -> None:
    made = told("variable_magnitude", "--trials", 60, "--units", 6)
    population = made.population
    assert population is not None and population.units == 6
    assert population.split_half.paper is not None and population.split_half.paper.r_sd is not None
    assert population.decoding.convex is not None and population.decoding.published is None
    assert [unit.lost for unit in population.drift] == [False] * 6
    assert made.epochs == ()
    lines = population_lines(population)
    assert lines[0].startswith("population of 6 units") and lines[-1] == WARNING
    told_of = " ".join(lines)
    paper = population.split_half.paper
    assert (
        f"{paper.r:+.2f} ± {paper.r_sd:.2f} ({paper.p_mean:.2g}, {paper.p_geometric:.2g}) published"
        in told_of
    )
    for words in ("up and down", "do units differ? F", "unseen signs", "of 100 shuffles"):
        assert words in told_of
    printed = run("variable_magnitude", "--trials", 60, "--units", 6)
    assert all(line in printed for line in lines)


def test_a_session_of_two_epochs_tells_both() -> None:
    settings = ("--set", "at_least=20", "--set", "at_most=20", "--set", "discard=5")
    made = told("mirrored", "--trials", 45, "--units", 4, *settings)
    assert [epoch.first_trial for epoch in made.epochs] == [0, 20]
    assert made.epochs[1].units == made.units != made.epochs[0].units
    assert sum(made.units[0].n) < sum(made.epochs[0].units[0].n) + 20


@pytest.mark.parametrize(
    ("protocol", "units", "words"),
    [
        ("variable_magnitude", 2, "2 units have data"),
        ("variable_magnitude", 0, "no unit has data"),
        ("habituation", 2, ""),
    ],
)
def test_where_nothing_can_be_told_it_says_why(protocol: str, units: int, words: str) -> None:
    population = told(protocol, "--trials", 20, "--units", units).population
    assert population is not None
    (line,) = population_lines(population)
    assert line.startswith(f"population: {words}") and len(line) > 20


def test_the_cues_have_a_line() -> None:
    made = told("variable_probability", "--trials", 90, "--units", 5)
    assert made.population is not None and made.population.cue_coding is not None
    first, second = population_lines(made.population)
    assert "no one reward distribution" in first
    assert second.startswith("  50 % cue: spread of the midpoint contrast ") and "labelled" in second
    assert second in run("variable_probability", "--trials", 90, "--units", 5)


def test_every_verdict_has_words() -> None:
    assert set(VERDICTS) == {*EXPLANATIONS, "undecided"}
