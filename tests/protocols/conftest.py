"""What every protocol of cues is held to: a rehearsal on the demo rig, and sessions on a simulated animal."""

from __future__ import annotations

import collections

import pytest

from rig.checks.preflight import as_intended, preflight
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.description import Emulation
from rig.design.draws import Draws
from rig.design.plan import SessionPlan
from rig.device import BoardLimits
from rig.documents import (
    AlignedSpikes,
    CueResponseTaken,
    EstimatesUpdated,
    ResponseTaken,
    SessionEnded,
    TrialDone,
)
from rig.machine.check import check
from rig.protocol import History


class Documents(list):
    """Takes what a session publishes."""

    def show(self, document):
        self.append(document)

    def of(self, kind):
        return [document for document in self if isinstance(document, kind)]


class Rehearsed:
    """One protocol on the demo rig."""

    def __init__(self, kind, rig, settings):
        self.rig = rig
        self.protocol = kind(kind.Parameters.read(settings), 1)
        self.kinds = collections.Counter(
            (kind.condition, kind.cue, kind.reward_ul) for kind in self.protocol.schedule.block
        )

    def plan(self, trials, units, seed=1, **animal):
        return SessionPlan(
            subject="m1",
            protocol=self.protocol,
            protocol_name="under test",
            rig=virtual_description(self.rig, Emulation(units=units, seed=seed, **animal)),
            seed=seed,
            max_trials=trials,
        )

    def specs(self):
        """One block of trials, as the protocol decides them."""
        history = History()
        for number in range(len(self.protocol.schedule.block)):
            spec = self.protocol.decide(history, None, Draws(1, number))
            history.add(as_intended(number, spec))
            yield spec

    def states(self, spec):
        """When each state of a trial begins, in seconds after the cue (after the start without one)."""
        table = self.protocol.table(spec).build(self.rig)
        check(table, self.rig, BoardLimits())
        times, at, number = {}, 0, 0
        while number != 0xFF:
            state = table.states[number]
            times[state.name] = at
            at += max(1, state.timer_cycles)
            number = state.transitions[0].target
        zero = times.get("cue", 0)
        return {name: (t - zero) / 10_000 for name, t in {**times, "end": at}.items()}

    def run(self, trials=60, units=4, seed=1, **animal):
        """A session on an animal that was trained on this protocol."""
        told = Documents()
        outcome = run_virtual(self.plan(trials, units, seed, **animal), told)
        return outcome, told


def answered_too_soon(protocol, record):
    """Whether the reward comes before the cue's window is over."""
    return record.reward_us - record.cue_us < protocol.cue_response.stop_ms * 1000


@pytest.fixture(scope="session")
def rehearse():
    rig = demo_rig()
    return lambda kind, **settings: Rehearsed(kind, rig, settings)


@pytest.fixture(scope="session")
def hold_to_the_rules():
    """Everything that any protocol of cues must keep; returns the session with units."""

    def hold(rehearsed, cues):
        protocol = rehearsed.protocol
        # Every kind of trial in the block has a table that the rig takes, and its windows lie within it.
        specs = list(rehearsed.specs())
        assert collections.Counter((s.condition, s.cue, s.reward_ul) for s in specs) == rehearsed.kinds
        assert {spec.cue for spec in specs} - {None} == set(cues)
        for spec in specs:
            states = rehearsed.states(spec)
            if spec.reward_ul:
                stimulus = 0.0 if spec.cue else states["reward"]
                assert stimulus - states["iti"] >= -protocol.response.baseline_start_ms / 1000
                assert states["end"] - states["reward"] > protocol.response.stop_ms / 1000
        preflight(rehearsed.plan(None, 4), BoardLimits())

        # It runs on training days and with neurons, and decides the same.
        _, training = rehearsed.run(units=0)
        assert not training.of(ResponseTaken)
        outcome, told = rehearsed.run(units=4)
        for documents in (training, told):
            (ended,) = documents.of(SessionEnded)
            assert ended.ok and ended.trials == 60 and ended.deadlines_expired == 0
            assert {d.record.outcome for d in documents.of(TrialDone)} == {"complete"}
        assert [d.record.spec for d in told.of(TrialDone)] == [d.record.spec for d in training.of(TrialDone)]

        # Every reward is answered by every unit; only the declared conditions count for reversal points.
        records = [d.record for d in told.of(TrialDone)]
        rewarded = [r for r in records if r.reward_us is not None]
        assert [d.response.trial for d in told.of(ResponseTaken)] == [r.number for r in rewarded]
        assert all(not d.response.missing for d in told.of(ResponseTaken))
        spikes = told.of(AlignedSpikes)
        assert [d.trial for d in spikes if d.aligned_to == "reward"] == [r.number for r in rewarded]

        # So is every cue, rewarded or not, where the protocol says so.
        if protocol.cue_response is not None:
            cued = [r for r in records if r.cue_us is not None]
            answers = told.of(CueResponseTaken)
            assert [d.response.trial for d in answers] == [r.number for r in cued]
            early = {r.number for r in cued if r.reward_us is not None and answered_too_soon(protocol, r)}
            assert {d.response.trial for d in answers if d.response.missing} == early
            assert {d.trial for d in spikes if d.aligned_to == "cue"} == {r.number for r in cued} - early
        counted = sum(protocol.tells_reversal(r.spec) for r in rewarded)
        assert [sum(unit.n) for unit in told.of(EstimatesUpdated)[-1].units] == [counted] * 4
        assert told.of(EstimatesUpdated)[-1].rewarded == counted
        return outcome, told

    return hold
