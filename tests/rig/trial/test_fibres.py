"""Photometry in a session: responses, reversal points, losses, and that it never delays a decision."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import numpy as np
import pytest

from rig.documents import (
    ClocksRead,
    FibreEstimatesUpdated,
    FibreResponseTaken,
    Notice,
    SessionStarted,
    SessionState,
    TrialDone,
)
from rig.operator import ManualReward
from rig.sim.photometry import Losses


def told(sitting, aligned_to="reward"):
    return [doc for doc in sitting.of(FibreResponseTaken) if doc.aligned_to == aligned_to]


def texts(sitting, source="fibre"):
    return [doc.text for doc in sitting.of(Notice) if doc.source == source]


@pytest.fixture(scope="module")
def long_session(sit_with_fibre):
    sitting = sit_with_fibre(trials=120)
    assert sitting.run().ok
    return sitting


def test_every_event_gets_an_answer_and_most_a_response(long_session):
    trials = [doc.record for doc in long_session.of(TrialDone)]
    rewarded = [record.number for record in trials if record.reward_us is not None]
    cued = [record.number for record in trials if record.cue_us is not None]
    assert [doc.trial for doc in told(long_session)] == rewarded
    assert [doc.trial for doc in told(long_session, "cue")] == cued
    withheld = [doc for doc in told(long_session) if doc.reason is not None]
    assert {doc.reason for doc in withheld[:-1]} == {"the baseline had not settled"}
    assert withheld[-1].reason in (
        "the baseline had not settled",
        "the session ended before its samples came",
    )
    assert len(withheld) < 0.1 * len(rewarded)
    for doc in told(long_session):
        assert (doc.dff is None) == (doc.reason is not None) == (not doc.trace)


def test_responses_are_what_the_sensor_saw(long_session):
    responses = [doc for doc in told(long_session) if doc.dff is not None]
    volume = np.array([doc.reward_ul for doc in responses])
    found = np.array([doc.dff for doc in responses])
    # mean of the kernel over the second after its event, by its own formula: gcamp, 0.05 and 0.6 s
    t = np.arange(0, 1, 1e-4)
    kernel = np.exp(-t / 0.6) - np.exp(-t / 0.05)
    expected = 0.02 * np.log(volume / 2.0) * kernel.mean() / kernel.max()
    assert np.corrcoef(found, expected)[0, 1] > 0.999
    assert np.polyfit(expected, found, 1)[0] == pytest.approx(1.0, abs=0.05)
    (largest, *_) = [doc for doc in responses if doc.reward_ul == 20.0]
    times = largest.start_ms + largest.step_ms * np.arange(len(largest.trace))
    assert (times[0], times[-1]) == (-2000, 4000)
    assert times[np.nanargmax([np.nan if v is None else v for v in largest.trace])] == pytest.approx(
        150, abs=60
    )


def test_the_reversal_point_is_where_the_sensor_s_is(long_session):
    newest = long_session.of(FibreEstimatesUpdated)[-1]
    (fibre,) = newest.fibres
    assert (fibre.source, fibre.fibre, newest.epoch) == ("fibre", "striatum", 0)
    estimate = fibre.estimate
    assert estimate.between_ul == (1.2, 2.5)
    assert sum(estimate.n) + sum(fibre.withheld.values()) == len(told(long_session))
    assert len(long_session.of(FibreEstimatesUpdated)) == len(told(long_session))


def test_the_session_tells_of_its_source(long_session, source):
    (started,) = long_session.of(SessionStarted)
    assert started.photometry == (source,)
    assert any("pyPhotometry" in text and "130 Hz" in text for text in texts(long_session))
    (state,) = long_session.of(SessionState)[-1].sources
    assert (state.name, state.ready, state.lost, state.missing) == ("fibre", True, 0, 0)
    assert state.clock.verdict == "ok"
    assert state.filter_delay_ms == pytest.approx(22.07, abs=0.01)
    assert {device.name for device in long_session.of(ClocksRead)[-1].devices} == {"fibre"}
    assert not [doc for doc in long_session.of(Notice) if doc.level != "info"]


def test_samples_go_to_other_programs_at_once(long_session, source):
    names = {array.name for array in long_session.arrays}
    assert names == {"photometry/fibre/striatum"}
    blocks = [np.frombuffer(a.buffer, a.dtype).reshape(a.shape) for a in long_session.arrays]
    first = [array.info["first"] for array in long_session.arrays]
    assert first == list(np.cumsum([0, *map(len, blocks)])[:-1])
    newest = blocks[-1][-1]
    assert newest[0] == pytest.approx(1.5, abs=0.1)  # the raw signal, in volts
    assert np.isnan(newest[1])  # no control
    assert abs(newest[2]) < 0.1
    assert np.isnan(blocks[0][:, 2]).all()  # nothing is known yet
    late = long_session.arrays[-1].info
    assert late["board_us"] == pytest.approx(long_session.virtual.now_us, abs=200_000)


def test_photometry_changes_no_decision(sit, sit_with_fibre):
    plain, fibre = sit(trials=20, units=0), sit_with_fibre(trials=20)
    assert plain.run().ok and fibre.run().ok
    assert plain.ended.decision_digest == fibre.ended.decision_digest
    times = [[doc.record.start_us for doc in sitting.of(TrialDone)] for sitting in (plain, fibre)]
    assert times[0] == times[1]  # not even a microsecond later


def test_a_dead_board_costs_its_responses_and_nothing_else(sit, sit_with_fibre):
    plain, fibre = sit(trials=25, units=0), sit_with_fibre(trials=25)
    fibre.unplug_us = 120_000_000
    assert plain.run().ok and fibre.run().ok
    assert plain.ended.decision_digest == fibre.ended.decision_digest
    assert any("no samples for 3 s" in text for text in texts(fibre))
    late = [doc for doc in told(fibre) if doc.reason is not None][-1]
    assert late.dff is None
    assert len(told(fibre)) == fibre.session.history.rewarded


def test_a_board_that_comes_back_is_greeted_anew_and_answers_again(sit, sit_with_fibre):
    plain, fibre = sit(trials=40, units=0), sit_with_fibre(trials=40)
    fibre.unplug_us, fibre.replug_us = 120_000_000, 150_000_000
    assert plain.run().ok and fibre.run().ok
    assert plain.ended.decision_digest == fibre.ended.decision_digest
    (state,) = fibre.of(SessionState)[-1].sources
    assert (state.restarts, state.clock.verdict, state.ready) == (1, "ok", True)
    start_us = {doc.record.number: doc.record.start_us for doc in fibre.of(TrialDone)}
    measured_us = [start_us[doc.trial] for doc in told(fibre) if doc.dff is not None]
    assert any(at_us < 110_000_000 for at_us in measured_us)
    # twenty seconds more until clock and baseline are found anew
    assert not [at_us for at_us in measured_us if 120_000_000 < at_us < 150_000_000]
    late = [start_us[doc.trial] for doc in told(fibre) if start_us[doc.trial] > 200_000_000]
    assert len([at_us for at_us in measured_us if at_us > 200_000_000]) >= len(late) - 1
    large = [d.dff for d in told(fibre) if d.dff is not None and d.reward_ul >= 10]
    assert min(large) > 0.01  # placed right, before and after


def test_without_the_sync_line_nothing_is_measured(sit_with_fibre):
    sitting = sit_with_fibre(trials=25, cable=False)
    assert sitting.run().ok
    assert {doc.dff for doc in told(sitting)} == {None}
    reasons = {doc.reason for doc in told(sitting)}
    assert reasons <= {"clock not locked to the sync line", "the session ended before its samples came"}
    assert "clock not locked to the sync line" in reasons
    assert any("times cannot be trusted" in text for text in texts(sitting))
    assert sitting.of(SessionState)[-1].sources[0].ready is False


def test_without_the_sync_line_the_hosts_stamps_serve_if_the_rig_file_says_so(sit_with_fibre, source):
    by_stamps = msgspec.structs.replace(source, sync="host")
    sitting = sit_with_fibre(trials=25, cable=False, source=by_stamps)
    assert sitting.run().ok
    measured = [doc for doc in told(sitting) if doc.dff is not None]
    assert len(measured) > 0.7 * len(told(sitting))
    large = [doc.dff for doc in measured if doc.reward_ul >= 10]
    assert min(large) > 0.01  # as placed by the line: within some milliseconds of a second-long window
    (state,) = sitting.of(SessionState)[-1].sources
    assert (state.clock.source, state.clock.verdict) == ("host stamps", "poor")
    assert "right to +-" in state.clock.reason
    assert 3_000 < state.clock.interval_us < 20_000
    assert state.missing == state.surplus == 0  # nothing can tell


def test_numbered_losses_are_told_as_sums_and_bridged(sit_with_fibre):
    sitting = sit_with_fibre(trials=40, loss=Losses(seed=2, share=0.01).lost)
    assert sitting.run().ok
    (state,) = sitting.of(SessionState)[-1].sources
    assert (
        0 < state.lost <= sitting.emulator.dropped <= state.lost + 2
    )  # the very last were still on their way
    lost = [text for text in texts(sitting) if "samples were lost" in text]
    assert len(lost) < 0.5 * sitting.emulator.dropped
    assert sum(int(text.split()[0]) for text in lost) == state.lost
    measured = [doc for doc in told(sitting) if doc.dff is not None]
    assert len(measured) > 0.75 * len(told(sitting))
    assert any(doc.lost for doc in measured)


def test_samples_without_a_number_are_found_and_responses_there_withheld(sit_with_fibre):
    sitting = sit_with_fibre(trials=60)
    stalled = []

    def interfere(entry):
        if not stalled and sitting.virtual.now_us > 200_000_000 and sitting.emulator.running:
            sitting.emulator.stall(400_000)
            stalled.append(sitting.virtual.now_us)
        yield from ()

    sitting.interfere = interfere
    assert sitting.run().ok
    (state,) = sitting.of(SessionState)[-1].sources
    assert state.missing == sitting.emulator.overrun > 40
    assert any("lost without a number" in text for text in texts(sitting))


def test_a_manual_reward_spoils_what_is_open(sit_with_fibre):
    sitting = sit_with_fibre(trials=30)
    given = []

    def interfere(entry):
        if not given and sitting.session.history.rewarded == 15:
            given.append(sitting.session.history.trials - 1)
            yield "tester", "command", msgspec.json.encode(ManualReward(volume_ul=2.0))

    sitting.interfere = interfere
    assert sitting.run().ok
    spoiled = [doc for doc in told(sitting) if doc.trial == given[0]]
    assert [doc.reason for doc in spoiled] == ["a manual reward was given in this trial"]


def test_a_rig_without_photometry_loads_no_filter_library():
    code = (
        "import sys; import rig.cli.sitting, rig.cli.simulate, gui.client; "
        "sys.exit('scipy.signal' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
