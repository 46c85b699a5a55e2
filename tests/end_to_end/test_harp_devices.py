"""A session with a Behavior board and an Olfactometer beside the state-machine board, over real ports."""

from __future__ import annotations

import itertools
import sqlite3

import msgspec
import pytest
from rich.console import Console

from rig.cli.plans import make_plan
from rig.cli.replay import recorded_plan, replay_file
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.simulate import run_virtual, virtual_description
from rig.cli.sitting import run_session
from rig.description import EmulatedHarp, Emulation, HarpConfig
from rig.documents import ClocksRead, HarpEvents, TrialDone
from rig.errors import ConfigError
from rig.runtime.reader import SessionFile
from rig.sim.training import trained_on

pytestmark = pytest.mark.timeout(120)

PROTOCOL, TRIALS, UNITS = "variable_probability", 8, 2
VALVES = {"odour_a": "Valve0", "odour_b": "Valve1", "odour_c": "Valve2"}
CAMERA_HZ = 50

BEHAVIOR = HarpConfig(
    name="behavior",
    port="pty",
    device="behavior",
    sync_input="DigitalInputState.DI3",
    events=("DigitalInputState", "Camera0Frame"),
    setup={"EventEnable": "PortDI|Camera0", "Camera0Frequency": CAMERA_HZ, "StartCameras": "CameraOutput0"},
    end={"StopCameras": "CameraOutput0"},
)
OLFACTOMETER = HarpConfig(
    name="olfactometer",
    port="pty",
    device="olfactometer",
    events=("DI0State",),
    setup={"EnableEvents": "DI0Trigger", "DI0Trigger": "ValveToggle", "EnableFlow": 1},
    cues={cue: {"OdorValveState": valve} for cue, valve in VALVES.items()},
    end={"ValveState": 0, "EnableFlow": 0},
)


def rig_with_harp():
    rig = with_emulation(demo_rig(), units=UNITS, seed=1)
    wires = {
        "behavior": EmulatedHarp(wires=dict.fromkeys(VALVES, "DigitalInputState.DIPort0"), ppm=80.0),
        "olfactometer": EmulatedHarp(wires=dict.fromkeys(VALVES, "DI0State"), ppm=-60.0),
    }
    emulation = msgspec.structs.replace(rig.emulation, harp=wires)
    return msgspec.structs.replace(rig, harp=(BEHAVIOR, OLFACTOMETER), emulation=emulation)


def plan_on(rig):
    return make_plan(PROTOCOL, rig, subject="m1", seed=1, trials=TRIALS, settings={})


@pytest.fixture(scope="module")
def wired(tmp_path_factory):
    rig = rig_with_harp()
    with launch(trained_on(rig, plan_on(rig).protocol), speed=20.0) as process:
        out = tmp_path_factory.mktemp("harp")
        outcome, session = run_session(plan_on(process.rig), out, Console(quiet=True), quiet=True)
    assert outcome.ok, outcome
    with SessionFile(outcome.path) as file:
        return outcome.path, session.digest.hex(), [document for _, document in file.documents()]


def of(documents, kind):
    return [document for document in documents if isinstance(document, kind)]


def told(documents, device, register):
    return [
        event
        for document in of(documents, HarpEvents)
        if document.device == device
        for event in document.events
        if event.register == register
    ]


def test_devices_beside_the_board_change_no_decision(wired):
    _, digest, _ = wired
    simulated = run_virtual(plan_on(virtual_description(rig_with_harp(), Emulation(units=UNITS, seed=1))))
    assert digest == simulated.ended.decision_digest


def test_the_odour_was_chosen_and_answered_before_each_trial(wired):
    _, _, documents = wired
    asked = iter(e for e in told(documents, "olfactometer", "OdorValveState") if e.asked)
    story = []
    for document in documents:
        if isinstance(document, TrialDone):
            story.append(document.record.spec.cue)
    assert len(story) == TRIALS
    assert [next(asked).value for _ in range(sum(cue is not None for cue in story))] == [
        VALVES[cue] for cue in story if cue is not None
    ]
    assert next(asked, None) is None


def test_the_boards_own_line_let_it_through(wired):
    _, _, documents = wired
    cued = [d.record for d in of(documents, TrialDone) if d.record.cue_us is not None]
    opened = [e for e in told(documents, "olfactometer", "DI0State") if e.value == "High"]
    assert len(opened) == len(cued)


def test_events_lie_on_the_boards_clock(wired):
    _, _, documents = wired
    onsets = [d.record.start_us + d.record.cue_us for d in of(documents, TrialDone) if d.record.cue_us]
    seen = [e for e in told(documents, "behavior", "DigitalInputState") if "DIPort0" in e.value]
    rises = [
        after.board_us
        for before, after in itertools.pairwise(told(documents, "behavior", "DigitalInputState"))
        if "DIPort0" in after.value and "DIPort0" not in before.value
    ]
    assert seen
    assert len(rises) == len(onsets)
    placed = [(rise, onset) for rise, onset in zip(rises, onsets, strict=True) if rise is not None]
    assert len(placed) >= len(onsets) - 1
    assert max(abs(rise - onset) for rise, onset in placed) < 100
    frames = [e.board_us for e in told(documents, "behavior", "Camera0Frame") if e.board_us is not None]
    gaps = [b - a for a, b in itertools.pairwise(frames)]
    assert len(frames) > 500
    assert sum(abs(gap - 1_000_000 / CAMERA_HZ) < 100 for gap in gaps) > 0.99 * len(gaps)


def test_the_session_file_has_them_as_a_table(wired):
    path, _, documents = wired
    with sqlite3.connect(path) as file:
        query = "SELECT value, board_us FROM harp_events WHERE device = ? AND register = ? ORDER BY rowid"
        rows = list(file.execute(query, ("behavior", "Camera0Frame")))
    file.close()
    assert rows == [('"FrameTaken"', e.board_us) for e in told(documents, "behavior", "Camera0Frame")]


def test_their_clocks_are_watched_like_any_other(wired):
    _, _, documents = wired
    newest = {d.name: d.health for d in of(documents, ClocksRead)[-1].devices}
    assert newest["behavior"].source == "sync line"
    assert newest["behavior"].verdict == "ok"
    assert newest["behavior"].ppm == pytest.approx(80.0, abs=10.0)
    assert newest["olfactometer"].source == "host stamps"


def test_a_replay_needs_no_description_but_the_recorded_one(wired, monkeypatch):
    path, _, _ = wired
    monkeypatch.setattr("drivers.harp.open.load_device", None)
    with SessionFile(path) as file:
        assert replay_file(file, recorded_plan(file)).complete


def test_a_device_that_is_not_there_is_told_at_once(tmp_path):
    with launch(rig_with_harp(), speed=5.0) as process:
        devices = (process.rig.harp[0], msgspec.structs.replace(process.rig.harp[1], port="no-such-port"))
        rig = msgspec.structs.replace(process.rig, harp=devices)
        outcome, session = run_session(plan_on(rig), tmp_path, Console(quiet=True), quiet=True)
    assert not outcome.ok
    assert (
        "Harp device 'olfactometer': its port cannot be opened: there is no port no-such-port"
        in outcome.reason
    )
    assert session.history.trials == 0


def test_two_devices_swapped_are_told_apart(tmp_path):
    with launch(rig_with_harp(), speed=5.0) as process:
        first, second = process.rig.harp
        swapped = (
            msgspec.structs.replace(first, port=second.port),
            msgspec.structs.replace(second, port=first.port),
        )
        rig = msgspec.structs.replace(process.rig, harp=swapped)
        outcome, _ = run_session(plan_on(rig), tmp_path, Console(quiet=True), quiet=True)
    assert not outcome.ok
    assert "is a Harp device of type" in outcome.reason


def test_a_cue_that_a_device_knows_nothing_of_is_refused_beforehand(tmp_path):
    rig = rig_with_harp()
    lacking = msgspec.structs.replace(OLFACTOMETER, cues={"odour_a": {"OdorValveState": "Valve0"}})
    with pytest.raises(
        ConfigError, match=r"Harp device 'olfactometer' is not told what to do .*harp\.cues\.odour"
    ):
        run_session(
            plan_on(msgspec.structs.replace(rig, harp=(lacking,))), tmp_path, Console(quiet=True), quiet=True
        )
