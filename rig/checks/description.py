"""What must hold between the parts of a rig description; each part alone is checked when it is read."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from rig.checks.beside import beside_problems
from rig.checks.board import needs_problems
from rig.description import InputLine, OutputLine, RigDescription, StreamConfig
from rig.photometry.checks import photometry_problems

KeyPath = tuple[str | int, ...]
"""Where in the rig file: ``("board", "outputs", "water", "max_open_ms")``; a number counts ``[[tables]]``."""
Problem = tuple[KeyPath, str]

BOARD_SOURCE: Final = "board"
"""The name that the board's port has in the session file; no stream may have it."""

OPEN_TO_NETWORK: Final = (
    "is open to the network; without keys only this computer may connect: use 'tcp://127.0.0.1:PORT' "
    "(PORT 0 takes a free one), or make keys with `dopaloop keys new` and name their folder in keys"
)

_LOOPBACK: Final = re.compile(r"tcp://(127\.\d+\.\d+\.\d+|localhost|\[::1\]):(\d+|\*)|(inproc|ipc)://.+")
_HTTP: Final = re.compile(r"[^/:\s]+(:\d{1,5})?")
_ENDPOINT: Final = re.compile(r"tcp://[^/:\s*]+:\d+|tcp://\[[0-9a-fA-F:]+\]:\d+|(inproc|ipc)://.+")


def check_rig(rig: RigDescription) -> list[Problem]:
    """Return everything that is wrong with `rig` as a whole; empty if it can be used.

    Examples
    --------
    >>> from rig.description import BoardConfig, OutputLine
    >>> lines = {"led": OutputLine(line=2), "odour_a": OutputLine(line=2)}
    >>> check_rig(RigDescription(name="box 1", board=BoardConfig(port="COM3", outputs=lines)))
    [(('board', 'outputs', 'odour_a', 'line'), "output 'odour_a' is on line 2, where 'led' is already")]
    """
    checks: tuple[Callable[[RigDescription], Iterator[Problem]], ...] = (
        _lines, _valves, _lasers, _limits, _streams, _endpoints, _subject, _utility, photometry_problems,
        beside_problems, needs_problems,
    )  # fmt: skip
    return [problem for check in checks for problem in check(rig)]


def is_loopback(endpoint: str) -> bool:
    """Whether only this computer can connect to a ZeroMQ endpoint.

    Examples
    --------
    >>> is_loopback("tcp://127.0.0.1:0"), is_loopback("tcp://*:5560")
    (True, False)
    """
    return _LOOPBACK.fullmatch(endpoint) is not None


def _lines(rig: RigDescription) -> Iterator[Problem]:
    yield from _lines_of("outputs", rig.board.outputs)
    yield from _lines_of("inputs", rig.board.inputs)


def _lines_of(table: str, lines: Mapping[str, InputLine] | Mapping[str, OutputLine]) -> Iterator[Problem]:
    taken: dict[int, str] = {}
    for name, line in lines.items():
        if line.line in taken:
            text = f"{table[:-1]} '{name}' is on line {line.line}, where '{taken[line.line]}' is already"
            yield ("board", table, name, "line"), text
        taken.setdefault(line.line, name)


def _valves(rig: RigDescription) -> Iterator[Problem]:
    for name, output in rig.board.outputs.items():
        here: KeyPath = ("board", "outputs", name)
        if output.kind == "valve":
            yield from _valve(here, name, output)
        elif output.calibration:
            text = f"output '{name}' has a calibration but is no valve; write kind = \"valve\""
            yield (*here, "calibration"), text


def _lasers(rig: RigDescription) -> Iterator[Problem]:
    for name, out in rig.board.outputs.items():
        here: KeyPath = ("board", "outputs", name)
        if out.kind == "laser":
            yield from _laser(here, name, out)
        elif out.max_on_ms_per_minute:
            text = f"output '{name}' has a cap on its light but is no laser; write kind = \"laser\""
            yield (*here, "max_on_ms_per_minute"), text


def _laser(here: KeyPath, name: str, laser: OutputLine) -> Iterator[Problem]:
    if laser.max_open_ms == 0:
        text = (
            f"laser '{name}' could never be switched on: its max_open_ms is 0; set it to the longest pulse "
            "that you allow"
        )
        yield (*here, "max_open_ms"), text
    elif laser.max_on_ms_per_minute < laser.max_open_ms:
        text = (
            f"laser '{name}' may be on for {laser.max_on_ms_per_minute:g} ms a minute, and a pulse may last "
            f"{laser.max_open_ms:g} ms; set max_on_ms_per_minute to the longest light that you allow"
        )
        yield (*here, "max_on_ms_per_minute"), text


def _valve(here: KeyPath, name: str, valve: OutputLine) -> Iterator[Problem]:
    table = valve.calibration
    if not table:
        yield here, f"valve '{name}' has no calibration; add calibration = [[OPEN_MS, VOLUME_UL], ...]"
        return
    if len(table) < 2:
        yield (*here, "calibration"), f"valve '{name}' is calibrated at one point only; it needs two or more"
        return
    for k, column in enumerate(("open times", "volumes")):
        if not _ascending([row[k] for row in table]):
            yield (*here, "calibration"), f"the {column} in the calibration of valve '{name}' do not ascend"
            return
    end_ms = table[-1][0]
    if valve.max_open_ms == 0:
        text = (
            f"valve '{name}' could never open: its max_open_ms is 0; set it to the longest opening that you "
            f"allow, at most {end_ms:g}, the end of its calibration"
        )
        yield (*here, "max_open_ms"), text
    elif valve.max_open_ms > end_ms:
        text = (
            f"limit without calibration: valve '{name}' may open for {valve.max_open_ms:g} ms, but it is "
            f"calibrated up to {end_ms:g} ms only; lower the limit, or calibrate further"
        )
        yield (*here, "max_open_ms"), text


def _limits(rig: RigDescription) -> Iterator[Problem]:
    limits = rig.limits
    if limits.max_drop_ul > limits.max_session_ul:
        text = (
            f"one drop of {limits.max_drop_ul:g} uL is more than max_session_ul = {limits.max_session_ul:g}"
        )
        yield ("limits", "max_drop_ul"), text


def _streams(rig: RigDescription) -> Iterator[Problem]:
    names: set[str] = set()
    for k, stream in enumerate(rig.streams):
        if stream.name in names:
            yield ("streams", k, "name"), f"two streams are called '{stream.name}'"
        names.add(stream.name)
        if stream.name in {"", BOARD_SOURCE}:
            yield ("streams", k, "name"), f"a stream cannot be called '{stream.name}'"
        yield from _sync(rig, k, stream)
        if len(set(stream.roster)) != len(stream.roster):
            yield ("streams", k, "roster"), f"the roster of stream '{stream.name}' names a unit twice"
        unknown = [unit for unit in stream.tagged if stream.roster and unit not in stream.roster]
        if unknown:
            text = f"'{unknown[0]}' is tagged on stream '{stream.name}', but its roster has no such unit"
            yield ("streams", k, "tagged"), text
        if stream.record and not stream.http:
            text = (
                f"stream '{stream.name}' shall be recorded, but where is its GUI? give http, as in "
                'http = "127.0.0.1"'
            )
            yield ("streams", k, "record"), text
        if stream.http and not _HTTP.fullmatch(stream.http):
            text = f"http = '{stream.http}' is no address of the GUI; write HOST or HOST:PORT"
            yield ("streams", k, "http"), text


def _sync(rig: RigDescription, k: int, stream: StreamConfig) -> Iterator[Problem]:
    if stream.sync == "line" and rig.board.sync_seed == 0:
        text = (
            f"stream '{stream.name}' waits for sync pulses, but the board sends none: sync_seed of "
            "[board] is 0; give it another number"
        )
        yield ("streams", k, "sync_line"), text
    if stream.sync == "barcode" and stream.sync_input not in rig.board.inputs:
        known = ", ".join(sorted(rig.board.inputs)) or "none"
        text = (
            f"the barcodes of stream '{stream.name}' must reach the board too: name the input that the "
            f"generator is wired to in sync_input (the board has {known})"
        )
        yield ("streams", k, "sync_input"), text
    if stream.sync != "barcode" and stream.sync_input:
        text = f"stream '{stream.name}' has a sync_input but takes no barcodes; write sync = \"barcode\""
        yield ("streams", k, "sync_input"), text


def _endpoints(rig: RigDescription) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for k, stream in enumerate(rig.streams):
        for key, endpoint in (
            ("data", stream.data),
            ("control", stream.control),
            ("network", stream.network),
        ):
            here: KeyPath = ("streams", k, key)
            if key != "data" and not endpoint:
                continue
            if not _ENDPOINT.fullmatch(endpoint):
                yield here, f"{key} = '{endpoint}' is no address; write it like 'tcp://127.0.0.1:5556'"
            elif endpoint in taken and not (
                endpoint.endswith(":0")  # an emulator takes a free one
                or (key == "network" and taken[endpoint].startswith(key))  # two streams of one GUI
            ):
                yield here, f"{key} = '{endpoint}' is already {taken[endpoint]}"
            taken.setdefault(endpoint, f"{key} of stream '{stream.name}'")
    yield from _telemetry(rig.telemetry.publish, rig.telemetry.commands, keys=bool(rig.telemetry.keys))


def _telemetry(publish: str, commands: str, *, keys: bool) -> Iterator[Problem]:
    for key, endpoint in (("publish", publish), ("commands", commands)):
        if not keys and not is_loopback(endpoint):
            yield ("telemetry", key), f"{key} = '{endpoint}' {OPEN_TO_NETWORK}"
    if publish == commands and not publish.endswith(":0"):
        yield ("telemetry", "commands"), "publish and commands cannot share one address"


def _subject(rig: RigDescription) -> Iterator[Problem]:
    check = rig.subject_check
    if check is not None and not (check.tag or check.weight):
        yield ("subject_check",), "it asks for nothing; write tag = true or weight = true"


def _utility(rig: RigDescription) -> Iterator[Problem]:
    volumes, rates = rig.neural.utility_ul, rig.neural.utility_hz
    if len(volumes) != len(rates):
        text = f"utility_hz has {len(rates)} values and utility_ul has {len(volumes)}; they are pairs"
        yield ("neural", "utility_hz"), text
    elif len(volumes) == 1:
        yield ("neural", "utility_hz"), "a utility axis needs two points or more"
    for key, values in (("utility_ul", volumes), ("utility_hz", rates)):
        if not _ascending(values):
            yield ("neural", key), f"{key} does not ascend"


def _ascending(values: Sequence[float]) -> bool:
    return all(a < b for a, b in itertools.pairwise(values))
