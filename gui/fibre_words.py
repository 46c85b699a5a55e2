"""What there is to say of a fibre, in words. Knows no Qt."""

from __future__ import annotations

from collections.abc import Sequence

from gui.fibre_book import FibreView
from gui.model import SessionModel
from rig.photometry.told import FibreEstimate, LoopLatency, SourceHealth

POPULATION = "population signal"
"""A fibre is one channel that stands for many neurons; no panel calls it a unit."""


def why_no_fibre(model: SessionModel) -> str | None:
    """Return why there is no fibre to show, or None if there is one."""
    if model.started is None:
        return "No session yet. Start one, or attach to one that is running."
    if not model.started.photometry:
        return "No photometry in this session. Behaviour and units are recorded as always."
    if model.fibres.fibres:
        return None
    if model.over:
        return "No fibre was measured in this session."
    names = ", ".join(source.name for source in model.started.photometry)
    return f"Waiting for the first samples of {names}. Is it plugged in and switched on?"


def why_no_live(model: SessionModel, view: FibreView) -> str:
    """Say why there is no live trace; empty if there is one."""
    if view.live.rate_hz:
        return ""
    if model.over or model.state is None or not model.state.accepts:
        return "live traces are not kept: the session file has the raw samples"
    return "waiting for samples"


def reversal_words(estimate: FibreEstimate | None) -> str:
    """Say where the response changes its sign, as far as that is known."""
    if estimate is None:
        return "no response yet"
    if estimate.reason is not None:
        return estimate.reason
    parts = []
    if estimate.between_ul is not None:
        low, high = estimate.between_ul
        parts.append(f"changes sign between {low:g} and {high:g} uL" if low < high else f"near {low:g} uL")
    if estimate.bayes_ul is not None and estimate.bayes_ci95_ul is not None:
        low, high = estimate.bayes_ci95_ul
        parts.append(f"kinked model {estimate.bayes_ul:.2f} uL ({low:.2f} to {high:.2f})")
    return "; ".join(parts) or "no change of sign"


def health_words(state: SourceHealth | None) -> tuple[str, bool]:
    """Say how the source does; and whether something is wrong."""
    if state is None:
        return "", False
    if state.rate_hz is None:
        return "not heard yet", True
    lost = state.lost + state.missing
    parts = [f"{lost} samples lost" if lost else "none lost"]
    if state.missing:
        parts[-1] += f" ({state.missing} without a number)"
    if state.clipped:
        parts.append(f"{state.clipped} clipped")
    parts.append(
        "no clock" if state.clock_sigma_us is None else f"clock ±{state.clock_sigma_us / 1e3:.1f} ms"
    )
    if not state.ready and state.clock_sigma_us is not None:
        parts.append("baseline settling")
    return ", ".join(parts), bool(state.clipped or state.clock_sigma_us is None)


def loops_words(loops: Sequence[LoopLatency]) -> list[str]:
    """Say how long a fibre's loops took: of the first where the time went, of the others what they took."""
    if not loops:
        return ["no threshold on this fibre"]
    return [_loop_words(loops[0]), *(_loop_in_short(loop) for loop in loops[1:])]


def _loop_in_short(loop: LoopLatency) -> str:
    took = "" if loop.total is None else f": {loop.total.p50_ms:.1f} ms, p99 {loop.total.p99_ms:.1f} ms"
    return f"soft event {loop.soft_event} (above {100 * loop.above_dff:g} %){took}"


def _loop_words(loop: LoopLatency) -> str:
    what = f"above {100 * loop.above_dff:g} % dF/F: soft event {loop.soft_event}"
    head = f"{what}, {loop.acted} of {loop.sent} taken"
    if loop.total is None:
        return f"{head}; nothing measured yet"
    if not loop.real_time:
        head += " (the rig's time runs faster than real time: these are no real latencies)"
    told = f"{head}. Sample to action: {loop.total.p50_ms:.1f} ms, p99 {loop.total.p99_ms:.1f} ms"
    legs = []
    if loop.decide is not None:
        legs.append(f"to decide {loop.decide.p50_ms:.2f}")
    if loop.write is not None:
        legs.append(f"to write {loop.write.p50_ms:.2f}")
    if loop.wires is not None:
        legs.append(f"devices and wires {loop.wires.p50_ms:.1f}")
    if legs:
        told += f" (median of {', '.join(legs)} ms)"
    return f"{told}. The filter delays by {loop.filter_delay_ms:.0f} ms on top."
