"""What a rig says about its photometry: the source, its fibres, and how dF/F is made. Shown and stored."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from rig.errors import ConfigError
from rig.trial.spec import ResponseWindow

Positive = Annotated[float, msgspec.Meta(gt=0)]
NonNegative = Annotated[float, msgspec.Meta(ge=0)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base: a part of a rig file; unknown keys are refused."""


class DffSettings(_Part, frozen=True, kw_only=True):
    """How dF/F is made from a signal and its control, sample by sample.

    The defaults were the best of four on a real dLight session of 90 minutes: its event responses agree with
    those of the usual offline chain at a correlation of 0.998.

    Parameters
    ----------
    low_pass_hz
        Corner of the causal 2nd-order Butterworth filter. It delays (22 ms at 10 Hz).
    baseline_s
        Time constant of F0, an exponential average. A short one eats slow signals.
    regression_s
        Time constant of the regression of the signal on the control.
    settle_s
        So long at the beginning there is no dF/F: F0 and the slope are not known yet.
    slope_limits
        The control's slope is held within these. A control that never goes with the signal deserves a slope
        of 0; and a negative one would be no movement. (0, 0): the control is not used.
    """

    low_pass_hz: Positive = 10.0
    baseline_s: Positive = 120.0
    regression_s: Positive = 300.0
    settle_s: NonNegative = 120.0
    slope_limits: tuple[float, float] = (0.0, 100.0)

    def __post_init__(self) -> None:
        low, high = self.slope_limits
        if not low <= high:
            raise ConfigError(f"slope_limits must ascend, but are {low:g} and {high:g}")


class FibreConfig(_Part, frozen=True, kw_only=True):
    """One fibre: one channel, which reports a population.

    Parameters
    ----------
    signal
        Channel of the source that carries it, by name: ``analog_1`` on a pyPhotometry board.
    control
        Channel of its control; none if empty.
    control_kind
        ``isosbestic`` (the same sensor at 405-415 nm) or ``static`` (a red protein that senses nothing). For
        people to read; both are used alike.
    lag_ms
        How much later than the event the sensor answers; the response window is moved by it. The filter's
        own delay is always made up for and is not part of this.
    """

    signal: str
    control: str = ""
    control_kind: Literal["", "isosbestic", "static"] = ""
    lag_ms: int = 0
    dff: DffSettings = DffSettings()


class FibreWindow(ResponseWindow, frozen=True, kw_only=True):
    """Where a fibre's response is measured: longer than a unit's, because sensors are slow.

    Parameters
    ----------
    start_ms, stop_ms
        The response: mean dF/F between these, in milliseconds after the event (and the sensor's lag).
    baseline_start_ms, baseline_stop_ms
        What it is compared with: the same between these, after the trial's first stimulus.
    """

    start_ms: int = 0
    stop_ms: int = 1000
    baseline_start_ms: int = -1000
    baseline_stop_ms: int = 0


class ThresholdConfig(_Part, frozen=True, kw_only=True):
    """A loop on a fibre: dF/F rises above a value while a trial runs, and the table gets a soft event.

    What the table makes of it is the protocol's affair (`rig.soft`); a table that does not ask for it is not
    changed by it. No valve hangs on it.

    Parameters
    ----------
    fibre
        Name of one of this source's fibres.
    above_dff
        dF/F, a fraction: 0.01 is 1 %. It counts when it is passed from below.
    soft_event
        Which soft event is sent, 1 to 8.
    refractory_s
        So long after one soft event no other is sent for this threshold.
    """

    fibre: str
    above_dff: float
    soft_event: Annotated[int, msgspec.Meta(ge=1, le=8)]
    refractory_s: NonNegative = 1.0


class PhotometryConfig(_Part, frozen=True, kw_only=True):
    """One source of samples and the fibres on it.

    Parameters
    ----------
    driver
        ``pyphotometry`` for a board on `port`; ``samples`` for a program that publishes at `data`; ``lsl``
        for one that offers a stream of the Lab Streaming Layer.
    port
        Serial port of a board; for the emulator, ``pty``.
    baud
        Bits per second; a pyboard's USB port ignores it.
    data
        ZeroMQ endpoint of a program, or ``lsl:name=NAME``, ``lsl:type=TYPE``, ``lsl:source_id=ID`` for a
        stream of the Lab Streaming Layer.
    mode
        Acquisition mode of a pyPhotometry board: ``2EX_2EM_continuous``, ``2EX_1EM_pulsed``,
        ``2EX_2EM_pulsed`` or ``3EX_2EM_pulsed``.
    rate_hz
        Samples of each channel per second; a program's messages say it anew.
    led_ma
        Currents of a pyPhotometry board's first two lights, mA.
    hardware
        Version of a pyPhotometry board: ``1.0`` or ``2.0``.
    sync_line
        Digital line (0-based) that carries the board's sync pulses; a pyPhotometry board's digital 1 is
        line 0.
    sync
        What the source's clock is kept true by: ``line``, the board's sync line; ``host``, nothing but the
        moments at which this computer heard of both, to some milliseconds, and every time says so.
    silence_s
        Wall time without a sample after which people are told.
    window
        Where responses are measured: mean dF/F from `start_ms` to `stop_ms` after the reward, minus that from
        `baseline_start_ms` to `baseline_stop_ms` after the trial's first stimulus.
    thresholds
        What is to happen at once when a fibre's dF/F rises above a value.
    """

    name: str
    driver: str = "pyphotometry"
    port: str = ""
    baud: Annotated[int, msgspec.Meta(ge=1200, le=4_000_000)] = 115_200
    data: str = ""
    mode: str = "2EX_2EM_pulsed"
    rate_hz: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 130
    led_ma: tuple[int, int] = (30, 30)
    hardware: str = "2.0"
    sync_line: Annotated[int, msgspec.Meta(ge=0, le=7)] = 0
    sync: Literal["line", "host"] = "line"
    silence_s: Positive = 5.0
    fibres: dict[str, FibreConfig] = {}
    window: FibreWindow = FibreWindow()
    thresholds: tuple[ThresholdConfig, ...] = ()
