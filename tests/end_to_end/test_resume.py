"""`dopaloop run --resume`: a run that was killed goes on in its own file, and windows see the whole of it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import zlib
from importlib.resources import files

import msgspec
import pytest
from rich.console import Console
from typer.testing import CliRunner

from rig.cli.app import app
from rig.cli.plans import make_plan
from rig.cli.replay import recorded_plan, replay_file
from rig.cli.resume import resume_session
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.simulate import run_virtual, virtual_description
from rig.description import Emulation, Telemetry
from rig.documents import EstimatesUpdated, Notice, SessionStarted, TrialDone
from rig.errors import ConfigError
from rig.log.gap import read_gap
from rig.runtime.client import Client, EventChange
from rig.runtime.config import dump_rig
from rig.runtime.follower import Follower
from rig.runtime.reader import SessionFile

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.name != "posix", reason="signals and pseudo-terminals"),
]
TRIALS = 10


def free_endpoint():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{one.getsockname()[1]}"


def refusal(*arguments):
    outcome = CliRunner().invoke(app, [str(word) for word in arguments])
    assert isinstance(outcome.exception, ConfigError), outcome.output
    return str(outcome.exception)


@pytest.fixture(scope="module")
def rig():
    """An emulated rig that outlives its engines."""
    with launch(with_emulation(demo_rig(), units=4, seed=1), speed=60.0) as process:
        telemetry = Telemetry(publish=free_endpoint(), commands=free_endpoint())
        yield msgspec.structs.replace(process.rig, telemetry=telemetry)


@pytest.fixture(scope="module")
def killed(rig, tmp_path_factory):
    """A run that was killed in its fifth trial; and what was said of resuming it while it ran."""
    folder = tmp_path_factory.mktemp("killed")
    rig_file = folder / "rig.toml"
    rig_file.write_text(dump_rig(rig))
    command = [
        "run", "variable_magnitude", "--rig", rig_file, "--subject", "m1", "--out", folder, "--seed", 1,
        "--trials", TRIALS, "--no-gui",
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "rig", *map(str, command)], stdout=subprocess.PIPE, text=True
    )
    said = ""
    for line in process.stdout:
        if re.match("trial 2: ", line):
            (path,) = folder.glob("*.sqlite")
            said = refusal("run", "--resume", path)
        if re.match("trial 4: ", line):
            break
    process.kill()
    process.communicate()
    return path, said, process.pid


@pytest.fixture
def copy(killed, tmp_path):
    """The killed session, to be tampered with."""
    for part in killed[0].parent.glob(f"{killed[0].name}*"):
        shutil.copy(part, tmp_path)
    return tmp_path / killed[0].name


class Ear:
    """A window that was there before the engine, and looks back as far as it can."""

    def __init__(self, rig):
        self._ends = rig.telemetry.publish, rig.telemetry.commands
        self.trials, self.kinds, self.links = [], set(), []
        self.seen = 0
        self.follower = Follower(
            *self._ends, on_snapshot=self.look_back, on_change=self.take, on_link=self.links.append,
            silence_s=0.5,
        )  # fmt: skip

    def look_back(self, view):
        with Client(*self._ends, name="window") as client:
            for change in client.backfill(view.oldest, view.newest):
                self.take(change)

    def take(self, change):
        # On a busy computer the engine may seem silent: then it looks back once more.
        if isinstance(change, EventChange) and change.n > self.seen:
            self.seen = change.n
            self.kinds.add(type(change.document))
            if isinstance(change.document, TrialDone):
                self.trials.append(change.document.record)


def test_it_goes_on_to_the_end_and_a_window_sees_it_whole(rig, copy):
    ear = Ear(rig)
    try:
        outcome, session = resume_session(copy, Console(quiet=True), rig=rig, quiet=True)
    finally:
        ear.follower.close()
    assert outcome.ok, outcome
    assert outcome.reason == f"{TRIALS} trials done"
    assert outcome.path == copy
    with SessionFile(copy) as file:
        documents = [document for _, document in file.documents()]
        gaps = [read_gap(entry) for entry in file.inputs() if entry.kind == "resume"]
        times = [entry.t_ns for entry in file.inputs()]
        replayed = replay_file(file, recorded_plan(file))
    assert replayed.complete
    assert replayed.inputs == outcome.inputs
    assert times == sorted(times)
    (gap,) = gaps
    assert 0 < gap.seconds < 120
    assert gap.versions["python"]
    records = [document.record for document in documents if isinstance(document, TrialDone)]
    assert [record.number for record in records] == list(range(TRIALS))
    assert sum(isinstance(document, SessionStarted) for document in documents) == 1
    assert any("goes on after a gap of" in d.text for d in documents if isinstance(d, Notice))
    # The window was told of every trial, those before the gap too; each once.
    assert [record.number for record in ear.trials] == list(range(TRIALS))
    assert ear.trials == records
    assert {SessionStarted, EstimatesUpdated} <= ear.kinds
    assert None in ear.links
    alone = run_virtual(
        make_plan(
            "variable_magnitude", virtual_description(demo_rig(), Emulation(units=4, seed=1)),
            subject="m1", seed=1, trials=TRIALS, settings={},
        )
    )  # fmt: skip
    assert [record.spec for record in records] == [r.spec for r in alone.session.history.records]
    assert session.history.trials == TRIALS
    said = refusal("run", "--resume", copy)
    assert f"this session is over ({TRIALS} trials done); start a new one" in said


def test_a_session_that_runs_is_not_taken_up(killed):
    _, said, pid = killed
    assert f"this session still runs (process {pid}); stop that first" in said


def test_an_animal_that_is_in_another_session_is_not_taken_up(copy):
    from rig.runtime.identity import claimed

    with claimed("m1", copy.parent, "box 2"):
        said = refusal("run", "--resume", copy)
    assert "'m1' is already in a session of this process" in said


def test_another_protocol_text_is_refused_unless_it_is_insisted_on(rig, copy, tmp_path):
    changed = tmp_path / "variable_magnitude.py"
    text = files("protocols").joinpath("variable_magnitude.py").read_text("utf-8")
    changed.write_text(text + "\n# changed\n")
    said = refusal("run", "--resume", copy, "--protocol", changed)
    assert "is not the text that the session began with" in said
    assert "--force" in said
    outcome, _ = resume_session(
        copy, Console(quiet=True), protocol=str(changed), rig=rig, force=True, quiet=True
    )
    assert outcome.ok
    with SessionFile(copy) as file:
        (gap,) = [read_gap(entry) for entry in file.inputs() if entry.kind == "resume"]
        assert gap.protocol_hash != file.meta["protocol_hash"]
        assert replay_file(file, recorded_plan(file)).complete


def test_another_decision_is_refused_always(copy, tmp_path):
    changed = tmp_path / "variable_magnitude.py"
    text = files("protocols").joinpath("variable_magnitude.py").read_text("utf-8")
    assert "self.schedule[history.trials]" in text
    changed.write_text(text.replace("self.schedule[history.trials]", "self.schedule[history.trials + 1]"))
    said = refusal("run", "--resume", copy, "--protocol", changed, "--force")
    assert "it cannot go on, since it does not replay to where it was: record" in said


def test_a_damaged_file_is_not_gone_on_with(copy):
    with sqlite3.connect(copy) as db:
        db.execute("UPDATE inputs SET payload = x'00', crc32 = ? WHERE seq = 40", (zlib.crc32(b"\0"),))
    db.close()
    assert "does not replay to where it was: record 40 was changed" in refusal("run", "--resume", copy)


def test_another_rig_is_refused(rig, copy, tmp_path):
    other = tmp_path / "other.toml"
    limits = msgspec.structs.replace(rig.limits, max_drop_ul=99.0)
    other.write_text(dump_rig(msgspec.structs.replace(rig, limits=limits)))
    said = refusal("run", "--resume", copy, "--rig", other)
    assert "this is not the rig that the session began on: limits differ; only ports and" in said


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--trials", "5"], "--trials is fixed by the session"),
        (["--subject", "m2"], "--subject is fixed by the session"),
        (["habituation"], "PROTOCOL is fixed by the session"),
        (["--set", "iti_mean_s=3"], "--set is fixed by the session"),
    ],
)
def test_what_is_fixed_by_the_session_cannot_be_given(copy, more, says):
    assert says in refusal("run", "--resume", copy, *more)


def test_a_new_session_needs_all_that_it_is_made_of(tmp_path):
    assert "a new session needs PROTOCOL, --rig, --subject and --out" in refusal("run", "habituation")
    assert "--force goes with --resume only" in refusal("run", "habituation", "--force")


def test_a_file_that_is_no_session_is_said(tmp_path):
    nothing = tmp_path / "nothing.sqlite"
    assert "there is no such session file" in refusal("run", "--resume", nothing)
    sqlite3.connect(nothing).execute("CREATE TABLE t (x)").connection.close()
    assert "no session file" in refusal("run", "--resume", nothing)
