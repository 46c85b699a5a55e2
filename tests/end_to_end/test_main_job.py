"""The main job, end to end, on real ports; and the same in pure simulation."""

from __future__ import annotations

import math

import msgspec
import pytest

from protocols.variable_magnitude import VariableMagnitude
from rig.cli.plans import make_plan
from rig.cli.replay import recorded_plan, replay_file
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.cli.truth import scores, truth_from
from rig.description import Emulation
from rig.documents import EstimatesUpdated, Notice, ResponseTaken, TrialDone
from rig.runtime.reader import SessionFile
from rig.runtime.recordings import read_spikes
from rig.sim.recorded import reference_counts

pytestmark = pytest.mark.timeout(280)


def virtual(trials, units, seed=1):
    rig = virtual_description(demo_rig(), Emulation(units=units, seed=seed))
    plan = make_plan("variable_magnitude", rig, subject="m1", seed=seed, trials=trials, settings={})
    return run_virtual(plan)


def documents(path, kind):
    with SessionFile(path) as file:
        return [document for _, document in file.documents() if isinstance(document, kind)]


def test_every_trial_is_complete_and_nothing_is_late_or_lost(main_job):
    assert main_job.outcome.ok, main_job.outcome
    assert main_job.outcome.reason == "300 trials done"
    records = [document.record for document in documents(main_job.path, TrialDone)]
    assert len(records) == 300
    assert {record.outcome for record in records} == {"complete"}
    assert sum(record.lost_events for record in records) == 0
    for response in documents(main_job.path, ResponseTaken):
        assert not response.revised
        assert not response.response.missing
    reckoning = main_job.session.reckoning
    assert reckoning.deadlines_expired == 0
    (stream,) = reckoning.stream_states()
    assert (stream.lost, stream.noise_bytes, stream.restarts) == (0, 0, 0)
    assert stream.clock_sigma_us < 20
    assert not main_job.outcome.problems
    # Whatever a busy computer may do to a session is told: nothing was begun twice, no link was lost.
    told = [(n.level, n.text) for n in documents(main_job.path, Notice)]
    assert not [text for level, text in told if level != "info"], told


def test_simulation_and_wire_decide_the_same(main_job):
    simulated = virtual(300, 40)
    assert simulated.ended.decision_digest == main_job.digest
    ours = {unit.unit: unit for unit in main_job.session.reckoning.estimates}
    for other in simulated.session.reckoning.estimates:
        assert ours[other.unit].n == other.n
        for name in ("paper_hz", "isotonic_hz", "bayes_hz", "asymmetry_bayes"):
            assert getattr(ours[other.unit], name) == pytest.approx(getattr(other, name), rel=1e-9)


def test_the_estimates_are_near_the_truth(main_job):
    known, _ = truth_from(main_job.truth)
    assert len(known) == 40
    for score in scores(main_job.session.reckoning.estimates, known):
        print(score)
        if score.estimator == "bayes":
            # One seed; ten are pooled in tests/rig/test_recovery.py.
            assert score.coverage >= 0.8
            assert score.correlation >= 0.6
            assert 2.0 <= score.width_hz <= 4.0


def test_the_truth_is_the_last_record_and_nothing_in_the_session_reads_it(main_job):
    with SessionFile(main_job.path) as file:
        last = list(file.inputs())[-1]
    assert last.kind == "truth"
    assert msgspec.json.decode(last.payload)["animal"] == "simulated"


def test_the_session_replays_byte_for_byte(main_job):
    with SessionFile(main_job.path) as file:
        outcome = replay_file(file, recorded_plan(file))
    assert outcome.complete
    assert outcome.inputs == main_job.outcome.inputs


def test_twice_over_is_the_same(short_job, on_the_wire):
    assert on_the_wire(trials=12).digest == short_job.digest == virtual(12, 4).ended.decision_digest


def test_speed_changes_nothing(short_job, on_the_wire):
    assert on_the_wire(trials=12, speed=15.0).digest == short_job.digest


def test_a_session_runs_across_the_wrap_of_the_boards_counter(short_job, on_the_wire):
    start = 2**32 - 40_000_000
    run = on_the_wire(trials=12, board_start_us=start)
    records = [document.record for document in documents(run.path, TrialDone)]
    assert records[0].start_us < 2**32 < records[-1].start_us
    assert {record.outcome for record in records} == {"complete"}
    assert run.digest == short_job.digest


def test_a_habituation_session_needs_no_neurons(on_the_wire):
    run = on_the_wire(trials=5, protocol="habituation")
    assert run.outcome.ok
    assert not documents(run.path, EstimatesUpdated)
    assert all(d.record.delivered_ul == pytest.approx(5, abs=0.1) for d in documents(run.path, TrialDone))


def test_recorded_units_are_counted_as_in_the_recording(recording, on_the_wire):
    file = recording("varmag_dev_spikes.npz")
    run = on_the_wire(trials=120, seed=3, recorded=file)
    units = read_spikes(file)
    told = msgspec.json.decode(run.truth)["units"]
    played = {unit["unit"]: dict(map(tuple, unit["played"])) for unit in told}
    number = {unit["unit"]: i for i, unit in enumerate(told)}
    compared = missing = 0
    for document in documents(run.path, ResponseTaken):
        response = document.response
        for unit, counts in zip(response.units, response.counts, strict=True):
            trial = played[unit].get(response.trial)
            if counts is None:
                assert response.missing[unit] == "recording exhausted"
                assert trial is None
                missing += 1
            else:
                assert tuple(counts) == reference_counts(units[number[unit]], trial)
                compared += 1
    print(f"{compared} counts compared, {missing} missing because a recording was exhausted")
    assert compared > 1500


def test_the_schedule_is_the_published_one():
    simulated = virtual(100, 1)
    sizes = [record.spec.reward_ul for record in simulated.session.history.records]
    declared = VariableMagnitude().schedule.distribution()
    for size, probability in declared.items():
        assert math.isclose(sizes.count(size) / 80, probability)
