"""What a report says of a unit and light: the ``tag`` of each unit in the JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from rig.documents import Document, SessionStarted, TagConfirmed, TagsUpdated
from rig.tagging.told import Confirmation, UnitTag

NO_TAG: Final = "no light was given, and nobody has said whether it is tagged"
NO_LIGHT: Final = "no light was given in this session"


class TagTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What light does to a simulated unit; the numbers are null where it is not tagged."""

    tagged: bool
    latency_ms: float | None = None
    jitter_ms: float | None = None
    reliability: float | None = None


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one unit and light.

    Attributes
    ----------
    tagged, by, source
        A person's newest word on it (null: nobody has said anything), whose, and where it was said before
        this session (a session file, the rig file; empty: in this one).
    suggestion
        Whether it looks tagged; null: too little to say.
    p, resolution, effect, sham_p
        Of SALT, and of sham pulses. A P of 0 means: below its resolution.
    latency_ms, jitter_ms
        Mean and standard deviation of the first spike's latency.
    reliability, by_chance
        Share of the tested pulses with a spike, and of the windows before them.
    pulses
        Pulses of light that it was listened to.
    truth
        Of a simulated unit.
    """

    tagged: bool | None
    by: str
    source: str
    suggestion: bool | None
    p: float | None
    resolution: float | None
    effect: float | None
    sham_p: float | None
    latency_ms: float | None
    jitter_ms: float | None
    reliability: float | None
    by_chance: float | None
    waveform_r: float | None
    pulses: int
    reasons: tuple[str, ...]
    truth: TagTruth | None


class TagsTold:
    """Follows what a session's documents say of units and light.

    Attributes
    ----------
    units, words
        The newest of each unit, by name.
    """

    def __init__(self) -> None:
        self.units: dict[str, UnitTag] = {}
        self.words: dict[str, Confirmation] = {}

    def take(self, document: Document) -> None:
        """Take one document, in the session's order."""
        match document:
            case SessionStarted():
                self.units = {}
                self.words = {word.unit: word for word in document.tags}
            case TagsUpdated():
                self.units.update({tag.unit: tag for tag in document.units})
            case TagConfirmed(word=word):
                self.words[word.unit] = word
            case _:
                pass

    @property
    def tagged(self) -> frozenset[str]:
        """Units that a person has confirmed."""
        return frozenset(unit for unit, word in self.words.items() if word.tagged)

    def reports(self, truth: Mapping[str, TagTruth] | None = None) -> dict[str, Tag]:
        """Return the ``tag`` of every unit that anything is known of."""
        names = [*self.units, *(unit for unit in self.words if unit not in self.units)]
        return {unit: self._report(unit, (truth or {}).get(unit)) for unit in names}

    def _report(self, unit: str, truth: TagTruth | None) -> Tag:
        word = self.words.get(unit)
        known = self.units.get(unit) or (word.evidence if word else None)
        salt, sham = (known.salt, known.sham) if known else (None, None)
        return Tag(
            tagged=word.tagged if word else None,
            by=word.by if word else "",
            source=word.source if word else "",
            suggestion=known.suggestion if known else None,
            p=salt.p if salt else None,
            resolution=salt.resolution if salt else None,
            effect=salt.effect if salt else None,
            sham_p=sham.p if sham else None,
            latency_ms=known.latency_mean_ms if known else None,
            jitter_ms=known.jitter_ms if known else None,
            reliability=known.reliability if known else None,
            by_chance=known.by_chance if known else None,
            waveform_r=known.waveform_r if known else None,
            pulses=known.pulses if known else 0,
            reasons=known.reasons if known else (NO_LIGHT,),
            truth=truth,
        )
