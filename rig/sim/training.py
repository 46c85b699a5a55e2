"""What an animal has learned that was trained on a protocol: the protocol's own declared distribution.

An animal knows what each cue is followed by, how often, and how much later. The first two are in the
declared block; the third is read off the tables that the protocol would build for this rig.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import msgspec

from rig.description import CueTraining, Emulation, RigDescription
from rig.draws import Draws
from rig.preflight import as_intended
from rig.protocol import History, Protocol
from rig.sim.stimuli import PROMISE, Wiring, delay_us
from rig.units import US_PER_S

Outcomes = dict[float, Fraction]
"""Size in uL -> share; 0 is nothing."""


def trained_on(rig: RigDescription, protocol: Protocol) -> RigDescription:
    """Return the rig with an animal that was trained on this protocol.

    Where all rewards come from one distribution, it has one value for all of them, whether odour A
    announces them or nothing does. Otherwise every cue gets a value of its own.

    Raises
    ------
    DopaloopError
        If the protocol cannot be built on this rig.
    """
    outcomes = _outcomes(protocol)
    rewarded = {cue: told for cue, told in outcomes.items() if any(told)}
    if not rewarded:
        return rig
    emulation = rig.emulation or Emulation()
    if _share_one_value(rewarded):
        declared = protocol.schedule.distribution()
        trained = msgspec.structs.replace(
            emulation,
            sizes_ul=tuple(declared),
            probabilities=tuple(declared.values()),
            cues={},
            reversal_cue="",
        )
    else:
        uncued = {size: share for size, share in outcomes.pop(None, {}).items() if size > 0}
        delays = _delays_s(rig, protocol)
        trained = msgspec.structs.replace(
            emulation,
            sizes_ul=tuple(uncued),
            probabilities=tuple(float(share) for share in uncued.values()),
            cues={
                cue: CueTraining(
                    sizes_ul=tuple(told),
                    probabilities=tuple(float(share) for share in told.values()),
                    delay_s=delays.get(cue, 0.0),
                )
                for cue, told in outcomes.items()
                if cue is not None
            },
            reversal_cue=_reversal_cue(protocol, rewarded),
        )
    return msgspec.structs.replace(rig, emulation=trained)


def _outcomes(protocol: Protocol) -> dict[str | None, Outcomes]:
    """Return what follows each cue (None: no cue), sizes ascending."""
    block = protocol.schedule.block
    told: dict[str | None, Outcomes] = {}
    for cue in dict.fromkeys(kind.cue for kind in block):
        sizes = Counter(kind.reward_ul for kind in block if kind.cue == cue)
        told[cue] = {size: Fraction(sizes[size], sizes.total()) for size in sorted(sizes)}
    return told


def _share_one_value(rewarded: dict[str | None, Outcomes]) -> bool:
    first, *others = rewarded.values()
    return set(rewarded) <= {None, PROMISE} and 0.0 not in first and all(told == first for told in others)


def _reversal_cue(protocol: Protocol, rewarded: dict[str | None, Outcomes]) -> str:
    """Return a cue of the trials that reversal points are about, if those have one distribution."""
    conditions = protocol.reversal_conditions
    cues = list(
        dict.fromkeys(
            kind.cue
            for kind in protocol.schedule.block
            if kind.cue in rewarded and (conditions is None or kind.condition in conditions)
        )
    )
    if not cues or cues[0] is None or any(rewarded[cue] != rewarded[cues[0]] for cue in cues):
        return ""
    return cues[0]


def _delays_s(rig: RigDescription, protocol: Protocol) -> dict[str, float]:
    """Return how long after each cue its reward comes, from one rehearsed block; 0 where that varies."""
    wiring, history = Wiring.of(rig), History()
    found: dict[str, set[int]] = {}
    for number in range(len(protocol.schedule.block)):
        spec = protocol.decide(history, None, Draws(0, number))
        if spec is None:
            break
        history.add(as_intended(number, spec))
        if spec.cue in rig.board.outputs and spec.reward_ul > 0:
            table = protocol.table(spec).build(rig)
            delay = delay_us(table, wiring, rig.board.outputs[spec.cue].line)
            found.setdefault(spec.cue, set()).add(0 if delay is None else delay)
    return {cue: delays.pop() / US_PER_S for cue, delays in found.items() if len(delays) == 1}
