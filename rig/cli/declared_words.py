"""What was declared, epoch by epoch, and whether it was delivered, in lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from rig.documents import Audit, Document, EpochStarted, SessionStarted


class Declared:
    """Gathers from a session's documents what there is to say of its epochs."""

    def __init__(self) -> None:
        self._first = ""
        self._begun: list[EpochStarted] = []
        self._audits: dict[int, Audit] = {}

    def show(self, document: Document) -> None:
        """Take a document; most are of no matter here."""
        match document:
            case SessionStarted():
                self._first = document.epochs[0].name if document.epochs else ""
            case EpochStarted():
                self._begun.append(document)
            case Audit():
                self._audits[document.epoch] = document
            case _:
                pass

    def lines(self) -> Iterator[str]:
        """Yield a line an epoch; one without a name for a session of one epoch, none without a trial."""
        if not self._begun:
            yield from (f"delivered: {delivered(audit)}" for audit in self._audits.values())
            return
        ends = [epoch.trial for epoch in self._begun]
        if 0 in self._audits:
            yield f"epoch '{self._first}', trials 1 to {ends[0]}: {delivered(self._audits[0])}"
        for epoch, end in zip(self._begun, [*ends[1:], None], strict=True):
            span = (
                f"trials {epoch.trial + 1} to {end}"
                if end is not None
                else f"from trial {epoch.trial + 1} on"
            )
            audit = self._audits.get(epoch.epoch)
            told = delivered(audit) if audit is not None else "no trial was done"
            yield f"epoch '{epoch.name}', {span} ({epoch.reason}): {told}"
        yield f"the estimates below are those of epoch '{self._begun[-1].name}'"


def delivered(audit: Audit) -> str:
    """Say whether what was delivered is what was declared."""
    done = sum(audit.delivered)
    return f"{audit.problem or 'as declared'} ({done} trial{'s' * (done != 1)} so, {audit.astray} astray)"
