"""Where a source's sample grid lies between the rig's pulses: the fit behind `rig.photometry.miscount`.

A pulse is stamped with the first sample that sees it. So with the true rate r a pulse at time t comes at
sample n with ``n - r t`` somewhere in [phi, phi + 1), and phi is the same for all pulses between two losses.
Each pulse narrows phi down by what it leaves possible; the error falls as 1 / pulses, where that of a mean
would fall as their root.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rig.units import US_PER_S

WINDOW: Final = 48
"""Pulses that narrow phi down: about a minute, in which no crystal wanders far."""
RATE_WINDOW: Final = 480
"""Pulses that the rate is fitted to: 10 minutes."""
RATE_FROM: Final = 16
"""Pulses before which the stated rate is taken."""
RATE_SDS: Final = 3.5
"""So many standard errors the fitted rate may be off."""
STATED_PPM: Final = 150.0
"""How far from the truth a stated rate may be."""
SLACK: Final = 0.05
"""In samples, for what the crystals do beyond a straight line."""
JITTER_US: Final = 30.0
RECENT: Final = 12
"""Pulses before a miscount that may lie behind it already, being possible with and without it."""


class Phase:
    """Fit of one source's pulses.

    Parameters
    ----------
    rate_hz
        As the source states it.
    step
        The source loses samples in multiples of this (its buffer).
    """

    def __init__(self, rate_hz: float, step: int = 1) -> None:
        self._stated_hz = rate_hz
        self._step = step
        self._pulses: deque[tuple[int, int]] = deque(maxlen=RATE_WINDOW)  # sample, board us
        self._rate_hz = rate_hz
        self._rate_error = STATED_PPM * 1e-6 * rate_hz

    @property
    def empty(self) -> bool:
        """Whether no pulse is in yet."""
        return not self._pulses

    def clear(self) -> None:
        """Forget all pulses."""
        self._pulses.clear()
        self._rate_hz, self._rate_error = self._stated_hz, STATED_PPM * 1e-6 * self._stated_hz

    def expected_us(self, sample: int) -> float:
        """Board time of a sample, by the newest pulse."""
        newest, t_us = self._pulses[-1]
        return t_us + (sample - newest) * US_PER_S / self._rate_hz

    def off_by(self, sample: int, t_us: int) -> tuple[int, int]:
        """Judge a new pulse.

        Returns
        -------
        missing : int
            Samples that are missing before it (or too many, if negative); 0 if none need be.
        behind : int
            So many of the newest pulses lie behind the loss too; they have been set right.
        """
        if not self._pulses:
            return 0, 0
        window = list(self._pulses)[-WINDOW:]
        seconds = np.array([(t - t_us) / US_PER_S for _, t in window])
        x = np.array([float(n - sample) for n, _ in window]) - self._rate_hz * seconds
        slack = SLACK + JITTER_US * 1e-6 * self._rate_hz - RATE_SDS * self._rate_error * seconds
        if (np.abs(x) <= 1.0 + slack).all():
            return 0, 0
        near = self._step * (round(float(np.median(x)) / self._step) + np.arange(-2, 3))
        missing, behind = self._explained(sample, t_us, near[near != 0])
        for place in range(len(self._pulses) - behind, len(self._pulses)):
            n, t = self._pulses[place]
            self._pulses[place] = n + missing, t
        return missing, behind

    def _explained(self, sample: int, t_us: int, numbers: NDArray[np.int64]) -> tuple[int, int]:
        """Find the loss that explains all pulses best: how many samples, before how many of the newest.

        The line is fitted anew for each, because a loss that was not seen for a while has bent the old one.
        None at all is the explanation if it is one.
        """
        pulses = [*self._pulses, (sample, t_us)]
        y = np.array([n - sample for n, _ in pulses], dtype=np.float64)
        s = np.array([t - t_us for _, t in pulses], dtype=np.float64) / US_PER_S
        losses = [(0, 0)]
        losses += [(int(k), b) for b in range(min(RECENT, len(pulses) - 2) + 1) for k in numbers]
        moved = y + np.array([np.where(np.arange(len(y)) >= len(y) - 1 - b, k, 0) for k, b in losses])
        if len(pulses) < RATE_FROM:
            off = moved - self._rate_hz * s
        else:
            away = s - s.mean()
            off = moved - (moved @ away / (away @ away))[:, None] * s
        spread = np.ptp(off[:, -WINDOW:], axis=1)
        # Of those that explain all, the smallest loss; else the one that comes nearest to it.
        whole = spread <= 1.0 + SLACK
        if whole.any():
            sizes = np.where(whole, np.abs([k for k, _ in losses]), np.inf)
            spread = np.where(sizes == sizes.min(), spread, np.inf)
        return losses[int(spread.argmin())]

    def add(self, sample: int, t_us: int) -> None:
        """Take a pulse, its sample number set right."""
        self._pulses.append((sample, t_us))
        count = len(self._pulses)
        if count < RATE_FROM:
            return
        samples = np.array([n - sample for n, _ in self._pulses], dtype=np.float64)
        seconds = np.array([t - t_us for _, t in self._pulses], dtype=np.float64) / US_PER_S
        seconds -= seconds.mean()
        spread = float(seconds @ seconds)
        self._rate_hz = float(seconds @ samples) / spread
        self._rate_error = (1.0 / 12.0 / spread) ** 0.5  # a stamp is off by up to half a sample, evenly
