"""Board, acquisition and animal together in computed time: the wire changes nothing."""

import msgspec
import numpy as np
import pytest

from drivers.board.device import HarpBoard
from drivers.open_ephys.device import OpenEphysFeed
from drivers.rig_emulator.main import demo_rig, with_emulation
from drivers.rig_emulator.world import EmulatedWorld, SampleClock
from protocols.variable_magnitude import VariableMagnitude
from rig.description import Emulation
from rig.design.plan import SessionPlan
from rig.documents import ResponseTaken, SessionEnded, TrialDone
from rig.effects import Halt, Publish, Wake, Write
from rig.errors import ConfigError
from rig.log.entry import PORT_OPEN, Input
from rig.log.pack import pack
from rig.runtime.recordings import read_spikes
from rig.session import Session
from rig.sim.compose import make_virtual_rig
from rig.sim.direct import DirectBoard, DirectFeed
from rig.sim.drive import drive
from rig.sim.neurons import unit_names
from rig.sim.recorded import reference_counts, supply

UNITS = 8


def rig_of(units=UNITS, **emulation):
    rig = with_emulation(demo_rig(), units=units, **emulation)
    stream = msgspec.structs.replace(rig.streams[0], roster=unit_names(units))
    return msgspec.structs.replace(rig, streams=(stream,))


def plan_of(rig, trials):
    return SessionPlan(
        subject="m",
        protocol=VariableMagnitude(seed=4),
        protocol_name="variable_magnitude",
        rig=rig,
        seed=4,
        max_trials=trials,
    )


def run_on_the_wire(rig, trials, slice_us=20_000, start_us=0, recording=None):
    """Run a session against an emulated world over the real codecs, all in computed time."""
    world = EmulatedWorld(rig, recording, start_us=start_us)
    stream = rig.streams[0]
    session = Session(plan_of(rig, trials), HarpBoard(rig.board), {stream.name: OpenEphysFeed(stream)})
    documents, wakes, seq = [], [], 0

    def carry_out(effects):
        for effect in effects:
            match effect:
                case Write():
                    world.receive(effect.data)
                case Wake():
                    wakes.append(effect.t_ns)
                case Publish():
                    documents.append(effect.document)
                case Halt():
                    return True
        return False

    def step(source, kind, payload):
        nonlocal seq
        seq += 1
        return carry_out(session.step(Input(seq - 1, world.now_us * 1000, source, kind, payload)))

    carry_out(session.start(world.now_us * 1000))
    step("board", "port", PORT_OPEN)
    deadline_us = start_us + 3_000_000_000
    while world.now_us < deadline_us:
        world.run(world.now_us + slice_us)
        if world.messages:
            payload = pack(world.messages)
            world.messages.clear()
            if step(stream.name, "messages", payload):
                break
        if world.to_host:
            data = bytes(world.to_host)
            world.to_host.clear()
            if step("board", "bytes", data):
                break
        due = [wake for wake in wakes if wake <= world.now_us * 1000]
        wakes[:] = [wake for wake in wakes if wake > world.now_us * 1000]
        if due and step("clock", "deadline", b""):
            break
    return documents, world


def run_directly(rig, trials):
    virtual, stream = make_virtual_rig(rig), rig.streams[0]
    feeds = {stream.name: DirectFeed(virtual.animal.units.names, stream.sync_line)}
    session, documents = Session(plan_of(rig, trials), DirectBoard(), feeds), []
    drive(session, virtual, stream=stream.name, publish=lambda effect: documents.append(effect.document))
    return documents, virtual


def of(documents, kind):
    return [document for document in documents if isinstance(document, kind)]


@pytest.mark.parametrize(("model", "world"), [("distributional", "fano_low"), ("classical", "poisson")])
def test_the_wire_changes_nothing(model, world):
    rig = rig_of(model=model, world=world)
    wired, emulated = run_on_the_wire(rig, 12)
    direct, virtual = run_directly(rig, 12)
    (wired_end,), (direct_end,) = of(wired, SessionEnded), of(direct, SessionEnded)
    assert wired_end.ok
    assert wired_end.deadlines_expired == 0
    assert wired_end.decision_digest == direct_end.decision_digest
    counts = [response.response.counts for response in of(wired, ResponseTaken)]
    assert counts == [response.response.counts for response in of(direct, ResponseTaken)]
    assert len(counts) > 6
    assert emulated.animal.truth() == virtual.animal.truth()
    assert [trial.record.outcome for trial in of(wired, TrialDone)] == ["complete"] * 12


def test_it_does_not_matter_in_what_steps_time_passes_or_when_it_began():
    rig = rig_of()
    ends = [
        of(run_on_the_wire(rig, 5, **how)[0], SessionEnded)[0]
        for how in ({}, {"slice_us": 777}, {"slice_us": 350_000}, {"start_us": (1 << 32) - 20_000_000})
    ]
    assert len({end.decision_digest for end in ends}) == 1
    assert [end.trials for end in ends] == [5] * 4


def test_the_sample_clock():
    clock = SampleClock(1000, 50, 100.0)
    assert clock.sample(1000) == 50
    assert clock.sample(1_001_000) == 50 + 30_003
    times = np.arange(1000, 2_000_000, 977)
    assert clock.samples(times).tolist() == [clock.sample(int(t)) for t in times]
    for sample in (50, 51, 1000, 77_777):
        first = clock.reached_us(sample)
        assert clock.sample(first) >= sample > clock.sample(first - 1)


def test_output_that_nobody_takes_stops_the_time():
    world = EmulatedWorld(rig_of())
    world.run(60_000_000)
    assert not world.idle
    now = world.now_us
    assert now < 100_000
    world.run(60_000_000)
    assert world.now_us == now
    world.messages.clear()
    world.to_host.clear()
    world.run(60_000_000)
    assert world.now_us > now


def test_a_rig_without_a_stream():
    rig = msgspec.structs.replace(rig_of(), streams=())
    world = EmulatedWorld(rig)
    world.run(2_000_000)
    assert world.now_us == 2_000_000
    assert world.acquisition is None


def test_more_than_one_stream_is_refused():
    rig = rig_of()
    with pytest.raises(ConfigError, match="this rig has 2"):
        EmulatedWorld(msgspec.structs.replace(rig, streams=rig.streams * 2))


def test_recorded_units_are_counted_as_recorded(recording):
    units = read_spikes(recording("varmag_dev_spikes.npz"))
    names = unit_names(len(units))
    emulation = Emulation(
        recorded_trials={name: supply(unit) for name, unit in zip(names, units, strict=True)}
    )
    rig = msgspec.structs.replace(rig_of(len(units)), emulation=emulation)
    documents, world = run_on_the_wire(rig, 120, recording=units)
    assert of(documents, SessionEnded)[0].trials == 120
    truth = world.animal.truth()
    assert truth.notes == ()
    compared = exhausted = 0
    for document in of(documents, ResponseTaken):
        response = document.response
        for i, unit in enumerate(units):
            played = dict(truth.units[i].played).get(response.trial)
            if played is None:
                assert response.missing[names[i]] == "recording exhausted"
                assert response.trial in truth.units[i].exhausted
                exhausted += 1
            else:
                assert response.counts[i] == reference_counts(unit, played)
                compared += 1
    assert compared > 1500
    assert exhausted > 0
