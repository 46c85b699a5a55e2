"""The animal answers to what the board did, in the same way however it is driven."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.description import BoardConfig, Emulation, InputLine, OutputLine, RigDescription
from rig.errors import ConfigError
from rig.events import EndReason, OutputChange, PulseRefused, StateEntered, TrialEnded, TrialStarted
from rig.machine.build import END, StateMachine
from rig.sim.compose import make_animal, population_settings

RIG = RigDescription(
    name="r",
    board=BoardConfig(
        port="none",
        inputs={"lick": InputLine(line=2)},
        outputs={
            "water": OutputLine(
                line=1, kind="valve", max_open_ms=200, calibration=((8, 0.1), (29, 5), (92, 20))
            ),
            "odour_a": OutputLine(line=3),
            "odour_b": OutputLine(line=4),
        },
    ),
    emulation=Emulation(units=12, seed=5),
)


def reward_table(size):
    sm = StateMachine("t")
    sm.state("iti", timer=2.0, then="reward")
    sm.state("reward", deliver_ul=size, then="drink")
    sm.state("drink", timer=1.0, then=END)
    return sm.build(RIG)


def events(gaps, sizes):
    """Board events of trials: odour A at 1.5 s (every other trial), reward at 3 s, end at 5 s."""
    t, out = 0, []
    for n, (gap, size) in enumerate(zip(gaps, sizes, strict=True)):
        t += gap
        pulse = reward_table(size).states[1].actions[0].value
        out += [TrialStarted(t_us=t, slot=n % 2), StateEntered(t_us=t, state=0)]
        if n % 2:
            out.append(OutputChange(t_us=t + 1_500_000, output=3, on=True))
            out.append(OutputChange(t_us=t + 2_500_000, output=3, on=False))
        out.append(StateEntered(t_us=t + 3_000_000, state=1))
        out.append(OutputChange(t_us=t + 3_000_000, output=1, on=True))
        out.append(OutputChange(t_us=t + 3_000_000 + pulse, output=1, on=False))
        t += 5_000_000
        out.append(TrialEnded(t_us=t, reason=EndReason.COMPLETE))
    return out


def play(gaps, sizes, fetches=(), rig=RIG):
    """Drive an animal; return its edges and spikes relative to the trial they fall in."""
    tables = {n % 2: reward_table(size) for n, size in enumerate(sizes)}
    animal = make_animal(rig, lambda slot: tables[slot])
    licks, units, times, starts, ends = [], [], [], [], []

    def fetch(to):
        edges, (unit, t) = animal.emit(to)
        licks.extend(edges)
        units.append(unit)
        times.append(t)

    todo = [(e.t_us, 0, i, e) for i, e in enumerate(events(gaps, sizes))]
    todo += [(f, 1, 0, None) for f in fetches]
    todo.sort(key=lambda item: item[:3])
    for t, _, _, event in todo:
        while (due := animal.next_due_us) is not None and due < t:
            fetch(due)
        if event is None:
            fetch(t)
            continue
        if isinstance(event, TrialStarted):
            starts.append(t)
            tables[event.slot] = reward_table(sizes[len(starts) - 1])
        if isinstance(event, TrialEnded):
            ends.append(t)
        animal.on_event(event)
    fetch(ends[-1] + 400_000)
    units, times = np.concatenate(units), np.concatenate(times)
    per_trial = []
    for start, end in zip(starts, ends, strict=True):
        inside = (times >= start) & (times < end)
        per_trial.append(
            (
                [(t - start, line, up) for t, line, up in licks if start <= t < end],
                list(zip(units[inside].tolist(), (times[inside] - start).tolist(), strict=True)),
            )
        )
    return per_trial, animal


SIZES = (5.0, 20.0, 0.1, 5.0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 300).map(lambda n: 10_000 * n), min_size=4, max_size=4),
    st.lists(st.integers(0, 20_000_000), max_size=10),
)
def test_neither_gaps_nor_fetching_change_a_trial(gaps, fetches):
    assert play(gaps, SIZES, fetches)[0] == play([100] * 4, SIZES)[0]


def test_trials_differ_and_so_do_seeds():
    trials, _ = play([100] * 4, (5.0,) * 4)
    assert len({str(trial) for trial in trials}) == 4
    other = msgspec.structs.replace(RIG, emulation=Emulation(units=12, seed=6))
    assert play([100] * 4, (5.0,) * 4, rig=other)[0] != trials


def test_units_answer_rewards_by_size():
    rig = msgspec.structs.replace(RIG, emulation=Emulation(units=400, seed=1))
    (small, big, *_), _ = play([100] * 2, (0.1, 20.0), rig=rig)

    def rate(trial, low_ms, high_ms):
        spikes = [t for _, t in trial[1] if low_ms * 1000 < t - 3_000_000 < high_ms * 1000]
        return len(spikes) / 400 / (high_ms - low_ms) * 1000

    assert rate(small, -1000, 0) == pytest.approx(6.25, abs=0.6)
    assert rate(small, 0, 100) == pytest.approx(30, abs=2)
    assert rate(big, 0, 100) == pytest.approx(30, abs=2)
    assert rate(small, 200, 600) == pytest.approx(6.25 - 3.6, abs=1.0)
    assert rate(big, 200, 600) == pytest.approx(6.25 + 9.0, abs=1.5)
    assert rate(small, 700, 1500) == pytest.approx(6.25, abs=0.6)


def test_a_drop_is_known_at_its_onset():
    _, animal = play([100] * 3, (20.0, 20.0, 20.0))
    _, other = play([100] * 3, (0.1, 0.1, 0.1))
    assert (animal.units.population.value_hz > other.units.population.value_hz).all()


def test_a_drop_that_no_table_gave_is_met_when_the_valve_closes():
    animal = make_animal(RIG, lambda slot: None)
    before = animal.units.population.value_hz.copy()
    animal.on_event(OutputChange(t_us=1_000_000, output=1, on=True))
    assert (animal.units.population.value_hz == before).all()
    animal.on_event(OutputChange(t_us=1_092_000, output=1, on=False))
    assert (animal.units.population.value_hz > before).all()
    licks, _ = animal.emit(4_000_000)
    assert len(licks) > 6


def test_a_refused_pulse_is_no_drop():
    animal = make_animal(RIG, lambda slot: reward_table(5.0))
    before = animal.units.population.value_hz.copy()
    animal.on_event(TrialStarted(t_us=0, slot=0))
    animal.on_event(StateEntered(t_us=3_000_000, state=1))
    animal.on_event(PulseRefused(t_us=3_000_000, output=1))
    animal.on_event(OutputChange(t_us=3_000_000, output=1, on=False))
    assert (animal.units.population.value_hz == before).all()


def test_truth_can_be_read_by_anybody():
    _, animal = play([100] * 2, (5.0, 5.0))
    truth = msgspec.json.decode(animal.truth().encode())
    assert truth["animal"] == "simulated"
    assert truth["trials"] == 2
    assert [unit["unit"] for unit in truth["units"]][:2] == ["Tetrode 1:1", "Tetrode 1:2"]
    assert set(truth["units"][0]["truth"]) == {"reversal_hz", "reversal_ul", "asymmetry"}


def test_a_naive_animal_says_why_it_has_no_truth():
    rig = msgspec.structs.replace(RIG, emulation=Emulation(units=2, start="naive"))
    truth = make_animal(rig, lambda slot: None).truth()
    assert [unit.truth for unit in truth.units] == [None, None]
    assert "naive" in truth.units[0].reason


def test_the_rig_file_says_what_the_animal_was_trained_on():
    trained = msgspec.structs.replace(RIG, emulation=Emulation(sizes_ul=(1.2, 5.0), probabilities=(1, 3)))
    assert population_settings(trained).sizes_ul == (1.2, 5.0)
    half = msgspec.structs.replace(RIG, emulation=Emulation(sizes_ul=(1.2, 5.0)))
    with pytest.raises(ConfigError, match="both sizes_ul and probabilities"):
        population_settings(half)


def test_no_units_at_all():
    rig = msgspec.structs.replace(RIG, emulation=Emulation(units=0))
    (trial, *_), _ = play([100] * 2, (5.0, 5.0), rig=rig)
    assert trial[0]
    assert trial[1] == []
