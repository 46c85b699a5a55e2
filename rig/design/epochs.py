"""Epochs: stretches of a session, each with one declared reward distribution, and what ends them.

A reversal point belongs to the distribution that the animal learns from. A session may go from one to
another, if every one of them and what ends it is declared before the first trial, and none is ever gone
back to::

    def epochs(self):
        return [
            Epoch("as trained", self.block(), until=Until(units=5, within_hz=1.0, at_most=400)),
            Epoch("mirrored", self.mirrored(), discard=100),
        ]

What ends an epoch may be a number of trials, how precise estimates are, what the animal does; never what
an estimate says: there is no word for that here. The session judges it, not the protocol
(docs/explanation/closed-loop.md).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from rig.design.schedule import Block
from rig.errors import ConfigError

LEAST_RESPONSES: Final = 40
"""Rewards that a unit must have answered before its interval counts as precise (as in stopping)."""
DISCARDED: Final = 10
"""Trials at the beginning of a later epoch that are not estimated from, unless it says otherwise."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Until:
    """When an epoch is over: all that is named here holds, or `at_most` trials are done.

    Parameters
    ----------
    trials, rewarded_at_least
        So many trials, so many rewarded ones, at least; both count from the epoch's beginning.
    within_hz, within_ul
        The 95 % interval reaches no further than this to each side, and the unit has answered 40 rewards
        at least (or `rewarded_at_least`, if that is more).
    units
        How many units must be so precise, whichever they are; None: all that were met.
    anticipating
        Share of the last `over` announced rewards before which the animal licked, from the cue on.
    at_most
        The epoch ends after so many trials in any case. Needed with precision and licking, which may
        never come.

    Raises
    ------
    ConfigError
        If it names nothing, or contradicts itself.
    """

    trials: int = 0
    rewarded_at_least: int = 0
    within_hz: float | None = None
    within_ul: float | None = None
    units: int | None = None
    anticipating: float | None = None
    over: int = 40
    at_most: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be judged."""
        for problem in self._problems():
            raise ConfigError(f"Until(...): {problem}")

    @property
    def precise(self) -> bool:
        """Whether it asks for precision."""
        return self.within_hz is not None or self.within_ul is not None

    def _problems(self) -> Iterator[str]:
        bounds = [bound for bound in (self.within_hz, self.within_ul) if bound is not None]
        share, least = self.anticipating, max(self.trials, self.rewarded_at_least)
        may_never_come = self.precise or share is not None
        if min(self.trials, self.rewarded_at_least) < 0:
            yield "counts cannot be negative"
        if not least and not may_never_come and self.at_most is None:
            yield "say when the epoch is over, as in trials=200"
        if any(not bound > 0 for bound in bounds):
            yield "a bound on precision must be above 0"
        if self.units is not None and not bounds:
            yield "'units' needs a bound on their precision: within_hz=... or within_ul=..."
        if self.units is not None and self.units < 1:
            yield "'units' must be 1 or more"
        if share is not None and not 0 <= share <= 1:
            yield "'anticipating' is a share of trials, from 0 to 1"
        if self.over < 1:
            yield "'over' must be 1 trial or more"
        if may_never_come and self.at_most is None:
            yield "give at_most=TRIALS, because precision and licking may never come"
        if self.at_most is not None and self.at_most < max(least, 1):
            yield "'at_most' is less than what is asked for at least"

    def words(self) -> str:
        """Say it in one phrase.

        Examples
        --------
        >>> Until(units=5, within_hz=1.0, at_most=400).words()
        '5 units within 1 Hz, or 400 trials'
        """
        bounds = [
            f"{bound:g} {unit}"
            for bound, unit in ((self.within_hz, "Hz"), (self.within_ul, "uL"))
            if bound is not None
        ]
        who = "all units" if self.units is None else _count(self.units, "unit")
        parts = [
            _count(self.trials, "trial") if self.trials else "",
            _count(self.rewarded_at_least, "reward") if self.rewarded_at_least else "",
            f"{who} within {' and '.join(bounds)}" if self.precise else "",
            f"licks before {self.anticipating:.0%} of {self.over} announced rewards"
            if self.anticipating is not None
            else "",
        ]
        told = " and ".join(filter(None, parts))
        latest = _count(self.at_most, "trial") if self.at_most is not None else ""
        return ", or ".join(filter(None, (told, latest)))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


@dataclasses.dataclass(frozen=True)
class Epoch:
    """One stretch of a session, as declared beforehand.

    Parameters
    ----------
    name
        What to call it; `History.frozen` is asked by this name.
    block
        Its trial types, and how often each comes in a block.
    until
        What ends it. The last epoch needs none: then it lasts as long as the session.
    discard
        So many trials at its beginning are not estimated from, because the animal is learning anew; as
        it stands, none of the first epoch and ten of a later one.
    reversal_conditions
        As `Protocol.reversal_conditions`, for this epoch; the protocol's, unless given.
    stimulated
        Whether light may be given in it. Then `decide` gets no running estimates, but only those that
        are frozen, and the epoch's reversal points are new ones, not the old measured again.
    """

    name: str
    block: Block
    _: dataclasses.KW_ONLY
    until: Until | None = None
    discard: int | None = None
    reversal_conditions: tuple[str, ...] | msgspec.UnsetType | None = msgspec.UNSET
    stimulated: bool = False

    @property
    def conditions(self) -> tuple[str, ...] | None:
        """The conditions that reversal points are estimated from; None: all."""
        return None if isinstance(self.reversal_conditions, msgspec.UnsetType) else self.reversal_conditions


def declared(epochs: Sequence[Epoch], conditions: tuple[str, ...] | None) -> tuple[Epoch, ...]:
    """Check the epochs of a protocol, and fill in what they leave open.

    Parameters
    ----------
    conditions
        The protocol's own `reversal_conditions`.

    Raises
    ------
    ConfigError
        Naming the epoch, and what is wrong with it.
    """
    if not epochs:
        raise ConfigError("'epochs' must return one epoch at least")
    names = [epoch.name for epoch in epochs]
    for epoch in epochs:
        if not epoch.name or names.count(epoch.name) > 1:
            raise ConfigError(f"every epoch needs a name of its own; '{epoch.name}' is none")
    for epoch in epochs[:-1]:
        if epoch.until is None:
            raise ConfigError(f"epoch '{epoch.name}' has no end; give it until=Until(...)")
    return tuple(_completed(number, epoch, conditions) for number, epoch in enumerate(epochs))


def _completed(number: int, epoch: Epoch, conditions: tuple[str, ...] | None) -> Epoch:
    told = epoch.reversal_conditions
    told = conditions if isinstance(told, msgspec.UnsetType) else told
    unknown = set(told or ()) - {kind.condition for kind, _ in epoch.block}
    if unknown:
        place = f" of epoch '{epoch.name}'" if number else ""
        raise ConfigError(
            f"'reversal_conditions'{place} names '{min(unknown)}', "
            "which is no condition of the declared block"
        )
    discard = epoch.discard if epoch.discard is not None else DISCARDED * (number > 0)
    if discard < 0:
        raise ConfigError(f"epoch '{epoch.name}' cannot discard {discard} trials")
    return dataclasses.replace(epoch, discard=discard, reversal_conditions=told)
