"""What the numbers about a unit and light suggest.

A suggestion is never a decision. A person looks at the raster and confirms; see `rig.tagging.book`.
"""

from __future__ import annotations

import msgspec

from rig.tagging.told import UnitTag


class TagCriteria(msgspec.Struct, frozen=True, kw_only=True):
    """When a unit looks tagged.

    Parameters
    ----------
    p
        SALT's P must be below this. 0.001 is usual in work on dopamine units; others take 0.01.
    latency_ms
        The mean latency must be below this: later spikes may come by way of other neurons.
    waveform_r
        Below this a warning is added. It is no gate: stored light waveforms are often of a wrong channel.
    pulses
        Tested pulses needed before anything is said.
    """

    p: float = 0.001
    latency_ms: float = 8.0
    waveform_r: float = 0.9
    pulses: int = 30

    def judge(self, tag: UnitTag) -> UnitTag:
        """Return the same with `suggestion` and `reasons` filled in."""
        suggestion, reasons = self._judged(tag)
        if tag.waveform_r is not None and tag.waveform_r < self.waveform_r:
            reasons.append(f"evoked spikes look different (waveform r {tag.waveform_r:.2f})")
        if tag.sham is not None and tag.sham.p < self.p:
            reasons.append("sham pulses are 'answered' too: something else than light is in step with them")
            suggestion = None
        return msgspec.structs.replace(tag, suggestion=suggestion, reasons=tuple(reasons))

    def _judged(self, tag: UnitTag) -> tuple[bool | None, list[str]]:
        salt = tag.salt
        if salt is None or tag.eligible < self.pulses:
            return None, [f"{tag.eligible} of the {self.pulses} tested pulses that it takes"]
        if salt.resolution > self.p:
            return None, [f"too few baselines: P comes in steps of {salt.resolution:.2g}, above {self.p:g}"]
        if salt.p >= self.p:
            return False, [f"no more in step with light than chance ({salt.p_text})"]
        if tag.reliability is None or tag.by_chance is None or tag.reliability <= tag.by_chance:
            return False, [f"light silences it ({salt.p_text})"]
        if tag.latency_mean_ms is None or tag.latency_mean_ms >= self.latency_ms:
            late = "none" if tag.latency_mean_ms is None else f"{tag.latency_mean_ms:.1f} ms"
            return False, [f"driven ({salt.p_text}), but late: mean latency {late}"]
        return True, [f"{salt.p_text}, mean latency {tag.latency_mean_ms:.1f} ms"]
