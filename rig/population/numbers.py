"""The numbers of a population from its counts, each null with its reason."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rig.estimate.cue_coding import MIN_TRIALS, cue_coding
from rig.estimate.drift import MIN_RESPONSES
from rig.estimate.summary import MIN_REWARDED, MIN_SIZES
from rig.population.asymmetry_folds import FOLDS, anova
from rig.population.correlate import MIN_UNITS, Correlation
from rig.population.decoded import decode_convex, decode_published
from rig.population.evidence import compare
from rig.population.held_out import held_out_signs
from rig.population.reliability import Estimators
from rig.population.shapes import (
    AsymmetryTest,
    Cues,
    CueUnit,
    Decodings,
    DriftUnit,
    Evidence,
    HeldOutSigns,
    Population,
    Relation,
    Repeat,
    Repeats,
    Together,
)
from rig.population.worked import About, Heard, Worked

ONE_PAIRING = "the session has one first and one second half only, so there is nothing to take an SD over"
NO_SPREAD = "it is undefined: the units do not differ, or one of the halves has no trials of four units"
NO_BASELINE = "no baseline rates are known of four units with data"
ON_REQUEST = "the published imputation takes long; it is worked out on request"
TOO_FEW_HALVES = "fewer than four units have trials in both halves"


class _Reasons:
    """Collects why something is null; one reason for everything where nothing can be told."""

    def __init__(self, why_nothing: str | None, ready: int) -> None:
        self.told: dict[str, str] = {}
        self._why = why_nothing
        if self._why is None and ready < MIN_UNITS:
            have = f"{ready} units have" if ready > 1 else f"{ready or 'no'} unit has"
            self._why = (
                f"{have} data for an estimate ({MIN_REWARDED} "
                f"responses, to {MIN_SIZES} sizes or more); a statistic over units needs {MIN_UNITS}"
            )

    def add(self, path: str, otherwise: str) -> None:
        self.told[path] = self._why or otherwise


def numbers(worked: Worked, about: About, heard: Heard, *, published: bool) -> Population:
    """Work out every number.

    Parameters
    ----------
    published
        Also decode by the published imputation.
    """
    why = _Reasons(about.why_nothing, worked.ready)
    told = worked.reliability
    baseline = told.baseline_reversal
    if baseline is None:
        why.add("baseline_reversal", NO_BASELINE)
    if told.asymmetry_reversal is None:
        why.add("asymmetry_reversal", NO_SPREAD)
    drift, together = _drift(worked, about, heard, why)
    return Population(
        units=worked.ready,
        split_half=_repeats("split_half", told.split_half, why),
        time_split=_repeats("time_split", told.time_split, why, one_pairing=True),
        asymmetry_reversal=_relation(told.asymmetry_reversal),
        baseline_reversal=_relation(baseline),
        up_down=tuple(
            (size, up, down) for size, (up, down) in zip(about.sizes_ul, told.up_down, strict=True)
        ),
        asymmetry=_asymmetry(worked, why),
        decoding=_decodings(worked, why, published=published),
        evidence=_evidence(worked, why),
        cue_coding=cues(about.units, heard, why.told),
        drift=drift,
        drift_together=together,
        reasons=why.told,
    )


def no_numbers(about: About, heard: Heard) -> Population:
    """What is left where no responses to rewards are taken: the cues."""
    paths = (
        *(f"{split}.{way}" for split in ("split_half", "time_split") for way in ("paper", "isotonic")),
        *("asymmetry_reversal", "baseline_reversal", "asymmetry", "decoding.convex", "decoding.published"),
        *("evidence", "drift_together"),
    )
    reasons = dict.fromkeys(paths, about.why_nothing or "nothing was counted")
    nothing = Repeats(paper=None, isotonic=None)
    return Population(
        units=0,
        split_half=nothing,
        time_split=nothing,
        asymmetry_reversal=None,
        baseline_reversal=None,
        up_down=(),
        asymmetry=None,
        decoding=Decodings(convex=None, published=None),
        evidence=None,
        cue_coding=cues(about.units, heard, reasons),
        drift=(),
        drift_together=None,
        reasons=reasons,
    )


def _repeats(name: str, found: Estimators, why: _Reasons, *, one_pairing: bool = False) -> Repeats:
    made: dict[str, Repeat | None] = {}
    for way, one in (("paper", found.paper), ("isotonic", found.isotonic)):
        if one is None:
            made[way] = None
            why.add(f"{name}.{way}", NO_SPREAD)
            continue
        if one_pairing:
            why.told[f"{name}.{way}.r_sd"] = ONE_PAIRING
        sd = None if one_pairing else one.r_sd
        made[way] = Repeat(r=one.r, r_sd=sd, p_mean=one.p_mean, p_geometric=one.p_geometric)
    return Repeats(**made)


def _relation(found: Correlation | None) -> Relation | None:
    return None if found is None else Relation(r=found.r, p=found.p_mean)


def _asymmetry(worked: Worked, why: _Reasons) -> AsymmetryTest | None:
    """Mean published asymmetry of all trials, and the ANOVA over the folds."""
    values = worked.slopes.asymmetry[worked.enough]
    values = values[np.isfinite(values)]
    if not values.size:
        why.add("asymmetry", "no unit has responses on both sides of its reversal point")
        return None
    test, anew = (anova(folds[worked.enough]) for folds in (worked.folds, worked.folds_anew))
    few = f"fewer than two units have responses on both sides of their reversal point in all {FOLDS} folds"
    for name, one in (("", test), ("_anew", anew)):
        if one is None:
            why.told.update({f"asymmetry.f{name}": few, f"asymmetry.p{name}": few})
    return AsymmetryTest(
        mean=float(values.mean()),
        f=test.f if test else None,
        p=test.p if test else None,
        f_anew=anew.f if anew else None,
        p_anew=anew.p if anew else None,
    )


def _decodings(worked: Worked, why: _Reasons, *, published: bool) -> Decodings:
    found = [
        decode(worked.counts, worked.enough, worked.delivered) if wanted else None
        for decode, wanted in ((decode_convex, True), (decode_published, published))
    ]
    if found[0] is None:
        why.add("decoding.convex", TOO_FEW_HALVES)
    if found[1] is None:
        why.add("decoding.published", TOO_FEW_HALVES if published else ON_REQUEST)
    return Decodings(convex=found[0], published=found[1])


def _evidence(worked: Worked, why: _Reasons) -> Evidence | None:
    if worked.ready < MIN_UNITS:
        why.add("evidence", NO_SPREAD)
        return None
    ready = worked.enough
    found = compare(
        worked.whole.rows(ready), worked.counts.utility_hz, worked.delivered, worked.baseline_hz[ready]
    )
    signs = held_out_signs(worked.counts.reliability.halves)
    if signs is None:
        why.told["evidence.held_out"] = "no half of the trials has a response that differs from zero"
    return Evidence(
        **found.probability,
        verdict=found.verdict,
        held_out=None
        if signs is None
        else HeldOutSigns(common=signs.common, own=signs.own, gain_se=signs.gain_se),
    )


def cues(units: Sequence[str], heard: Heard, reasons: dict[str, str]) -> Cues | None:
    """Tell the diversity of cue coding, or None and why."""
    if heard.cues is None or heard.conditions is None:
        reasons["cue_coding"] = heard.why_no_cues
        return None
    found = cue_coding(heard.cues)
    if not (found.trials.sum(axis=0) > 0).all():
        reasons["cue_coding"] = "not every one of the three cues has been answered yet"
        return None
    if found.spread is None:
        some = (found.trials >= MIN_TRIALS).all(axis=1).any()
        few = f"no unit has answered each of the three cues {MIN_TRIALS} times yet"
        none = "the answers of every unit never vary" if some else few
        reasons.update({"cue_coding.spread": none, "cue_coding.spread_p": none})
    return Cues(
        conditions=heard.conditions,
        spread=found.spread,
        spread_p=found.spread_p,
        units=tuple(
            CueUnit(
                unit=unit,
                n=(int(n[0]), int(n[1]), int(n[2])),
                c50=_number(c50),
                c50_ci95=None if np.isnan(c50) else (float(ends[0]), float(ends[1])),
                t=_number(t),
                p=_number(p),
                label=label,
                reason=reason,
            )
            for unit, n, c50, ends, t, p, label, reason in zip(
                *(units, found.trials, found.c50, found.c50_ci95, found.t, found.p),
                *(found.labels, found.reasons),
                strict=True,
            )
        ),
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _drift(
    worked: Worked, about: About, heard: Heard, why: _Reasons
) -> tuple[tuple[DriftUnit, ...], Together | None]:
    drift = worked.drift
    if heard.lost is None:
        why.told["drift.lost"] = "spikes were not watched: a table of responses does not hold them"
    if not worked.enough.all():
        few = f"a unit has too few responses for an estimate ({MIN_REWARDED}, to {MIN_SIZES} sizes or more)"
        why.told.update(dict.fromkeys(("drift.full_hz", "drift.recent_hz"), about.why_nothing or few))
    told = tuple(
        DriftUnit(
            unit=unit,
            full_hz=float(drift.full_hz[i]) if worked.enough[i] else None,
            recent_hz=float(drift.recent_hz[i]) if worked.enough[i] else None,
            sds=float(drift.sds[i]),
            moved_sds=float(drift.moved_sds[i]),
            parted=bool(drift.parted[i]),
            lost=None if heard.lost is None else bool(heard.lost[i]),
        )
        for i, unit in enumerate(about.units)
    )
    if drift.common_hz is None or drift.common_sds is None:
        why.add(
            "drift_together", f"fewer than {MIN_UNITS} units have the {MIN_RESPONSES} responses that it needs"
        )
        return told, None
    return told, Together(hz=drift.common_hz, standard_errors=drift.common_sds)
