"""The checked description of a rig: named lines, streams, limits, calibration. It opens nothing.

A rig file (TOML) is decoded into these frozen classes by `rig.runtime.config`; an unknown key is an
error that names the nearest known one. Every limit carries its unit in its name.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from rig.errors import ConfigError

Line = Annotated[int, msgspec.Meta(ge=0, le=15)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
NonNegative = Annotated[float, msgspec.Meta(ge=0)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base: a part of a rig file; unknown keys are refused."""


class InputLine(_Part, frozen=True, kw_only=True):
    """One input of the board.

    Parameters
    ----------
    line
        Line number on the board, 0-7.
    log_only
        Recorded, but never a state-change condition (camera frames, for example).
    """

    line: Annotated[int, msgspec.Meta(ge=0, le=7)]
    log_only: bool = False


class OutputLine(_Part, frozen=True, kw_only=True):
    """One output of the board.

    Parameters
    ----------
    kind
        ``valve`` is a water valve: opened by timed pulses only, and needs a calibration. ``line`` is
        anything that may be held for the length of a state (odour valve, LED). ``laser`` is the gate of a
        light on the animal's neurons: timed pulses only, and only in trials that declare light.
    max_open_ms
        Longest pulse the board will give on it; 0 forbids pulses.
    max_pulses_per_trial
        For a laser: most pulses in one trial.
    max_on_ms_per_minute
        For a laser: longest light within any minute, in milliseconds. With P mW at the tip, that is an energy
        of P times as many microjoules.
    calibration
        For a valve: pairs of (open time in ms, volume in uL), both ascending.
    """

    line: Line
    kind: Literal["valve", "line", "laser"] = "line"
    max_open_ms: NonNegative = 0.0
    max_pulses_per_trial: Annotated[int, msgspec.Meta(ge=1, le=255)] = 1
    max_on_ms_per_minute: NonNegative = 0.0
    calibration: tuple[tuple[Positive, Positive], ...] = ()
    calibrated_on: str = ""


class BoardConfig(_Part, frozen=True, kw_only=True):
    """Where the board is, what is wired to it."""

    port: str
    driver: str = "board"
    baud: Annotated[int, msgspec.Meta(ge=1200, le=4_000_000)] = 1_000_000
    inputs: dict[str, InputLine] = {}
    outputs: dict[str, OutputLine] = {}
    host_timeout_ms: Annotated[int, msgspec.Meta(ge=20, le=5000)] = 250
    sync_seed: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)] = 1


class StreamConfig(_Part, frozen=True, kw_only=True):
    """One neural stream.

    Parameters
    ----------
    data, control
        ZeroMQ endpoints, for example ``tcp://127.0.0.1:5556`` and ``tcp://127.0.0.1:5557``.
    sync_line
        The stream's TTL line (0-based) that carries the board's sync pulses.
    keep
        ``all`` records every byte; ``headers`` replaces bodies that nothing reads by length and CRC.
    roster
        Unit names (``electrode:sorted_id``). Empty: discovered in a warm-up, then by arrival.
    warmup_s
        Length of that warm-up in rig time.
    """

    name: str
    data: str
    control: str = ""
    driver: str = "open_ephys"
    sync_line: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0
    keep: Literal["all", "headers"] = "all"
    roster: tuple[str, ...] = ()
    warmup_s: NonNegative = 60.0
    silence_s: Positive = 5.0


class Limits(_Part, frozen=True, kw_only=True):
    """Ceilings that no protocol can pass."""

    max_drop_ul: Positive = 25.0
    max_per_minute_ul: Positive = 400.0
    max_session_ul: Positive = 2500.0


class Neural(_Part, frozen=True, kw_only=True):
    """How responses are put on the utility axis; constants of the session (science: never re-estimated).

    Parameters
    ----------
    unsignalled_shift_hz
        Added to responses to unsignalled rewards: 0 for simulated units, -1.497 Hz on the published data.
    utility_ul, utility_hz
        The utility axis; empty means the published one.
    decision_deadline_s
        Wall time to wait for late neural data after a trial's end.
    """

    unsignalled_shift_hz: float = 0.0
    utility_ul: tuple[float, ...] = ()
    utility_hz: tuple[float, ...] = ()
    decision_deadline_s: Positive = 2.0


class Telemetry(_Part, frozen=True, kw_only=True):
    """Endpoints for clients; loopback by default. Port 0 takes a free port and prints it.

    Parameters
    ----------
    keys
        Folder of `dopaloop keys`: only clients with a key may connect, also from other computers. Empty:
        everybody on this computer, and nobody else.
    """

    publish: str = "tcp://127.0.0.1:0"
    commands: str = "tcp://127.0.0.1:0"
    keys: str = ""


class CueTraining(_Part, frozen=True, kw_only=True):
    """What a simulated animal has learned that one cue is followed by.

    Parameters
    ----------
    sizes_ul
        Outcomes in uL, each once; 0 for nothing.
    probabilities
        How often the cue was followed by each of them, in any unit.
    delay_s
        The cue's onset to the outcome. 0: at once, or not always the same; then the animal feels the lack of
        a reward only when the trial ends.
    """

    sizes_ul: tuple[NonNegative, ...]
    probabilities: tuple[NonNegative, ...]
    delay_s: NonNegative = 0.0


class Rewards(_Part, frozen=True, kw_only=True):
    """A distribution of rewards: sizes in uL, ascending, and how often each of them comes, in any unit."""

    sizes_ul: tuple[Positive, ...]
    probabilities: tuple[NonNegative, ...]


class Emulation(_Part, frozen=True, kw_only=True):
    """What `dopaloop emulate` plays on this rig; real hardware has no such part."""

    units: Annotated[int, msgspec.Meta(ge=0, le=4096)] = 40
    seed: Annotated[int, msgspec.Meta(ge=0)] = 1
    model: Literal["distributional", "classical"] = "distributional"
    world: str = "poisson"
    """Name of the noise world; `rig.sim` lists them."""
    start: Literal["trained", "naive"] = "trained"
    """Trained: values stand at their fixed points. Naive: at nothing, and no truth is known."""
    learning_rate: NonNegative = 0.02
    sizes_ul: tuple[Positive, ...] = ()
    """Reward sizes the animal was trained on, ascending; empty means the published task's."""
    probabilities: tuple[NonNegative, ...] = ()
    """How often it was given each of them, in any unit; empty means the published task's."""
    cues: dict[str, CueTraining] = {}
    """What each cue, by the name of its output, is followed by. Then every cue has a value of its own, and
    `sizes_ul` is about rewards without a cue only: none, if empty. Without this table, `odour_a` promises
    what `sizes_ul` says, and any other odour nothing."""
    reversal_cue: str = ""
    """With `cues`: the one whose reversal points are the truth that the animal reveals; empty: none."""
    later: tuple[Rewards, ...] = ()
    """Without `cues`: what is declared for each later epoch of the session. The animal does not know of it
    and learns it as it comes; these are for the truth that it reveals."""
    tagged_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.75
    """How likely a simulated unit is to answer a laser's pulse."""
    recorded_trials: dict[str, tuple[int, ...]] = {}
    """Of recorded units: how many trials of each type (1-14, as in the published files) a unit has. Written
    by the emulator; past a unit's last trial of a type the unit is missing."""
    board_start_us: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Where the board's counter stands at first; near 2**32 its wrap comes early."""
    clock_offset_samples: int = 1_234_567
    clock_ppm: float = 35.0


class RigDescription(_Part, frozen=True, kw_only=True):
    """A whole rig."""

    name: str
    board: BoardConfig
    streams: tuple[StreamConfig, ...] = ()
    limits: Limits = Limits()
    neural: Neural = Neural()
    telemetry: Telemetry = Telemetry()
    emulation: Emulation | None = None

    def output(self, name: str) -> OutputLine:
        """Return the output called `name`.

        Raises
        ------
        ConfigError
            If the rig has none of that name.
        """
        try:
            return self.board.outputs[name]
        except KeyError:
            raise ConfigError(
                f"the rig has no output '{name}'; it has {', '.join(sorted(self.board.outputs)) or 'none'}"
            ) from None
