"""What was declared, and when: the session's first reward distribution and those of later epochs. No Qt."""

from __future__ import annotations

from rig.documents import CueRoles, DeclaredTrial, EpochStarted, SessionStarted


class Declared:
    """What the panels ask about declared distributions. Sizes and the like are those of the newest epoch.

    Attributes
    ----------
    started
        How the session began, or None.
    epochs
        All later epochs in order; the first one begins with the session.
    """

    def __init__(self) -> None:
        self.started: SessionStarted | None = None
        self.epochs: list[EpochStarted] = []

    @property
    def epoch(self) -> EpochStarted | None:
        """The newest epoch; None in the first one, which begins with the session."""
        return self.epochs[-1] if self.epochs else None

    @property
    def epoch_number(self) -> int:
        """Number of the newest epoch."""
        return self.epochs[-1].epoch if self.epochs else 0

    @property
    def first_trial(self) -> int:
        """Number of the newest epoch's first trial."""
        return self.epochs[-1].trial if self.epochs else 0

    @property
    def sizes_ul(self) -> tuple[float, ...]:
        """The declared reward sizes of the newest epoch, ascending."""
        told = self._distribution
        return told.sizes_ul if told else ()

    @property
    def axis_hz(self) -> tuple[float, ...]:
        """Utility of each of these sizes, in Hz."""
        told = self._distribution
        return told.utility_axis_hz if told else ()

    @property
    def declared(self) -> tuple[DeclaredTrial, ...]:
        """The trial types of the newest epoch's block."""
        told = self._distribution
        return told.declared if told else ()

    @property
    def reversal_conditions(self) -> tuple[str, ...] | None:
        """Conditions whose rewards the newest epoch's reversal points are about; None: all."""
        told = self._distribution
        return told.reversal_conditions if told else None

    @property
    def cue_roles(self) -> CueRoles | None:
        """The conditions that cue coding is read from."""
        return self.started.cue_roles if self.started else None

    @property
    def session_sizes_ul(self) -> tuple[float, ...]:
        """The declared reward sizes of all epochs, ascending."""
        first = self.started.sizes_ul if self.started else ()
        if not self.epochs:
            return first
        return tuple(sorted(set(first).union(*(epoch.sizes_ul for epoch in self.epochs))))

    @property
    def session_declared(self) -> tuple[DeclaredTrial, ...]:
        """The trial types of all epochs, those of the first one first."""
        first = self.started.declared if self.started else ()
        return (*first, *(kind for epoch in self.epochs for kind in epoch.declared))

    @property
    def _distribution(self) -> SessionStarted | EpochStarted | None:
        return self.epochs[-1] if self.epochs else self.started

    def counts(self, condition: str) -> bool:
        """Whether trials of `condition` count for the newest epoch's reversal points."""
        only = self.reversal_conditions
        return only is None or condition in only
