"""The running estimates as `Protocol.decide` gets them: to be read, and it is known what is read of them.

How precise an estimate is may stop a session or make it wait. What it says may not: the estimate that
stopped is too high (docs/explanation/closed-loop.md#refused). A program cannot see what a protocol makes
of a number, but it sees which numbers are asked for, and that is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from rig.design.told import PAGE
from rig.estimate.online import ReversalEstimator

OF_PRECISION: Final = frozenset(
    {
        "axis", "half_width_hz", "half_width_ul", "placed", "precise", "rewarded", "settled", "sizes_ul",
        "units",
    }
)  # fmt: skip
"""What says how precise the estimates are, and for whom, but not where they lie."""
CHANGING: Final = frozenset({"ensure_units", "update"})


class Lent:
    """Stands for a `ReversalEstimator` that is the session's.

    Parameters
    ----------
    estimator
        Whose attributes are read.
    asked
        Told the name of every attribute that is read and says more than how precise the estimates are.
    """

    def __init__(self, estimator: ReversalEstimator, asked: Callable[[str], None]) -> None:
        self._estimator = estimator
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        """Return the estimator's attribute.

        Raises
        ------
        TypeError
            If it would change the estimates.
        AttributeError
            If there is no such thing, or it is the estimator's own affair.
        """
        if name.startswith("_"):
            raise AttributeError(f"the estimates have no '{name}' for protocols")
        if name in CHANGING:
            raise TypeError(f"'{name}' would change the estimates; a protocol may read them only ({PAGE})")
        value = getattr(self._estimator, name)
        if name not in OF_PRECISION:
            self._asked(name)
        return value


def lend(estimator: ReversalEstimator, asked: Callable[[str], None]) -> ReversalEstimator:
    """Return the estimates for a protocol to read; for it they are a `ReversalEstimator` (see `Lent`)."""
    return cast(ReversalEstimator, Lent(estimator, asked))


def warning(name: str) -> str:
    """Say what is to be said of a protocol that reads `name`."""
    return (
        f"'decide' reads what the running estimates say ('{name}'), not only how precise they are; whether "
        "it stops or waits must not hang on that, and this program cannot see if it does: use "
        f"estimates.settled(...) or Until(...) ({PAGE}#refused)"
    )
