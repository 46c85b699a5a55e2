"""The checked description of a rig: named lines, streams, limits, calibration. It opens nothing.

A rig file (TOML) is decoded into these frozen classes by `rig.runtime.config`; an unknown key is an
error that names the nearest known one. Every limit carries its unit in its name.

Longer than most: it is one file format, read from top to bottom.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from rig.errors import ConfigError
from rig.photometry.settings import PhotometryConfig

Line = Annotated[int, msgspec.Meta(ge=0, le=15)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
NonNegative = Annotated[float, msgspec.Meta(ge=0)]
HarpValue: TypeAlias = bool | int | float | str | tuple[int | float | str, ...] | dict[str, int | float | str]
"""What a register of a Harp device holds, in words and numbers."""


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
    channel
        What the line is called on a board whose connectors have names (Bpod: ``Port1``, ``BNC1``).
    """

    line: Annotated[int, msgspec.Meta(ge=0, le=7)]
    log_only: bool = False
    channel: str = ""


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
    channel
        What the line is called on a board whose connectors have names (Bpod: ``Valve1``, ``PWM1``, ``BNC1``).
    """

    line: Line
    kind: Literal["valve", "line", "laser"] = "line"
    max_open_ms: NonNegative = 0.0
    max_pulses_per_trial: Annotated[int, msgspec.Meta(ge=1, le=255)] = 1
    max_on_ms_per_minute: NonNegative = 0.0
    calibration: tuple[tuple[Positive, Positive], ...] = ()
    calibrated_on: str = ""
    channel: str = ""


class BoardConfig(_Part, frozen=True, kw_only=True):
    """Where the board is, what is wired to it.

    Parameters
    ----------
    needs
        What the board must not lack, as in ``["watchdog"]``; a session on one that does is refused. What each
        board lacks: the table of boards.
    """

    port: str
    driver: str = "board"
    baud: Annotated[int, msgspec.Meta(ge=1200, le=4_000_000)] = 1_000_000
    inputs: dict[str, InputLine] = {}
    outputs: dict[str, OutputLine] = {}
    host_timeout_ms: Annotated[int, msgspec.Meta(ge=20, le=5000)] = 250
    sync_seed: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)] = 1
    needs: tuple[str, ...] = ()
    sync_channel: str = ""
    """Output that carries the sync pulses, on a board whose connectors have names (Bpod: ``BNC2``)."""


class StreamConfig(_Part, frozen=True, kw_only=True):
    """One neural stream.

    Parameters
    ----------
    data, control
        ZeroMQ endpoints, for example ``tcp://127.0.0.1:5556`` and ``tcp://127.0.0.1:5557``.
    sync_line
        The stream's TTL line (0-based) that carries the board's sync pulses, or the barcodes.
    sync
        What the stream's clock is kept true by: ``line``, the board's own sync line; ``barcode``, a barcode
        generator that is wired to the stream and to a board input; ``host``, nothing but the moments at which
        this computer heard of both, to some milliseconds.
    sync_input
        With ``barcode``: the board input that the generator is wired to.
    keep
        ``all`` records every byte; ``headers`` replaces bodies that nothing reads by length and CRC.
    roster
        Unit names (``electrode:sorted_id``). Empty: discovered in a warm-up, then by arrival.
    warmup_s
        Length of that warm-up in rig time.
    tagged
        Units that are known to be tagged, by the names they have on this stream.
    http
        The Open Ephys GUI's HTTP address, ``HOST`` or ``HOST:PORT`` (37497): a session starts its acquisition
        and stops it again. Empty: it is left alone.
    record
        Whether a session also starts and stops its recording.
    network
        Endpoint of its Network Events plugin: a text there at the start of every trial. Empty: none.
    network_line
        Also a TTL on this line (0-based) for the length of the trial; -1: none.
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
    sync: Literal["line", "barcode", "host"] = "line"
    sync_input: str = ""
    tagged: tuple[str, ...] = ()
    http: str = ""
    record: bool = False
    network: str = ""
    network_line: Annotated[int, msgspec.Meta(ge=-1, le=255)] = -1


class HarpConfig(_Part, frozen=True, kw_only=True):
    """A Harp device beside the board: set up, told what a trial needs before it begins, and listened to.

    It never gives water, and nothing is written to it while a trial runs.

    Parameters
    ----------
    device
        ``behavior``, ``olfactometer``, or the path of the device's own ``device.yml``.
    sync_input
        Where the board's sync line is wired to: a register that the device sends by itself, and its bit, as
        in ``DigitalInputState.DI3``. Empty: its times are known by this computer's stamps only.
    events
        Registers that the device sends by itself, to be told and kept as `harp_events` documents.
    setup
        Registers and what is written to them, in this order, when the device is there.
    cues
        The same for each trial with the cue of that name, before the trial begins.
    end
        The same at the end of the session.
    """

    name: str
    port: str
    device: str
    driver: str = "harp"
    baud: Annotated[int, msgspec.Meta(ge=1200, le=4_000_000)] = 1_000_000
    sync_input: str = ""
    events: tuple[str, ...] = ()
    setup: dict[str, HarpValue] = {}
    cues: dict[str, dict[str, HarpValue]] = {}
    end: dict[str, HarpValue] = {}


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
    lsl
        Name under which the session's documents are also offered on the Lab Streaming Layer, as markers: the
        stream is called NAME events. Empty: they are not.
    """

    publish: str = "tcp://127.0.0.1:0"
    commands: str = "tcp://127.0.0.1:0"
    keys: str = ""
    lsl: str = ""


class SubjectCheck(_Part, frozen=True, kw_only=True):
    """What must fit the animal before its session begins; a name can be mistyped.

    Parameters
    ----------
    animals
        TOML file with a table for each animal, in which its `tag` or its `weight_g` stand.
    tag
        Ask for the number of its tag, and refuse another animal's.
    weight
        Ask for its weight, and refuse one that is too far from that in the file.
    weight_within
        How far is too far, as a share of the weight in the file.
    """

    animals: str
    tag: bool = False
    weight: bool = False
    weight_within: Annotated[float, msgspec.Meta(ge=0.01, le=1)] = 0.2


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


class EmulatedSource(_Part, frozen=True, kw_only=True):
    """What an emulated photometry source measures; everything here is known and shown to nobody else."""

    sensor: Literal["gcamp", "dlight"] = "gcamp"
    """Whose kinetics answer the simulated units' spikes."""
    control: Literal["isosbestic", "static"] = "isosbestic"
    """What the control channel shows, for fibres that have one."""
    per_spike: NonNegative = 0.01
    """Peak dF/F of one spike of every unit."""
    bleached: tuple[NonNegative, NonNegative] = (0.03, 0.3)
    """Shares of the light that fade: fast (200 s) and slowly (4000 s)."""
    movements_per_min: NonNegative = 6.0
    """How often the animal's movement shows in both channels."""
    movement: NonNegative = 0.01
    """SD of a movement's size, as a fraction of the light."""
    noise_v: NonNegative = 0.006
    """SD of the noise of a sample, in volts."""
    ppm: float = -20.0
    """How much faster than nominal its crystal is."""
    lost_share: Annotated[float, msgspec.Meta(ge=0, le=0.9)] = 0.0
    """Of chunks (or messages) that are numbered and never arrive."""
    lost_burst: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    """So many of them in a row."""
    stall_every_s: NonNegative = 0.0
    """Each so many seconds a board's program is late, and samples are lost without a number; 0: never."""
    stall_ms: NonNegative = 20.0
    """So long it is late then."""
    recording: str = ""
    """A recorded session (.ppd or .npz) to play instead of simulated fibres."""
    events: str = ""
    """Events of that recording that a board input sees, by their name in it."""
    events_input: str = ""
    """The board input that sees them, each as a pulse of 20 ms."""


class SimulatedSensor(_Part, frozen=True, kw_only=True):
    """What a simulated sensor sees of an output, and what it gets wrong.

    Parameters
    ----------
    output
        The output whose pulses it should see.
    threshold_ms, slope
        It sees a pulse of d ms with probability ``1 - exp(-(d / threshold_ms) ** slope)``.
    lapses
        How often it misses a pulse, however long it is.
    false_alarms_per_s
        How often it sees something where there is nothing.
    latency_ms
        From what it has seen to the edge on its input.
    """

    output: str
    threshold_ms: Positive
    slope: Positive = 4.0
    lapses: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    false_alarms_per_s: NonNegative = 0.0
    latency_ms: NonNegative = 0.2


class EmulatedHarp(_Part, frozen=True, kw_only=True):
    """An emulated Harp device beside the board. Its sync input needs no wire here: it has one."""

    wires: dict[str, str] = {}
    """Inputs of the device that the board's outputs are wired to, by the output's name, as in
    ``odour_a = "DI0State"``. Several outputs on one input are joined by diodes."""
    ppm: float = 25.0
    """How much faster than nominal its crystal is."""


class Emulation(_Part, frozen=True, kw_only=True):
    """What `dopaloop emulate` plays on this rig; real hardware has no such part."""

    units: Annotated[int, msgspec.Meta(ge=0, le=4096)] = 40
    seed: Annotated[int, msgspec.Meta(ge=0)] = 1
    model: Literal["distributional", "classical", "quantile"] = "distributional"
    delay_line: bool = False
    """With `cues`: a value for each half second from a cue to its outcome, so that errors move back from the
    outcome to the cue (temporal-difference learning). Else one for each cue."""
    samples: Annotated[int, msgspec.Meta(ge=0)] = 0
    """With `delay_line`: how many units' values stand for the next half second in an update; 0: all."""
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
    sensors: dict[str, SimulatedSensor] = {}
    """What a sensor on an input, by the input's name, sees of the pulses of an output."""
    harp: dict[str, EmulatedHarp] = {}
    """The Harp devices, by name, where they are not as they come."""
    recorded_trials: dict[str, tuple[int, ...]] = {}
    """Of recorded units: how many trials of each type (1-14, as in the published files) a unit has. Written
    by the emulator; past a unit's last trial of a type the unit is missing."""
    board_start_us: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Where the board's counter stands at first; near 2**32 its wrap comes early."""
    clock_offset_samples: int = 1_234_567
    clock_ppm: float = 35.0
    photometry: dict[str, EmulatedSource] = {}
    """What the photometry sources measure, by their names; a source that is not named here has defaults."""


class RigDescription(_Part, frozen=True, kw_only=True):
    """A whole rig."""

    name: str
    board: BoardConfig
    streams: tuple[StreamConfig, ...] = ()
    harp: tuple[HarpConfig, ...] = ()
    photometry: tuple[PhotometryConfig, ...] = ()
    limits: Limits = Limits()
    neural: Neural = Neural()
    telemetry: Telemetry = Telemetry()
    subject_check: SubjectCheck | None = None
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
