"""Optotagging: its caps, its tables, and whole sessions on simulated units whose tags are known."""

from __future__ import annotations

import collections
import itertools

import msgspec
import pytest

from protocols.optotagging import Optotagging
from rig.checks.preflight import as_intended, preflight
from rig.cli.rigs import demo_rig
from rig.cli.simulate import virtual_description
from rig.description import Emulation
from rig.design.draws import Draws
from rig.design.plan import SessionPlan
from rig.device import BoardLimits
from rig.documents import SessionEnded, TrialDone
from rig.errors import ConfigError
from rig.events import Spike
from rig.log.pack import unpack
from rig.machine.check import check
from rig.machine.image import encode
from rig.machine.rehearse import Rehearsal
from rig.machine.run import Machine
from rig.protocol import History
from rig.session import Session
from rig.sim.compose import make_virtual_rig
from rig.sim.direct import DirectBoard, DirectFeed
from rig.sim.drive import drive
from rig.tagging.book import TagBook
from rig.tagging.trains import train_of


def protocol(seed=1, **settings):
    return Optotagging(Optotagging.Parameters(**settings), seed)


def specs(made):
    history = History()
    while (spec := made.decide(history, None, Draws(1, history.trials))) is not None:
        yield spec
        history.add(as_intended(history.trials, spec))


@pytest.fixture(scope="module")
def rig():
    return demo_rig()


# --- what is declared ---------------------------------------------------------------------------------


def test_every_declared_train_is_given_once_and_no_more():
    given = collections.Counter((spec.condition, spec.stimulation) for spec in specs(protocol()))
    light = {(f"{rate} Hz", "light"): 6 for rate in (1, 5, 10, 20)}
    sham = {(f"sham {rate} Hz", "sham"): 2 for rate in (1, 5, 10, 20)}
    assert given == light | sham


def test_rates_that_end_alike_are_told_apart():
    periods = {spec.condition: spec.timing_s["period"] for spec in specs(protocol(rates_hz=(1.0, 11.0)))}
    assert periods == {"1 Hz": 1.0, "11 Hz": 0.0909, "sham 1 Hz": 1.0, "sham 11 Hz": 0.0909}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"pulse_ms": 12.0}, "24%.*most_duty"),
        ({"trains": 30}, "1200 pulses.*most_pulses"),
        ({"power_mw": 100.0}, "120 mJ.*most_energy_mj"),
        ({"rates_hz": ()}, "at least one rate"),
        ({"rates_hz": (5.0, 5.0)}, "each of them once"),
    ],
)
def test_too_much_light_is_refused_at_once(settings, says):
    with pytest.raises(ConfigError, match=says):
        protocol(**settings)


@pytest.mark.parametrize(
    "settings",
    [{"rates_hz": (0.5,)}, {"rates_hz": (40.0,)}, {"pulse_ms": 50.0}, {"pulses": 61}, {"rest_s": 0.2},
     {"most_duty": 0.9}, {"most_pulses": 10_000}],
)  # fmt: skip
def test_caps_have_caps(settings):
    with pytest.raises(ConfigError):
        Optotagging.Parameters(**settings)


# --- the table ----------------------------------------------------------------------------------------


def pulses_at_ms(table, output):
    """When a table pulses an output on its own, and for how long: pairs of ms."""
    machine = Machine(table)
    entry, cycle, found = machine.start(0), 0, []
    while entry is not None and entry.state != 0xFF:
        found += [(cycle / 10, us / 1000) for line, us in entry.pulses if line == output]
        cycle = machine.next_cycle()
        entry = machine.step(cycle)
    return found


@pytest.mark.parametrize("rate_hz", [1.0, 3.0, 7.5, 20.0])
def test_a_train_is_as_many_pulses_as_declared_at_its_rate(rig, rate_hz):
    made = protocol(rates_hz=(rate_hz,))
    for spec in specs(made):
        table = made.table(spec).build(rig)
        check(table, rig, BoardLimits())
        found = pulses_at_ms(table, rig.output("laser").line)
        if spec.stimulation == "sham":
            assert found == []
            continue
        assert len(found) == 10
        assert {length for _, length in found} == {5.0}
        assert found[0][0] == pytest.approx(1000 * spec.timing_s["rest"])
        gaps = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(found)]
        assert gaps == pytest.approx([1000 / rate_hz] * 9, abs=0.06)  # the grid


def test_sham_differs_in_nothing_but_the_light(rig):
    made = protocol()
    by_kind = {spec.stimulation: spec for spec in specs(made) if spec.timing_s["period"] == 0.1}
    sham = msgspec.structs.replace(by_kind["light"], stimulation="sham")
    lit, dark = made.table(by_kind["light"]).build(rig), made.table(sham).build(rig)
    assert [s.name for s in lit.states] == [s.name for s in dark.states]
    assert [s.timer_cycles for s in lit.states] == [s.timer_cycles for s in dark.states]
    assert Rehearsal(lit).end_us == Rehearsal(dark).end_us


def test_the_longest_train_fits_the_board(rig):
    made = protocol(pulses=60, rates_hz=(20.0,), trains=1)
    outputs = dict(rig.board.outputs)
    outputs["laser"] = msgspec.structs.replace(outputs["laser"], max_pulses_per_trial=60)
    wide = msgspec.structs.replace(rig, board=msgspec.structs.replace(rig.board, outputs=outputs))
    spec = next(spec for spec in specs(made) if spec.stimulation == "light")
    table = made.table(spec).build(wide)
    check(table, wide, BoardLimits())
    assert len(table.states) == 62
    assert len(encode(table)) <= BoardLimits().table_bytes


def test_a_rig_that_allows_fewer_pulses_says_so(rig):
    with pytest.raises(ConfigError, match="max_pulses_per_trial"):
        preflight(plan(rig, protocol(pulses=30, trains=1)), BoardLimits())


# --- whole sessions -----------------------------------------------------------------------------------


def plan(rig, made, units=0, seed=1, **animal):
    description = virtual_description(rig, Emulation(units=units, seed=seed, **animal))
    return SessionPlan(subject="m1", protocol=made, protocol_name="optotagging", rig=description, seed=seed)


def run(rig, made, units, seed=1, **animal):
    """Return the published documents, every unit's spikes in board us, and what the animal reveals."""
    planned = plan(rig, made, units, seed, **animal)
    virtual = make_virtual_rig(planned.rig)
    names = virtual.animal.units.names
    stream = planned.rig.streams[0] if planned.rig.streams else None
    feeds = {} if stream is None else {stream.name: DirectFeed(names, stream.sync_line)}
    ears = DirectFeed(names)
    told, spikes = [], {name: [] for name in names}

    def hear(entry):
        if entry.kind == "messages":
            for parts in unpack(entry.payload):
                for event in ears.feed(parts, 0):
                    if isinstance(event, Spike):
                        spikes[event.unit].append(event.sample)

    drive(
        Session(planned, DirectBoard(), feeds), virtual,
        stream=stream.name if stream is not None else None,
        publish=lambda effect: told.append(effect.document), record=hear,
    )  # fmt: skip
    return told, spikes, virtual.animal.truth()


def booked(told, spikes):
    book = TagBook()
    low, high = book.reach_us()
    for document in told:
        train = train_of(document.record, "laser") if isinstance(document, TrialDone) else None
        for t_us in train.pulses_us if train is not None else ():
            around = {
                unit: [(at - t_us) / 1000 for at in times if low <= at - t_us <= high]
                for unit, times in spikes.items()
            }
            book.add_pulse(t_us, train, around)
    return book


def test_a_session_finds_the_tagged_units_and_no_others(rig):
    told, spikes, truth = run(rig, protocol(), units=24, seed=4)
    (ended,) = [d for d in told if isinstance(d, SessionEnded)]
    assert ended.ok and ended.trials == 32 and ended.delivered_ul == 0.0
    book = booked(told, spikes)
    tags = {tag.unit: tag for tag in book.view()}
    for unit in truth.units:
        tag = tags[unit.unit]
        # 60 pulses at 1 Hz and the first of 18 faster trains; sham likewise
        assert (tag.pulses, tag.eligible, tag.sham.pulses) == (240, 78, 26)
        assert tag.sham.p >= 0.001
        assert tag.suggestion is unit.light.tagged, (unit, tag)
        if unit.light.tagged:
            assert tag.salt.p_text == "P < 0.00097"
            assert tag.latency_mean_ms == pytest.approx(unit.light.latency_ms, abs=1.0)
            assert tag.reliability == pytest.approx(unit.light.reliability, abs=0.2)
            assert [f.rate_hz for f in tag.following] == [1.0, 5.0, 10.0, 20.0]
    assert 10 < sum(unit.light.tagged for unit in truth.units) < 24
    assert book.tagged == frozenset()  # it suggests; a person decides


def test_it_runs_without_a_stream_and_decides_the_same(rig):
    dark, _, _ = run(rig, protocol(trains=1, sham_trains=1), units=0)
    lit, _, _ = run(rig, protocol(trains=1, sham_trains=1), units=3)
    one, other = ([d.record.spec for d in told if isinstance(d, TrialDone)] for told in (dark, lit))
    assert one == other
    assert len(one) == 8


def test_the_preflight_passes_on_the_demo_rig(rig):
    assert preflight(plan(rig, protocol()), BoardLimits()) == 32
