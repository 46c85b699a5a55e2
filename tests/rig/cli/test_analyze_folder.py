"""`dopaloop analyze FOLDER`: sessions that belong together, some that do not, and files that are broken."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from typer.testing import CliRunner, Result

from protocols.habituation import Habituation
from protocols.lowet_bernoulli import LowetBernoulli
from protocols.mirrored import Mirrored
from protocols.variable_magnitude import VariableMagnitude
from rig.cli.analyze import analyze
from rig.cli.inspect import session_report
from rig.documents import ResponseTaken, TrialDone
from rig.errors import ConfigError
from rig.log.replay import EndMark
from rig.results.report import Report
from rig.runtime.reader import SessionFile
from rig.runtime.recorder import Recorder


def run(*arguments: object) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(analyze)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def said(result: Result) -> Report:
    assert result.exit_code == 0, result.exception
    return msgspec.json.decode(result.stdout, type=Report)


@pytest.fixture
def keep(sit: Callable[..., Any], tmp_path: Path) -> Callable[..., Path]:
    """Run a session and keep it as a file: `keep("mon", trials=40, units=3)`."""

    def kept(name: str, **options: Any) -> Path:
        sitting = sit(**({"trials": 30, "units": 3} | options))
        sitting.run()
        folder = tmp_path / "sessions"
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.sqlite"
        path.touch()
        recorder = Recorder(path, {"subject": '"m1"', "seed": "1"})
        recorder.start()
        recorder.append(sitting.log[0], b"")
        recorder.documents(0, sitting.documents)
        recorder.close(EndMark(inputs=1, chain="00", reason="done", ok=True))
        return path

    return kept


def test_units_of_all_sessions(keep: Callable[..., Path]) -> None:
    folder = keep("mon", units=3).parent
    keep("tue", units=2, seed=2, trials=40)
    made = said(run(folder, "--json"))
    assert made.trials == 70
    assert [unit.unit for unit in made.units] == [
        *("mon/Tetrode 1:1", "mon/Tetrode 1:2", "mon/Tetrode 1:3"),
        *("tue/Tetrode 1:1", "tue/Tetrode 1:2"),
    ]
    assert made.population is not None and made.population.units == 5
    assert json.loads(run(folder, "--json").stdout)["source"] == {
        "file": "sessions",
        "utility_axis": "sessions",
        "unsignalled_shift_hz": 0.0,
        "doubled": 0,
        "doubled_kept": True,
        "sessions": ["mon.sqlite", "tue.sqlite"],
        "skipped": [],
    }
    lines = run(folder).stdout.splitlines()
    assert lines[0].startswith("sessions: 5 units, 70 trials")
    assert any(line.startswith("population of 5 units") for line in lines)


def test_a_folder_of_one_says_what_inspect_says(keep: Callable[..., Path]) -> None:
    path = keep("mon", trials=60, units=6)
    made = said(run(path.parent, "--json"))
    with SessionFile(path) as session:
        own = session_report(session)
    assert made.population is not None and own.population is not None
    for name in (
        "split_half",
        "time_split",
        "evidence",
        "asymmetry",
        "decoding",
        "up_down",
        "baseline_reversal",
    ):
        assert getattr(made.population, name) == getattr(own.population, name)
    assert [unit.reversal for unit in made.units] == [unit.reversal for unit in own.units]


def test_a_table_of_its_responses_says_what_inspect_says(keep: Callable[..., Path], tmp_path: Path) -> None:
    path = keep("mon", trials=60, units=6)
    lines = ["unit,trial,reward_ul,signalled,response_hz,baseline_hz"]
    with SessionFile(path) as session:
        own = session_report(session).population
        specs = {}
        for _, told in session.documents():
            if isinstance(told, TrialDone):
                specs[told.record.number] = told.record.spec
            if isinstance(told, ResponseTaken):
                spec, answer = specs[told.response.trial], told.response
                lines += [
                    f"{unit},{answer.trial},{spec.reward_ul},{spec.signalled:d},{y!r},{counts[1]}"
                    for unit, y, counts in zip(answer.units, answer.response_hz, answer.counts, strict=True)
                    if y is not None and counts is not None
                ]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(lines), encoding="utf-8")
    made = said(run(table, "--json", "--unsignalled-shift", "0")).population
    assert made is not None and own is not None and own.split_half.paper is not None
    # a trial is in the same half of every partition, whoever counts it
    for name in (
        *("split_half", "time_split", "asymmetry_reversal", "baseline_reversal", "up_down"),
        *("asymmetry", "decoding", "evidence", "drift_together"),
    ):
        assert getattr(made, name) == getattr(own, name)


def test_broken_files_are_left_out_with_a_sentence_each(keep: Callable[..., Path]) -> None:
    path = keep("mon")
    folder = path.parent
    (folder / "broken.sqlite").write_bytes(b"not a database at all")
    (folder / "cut.sqlite").write_bytes(path.read_bytes()[:20_000])
    (folder / "gone.sqlite").symlink_to(folder / "nowhere")
    keep("training", units=0)
    keep("water", protocol=Habituation)
    result = run(folder, "--json")
    made = said(result)
    assert not isinstance(made.source, msgspec.UnsetType)
    assert made.source.sessions == ("mon.sqlite",)
    assert {sentence.split(" ")[0] for sentence in made.source.skipped} == {
        *("broken.sqlite", "cut.sqlite", "gone.sqlite", "training.sqlite", "water.sqlite"),
    }
    for sentence in made.source.skipped:
        assert " is left out: " in sentence and "\n" not in sentence and str(folder) not in sentence
        assert sentence in result.stderr
    assert "there is no such session file" in result.stderr


def test_damaged_text_is_told_in_one_sentence(keep: Callable[..., Path]) -> None:
    path = keep("mon")
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE documents SET document = CAST(X'7BFFFE' AS TEXT) WHERE id = 3")
        db.execute("UPDATE trials SET outcome = CAST(X'63FF' AS TEXT) WHERE trial = 0")
    assert "mon.sqlite is left out: the table of documents is damaged" in str(run(path.parent).exception)
    with SessionFile(path) as session:
        with pytest.raises(ConfigError, match="table of documents is damaged"):
            list(session.documents())
        if session.table("trials")[0]:
            rows = session.table("trials")[1]
            with contextlib.suppress(StopIteration), pytest.raises(ConfigError, match="trials is damaged"):
                list(rows)


def test_a_single_session_and_a_folder_of_folders(keep: Callable[..., Path]) -> None:
    path = keep("mon")
    assert "this is a session file; use 'dopaloop inspect'" in str(run(path).exception)
    above = run(path.parent.parent).exception
    assert "no session file" in str(above) and "folders inside it are not searched" in str(above)


def test_a_copy_of_a_session_does_not_count_twice(keep: Callable[..., Path]) -> None:
    long, short = keep("b"), keep("a", trials=12)
    for path in (long, short):
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.execute("INSERT INTO meta VALUES ('started', '\"2026-03-01T10:00:00+00:00\"')")
    shutil.copy(long, long.with_name("copy of b.sqlite"))
    made = said(run(long.parent, "--json"))
    assert not isinstance(made.source, msgspec.UnsetType)
    assert made.source.sessions == ("b.sqlite",)
    assert len(made.units) == 3
    assert [sentence.partition(";")[0] for sentence in made.source.skipped] == [
        "a.sqlite is left out: it is the same session as b.sqlite",
        "copy of b.sqlite is left out: it is the same session as b.sqlite",
    ]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (
            {
                "protocol": VariableMagnitude,
                "settings": {"sizes_ul": [2.5, 5.0, 10.0], "block": [10, 20, 10]},
            },
            "sizes",
        ),
        ({"protocol": Mirrored, "settings": {"at_least": 8, "at_most": 8, "discard": 0}}, "distribution"),
    ],
)
def test_sessions_that_do_not_belong_together(
    keep: Callable[..., Path], other: dict[str, Any], what: str
) -> None:
    folder = keep("mon").parent
    keep("tue", **other)
    error = run(folder).exception
    assert isinstance(error, ConfigError)
    assert "mon.sqlite and tue.sqlite differ" in str(error) and what in str(error)
    assert "\n" not in str(error)


def test_nothing_that_could_be_analysed(keep: Callable[..., Path], tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no session file" in str(run(empty).exception)
    folder = keep("bernoulli", protocol=LowetBernoulli).parent
    (folder / "broken.sqlite").write_bytes(b"x")
    error = run(folder).exception
    assert isinstance(error, ConfigError)
    assert "bernoulli.sqlite is left out" in str(error) and "broken.sqlite is left out" in str(error)


def test_options_are_those_of_a_file(keep: Callable[..., Path]) -> None:
    settings = {"sizes_ul": [1.2, 5.0, 20.0], "block": [10, 20, 10]}
    folder = keep("mon", trials=60, units=12, settings=settings).parent
    shifted = said(run(folder, "--json", "--unsignalled-shift", "-1.5"))
    assert not isinstance(shifted.source, msgspec.UnsetType)
    assert shifted.source.unsignalled_shift_hz == -1.5
    own = said(run(folder, "--json", "--utility-axis", "population"))
    assert not isinstance(own.source, msgspec.UnsetType)
    assert own.source.utility_axis == "population"
    assert own.utility_axis_hz != shifted.utility_axis_hz
    assert "no doubled rewards" in str(run(folder, "--doubled", "drop").exception)


def test_only_the_tagged_units_of_a_folder_count_unless_all_are_asked_for(keep: Callable[..., Path]) -> None:
    folder = keep("mon", units=4).parent
    keep("tue", units=4, seed=2)
    whole = said(run(folder, "--json"))
    assert whole.population is not None
    assert (whole.population.counted, whole.population.left_out) == ("all", 0)
    for unit in ("Tetrode 1:1", "Tetrode 1:2"):
        tag_heard(folder / "mon.sqlite", unit)
    tagged = said(run(folder, "--json"))
    assert tagged.population is not None
    assert (tagged.population.counted, tagged.population.left_out) == ("tagged", 6)
    assert {unit.unit for unit in tagged.population.drift} == {"mon/Tetrode 1:1", "mon/Tetrode 1:2"}
    assert len(tagged.units) == 8  # each unit's own estimates are told all the same
    assert [unit.unit for unit in tagged.units if unit.tag is not None and unit.tag.tagged] == [
        "mon/Tetrode 1:1", "mon/Tetrode 1:2",
    ]  # fmt: skip
    everyone = said(run(folder, "--json", "--units", "all"))
    assert everyone.population == whole.population
    assert "6 not tagged left out" in run(folder).stdout


def tag_heard(path: Path, unit: str) -> None:
    """Tag a unit in a session that gave no light: as the rig file's tags are, by the table alone."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "CREATE TABLE IF NOT EXISTS later_tags (at TEXT, who TEXT, unit TEXT, tagged INTEGER, note TEXT)"
        )
        db.execute("INSERT INTO later_tags VALUES ('2026', 'Ada', ?, 1, '')", (unit,))
