"""A day at the rig: units are identified by light, a person confirms them, the task session knows them."""

from __future__ import annotations

import dataclasses
import json
import shutil
import threading

import msgspec
import pytest
from rich.console import Console
from typer.testing import CliRunner

from rig.cli.app import app
from rig.cli.inspect import session_report
from rig.cli.plans import make_plan
from rig.cli.replay import recorded_plan, replay_file
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.simulate import run_virtual, virtual_description
from rig.cli.sitting import run_session
from rig.cli.tags import light_truth
from rig.description import Emulation
from rig.documents import SessionStarted, TagConfirmed, TagsUpdated
from rig.errors import ReplayMismatch
from rig.operator import Tag
from rig.runtime.client import Client
from rig.runtime.reader import SessionFile
from rig.runtime.registry import running
from rig.runtime.tag_file import earlier_tags, read_tags, tag_later

pytestmark = pytest.mark.timeout(120)
SHORT = {"trains": 4, "sham_trains": 1, "rates_hz": [1.0, 10.0]}


def sit(out, protocol, settings=None, trials=None, tags=(), units=6):
    left = []
    with launch(with_emulation(demo_rig(), units=units, seed=1), speed=60) as process:

        def reveal():
            left.append(process.stop())
            return left[0].truth

        plan = make_plan(
            protocol, process.rig, subject="m1", seed=1, trials=trials, settings=settings or {}, tags=tags
        )
        outcome, session = run_session(plan, out, Console(quiet=True), quiet=True, truth=reveal)
    assert outcome.ok, outcome.reason
    return outcome.path, session


@pytest.fixture(scope="module")
def lit(tmp_path_factory):
    return sit(tmp_path_factory.mktemp("lit"), "optotagging", SHORT)


@pytest.fixture(scope="module")
def day(lit, tmp_path_factory):
    """The light, the words of a person afterwards, and the task of the same day."""
    path, _ = lit
    for unit, tag in read_tags(path)[0].units.items():
        tag_later(path, unit, tagged=bool(tag.suggestion), who="Ada")
    tags = earlier_tags(path, "m1")
    return path, *sit(tmp_path_factory.mktemp("task"), "variable_magnitude", trials=10, tags=tags)


def test_over_the_wire_the_suggestions_are_the_animals_truth(lit):
    path, session = lit
    with SessionFile(path) as file:
        told = [document for _, document in file.documents() if isinstance(document, TagsUpdated)]
        truth = light_truth(next(entry.payload for entry in file.inputs() if entry.kind == "truth"))
    assert [document.trial for document in told] == list(range(10))
    assert told[-1].withheld == {}
    assert {tag.unit: tag.suggestion for tag in told[-1].units} == {
        unit: light.tagged for unit, light in truth.items()
    }
    for tag in told[-1].units:
        if tag.suggestion:
            assert tag.latency_mean_ms == pytest.approx(truth[tag.unit].latency_ms, abs=1.0)
    assert session.reckoning.tags.book.tagged == frozenset()


def test_the_wire_and_the_simulation_hear_the_same_light(lit):
    rig = virtual_description(demo_rig(), Emulation(units=6, seed=1))
    virtual = run_virtual(make_plan("optotagging", rig, subject="m1", seed=1, trials=None, settings=SHORT))
    ours = {tag.unit: tag for tag in virtual.session.reckoning.tags.book.view()}
    theirs = {tag.unit: tag for tag in lit[1].reckoning.tags.book.view()}
    assert virtual.ended.decision_digest == lit[1].digest.hex()
    for unit, tag in ours.items():
        # A sample of 30 kHz is no microsecond: a spike near a window's edge may fall to its other side.
        assert theirs[unit].pulses == tag.pulses
        assert theirs[unit].reliability == pytest.approx(tag.reliability, abs=0.03)
        assert theirs[unit].suggestion == tag.suggestion


def test_the_task_of_the_day_knows_the_tags_and_counts_only_tagged_units(day):
    lit_path, path, _ = day
    known = {unit for unit, word in read_tags(lit_path)[0].words.items() if word.tagged}
    assert 0 < len(known) < 6
    with SessionFile(path) as file:
        started = next(document for _, document in file.documents() if isinstance(document, SessionStarted))
        made = session_report(file)
    assert {word.unit for word in started.tags if word.tagged} == known
    assert {word.source for word in started.tags} == {lit_path.name}
    assert all(word.evidence.salt is not None for word in started.tags)
    assert made.population.counted == "tagged"
    assert made.population.left_out == 6 - len(known)
    told = {unit.unit: unit.tag for unit in made.units}
    assert {unit for unit, tag in told.items() if tag.tagged} == known
    assert all(tag.latency_ms > 0 for unit, tag in told.items() if unit in known)


def test_both_sessions_replay_and_tags_change_no_decision(day, tmp_path):
    lit_path, path, session = day
    for file_path in (lit_path, path):
        with SessionFile(file_path) as file:
            assert replay_file(file, recorded_plan(file)).complete
    _, untagged = sit(tmp_path, "variable_magnitude", trials=10)
    assert untagged.digest.hex() == session.digest.hex()


def test_a_changed_tag_in_the_description_is_found_by_replay(day):
    _, path, _ = day
    with SessionFile(path) as file:
        plan = recorded_plan(file)
        assert plan.tags
        flipped = tuple(msgspec.structs.replace(word, tagged=not word.tagged) for word in plan.tags)
        with pytest.raises(ReplayMismatch):
            replay_file(file, dataclasses.replace(plan, tags=flipped))


def test_a_client_confirms_while_the_light_goes_on(tmp_path):
    seen = []

    def confirm():
        while not seen:
            for engine in running():
                if engine.protocol != "optotagging":
                    continue
                with Client(engine.publish, engine.commands, name="Ada") as client:
                    while client.snapshot().latest.get("tags") is None:
                        pass
                    seen.append(client.submit(Tag(unit="Tetrode 1:1", note="live")))

    asking = threading.Thread(target=confirm)
    asking.start()
    path, _ = sit(tmp_path, "optotagging", SHORT, units=2)
    asking.join()
    with SessionFile(path) as file:
        (told,) = [document for _, document in file.documents() if isinstance(document, TagConfirmed)]
        assert (told.word.unit, told.word.by, told.word.note) == ("Tetrode 1:1", "Ada", "live")
        columns, rows = file.table("tag_confirmations")
        assert [dict(zip(columns, row, strict=True))["said_by"] for row in rows] == ["Ada"]
        assert replay_file(file, recorded_plan(file)).complete


def said(*arguments):
    made = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return made.exit_code, made.output, made.exception


def test_the_command_shows_what_light_did_and_takes_a_persons_word(lit, tmp_path):
    path = tmp_path / "copy.sqlite"
    shutil.copy(lit[0], path)
    units = [tag.unit for tag in lit[1].reckoning.tags.book.view()]
    status, shown, _ = said("tag", path)
    assert status == 0
    assert all(unit in shown for unit in units)
    looks = sum(bool(tag.suggestion) for tag in lit[1].reckoning.tags.book.view())
    assert f"{looks} of {len(units)} units look tagged" in shown
    assert said("tag", path, units[0], "--by", "Ada")[1].strip() == f"{units[0]} is tagged, says Ada"
    assert (
        said("tag", path, units[0], "--not", "--by", "Bo")[1].strip() == f"{units[0]} is not tagged, says Bo"
    )
    told = {unit["unit"]: unit["tag"] for unit in json.loads(said("inspect", path, "--json")[1])["units"]}
    assert (told[units[0]]["tagged"], told[units[0]]["by"]) == (False, "Bo")
    assert told[units[1]]["p"] is not None
    assert said("replay", path)[0] == 0  # what is said afterwards disturbs no replay
    status, _, error = said("tag", path, "9:9")
    assert status != 0
    assert "9:9" in str(error)
