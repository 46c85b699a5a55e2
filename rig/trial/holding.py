"""Whether a trial holds the windows of its responses (docs/decisions/0007).

Between two tables lies a gap whose length depends on the host; a window that reached into it would count
spikes over a time that differs from run to run.
"""

from __future__ import annotations

from rig.design.plan import SessionPlan
from rig.errors import ConfigError
from rig.machine.rehearse import Rehearsal
from rig.machine.table import StateTable
from rig.trial.spec import ResponseWindow, TrialSpec
from rig.units import US_PER_MS


def hold_windows(table: StateTable, spec: TrialSpec, plan: SessionPlan) -> None:
    """See to it that the windows of the responses lie within the trial.

    A trial whose events hang on what the animal does cannot be judged beforehand, and is let through.

    Raises
    ------
    ConfigError
        Saying which part of the trial is too short, and by how much.
    """
    protocol, outputs = plan.protocol, plan.rig.board.outputs
    rehearsal = Rehearsal(table)
    onsets_us = rehearsal.onsets_us
    valves = [out.line for out in outputs.values() if out.kind == "valve"]
    reward_us = min((onsets_us[line] for line in valves if line in onsets_us), default=None)
    line = outputs[spec.cue].line if spec.cue in outputs else None
    cue_us = onsets_us.get(line) if line is not None else None
    end_us = rehearsal.end_us
    try:
        if protocol.response is not None and reward_us is not None:
            first_us = reward_us if cue_us is None else min(reward_us, cue_us)
            _baseline(protocol.response, spec, first_us, "first event")
            _response(protocol.response, spec, end_us - reward_us if end_us else None, "reward")
        if protocol.cue_response is not None and cue_us is not None:
            _baseline(protocol.cue_response, spec, cue_us, "cue")
            _response(protocol.cue_response, spec, end_us - cue_us if end_us else None, "cue")
            if reward_us is not None and protocol.cue_roles is not None:
                _alone(protocol.cue_response, spec, reward_us - cue_us)
    except ConfigError as error:
        raise ConfigError(str(error), plan.where) from None


def _baseline(window: ResponseWindow, spec: TrialSpec, first_us: int, event: str) -> None:
    before_ms = first_us / US_PER_MS
    if before_ms < -window.baseline_start_ms:
        raise ConfigError(
            f"a '{spec.condition}' trial waits {before_ms:g} ms before its {event}; the baseline window "
            f"needs {-window.baseline_start_ms} ms, so make the first state longer"
        )


def _response(window: ResponseWindow, spec: TrialSpec, after_us: int | None, event: str) -> None:
    if after_us is not None and after_us / US_PER_MS < window.stop_ms:
        raise ConfigError(
            f"a '{spec.condition}' trial ends {after_us / US_PER_MS:g} ms after its {event}; the response "
            f"window needs {window.stop_ms} ms, so make the last state longer"
        )


def _alone(window: ResponseWindow, spec: TrialSpec, delay_us: int) -> None:
    """Rewarded trials would be missing from the answers to the cue, and the others not."""
    delay_ms = delay_us / US_PER_MS
    if delay_ms < window.stop_ms:
        raise ConfigError(
            f"a '{spec.condition}' trial gives its reward {delay_ms:g} ms after its cue; the response "
            f"window of the cue needs {window.stop_ms} ms, so let the reward come later"
        )
