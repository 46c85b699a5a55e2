"""Protocols as people write them who mean well: what is refused before the animal, and what must not be.

Each of the first kind lets the sizes, their order or what goes before them hang on something; each says in
its docstring why somebody would. Those of the second kind are sound, and look a little alike.
"""

from __future__ import annotations

import random

import msgspec
import numpy as np
import pytest

from protocols.laser_optimists import LaserOptimists
from protocols.mirrored import Mirrored
from protocols.variable_magnitude import VariableMagnitude
from rig import END, Epoch, StateMachine, TrialType, Until, counter, param, rising, soft
from rig.checks.preflight import preflight
from rig.device import BoardLimits
from rig.documents import Audit, Notice, TrialDone
from rig.errors import ConfigError

PAGE = "docs/explanation/closed-loop.md"


def but(kind, reward_ul):
    return msgspec.structs.replace(kind.trial(iti=2.0), reward_ul=reward_ul)


class Plain(VariableMagnitude):
    """The declared trials; what follows changes one thing of it."""

    def decide(self, history, estimates, rng):
        kind = self.schedule[history.trials]
        return self.choose(kind, history, estimates, rng) if kind.reward_ul else kind.trial(iti=2.0)

    def choose(self, kind, history, estimates, rng):
        return kind.trial(iti=2.0)

    def table(self, trial):
        sm = StateMachine("plain")
        sm.state("iti", timer=trial.timing_s["iti"], then="cue" if trial.cue else "reward")
        if trial.cue:
            after = "reward" if trial.reward_ul else "drink"
            sm.state("cue", timer=1.5, outputs=self.cues(trial), then=after)
        if trial.reward_ul:
            self.give(sm, trial.reward_ul)
        sm.state("drink", timer=1.0, then=END)
        return sm

    def cues(self, trial):
        return [trial.cue]

    def give(self, sm, reward_ul):
        sm.state("reward", deliver_ul=reward_ul, then="drink")


# --- refused: what is chosen ----------------------------------------------------------------------------


class Late(Plain):
    """After 210 trials the estimates are good enough to choose by."""

    def choose(self, kind, history, estimates, rng):
        known = estimates is not None and history.trials >= 210
        return (
            but(kind, 5.0) if known and np.isfinite(estimates.half_width_hz()).all() else kind.trial(iti=2.0)
        )


class Frozen(Plain):
    """The first epoch measures, the second gives the size that tells most."""

    def epochs(self):
        return [Epoch("measure", self.block(), until=Until(trials=60)), Epoch("use", self.block())]

    def choose(self, kind, history, estimates, rng):
        frozen = history.frozen.get("measure")
        return kind.trial(iti=2.0) if frozen is None else but(kind, 10.0)


class Satiety(Plain):
    """Small drops for a mouse that has had enough."""

    def choose(self, kind, history, estimates, rng):
        return but(kind, 2.5) if history.delivered_ul > 100 else kind.trial(iti=2.0)


class Licking(Plain):
    """More for a mouse that works."""

    def choose(self, kind, history, estimates, rng):
        licks = sum(change.on for record in history.records[-5:] for change in record.inputs)
        return but(kind, 10.0) if licks > 10 else kind.trial(iti=2.0)


class Tired(Plain):
    """Only small ones after a quarter of an hour."""

    def choose(self, kind, history, estimates, rng):
        late = bool(history.records) and history.records[-1].start_us > 900e6
        return but(kind, 1.2) if late else kind.trial(iti=2.0)


class Again(Plain):
    """A trial that failed is done again."""

    def decide(self, history, estimates, rng):
        failed = bool(history.records) and history.records[-1].outcome != "complete"
        kind = self.schedule[history.trials - failed]
        return kind.trial(iti=2.0)


class Pending(Plain):
    """The schedule goes on with complete trials only."""

    def decide(self, history, estimates, rng):
        return self.schedule[sum(r.outcome == "complete" for r in history.records)].trial(iti=2.0)


class Own(Plain):
    """Draws the sizes itself, as the paper's probabilities say."""

    def choose(self, kind, history, estimates, rng):
        return but(kind, self.parameters.sizes_ul[rng.integer(7)])


class Anyhow(Plain):
    """Draws them by Python's own generator."""

    def choose(self, kind, history, estimates, rng):
        return but(kind, random.Random(history.trials).choice(self.parameters.sizes_ul))


class Stepping(Plain):
    """Counts on the object itself, and goes round the sizes."""

    step = 0

    def choose(self, kind, history, estimates, rng):
        self.step += 1
        return but(kind, self.parameters.sizes_ul[self.step % 7])


class Shortened(Plain):
    """Takes 20 uL out of the running schedule."""

    def decide(self, history, estimates, rng):
        if history.trials == 30:
            kept = tuple(kind for kind in self.schedule.block if kind.reward_ul != 20.0)
            self.schedule.blocks = (kept,)
        return self.schedule[history.trials].trial(iti=2.0)


class Back(Plain):
    """Two epochs, and then the first again."""

    def epochs(self):
        few = [(kind, count) for kind, count in self.block() if kind.reward_ul != 20.0]
        return [Epoch("all", self.block(), until=Until(trials=20)), Epoch("few", few)]

    def decide(self, history, estimates, rng):
        if history.trials == 40:
            self.schedule.restart()
        return self.schedule[history.trials].trial(iti=2.0)


class Forward(Back):
    """Goes to the next epoch when it sees fit."""

    def decide(self, history, estimates, rng):
        if history.trials == 10:
            self.schedule.begin_epoch(10)
        return self.schedule[history.trials].trial(iti=2.0)


ESTIMATES = "what is given hangs on the estimates (rehearsed with all units optimistic): trial "
ANIMAL = "what is given hangs on what the animal does (rehearsed with a mouse that licks): trial "
COURSE = "what is given hangs on how trials went (rehearsed with some that were aborted, incomplete or had a "
AT_ONCE = (Satiety, Own, Anyhow, Stepping, Shortened, Back, Forward)


@pytest.mark.parametrize(
    ("protocol", "why"),
    [
        (Late, ESTIMATES),
        (Frozen, ESTIMATES),
        (Licking, ANIMAL),
        (Tired, ANIMAL),
        (Again, COURSE),
        (Pending, COURSE),
        *((kind, "under_test.py: trial ") for kind in AT_ONCE),
    ],
)
def test_what_is_chosen_is_refused_before_the_animal(sit, protocol, why):
    with pytest.raises(ConfigError) as caught:
        preflight(sit(trials=230, protocol=protocol).session.plan, BoardLimits())
    text = str(caught.value)
    assert text.startswith("under_test.py: ") and why in text
    assert "the protocol chose '" in text and "' with" in text and "is declared there" in text
    assert "take each trial from self.schedule[history.trials]" in text and f"{PAGE}#refused" in text


# --- refused: what its table does -----------------------------------------------------------------------


class Less(Plain):
    """20 uL are too much for a small mouse."""

    def give(self, sm, reward_ul):
        super().give(sm, min(reward_ul, 10.0))


class LessWhenKnown(Plain):
    """The same, as soon as something is known."""

    known = False

    def choose(self, kind, history, estimates, rng):
        self.known = estimates is not None and history.trials > 20
        return kind.trial(iti=2.0)

    def give(self, sm, reward_ul):
        super().give(sm, min(reward_ul, 10.0) if self.known else reward_ul)


class Nothing(Plain):
    """The same, by leaving the drop out."""

    def give(self, sm, reward_ul):
        if reward_ul < 20.0:
            super().give(sm, reward_ul)
        else:
            sm.state("reward", timer=0.1, then="drink")


class Twice(Plain):
    """Two drops are better seen."""

    def give(self, sm, reward_ul):
        second = reward_ul < 5.0
        sm.state("reward", timer=0.3, deliver_ul=reward_ul, then="second" if second else "drink")
        if second:
            sm.state("second", timer=0.3, deliver_ul=reward_ul, then="drink")


class Bonus(Plain):
    """A drop on top for three licks."""

    def give(self, sm, reward_ul):
        sm.counter("licks", edge=rising("lick"), threshold=3)
        sm.state("reward", timer=0.5, deliver_ul=reward_ul, then="drink", on={counter("licks"): "bonus"})
        sm.state("bonus", timer=0.2, deliver_ul=1.2, then="drink")


class ByHand(Plain):
    """A drop on top when a program beside says so."""

    def give(self, sm, reward_ul):
        sm.state("reward", timer=0.5, deliver_ul=reward_ul, then="drink", on={soft(1): "bonus"})
        sm.state("bonus", timer=0.2, deliver_ul=reward_ul, then="drink")


class Free(Plain):
    """As long as it licks, it gets more."""

    def give(self, sm, reward_ul):
        sm.state("reward", timer=0.5, deliver_ul=reward_ul, then="more")
        sm.state("more", timer=0.5, then="drink", on={rising("lick"): "reward"})


class Consoling(Plain):
    """A small drop after odour B, lest the mouse lose heart."""

    def table(self, trial):
        return super().table(trial if trial.reward_ul else msgspec.structs.replace(trial, reward_ul=1.2))


class Mixed(Plain):
    """Odour B before the large ones."""

    def cues(self, trial):
        return ["odour_b" if trial.reward_ul >= 10.0 else trial.cue]


class Announced(Plain):
    """An odour before every reward, also where none is declared."""

    def table(self, trial):
        return super().table(msgspec.structs.replace(trial, cue=trial.cue or "odour_a"))


@pytest.mark.parametrize(
    ("protocol", "does"),
    [
        (Less, "its table gives 10 uL at most"),
        (LessWhenKnown, "its table gives 10 uL at most"),
        (Nothing, "its table gives no reward"),
        (Twice, "states 'reward', 'second' can give 5 uL in all"),
        (Bonus, "states 'reward', 'bonus' can give 3.7 uL in all"),
        (ByHand, "states 'reward', 'bonus' can give 5 uL in all"),
        (Free, "state 'reward' can come round again and give a drop once more"),
        (Consoling, "state 'reward' gives 1.2 uL"),
        (Mixed, "its table does not switch odour_a on"),
        (Announced, "its table switches odour_a on"),
    ],
)
def test_a_table_that_does_something_else_is_refused(sit, protocol, does):
    with pytest.raises(ConfigError) as caught:
        preflight(sit(trials=60, protocol=protocol).session.plan, BoardLimits())
    text = str(caught.value)
    assert text.startswith("under_test.py: ") and f": {does}, but '" in text and "is declared there" in text
    assert ("hangs on the estimates" in text) is (protocol is LessWhenKnown)
    assert f"{PAGE}#refused" in text
    # Nor does it reach the board if nobody rehearsed it.
    sitting = sit(trials=60, protocol=protocol, units=2)
    halt = sitting.run()
    assert not halt.ok and does in halt.reason
    assert all(audit.astray == 0 for audit in sitting.of(Audit))


# --- refused: what goes before ---------------------------------------------------------------------------


class Anxious(Plain):
    """A longer wait before large rewards, to be sure of the baseline."""

    def choose(self, kind, history, estimates, rng):
        return kind.trial(iti=2.0 + rng.exponential(2.0) + 3.0 * (kind.reward_ul >= 5.0))


class Lamp(Plain):
    """A lamp with the odour if 10 or 20 uL come."""

    def cues(self, trial):
        return [trial.cue, "led"] if trial.reward_ul >= 10.0 else [trial.cue]


class AnxiousWhenKnown(Plain):
    """The long wait, once something is known."""

    def choose(self, kind, history, estimates, rng):
        known = estimates is not None
        return kind.trial(iti=2.0 + 3.0 * (known and kind.reward_ul >= 5.0))


@pytest.mark.parametrize(
    ("protocol", "tells"),
    [
        (Anxious, "the wait before the reward goes with it ("),
        (AnxiousWhenKnown, "the wait before the reward goes with it ("),
        (
            Lamp,
            "how long 'led' is on before the reward goes with it (0 s before 0.1 uL, 1.5 s before 20 uL in",
        ),
    ],
)
def test_what_tells_the_size_beforehand_is_refused(sit, protocol, tells):
    with pytest.raises(ConfigError, match="the size of a reward can be foretold in '") as caught:
        preflight(sit(trials=200, protocol=protocol).session.plan, BoardLimits())
    assert tells in str(caught.value) and f"{PAGE}#refused" in str(caught.value)


# --- refused: what is the session's ---------------------------------------------------------------------


class Sorting(Plain):
    """Wants the newest trial first."""

    def choose(self, kind, history, estimates, rng):
        history.records.reverse()
        return kind.trial(iti=2.0)


class Teaching(Plain):
    """Puts right what it holds to be an artefact."""

    def choose(self, kind, history, estimates, rng):
        if estimates is not None:
            estimates.update(0, dict.fromkeys(estimates.units, 0.0))
        return kind.trial(iti=2.0)


class Running(Plain):
    """Light by estimates that run on."""

    def epochs(self):
        return [Epoch("light", self.block(), stimulated=True)]

    def choose(self, kind, history, estimates, rng):
        return kind.trial("light" if (estimates.p_above(1.5) > 0.95).any() else "sham", iti=2.0)


@pytest.mark.parametrize(
    ("protocol", "says"),
    [
        (Sorting, "AttributeError: 'Records' object has no attribute 'reverse'"),
        (Teaching, "'update' would change the estimates; a protocol may read them only"),
        (
            Running,
            "'estimates' is None while nothing is recorded, and in an epoch with light, where history.f",
        ),
    ],
)
def test_what_is_the_sessions_can_only_be_read(sit, protocol, says):
    with pytest.raises(ConfigError) as caught:
        preflight(sit(trials=30, protocol=protocol).session.plan, BoardLimits())
    assert says in str(caught.value) and "test_sneaky.py, line " in str(caught.value)


# --- told: what no program can judge --------------------------------------------------------------------


class StopsHigh(Plain):
    """Stops when the units are as optimistic as was hoped."""

    def decide(self, history, estimates, rng):
        if estimates is not None and estimates.units and np.nanmean(estimates.p_above(0.0)) > 0.5:
            return None
        return super().decide(history, estimates, rng)


def test_who_reads_what_estimates_say_is_told_of_it_once(sit):
    sitting = sit(trials=12, protocol=StopsHigh)
    sitting.run()
    told = [notice for notice in sitting.of(Notice) if notice.source == "auditor"]
    assert [notice.level for notice in told] == ["warning"]
    assert "reads what the running estimates say ('p_above')" in told[0].text
    assert f"{PAGE}#refused" in told[0].text


# --- not refused ------------------------------------------------------------------------------------------


class Probes(Plain):
    """Omissions of announced rewards, at a low rate from the first day on."""

    def block(self):
        return [*super().block(), (TrialType(condition="omitted", signalled=True, cue="odour_a"), 5)]


class Halves(Plain):
    """A large drop in two halves."""

    def give(self, sm, reward_ul):
        if reward_ul < 10.0:
            super().give(sm, reward_ul)
            return
        sm.state("reward", timer=0.3, deliver_ul=reward_ul / 2, then="half")
        sm.state("half", timer=0.3, deliver_ul=reward_ul / 2, then="drink")


class Working(Plain):
    """No lick, no drop; the auditor counts what the mouse left."""

    def give(self, sm, reward_ul):
        sm.state("reward", timer=2.0, then="drink", on={rising("lick"): "drop"})
        sm.state("drop", deliver_ul=reward_ul, then="drink")


class Drinking(Plain):
    """Waits as long as the drop before needs to be drunk."""

    def choose(self, kind, history, estimates, rng):
        last_ul = history.records[-1].spec.reward_ul if history.records else 0.0
        return kind.trial(iti=1.5 + 0.2 * last_ul + rng.exponential(2.0))


class Tossed(Plain):
    """A house light in half of the trials, by a toss."""

    def choose(self, kind, history, estimates, rng):
        return kind.trial(iti=2.0, lamp=float(rng.uniform() < 0.5))

    def cues(self, trial):
        return [trial.cue, "led"] if trial.timing_s.get("lamp") else [trial.cue]


class Idle(Plain):
    """Stops when the mouse has not licked for ten trials."""

    def decide(self, history, estimates, rng):
        last = history.records[-10:]
        if len(last) == 10 and not any(record.inputs for record in last):
            return None
        return super().decide(history, estimates, rng)


class Trained(Plain):
    """On to the mirrored odds when the mouse anticipates."""

    def epochs(self):
        until = Until(trials=30, anticipating=0.5, over=10, at_most=60)
        other = [(kind, count + 1) for kind, count in self.block()]
        return [Epoch("first", self.block(), until=until), Epoch("second", other, discard=5)]


class Compound(Plain):
    """Two odours at once announce their own, declared rewards."""

    class Parameters(Plain.Parameters):
        both_ul: float = param(10.0, unit="uL", minimum=0.1, doc="reward after both odours")

    def block(self):
        both = TrialType(condition="both", reward_ul=self.parameters.both_ul, signalled=True, cue="odour_a")
        return [*super().block(), (both, 8)]

    def cues(self, trial):
        return ["odour_a", "odour_b"] if trial.condition == "both" else [trial.cue]


SOUND = [
    (VariableMagnitude, {"stop_within_ul": 4.0}),
    (VariableMagnitude, {"pause_s": 20.0, "pause_above_hz": 1.0}),
    (VariableMagnitude, {"odour_b": 0}),
    (Mirrored, {"at_least": 20, "at_most": 40, "units": 1}),
    (LaserOptimists, {"measure": 40}),
    *((kind, {}) for kind in (Probes, Halves, Working, Drinking, Tossed, Idle, Trained, Compound)),
]


@pytest.mark.parametrize(("protocol", "settings"), SOUND)
def test_what_is_sound_is_not_refused(sit, protocol, settings):
    rehearsed = preflight(sit(trials=150, protocol=protocol, settings=settings).session.plan, BoardLimits())
    assert rehearsed >= (10 if protocol is Idle else 150)
    sitting = sit(trials=6, protocol=protocol, settings=settings)
    assert sitting.run().ok
    assert sitting.of(TrialDone) and not [n for n in sitting.of(Notice) if n.source == "auditor"]


def test_a_short_session_is_not_refused_for_its_luck(sit):
    """A few random waits may lie in the order of their sizes by chance."""
    for seed in range(60):
        preflight(sit(trials=6, protocol=VariableMagnitude, seed=seed).session.plan, BoardLimits())


def test_a_size_that_is_named_twice_is_refused(sit):
    with pytest.raises(ConfigError, match="'sizes_ul' names a size twice; give each once"):
        sit(protocol=Mirrored, settings={"sizes_ul": "0.1,0.1,1.2,2.5,5,10,20"})
