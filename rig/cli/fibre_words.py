"""What is printed of fibres, and of loops on them: a line or two each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rig.photometry.told import FibreTold, Leg, LoopLatency


def fibre_lines(fibres: Sequence[FibreTold], loops: Sequence[LoopLatency] = ()) -> Iterator[str]:
    """Yield what there is to say, a line at a time; nothing on a rig without photometry.

    Examples
    --------
    >>> from rig.photometry.told import FibreEstimate
    >>> means = {"n": (4, 5), "mean_dff": (-0.01, 0.02), "sem_dff": (None, None)}
    >>> estimate = FibreEstimate(**means, between_ul=(1.2, 2.5))
    >>> for line in fibre_lines([FibreTold(source="box", fibre="left", estimate=estimate)]):
    ...     print(line)
    fibres (the light of a population each, in dF/F; no neuron):
      left of box, 9 responses: its response changes its sign between 1.2 and 2.5 uL
    """
    if fibres:
        yield "fibres (the light of a population each, in dF/F; no neuron):"
    for told in fibres:
        count = f"{sum(told.estimate.n)} responses"
        withheld = sum(told.withheld.values())
        if withheld:
            most = max(told.withheld, key=lambda reason: told.withheld[reason])
            count += f", {withheld} withheld ({most})"
        yield f"  {told.fibre} of {told.source}, {count}: {_reversal(told)}"
    for loop in loops:
        yield from _loop(loop)


def _reversal(told: FibreTold) -> str:
    estimate = told.estimate
    if estimate.between_ul is None:
        return f"no reversal point: {estimate.reason or ', '.join(estimate.flags) or 'not known yet'}"
    low, high = estimate.between_ul
    text = f"its response changes its sign between {low:g} and {high:g} uL"
    if estimate.bayes_ul is not None and estimate.bayes_ci95_ul is not None:
        least, most = estimate.bayes_ci95_ul
        text += f"; by the kinked model at {estimate.bayes_ul:.2f} uL ({least:.2f} to {most:.2f})"
    return text


def _loop(loop: LoopLatency) -> Iterator[str]:
    head = f"loop on {loop.fibre} of {loop.source} (soft event {loop.soft_event}): "
    head += f"{loop.sent} sent, {loop.acted} taken by a table"
    if loop.total is None:
        yield head
        return
    pace = "" if loop.real_time else "; the rig's time ran faster than ours, so this is no real loop"
    yield f"{head}; newest sample to action {_leg(loop.total)}{pace}"
    parts = [("deciding", loop.decide), ("to the port", loop.write), ("devices and wires", loop.wires)]
    told = "; ".join(f"{name} {_leg(leg)}" for name, leg in parts if leg is not None)
    yield f"  of these: {told}" if told else "  where the time went is not known"
    yield f"  and before all of it the filter's own delay, {loop.filter_delay_ms:.1f} ms"


def _leg(leg: Leg) -> str:
    return f"{leg.p50_ms:.2f} ms (p99 {leg.p99_ms:.2f}, at most {leg.most_ms:.2f})"
