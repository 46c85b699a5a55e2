"""Why the panels about units have nothing to draw: one friendly sentence. Knows no Qt."""

from __future__ import annotations

from gui.model import SessionModel
from rig.documents import EpochStarted, StreamState


def why_no_units(model: SessionModel) -> str | None:
    """Return why there is no unit to show, or None if there is one."""
    if model.estimates:
        return None
    if model.started is None:
        return "No session yet. Start one, or attach to one that is running."
    if model.started.window is None or not model.sizes_ul:
        return "This protocol measures no responses to rewards, so there is nothing to estimate."
    if model.state is not None:
        if not model.state.streams:
            return "No neural stream in this session. Behaviour is recorded as always."
        waiting = [why for why in map(_why_waiting, model.state.streams) if why]
        if waiting:
            return " ".join(waiting)
    if model.over:
        return "No rewarded trial was measured in this session."
    if model.epoch is not None:
        return _new_epoch(model.epoch)
    return "No rewarded trial yet. Estimates begin with the first rewards."


def why_no_reversal(model: SessionModel) -> str | None:
    """Return why there is no reversal point to show, or None if there is one."""
    if model.reversal_conditions == () and model.sizes_ul:
        return (
            "This protocol's cues each have a reward distribution of their own, so there is no one reversal "
            "point to estimate."
        )
    return why_no_units(model)


def why_not_this_unit(model: SessionModel) -> str | None:
    """Return why no unit's own picture can be drawn, or None if one is selected."""
    why = why_no_units(model)
    if why is None and model.selected is None:
        return "Click a unit among the reversal points to see it here."
    if why is None and model.selected not in model.estimates:
        return f"Nothing is known of {model.selected} yet in this epoch."
    return why


def why_no_population(model: SessionModel) -> str | None:
    """Return why nothing is known of the units together, or None if something is."""
    if model.population is not None:
        return None
    if model.population_note:
        return model.population_note
    return why_no_units(model) or "Working it out. This takes a few seconds at first."


def _new_epoch(epoch: EpochStarted) -> str:
    discard = f" after its first {epoch.discard} trials" if epoch.discard else ""
    return f"Epoch {epoch.epoch}, {epoch.name}, has begun: estimates begin from nothing{discard}."


def _why_waiting(stream: StreamState) -> str | None:
    if stream.messages == 0:
        return f"Waiting for the first data of {stream.name}. Is its acquisition running?"
    if stream.clock_sigma_us is None:
        pulses = "1 pulse" if stream.clock_pulses == 1 else f"{stream.clock_pulses} pulses"
        return f"Waiting for the clock of {stream.name} to lock to the sync line ({pulses} so far)."
    if stream.units == 0:
        return f"{stream.name} sends data, but no sorted unit yet."
    return None
