"""Whole sessions on an emulated rig whose board is a Bpod, in a process of its own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest
from rich.console import Console
from typer.testing import CliRunner

from rig.checks.preflight import preflight
from rig.cli.app import app
from rig.cli.plans import make_plan
from rig.cli.rigs import launch
from rig.cli.sitting import run_session
from rig.machine.calibration import open_us
from rig.runtime.config import dump_rig, load_rig

EXAMPLE_RIG = Path(__file__).parents[3] / "examples" / "bpod_rig.toml"


@dataclasses.dataclass
class Ran:
    outcome: object
    session: object
    truth: bytes | None


def run(out, *, trials=10, seed=1):
    left = []
    with launch(load_rig(EXAMPLE_RIG), speed=60.0) as process:

        def reveal():
            left.append(process.stop())
            return left[0].truth

        plan = make_plan(
            "variable_magnitude", process.rig, subject="m1", seed=seed, trials=trials, settings={}
        )
        outcome, session = run_session(plan, out, Console(quiet=True), quiet=True, truth=reveal)
    return Ran(outcome, session, left[0].truth)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    return run(tmp_path_factory.mktemp("bpod"))


def test_ten_trials_on_a_bpod(ran):
    assert (ran.outcome.ok, ran.outcome.reason, ran.outcome.problems) == (True, "10 trials done", ())
    records = ran.session.history.records
    assert [r.outcome for r in records] == ["complete"] * 10
    assert not any(r.lost_events for r in records)
    assert sum(r.spec.reward_ul > 0 for r in records) >= 5


def test_every_drop_is_as_long_as_the_calibration_says_by_the_devices_own_timer(ran):
    water = load_rig(EXAMPLE_RIG).output("water")
    for record in ran.session.history.records:
        opened = [c.at_us for c in record.outputs if c.name == "water"]
        if not record.spec.reward_ul:
            assert not opened
            continue
        on, off = opened
        wanted = open_us(water, record.spec.reward_ul)
        assert off - on == -(-wanted // 100) * 100
        assert record.reward_us == on
        assert on == next(v.at_us for v in record.states if v.name == "reward")
        assert record.delivered_ul == pytest.approx(record.spec.reward_ul, rel=0.05)


def test_the_animal_met_what_it_was_given_and_its_units_were_heard(ran):
    truth = msgspec.json.decode(ran.truth)
    assert truth["trials"] == 10
    assert len(ran.session.reckoning.units) == 4
    assert sum(len(r.inputs) for r in ran.session.history.records) > 50  # licks


def test_the_streams_clock_locks_to_the_sync_line_of_the_states(ran):
    (stream,) = ran.session.reckoning.stream_states()
    assert stream.clock_pulses > 20
    assert stream.clock_sigma_us < 50
    assert stream.clock.reason == ""
    assert stream.clock.ppm == pytest.approx(35.0, abs=2.0)
    assert stream.clock.missed == 0


def test_the_same_session_twice_is_the_same_to_the_last_byte(ran, tmp_path):
    assert run(tmp_path).session.digest.hex() == ran.session.digest.hex()


def test_it_replays(ran):
    result = CliRunner().invoke(app, ["replay", str(ran.outcome.path)])
    assert result.exit_code == 0, result.output


@pytest.fixture
def emulated(tmp_path):
    with launch(load_rig(EXAMPLE_RIG), speed=1.0) as process:
        file = tmp_path / "rig.toml"
        file.write_text(dump_rig(process.rig), encoding="utf-8")
        yield str(file)


def test_devices_identifies_it_and_pulses_an_output(emulated):
    result = CliRunner().invoke(app, ["devices", emulated, "--pulse", "water", "--ms", "29", "--listen", "0"])
    assert "board: Bpod r2.0-2.5, serial unknown, firmware 23.10, emulator, up to 1x" in result.output
    assert "water: open for 29 ms by the board's clock, 5.00 uL" in result.output


def test_flush_opens_in_pulses_that_the_device_times(emulated):
    result = CliRunner().invoke(app, ["flush", emulated, "--seconds", "0.3", "--yes"])
    assert result.exit_code == 0, result.output
    assert "water: open for 0.30 s in 3 pulses" in result.output


@pytest.mark.parametrize(
    "protocol",
    [
        "variable_magnitude", "mirrored", "habituation", "optotagging", "laser_optimists",
        "variable_probability", "lowet_bernoulli", "lowet_distributions", "lowet_diverse", "sousa",
    ],
)  # fmt: skip
def test_the_built_in_protocols_keep_the_rules_of_a_bpod(protocol):
    from drivers.bpod.limits import LIMITS
    from rig.cli.rigs import demo_rig

    plan = make_plan(protocol, demo_rig(), subject="m1", seed=1, trials=40, settings={})
    assert preflight(plan, LIMITS) > 0
