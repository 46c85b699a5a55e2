"""Rehearse a protocol's tables against the rig before the animal is in it."""

from __future__ import annotations

from rig.device import BoardLimits
from rig.draws import Draws
from rig.errors import ConfigError, DopaloopError
from rig.machine.check import check
from rig.plan import SessionPlan
from rig.protocol import History
from rig.protocol_errors import explain

MOST_TRIALS = 400
"""A block of the built-in protocols has 100 trials; four of them see every kind of trial."""


class _Rehearsal(History):
    """A history that only counts."""

    def __init__(self, trials: int) -> None:
        super().__init__()
        self._count = trials

    @property
    def trials(self) -> int:
        return self._count


def preflight(plan: SessionPlan, limits: BoardLimits) -> int:
    """Build and check every table that the schedule will ask for; return how many were checked.

    Raises
    ------
    ConfigError
        With one sentence that names the protocol, the trial, the state and the rule.
    """
    protocol, rig = plan.protocol, plan.rig
    trials = min(plan.max_trials or MOST_TRIALS, MOST_TRIALS)
    water_ul = 0.0
    for number in range(trials):
        try:
            spec = protocol.decide(_Rehearsal(number), None, Draws(plan.seed, 0xDEC1DE, number))
            if spec is None:
                return number
            water_ul += spec.reward_ul
            check(protocol.table(spec).build(rig, plan.where), rig, limits, plan.where)
            protocol.describe(spec)
        except DopaloopError:
            raise
        except Exception as error:
            raise ConfigError(explain(error, plan.protocol_name)) from error
    if plan.max_trials is not None and water_ul > rig.limits.max_session_ul:
        raise ConfigError(
            f"{trials} trials would give {water_ul:.0f} uL, more than the rig's ceiling of "
            f"{rig.limits.max_session_ul:g} uL a session; ask for fewer trials or raise "
            "[limits] max_session_ul"
        )
    return trials
