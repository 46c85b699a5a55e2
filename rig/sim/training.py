"""What an animal has learned that was trained on a protocol: the protocol's own declared distribution.

An animal knows what each cue is followed by, how often, and how much later. The first two are in the
declared block; the third is read off the tables that the protocol would build for this rig.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import msgspec

from rig.checks.preflight import as_intended
from rig.description import CueTraining, Emulation, Rewards, RigDescription
from rig.design.draws import Draws
from rig.machine.rehearse import Rehearsal
from rig.protocol import History, Protocol
from rig.sim.stimuli import PROMISE
from rig.units import US_PER_S

Outcomes = dict[float, Fraction]
"""Size in uL -> share; 0 is nothing."""


def trained_on(rig: RigDescription, protocol: Protocol) -> RigDescription:
    """Return the rig with an animal that was trained on this protocol.

    Where all rewards come from one distribution, it has one value for all of them, whether odour A
    announces them or nothing does. Otherwise, and always on a delay line, every cue gets a value of its own.

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
    # a delay line needs its cue
    one_value = _share_one_value(rewarded) and not emulation.delay_line
    uncued = protocol.schedule.distribution() if one_value else _floats(outcomes.get(None, {}))
    uncued.pop(0.0, None)
    emulation = msgspec.structs.replace(
        emulation,
        sizes_ul=tuple(uncued),
        probabilities=tuple(uncued.values()),
        cues={} if one_value else _cues(outcomes, _delays_s(rig, protocol)),
        reversal_cue="" if one_value else _reversal_cue(protocol, rewarded),
        later=_later(protocol) if one_value else (),
    )
    return msgspec.structs.replace(rig, emulation=emulation)


def _later(protocol: Protocol) -> tuple[Rewards, ...]:
    """Return what later epochs declare, if one value is enough for each of them; else nothing."""
    found = []
    for epoch in range(1, len(protocol.declared_epochs)):
        rewarded = {cue: told for cue, told in _outcomes(protocol, epoch).items() if any(told)}
        if not rewarded or not _share_one_value(rewarded):
            return ()
        shares = protocol.schedule.distribution(epoch)
        found.append(Rewards(sizes_ul=tuple(shares), probabilities=tuple(shares.values())))
    return tuple(found)


def _outcomes(protocol: Protocol, epoch: int = 0) -> dict[str | None, Outcomes]:
    """Return what follows each cue (None: no cue) in an epoch, sizes ascending."""
    block = protocol.schedule.blocks[epoch]
    told: dict[str | None, Outcomes] = {}
    for cue in dict.fromkeys(kind.cue for kind in block):
        sizes = Counter(kind.reward_ul for kind in block if kind.cue == cue)
        told[cue] = {size: Fraction(sizes[size], sizes.total()) for size in sorted(sizes)}
    return told


def _floats(outcomes: Outcomes) -> dict[float, float]:
    return {size: float(share) for size, share in outcomes.items()}


def _share_one_value(rewarded: dict[str | None, Outcomes]) -> bool:
    first, *others = rewarded.values()
    return set(rewarded) <= {None, PROMISE} and 0.0 not in first and all(told == first for told in others)


def _cues(outcomes: dict[str | None, Outcomes], delays_s: dict[str, float]) -> dict[str, CueTraining]:
    return {
        cue: CueTraining(
            sizes_ul=tuple(told),
            probabilities=tuple(_floats(told).values()),
            delay_s=delays_s.get(cue, 0.0),
        )
        for cue, told in outcomes.items()
        if cue is not None
    }


def _reversal_cue(protocol: Protocol, rewarded: dict[str | None, Outcomes]) -> str:
    """Return a cue of the trials that reversal points are about, if those have one distribution."""
    conditions = protocol.reversal_conditions
    cues = [
        kind.cue
        for kind in protocol.schedule.block
        if kind.cue in rewarded and (conditions is None or kind.condition in conditions)
    ]
    alike = all(rewarded[cue] == rewarded[cues[0]] for cue in cues)
    if not cues or not alike or (None in cues and 0.0 in rewarded[None]):
        return ""
    # uncued rewards of the same distribution have a value of their own with the same fixed point
    return next((cue for cue in cues if cue is not None), "")


def _delays_s(rig: RigDescription, protocol: Protocol) -> dict[str, float]:
    """Return how long after each cue its reward comes, from one rehearsed block; none where that varies."""
    outputs, history = rig.board.outputs, History()
    valves = [out.line for out in outputs.values() if out.kind == "valve"]
    found: dict[str, set[int]] = {}
    for number in range(len(protocol.schedule.block)):
        spec = protocol.decide(history, None, Draws(0, number))
        if spec is None:
            break
        history.add(as_intended(number, spec))
        if spec.cue in outputs and spec.reward_ul > 0:
            onsets_us = Rehearsal(protocol.table(spec).build(rig)).onsets_us
            cue_us = onsets_us.get(outputs[spec.cue].line, 0)
            reward_us = min((onsets_us[line] for line in valves if line in onsets_us), default=cue_us)
            found.setdefault(spec.cue, set()).add(reward_us - cue_us)
    return {cue: delays.pop() / US_PER_S for cue, delays in found.items() if len(delays) == 1}
