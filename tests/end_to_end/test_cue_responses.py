"""Answers to cues over real ports: as in simulation, in the session file, and again in a replay."""

from __future__ import annotations

import csv
import sqlite3

import pytest
from rich.console import Console

from rig.cli.inspect import write_tables
from rig.cli.plans import make_plan
from rig.cli.replay import recorded_plan, replay_file
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.simulate import run_virtual, virtual_description
from rig.cli.sitting import run_session
from rig.description import Emulation
from rig.documents import AlignedSpikes, CueResponseTaken, Notice, SessionStarted
from rig.runtime.reader import SessionFile
from rig.sim.training import trained_on

pytestmark = pytest.mark.timeout(120)

PROTOCOL, TRIALS, UNITS = "variable_probability", 20, 6


def plan_on(rig):
    return make_plan(PROTOCOL, rig, subject="m1", seed=1, trials=TRIALS, settings={})


@pytest.fixture(scope="module")
def wired(tmp_path_factory):
    """A session on an emulated rig whose animal was trained on the protocol."""
    rig = with_emulation(demo_rig(), units=UNITS, seed=1)
    with launch(trained_on(rig, plan_on(rig).protocol), speed=60.0) as process:
        out = tmp_path_factory.mktemp("cues")
        outcome, session = run_session(plan_on(process.rig), out, Console(quiet=True), quiet=True)
    assert outcome.ok, outcome
    return outcome.path, session.digest.hex()


@pytest.fixture(scope="module")
def simulated():
    documents = []

    class Watcher:
        def show(self, document):
            documents.append(document)

    rig = virtual_description(demo_rig(), Emulation(units=UNITS, seed=1))
    outcome = run_virtual(plan_on(rig), Watcher())
    return documents, outcome.ended.decision_digest


def of(documents, kind):
    return [document for document in documents if isinstance(document, kind)]


def told(path):
    with SessionFile(path) as file:
        return [document for _, document in file.documents()]


def test_wire_and_simulation_answer_the_same(wired, simulated):
    path, digest = wired
    documents, theirs = simulated
    assert digest == theirs
    ours = told(path)
    answers = of(ours, CueResponseTaken)
    assert len(answers) == TRIALS
    assert answers == of(documents, CueResponseTaken)
    assert not any(answer.revised or answer.response.missing for answer in answers)
    assert of(ours, SessionStarted)[0].cue_roles == of(documents, SessionStarted)[0].cue_roles
    assert not [n for n in of(ours, Notice) if n.level == "warning"]


def test_the_rasters_are_the_same_within_the_clocks_error(wired, simulated):
    ours, theirs = (
        {(d.trial, d.aligned_to): d for d in of(documents, AlignedSpikes)}
        for documents in (told(wired[0]), simulated[0])
    )
    assert set(ours) == set(theirs)
    assert len([key for key in ours if key[1] == "cue"]) == TRIALS
    for key, spikes in ours.items():
        other = theirs[key]
        assert (spikes.start_ms, spikes.stop_ms, spikes.units) == (
            other.start_ms, other.stop_ms, other.units,
        )  # fmt: skip
        for one, two in zip(spikes.times, other.times, strict=True):
            assert len(one) == len(two)
            assert all(abs(a - b) <= 1 for a, b in zip(one, two, strict=True))


def test_the_file_has_them_and_replays(wired, tmp_path):
    path, _ = wired
    with sqlite3.connect(path) as db:
        rows = db.execute(
            "SELECT condition, count(*), avg(response_hz) FROM cue_responses JOIN trials USING (trial) "
            "WHERE missing IS NULL GROUP BY condition ORDER BY condition"
        ).fetchall()
    db.close()
    assert [row[0] for row in rows] == ["10 %", "50 %", "90 %"]
    assert sum(row[1] for row in rows) == TRIALS * UNITS
    assert rows[0][2] < rows[2][2]
    with SessionFile(path) as file:
        assert "cue_responses.csv" in write_tables(file, tmp_path)
        assert replay_file(file, recorded_plan(file)).complete
    with (tmp_path / "cue_responses.csv").open(encoding="utf-8") as text:
        assert len(list(csv.DictReader(text))) == TRIALS * UNITS
