"""A session of two epochs over the wire: it switches there as in simulation, and its file replays."""

from __future__ import annotations

import inspect
import os
import sqlite3

import pytest

from protocols.mirrored import Mirrored
from rig.cli.inspect import session_report
from rig.cli.plans import make_plan
from rig.cli.replay import recorded_plan, replay_file
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.description import Emulation
from rig.documents import Audit, EpochStarted
from rig.runtime.reader import SessionFile

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals"),
]
SETTINGS = {"at_least": 10, "at_most": 14, "discard": 3}
TRIALS = 30


@pytest.fixture(scope="module")
def protocol():
    return inspect.getfile(Mirrored)


@pytest.fixture
def wired(on_the_wire, protocol):
    return on_the_wire(trials=TRIALS, protocol=protocol, settings=SETTINGS)


def test_it_decides_as_in_simulation_and_replays(wired, protocol):
    assert wired.outcome.ok
    rig = virtual_description(demo_rig(), Emulation(units=4, seed=1))
    plan = make_plan(protocol, rig, subject="m1", seed=1, trials=TRIALS, settings=SETTINGS)
    assert run_virtual(plan).ended.decision_digest == wired.digest
    with SessionFile(wired.path) as file:
        outcome = replay_file(file, recorded_plan(file, protocol))
        (begun,) = (d for _, d in file.documents() if isinstance(d, EpochStarted))
        audits = [d for _, d in file.documents() if isinstance(d, Audit)]
        report = session_report(file)
    assert outcome.complete and outcome.sentence.startswith("identical")
    assert begun.trial == 14 and begun.name == "mirrored"
    assert [audit.epoch for audit in audits] == [0] * 14 + [1] * (TRIALS - 14)
    assert [epoch.name for epoch in report.epochs] == ["as trained", "mirrored"]
    db = sqlite3.connect(wired.path)
    told = dict(db.execute("SELECT epoch, min(trial) FROM estimates GROUP BY epoch"))
    assert db.execute("SELECT count(*) FROM trials WHERE stimulation IS NOT NULL").fetchone() == (0,)
    db.close()
    assert set(told) == {0, 1} and told[0] < 14 <= told[1]
