"""Light in short trains, to find out which units answer it (Kvitsiani et al. 2013, Nature 498:363-366).

Trains of 1 to 20 Hz in random order, some of them sham: everything but the light. No cue, no reward, and
nothing of the task: light on dopamine units teaches, so it is given before the task or after it, never in
it. Each unit is tested by SALT on the pulses with a clean past, which are all of a 1-Hz train and the first
of a faster one (`rig.tagging`); the faster ones show whether a unit follows.

With the parameters as they stand: 24 trains of 10 pulses of 5 ms and 8 sham trains, about 4 minutes; 78
pulses of light count for SALT. Laboratories differ; 5 ms of 473 nm at 5 to 20 mW is common.

The rig needs an output `laser` of kind "laser", with `max_pulses_per_trial` of at least `pulses`. The board
ends every pulse by itself. How to run: `dopaloop simulate optotagging`.
"""

from __future__ import annotations

from rig import END, Draws, Epoch, History, Params, Protocol, StateMachine, TrialSpec, TrialType, param
from rig.errors import ConfigError
from rig.estimate import ReversalEstimator
from rig.tagging.trains import PERIOD, PULSE_STATE

LASER = "laser"
SHAM = "sham "
"""Conditions without light are called by their rate, with this before it."""
MOST_STATES = 60
"""Each pulse is a state of its own, so that their number is plain to see; the board holds 64 states."""


class Optotagging(Protocol):
    """Trains of light pulses, and sham trains; a unit's answers say whether it is tagged."""

    class Parameters(Params):
        """What can be set for this protocol."""

        rates_hz: tuple[float, ...] = param(
            (1.0, 5.0, 10.0, 20.0), unit="Hz", minimum=1.0, maximum=20.0, doc="pulse rates of the trains"
        )
        pulses: int = param(10, minimum=1, maximum=MOST_STATES, doc="pulses in a train")
        pulse_ms: float = param(5.0, unit="ms", minimum=0.1, maximum=20.0, doc="length of a pulse")
        trains: int = param(6, minimum=1, doc="trains with light of each rate")
        sham_trains: int = param(2, minimum=0, doc="trains without light of each rate")
        rest_s: float = param(1.5, unit="s", minimum=1.0, doc="least rest before a train")
        rest_mean_s: float = param(0.5, unit="s", minimum=0.0, doc="mean of the random rest on top")
        power_mw: float = param(10.0, unit="mW", minimum=0.0, doc="light at the fibre's tip, as measured")
        most_pulses: int = param(1000, minimum=1, maximum=5000, doc="cap: pulses of light in all")
        most_duty: float = param(0.2, minimum=0.0, maximum=0.5, doc="cap: share of a train that is light")
        most_energy_mj: float = param(
            100.0, unit="mJ", minimum=0.0, maximum=1000.0, doc="cap: light energy in all"
        )

    parameters: Parameters
    response = None
    reversal_conditions = ()

    def epochs(self) -> list[Epoch]:
        """Declare the one epoch there is, with light in it."""
        return [Epoch("tagging", self.block(), stimulated=True)]

    def block(self) -> list[tuple[TrialType, int]]:
        """Return the trains of the session: each rate so often with light, and so often without."""
        p = self.parameters
        self._hold_caps()
        lit = [(TrialType(condition=_name(rate)), p.trains) for rate in p.rates_hz]
        sham = [(TrialType(condition=SHAM + _name(rate)), p.sham_trains) for rate in p.rates_hz]
        return [*lit, *sham]

    def _hold_caps(self) -> None:
        """Refuse what would be too much light.

        Raises
        ------
        ConfigError
            Naming the cap, what it would be, and what to do.
        """
        p = self.parameters
        if not p.rates_hz or len({_name(rate) for rate in p.rates_hz}) < len(p.rates_hz):
            raise ConfigError("'rates_hz' needs at least one rate, and each of them once")
        duty = max(p.rates_hz) * p.pulse_ms * 1e-3
        if duty > p.most_duty:
            raise ConfigError(
                f"{p.pulse_ms:g} ms at {max(p.rates_hz):g} Hz is light for {duty:.0%} of the train; the cap "
                f"is {p.most_duty:.0%} (most_duty): shorten the pulses or lower the rate"
            )
        pulses = p.pulses * p.trains * len(p.rates_hz)
        if pulses > p.most_pulses:
            raise ConfigError(
                f"{pulses} pulses of light are above the cap of {p.most_pulses} (most_pulses): give fewer"
            )
        energy_mj = pulses * p.pulse_ms * p.power_mw * 1e-3
        if energy_mj > p.most_energy_mj:
            raise ConfigError(
                f"{pulses} pulses of {p.pulse_ms:g} ms at {p.power_mw:g} mW are {energy_mj:g} mJ of light, "
                f"above the cap of {p.most_energy_mj:g} mJ (most_energy_mj): give fewer, or less light"
            )

    def decide(self, history: History, estimates: ReversalEstimator | None, rng: Draws) -> TrialSpec | None:
        """Take the next declared train; finish when all are given."""
        if history.trials >= len(self.schedule.block):
            return None
        p = self.parameters
        kind = self.schedule[history.trials]
        sham = kind.condition.startswith(SHAM)
        rate_hz = next(rate for rate in p.rates_hz if kind.condition.removeprefix(SHAM) == _name(rate))
        rest_s = rng.wait(p.rest_s, p.rest_mean_s, p.rest_s + 5.0 * p.rest_mean_s)
        return kind.trial("sham" if sham else "light", rest=rest_s, **{PERIOD: 1.0 / rate_hz})

    def table(self, trial: TrialSpec) -> StateMachine:
        """Return the states: a rest, then one for each pulse, then the end of the last answer."""
        p = self.parameters
        light = {LASER: p.pulse_ms * 1e-3} if trial.stimulation == "light" else {}
        names = [f"{PULSE_STATE} {number}" for number in range(1, p.pulses + 1)]
        sm = StateMachine("optotagging")
        sm.state("rest", timer=trial.timing_s["rest"], then=names[0])
        for name, following in zip(names, [*names[1:], "after"], strict=True):
            sm.state(name, timer=trial.timing_s[PERIOD], pulses=light, then=following)
        sm.state("after", timer=0.1, then=END)
        return sm

    def describe(self, trial: TrialSpec) -> str:
        """Return one line for the log."""
        p = self.parameters
        what = "sham pulses" if trial.stimulation == "sham" else f"pulses of {p.pulse_ms:g} ms"
        return f"{trial.condition.removeprefix(SHAM)}, {p.pulses} {what}"


def _name(rate_hz: float) -> str:
    return f"{rate_hz:g} Hz"
