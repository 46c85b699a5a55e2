"""What must hold between a rig's photometry and the rest of it (`rig.checks.description` asks)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from rig.description import RigDescription
from rig.photometry.settings import FibreConfig, PhotometryConfig

Problem: TypeAlias = tuple[tuple[str | int, ...], str]

OWN_NAMES: Final = frozenset({"board", "clock", "engine", "session", "operator", "animal", "sockets"})
"""What other inputs of a session are called."""
LSL: Final = "lsl"
_LSL_STREAM: Final = re.compile(r"lsl:(name|type|source_id)=\S.*")
_ENDPOINT: Final = re.compile(r"tcp://[^/:\s*]+:\d+|tcp://\[[0-9a-fA-F:]+\]:\d+|(inproc|ipc)://.+")
LONGEST_MS: Final = 30_000
"""A trace is kept for two minutes: windows must lie well within."""


def photometry_problems(rig: RigDescription) -> Iterator[Problem]:
    """Yield everything that is wrong with the photometry of a rig."""
    yield from _names(rig)
    yield from _places(rig)
    for k, source in enumerate(rig.photometry):
        yield from _source(("photometry", k), source)
        yield from _thresholds(("photometry", k), source)
    yield from _soft_events(rig)
    yield from _emulated(rig)


def _names(rig: RigDescription) -> Iterator[Problem]:
    taken = dict.fromkeys(OWN_NAMES, "the name of another part of every session")
    taken |= {stream.name: "the name of a stream" for stream in rig.streams}
    taken |= {device.name: "the name of a Harp device" for device in rig.harp}
    for k, source in enumerate(rig.photometry):
        if not source.name or source.name in taken:
            why = taken.get(source.name, "empty")
            yield ("photometry", k, "name"), f"name = '{source.name}' is {why}; call this source otherwise"
        taken.setdefault(source.name, "the name of another photometry source")


def _places(rig: RigDescription) -> Iterator[Problem]:
    ports = {rig.board.port: "the board"}
    data = {stream.data: f"stream '{stream.name}'" for stream in rig.streams}
    for k, source in enumerate(rig.photometry):
        here, what = ("photometry", k), f"photometry source '{source.name}'"
        if bool(source.port) == bool(source.data):
            text = f"{what} needs a port (a board) or data (a program that publishes)"
            yield here, text + (", not both" if source.port else "")
        elif source.driver == "pyphotometry" and not source.port:
            yield (*here, "data"), f"{what}: a pyPhotometry board has a port; a program's driver is 'samples'"
        elif source.driver == "samples" and not source.data:
            yield (*here, "port"), f"{what}: driver 'samples' takes data = 'tcp://HOST:PORT', no port"
        if source.port and source.port != "pty" and source.port in ports:
            yield (*here, "port"), f"{what} is on port '{source.port}', where {ports[source.port]} is"
        if source.driver == LSL:
            yield from _lsl(here, source, what)
        elif source.data and not _ENDPOINT.fullmatch(source.data):
            text = f"data = '{source.data}' is no address; write it like 'tcp://127.0.0.1:5580'"
            yield (*here, "data"), text
        elif source.data and source.data in data and not source.data.endswith(":0"):
            yield (*here, "data"), f"data = '{source.data}' is already that of {data[source.data]}"
        ports.setdefault(source.port, what)
        data.setdefault(source.data, what)


def _lsl(here: tuple[str | int, ...], source: PhotometryConfig, what: str) -> Iterator[Problem]:
    if not _LSL_STREAM.fullmatch(source.data):
        text = f"{what}: driver 'lsl' takes data = 'lsl:name=NAME', or lsl:type= or lsl:source_id="
        yield (*here, "data"), text
    if source.sync != "host":
        text = f"{what}: an LSL stream has no digital lines for the sync line; write sync = 'host'"
        yield (*here, "sync"), text


def _source(here: tuple[str | int, ...], source: PhotometryConfig) -> Iterator[Problem]:
    if not source.fibres:
        text = f"photometry source '{source.name}' has no fibre; add [photometry.fibres.NAME] with its signal"
        yield here, text
    for name, fibre in source.fibres.items():
        yield from _fibre((*here, "fibres", name), name, fibre, source)
    window = source.window
    if not -LONGEST_MS <= window.start_ms < window.stop_ms <= LONGEST_MS:
        text = f"the window from {window.start_ms} to {window.stop_ms} ms is none"
        yield (*here, "window"), f"{text}; write it in order, within {LONGEST_MS // 1000} s"
    if not -LONGEST_MS <= window.baseline_start_ms < window.baseline_stop_ms <= LONGEST_MS:
        text = f"the baseline from {window.baseline_start_ms} to {window.baseline_stop_ms} ms is none"
        yield (*here, "window"), f"{text}; write it in order, within {LONGEST_MS // 1000} s"


def _fibre(
    here: tuple[str | int, ...], name: str, fibre: FibreConfig, source: PhotometryConfig
) -> Iterator[Problem]:
    if fibre.control and fibre.control == fibre.signal:
        text = f"fibre '{name}' has its signal for a control; name another channel, or none"
        yield (*here, "control"), text
    if fibre.control_kind and not fibre.control:
        yield (*here, "control_kind"), f"fibre '{name}' has a control_kind but no control"
    if not 0 <= fibre.lag_ms <= LONGEST_MS:
        text = f"lag_ms of fibre '{name}' is {fibre.lag_ms}; it lies between 0 and {LONGEST_MS}"
        yield (*here, "lag_ms"), text
    if source.port and fibre.dff.low_pass_hz >= source.rate_hz / 2:
        text = (
            f"a low-pass of {fibre.dff.low_pass_hz:g} Hz needs more than {2 * fibre.dff.low_pass_hz:g} "
            f"samples a second, and '{source.name}' gives {source.rate_hz}"
        )
        yield (*here, "dff"), text


def _thresholds(here: tuple[str | int, ...], source: PhotometryConfig) -> Iterator[Problem]:
    for k, threshold in enumerate(source.thresholds):
        if threshold.fibre not in source.fibres:
            known = ", ".join(source.fibres) or "none"
            text = f"source '{source.name}' has no fibre '{threshold.fibre}'; it has {known}"
            yield (*here, "thresholds", k, "fibre"), text


def _soft_events(rig: RigDescription) -> Iterator[Problem]:
    """A soft event that two thresholds send could not be told apart on the board."""
    taken: dict[int, str] = {}
    for k, source in enumerate(rig.photometry):
        for n, threshold in enumerate(source.thresholds):
            number, what = threshold.soft_event, f"'{source.name}', fibre '{threshold.fibre}'"
            if number in taken:
                text = f"soft event {number} is already sent by a threshold of {taken[number]}"
                yield ("photometry", k, "thresholds", n, "soft_event"), text
            taken.setdefault(number, what)


def _emulated(rig: RigDescription) -> Iterator[Problem]:
    if rig.emulation is None:
        return
    names = [source.name for source in rig.photometry]
    for name, played in rig.emulation.photometry.items():
        here = ("emulation", "photometry", name)
        if name not in names:
            yield here, f"the rig has no photometry source '{name}'; it has {', '.join(names) or 'none'}"
        if played.events_input and played.events_input not in rig.board.inputs:
            known = ", ".join(rig.board.inputs) or "none"
            text = f"the rig has no input '{played.events_input}'; it has {known}"
            yield (*here, "events_input"), text
        if bool(played.events) != bool(played.events_input):
            yield here, "events (of the recording) and events_input (of the board) go together"
        if played.events and not played.recording:
            yield here, "events are those of a recording; name its file in recording"
