"""Recorded units play what was recorded, around the board's own events."""

import csv

import numpy as np
import pytest

from rig.description import BoardConfig, OutputLine, RigDescription
from rig.events import EndReason, OutputChange, StateEntered, TrialEnded, TrialStarted
from rig.machine.build import END, StateMachine
from rig.sim.animal import Animal
from rig.sim.mouse import Mouse
from rig.sim.recorded import RecordedUnits, between, reference_counts, supply, trial_type
from rig.sim.stimuli import Wiring
from rig.stream.recording import ODOUR_B, SIZES_UL, RecordedUnit

RIG = RigDescription(
    name="r",
    board=BoardConfig(
        port="none",
        outputs={
            "water": OutputLine(
                line=0,
                kind="valve",
                max_open_ms=200,
                calibration=((8, 0.1), (9, 0.3), (13, 1.2), (18.5, 2.5), (29, 5), (50, 10), (92, 20)),
            ),
            "odour_a": OutputLine(line=1),
            "odour_b": OutputLine(line=2),
        },
    ),
)
WIRING = Wiring.of(RIG)


def table_of(kind, wait=1.5, delay=0.5):
    sm = StateMachine("t")
    cue = "odour_b" if kind == ODOUR_B else "odour_a" if kind > 7 else None
    sm.state("iti", timer=wait, then="cue" if cue else "reward")
    if cue:
        sm.state("cue", timer=1.0, outputs=[cue], then="delay")
        sm.state("delay", timer=delay, then="drink" if kind == ODOUR_B else "reward")
    if kind != ODOUR_B:
        sm.state("reward", deliver_ul=SIZES_UL[(kind - 1) % 7], then="drink")
    sm.state("drink", timer=1.0, then=END)
    return sm.build(RIG)


class Player:
    """Gives trials to recorded units and counts what they fire."""

    def __init__(self, units):
        self.units = RecordedUnits(units, WIRING)
        self.table = None
        self.animal = Animal(WIRING, self.units, Mouse(1), lambda slot: self.table)
        self.t = 0

    def trial(self, kind, wait=1.5, delay=0.5, foretold=True):
        """Run a trial; return per unit (response count, baseline count)."""
        self.table = table_of(kind, wait, delay) if foretold else None
        self.t += 123_400
        start = self.t
        stimulus = start + round(wait * 1e6)
        do = self.animal.on_event
        do(TrialStarted(t_us=start, slot=0))
        reward = stimulus
        if kind > 7:
            output = 2 if kind == ODOUR_B else 1
            do(OutputChange(t_us=stimulus, output=output, on=True))
            do(OutputChange(t_us=stimulus + 1_000_000, output=output, on=False))
            reward = stimulus + 1_000_000 + round(delay * 1e6)
        if kind != ODOUR_B:
            number = next(i for i, s in enumerate(table_of(kind, wait, delay).states) if s.name == "reward")
            open_us = table_of(kind).states[number if number < 2 else 3].actions[0].value
            if foretold:
                do(StateEntered(t_us=reward, state=number))
            do(OutputChange(t_us=reward, output=0, on=True))
            if foretold:
                do(OutputChange(t_us=reward + open_us, output=0, on=False))
            else:
                self.animal.on_event(OutputChange(t_us=reward + open_us, output=0, on=False))
        self.t = reward + 1_000_000
        do(TrialEnded(t_us=self.t, reason=EndReason.COMPLETE))
        _, (units, times) = self.animal.emit(self.t)
        n = len(self.units.names)
        response = np.bincount(units[(times > reward + 200_000) & (times < reward + 600_000)], minlength=n)
        baseline = np.bincount(units[(times > stimulus - 1_000_000) & (times < stimulus)], minlength=n)
        return list(zip(response.tolist(), baseline.tolist(), strict=True))


def unit(types, spikes, every=10_000.0, name="00"):
    stamps = 20_000.0 + every * np.arange(len(types))
    times = np.sort(np.concatenate([stamps[trial] + np.array(after) for trial, after in spikes.items()]))
    return RecordedUnit(name, times, stamps, np.array(types))


def test_the_nth_delivery_plays_the_nth_trial():
    one = unit(
        [5, 12, 5, ODOUR_B, 12],
        {
            0: [-500, 250, 300],
            1: [-900, -100, 1750],
            2: [-10.5, 599.9],
            3: [-1, 5],
            4: [-2, 1000, 1701, 1702],
        },
    )
    player = Player([one])
    assert [player.trial(kind)[0] for kind in (12, 5, 5, ODOUR_B, 12)] == [
        (1, 2),
        (2, 1),
        (1, 1),
        (0, 1),
        (2, 1),
    ]
    truth = player.animal.truth()
    assert truth.units[0].played == ((0, 1), (1, 0), (2, 2), (3, 3), (4, 4))
    assert truth.units[0].exhausted == ()
    assert truth.units[0].source == "00"
    assert truth.notes == ()


def test_past_its_last_trial_a_unit_is_silent_and_says_so():
    player = Player([unit([5], {0: [-5, 250]}), unit([5, 5], {0: [250], 1: [300, 301]}, name="01")])
    assert player.trial(5) == [(1, 1), (1, 0)]
    assert player.trial(5) == [(0, 0), (2, 0)]
    assert player.trial(7) == [(0, 0), (0, 0)]
    truth = player.animal.truth()
    assert [u.exhausted for u in truth.units] == [(1, 2), (2,)]


def test_the_supply_is_told():
    assert supply(unit([5, 12, 5, 0, ODOUR_B], {0: [1.0]})) == (0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0)


def test_spikes_lie_around_the_boards_events_not_the_plans():
    # The reward comes a second later than recorded: the response goes with it.
    one = unit([12], {0: [-400, 1600, 1750]})
    assert Player([one]).trial(12, delay=1.5) == [(1, 1)]


def test_a_short_wait_loses_the_beginning():
    assert Player([unit([5], {0: [-900, -300, 250]})]).trial(5, wait=0.5) == [(1, 1)]


def test_a_table_that_cannot_be_foreseen_has_no_baseline_and_is_noted():
    player = Player([unit([5], {0: [-900, 250, 300]})])
    assert player.trial(5, foretold=False)[0][1] == 0
    assert "could not be foreseen" in player.animal.truth().notes[0]


def test_edges_belong_to_the_window_before_them():
    one = unit([5], {0: [-1000.0, -999.9, 0.0, 200.0, 200.1, 600.0, 600.1]})
    assert reference_counts(one, 0) == (2, 2)
    assert Player([one]).trial(5) == [(2, 2)]
    assert between(one, 0, 200.0, 600.0).tolist() == [200.1, 600.0]


def test_types_of_rewards():
    assert [trial_type(size, signalled=False) for size in SIZES_UL] == [1, 2, 3, 4, 5, 6, 7]
    assert [trial_type(size, signalled=True) for size in SIZES_UL] == [8, 9, 10, 11, 12, 13, 14]
    assert trial_type(7.0, signalled=False) is None


@pytest.fixture
def dev_units(recording):
    with np.load(recording("varmag_dev_spikes.npz")) as arrays:
        names = sorted(key.removeprefix("spikes_") for key in arrays.files if key.startswith("spikes_"))
        units = [
            RecordedUnit(
                name,
                np.sort(arrays[f"spikes_{name}"]),
                arrays[f"odor_on_{name}"],
                arrays[f"trial_type_{name}"].astype(np.int64),
            )
            for name in names
        ]
    with recording("varmag_dev_trials.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["count_200_600"] and row["trial_type"] != "15"]
    return units, rows


def test_reference_counts_are_those_of_the_released_trials(dev_units):
    units, rows = dev_units
    by_name = {unit.name: unit for unit in units}
    for row in rows:
        counts = reference_counts(by_name[f"{int(row['cell']):02d}"], int(row["trial"]))
        assert counts == (int(row["count_200_600"]), int(row["count_base_1s"])), row
    assert len(rows) > 100 * len(units)


def test_played_counts_are_the_recorded_counts(dev_units):
    units, _ = dev_units
    player, played = Player(units), 0
    kinds = [kind for kind in (*range(1, 15), ODOUR_B) for _ in range(12)]
    for number, kind in enumerate(kinds):
        counts = player.trial(kind, wait=1.0 + 0.0777 * (number % 13))
        truth = player.units.truth(0).units if number % 40 == 0 else ()
        for i, one in enumerate(truth):
            for trial, recorded in one.played:
                if trial == number and kind != ODOUR_B:
                    assert counts[i] == reference_counts(units[i], recorded)
                    played += 1
    assert played > 50
