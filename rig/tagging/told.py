"""What is told of a unit and light: plain values, fit for JSON, that cost nothing to import."""

from __future__ import annotations

import msgspec


class Salt(msgspec.Struct, frozen=True, kw_only=True):
    """What the test says.

    Parameters
    ----------
    p
        Part of the baseline-baseline distances that are at least as large as the light's.
    resolution
        The step of P. A `p` of 0 means: below this.
    effect
        The statistic I: the light's median distance minus the median distance of baselines.
    pulses
        How many the histograms hold.
    """

    p: float
    resolution: float
    effect: float
    pulses: int

    @property
    def p_text(self) -> str:
        """P in words that claim no more than it can resolve.

        Examples
        --------
        >>> Salt(p=0.0, resolution=2 / (46 * 45), effect=0.7, pulses=100).p_text
        'P < 0.00097'
        """
        return f"P < {self.resolution:.2g}" if self.p < self.resolution else f"P = {self.p:.2g}"


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """How often a unit fired within the window after the pulses of one train rate.

    Parameters
    ----------
    share
        Of the pulses; a driven unit keeps it up at high rates.
    """

    rate_hz: float
    pulses: int
    share: float


class UnitTag(msgspec.Struct, frozen=True, kw_only=True):
    """What light does to one unit, so far.

    Parameters
    ----------
    pulses, eligible
        Light pulses seen, and how many of them had a clean past and were tested.
    salt, sham
        The test on light, and on sham pulses; None before the first.
    latency_mean_ms, latency_median_ms, jitter_ms
        Of the first spike after the tested pulses, where there was one within the window; jitter is the
        standard deviation. None with too few spikes.
    reliability
        Share of the tested pulses with a spike within the window; None before the first.
    by_chance
        The same share in the baseline windows.
    following
        By train rate, ascending, all pulses.
    waveform_r
        Correlation of evoked and spontaneous mean waveforms; None where there are no waveforms.
    suggestion
        True: it looks tagged. False: it does not. None: too little to say.
    reasons
        Why, in short sentences; also what speaks against a suggestion.
    """

    unit: str
    pulses: int
    eligible: int
    salt: Salt | None = None
    sham: Salt | None = None
    latency_mean_ms: float | None = None
    latency_median_ms: float | None = None
    jitter_ms: float | None = None
    reliability: float | None = None
    by_chance: float | None = None
    following: tuple[Following, ...] = ()
    waveform_r: float | None = None
    suggestion: bool | None = None
    reasons: tuple[str, ...] = ()


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """A person's word on one unit; the newest one counts.

    Parameters
    ----------
    tagged
        Whether it is tagged. False is a word too: it looked tagged and is not.
    by
        Who said so.
    board_us
        When, board time of the session in which it was said; None if it was said after it.
    at
        Then the computer's date and time; else empty.
    source
        Where it was said: a session file's name, ``rig file``; empty: in this session.
    evidence
        What was known of it then; None if no light had been given.
    """

    unit: str
    tagged: bool
    by: str
    board_us: int | None = None
    at: str = ""
    note: str = ""
    source: str = ""
    evidence: UnitTag | None = None
