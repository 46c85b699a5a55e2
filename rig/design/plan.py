"""What a session is about to do: fixed before the first trial, kept in the session file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from rig.description import RigDescription
from rig.design.draws import Draws
from rig.estimate.utility import PUBLISHED_AXIS, UtilityAxis
from rig.protocol import Protocol
from rig.tagging.told import Confirmation

DECIDE_KEY: Final = 0xDEC1DE
"""Splits the protocol's draws from the schedule's; trial by trial."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SessionPlan:
    """One animal, one run.

    Parameters
    ----------
    protocol_name, protocol_text
        How the protocol was asked for, and its file's own text (for reading; never executed).
    max_trials
        Stop after this many; None: until the protocol finishes or an operator stops it.
    tags
        What was said of units by light in an earlier session.
    harp
        What the Harp devices are like, by name, if that is known already (from a session file).
    """

    subject: str
    protocol: Protocol
    protocol_name: str
    rig: RigDescription
    seed: int
    max_trials: int | None = None
    protocol_text: str = ""
    protocol_hash: str = ""
    where: str = ""
    tags: tuple[Confirmation, ...] = ()
    harp: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def sizes_ul(self) -> tuple[float, ...]:
        """Reward sizes of the declared schedule (of its first epoch), ascending."""
        return tuple(self.protocol.schedule.distribution())

    def axis(self) -> UtilityAxis:
        """Return the utility axis: the rig's own, or the published one.

        Raises
        ------
        ConfigError
            If the rig's axis is not a pair of equally long ascending rows.
        """
        neural = self.rig.neural
        if not neural.utility_ul and not neural.utility_hz:
            return PUBLISHED_AXIS
        return UtilityAxis(neural.utility_ul, neural.utility_hz)

    def draws(self, trial: int) -> Draws:
        """Return the draws that the protocol decides trial `trial` with; a stream of its own."""
        return Draws(self.seed, DECIDE_KEY, trial)

    def meta(self) -> dict[str, object]:
        """Return what the session file keeps about the plan; plain JSON values."""
        return {
            "subject": self.subject,
            "protocol": self.protocol_name,
            "protocol_text": self.protocol_text,
            "protocol_hash": self.protocol_hash,
            "parameters": msgspec.to_builtins(self.protocol.parameters.as_dict()),
            "rig": msgspec.to_builtins(self.rig),
            "seed": self.seed,
            "max_trials": self.max_trials,
            **({"tags": msgspec.to_builtins(self.tags)} if self.tags else {}),
        }
