"""What is wrong, in plain words: the engine's health and the session's state judged; no Qt, no clock.

Anything that should be recorded and is not must be told within a second. The engine is asked four times
a second, so what has been silent for half a second is called silent.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from gui.model import SessionModel
from rig.clock.health import ClockHealth
from rig.documents import StreamState
from rig.photometry.told import SourceHealth

SILENT_S: Final = 0.5
ENGINE_SILENT_S: Final = 0.9
CLOCK_S: Final = 30.0
"""A clock locks within ten seconds or so; after this, something is wrong."""
PATIENCE_S: Final = 3.0
"""What was never heard is given so long from the engine's start."""
GAP_WARN_MS: Final = 100.0
LAG_S: Final = 0.5
FREE_WARN_BYTES: Final = 5_000_000_000
FREE_BAD_BYTES: Final = 500_000_000
SIGMA_WARN_US: Final = 1000.0
WATCH_SILENT_S: Final = 2.5
"""The engine's watchdog looks twice a second, and a busy disk may hold it up for a while."""


class Level(enum.IntEnum):
    """How bad; each has a word, a shape and a colour of its own."""

    UNKNOWN = 0
    GOOD = 1
    WARN = 2
    BAD = 3


class Light(msgspec.Struct, frozen=True):
    """One item of the health bar.

    Attributes
    ----------
    name, value
        What it is about, and its figure: ``board``, ``0.9 ms``.
    why
        One sentence for people: what is wrong, or what the figure means.
    """

    name: str
    level: Level
    value: str
    why: str


def judge(model: SessionModel, age_s: float | None, rates: Mapping[str, float]) -> list[Light]:
    """Judge everything that should be recorded.

    Parameters
    ----------
    age_s
        How long ago the engine last answered; None: never.
    rates
        Messages per second of each stream, as far as they are known.
    """
    if model.over:
        return [_ended(model)]
    if model.health is None or age_s is None:
        return [_engine(model, age_s)]
    health = model.health.health
    sources = {state.name: state for state in model.state.sources} if model.state else {}
    ports, feeds = health.get("ports", {}), health.get("feeds", {})
    lights = [_board(name, port, health, model) for name, port in ports.items() if name not in sources]
    states = {state.name: state for state in model.state.streams} if model.state else {}
    uptime_s = float(health.get("uptime_s", PATIENCE_S))
    for name, feed in feeds.items():
        if name not in sources:
            lights.append(_stream(name, feed, states.get(name), rates.get(name), uptime_s))
    for name, source in sources.items():
        lights.append(_source(source, ports.get(name) or feeds.get(name) or {}, uptime_s))
    recorder = health.get("recorder") or {}
    lights += [*_file(recorder), _engine(model, age_s)]
    lights = _watched(lights, health.get("watch") or {})
    if lights[-1].level is Level.BAD:  # what the others said last is no longer known
        lights = [Light(x.name, Level.UNKNOWN, "unknown", lights[-1].why) for x in lights[:-1]] + lights[-1:]
    return lights


def _watched(lights: list[Light], watch: Mapping[str, Any]) -> list[Light]:
    """Turn red what the engine's watchdog found, whatever the others say of themselves."""
    found = {str(each["what"]): str(each["why"]) for each in watch.get("found", ())}
    looked_s = float(watch.get("looked_s", 0.0))
    if looked_s > WATCH_SILENT_S:
        found.setdefault("engine", f"the engine's watchdog has not looked for {looked_s:.1f} s: a hung disk?")
    shown = [
        Light(light.name, Level.BAD, light.value if light.level is Level.BAD else "fails", _sentence(why))
        if (why := found.pop(light.name, None)) is not None
        else light
        for light in lights
    ]
    return [Light(what, Level.BAD, "fails", _sentence(why)) for what, why in found.items()] + shown


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('?', '.')) else '.'}"


def _ended(model: SessionModel) -> Light:
    ended = model.ended
    assert ended is not None
    asked = ended.reason.startswith(("stopped by", "emergency stop by"))
    if ended.ok or asked:
        return Light("session", Level.GOOD, "ended", f"The session has ended: {ended.reason}.")
    return Light("session", Level.BAD, "ended early", f"The session ended by itself: {ended.reason}.")


def _board(name: str, port: Mapping[str, Any], health: Mapping[str, Any], model: SessionModel) -> Light:
    heard, unanswered = port.get("last_heard_s"), port.get("unanswered_s")
    guard = health.get("guard") or {}
    gap_ms = float(guard.get("longest_gap_ms", 0.0))
    if not port.get("open"):
        reason = port.get("error") or "it is being opened"
        if port.get("error") is None and float(health.get("uptime_s", 0.0)) < PATIENCE_S:
            return Light(name, Level.UNKNOWN, "opening", f"The port of the {name} is being opened.")
        return Light(name, Level.BAD, "port closed", f"The port of the {name} is not open ({reason}).")
    if unanswered is not None and unanswered > SILENT_S and (heard is None or heard > SILENT_S):
        since = unanswered if heard is None else heard
        what = f"The {name} has said nothing for {since:.1f} s; what it does now is not recorded."
        return Light(name, Level.BAD, "silent", what)
    if heard is None:
        return Light(name, Level.UNKNOWN, "waiting", f"The {name} has not spoken yet.")
    lost = model.state.events_lost if model.state else 0
    if lost:
        return Light(name, Level.WARN, f"{lost} events lost", f"{lost} events of the {name} were lost.")
    answer_ms = port.get("answer_ms")
    value = "open" if answer_ms is None else f"{answer_ms:.1f} ms"
    if gap_ms > GAP_WARN_MS:
        what = f"The life line of the {name} once paused for {gap_ms:.0f} ms: is this computer overloaded?"
        return Light(name, Level.WARN, f"gap {gap_ms:.0f} ms", what)
    what = f"The {name} answers within {value}; the longest gap of its life line was {gap_ms:.0f} ms."
    return Light(name, Level.GOOD, value, what)


def _stream(
    name: str, feed: Mapping[str, Any], state: StreamState | None, rate: float | None, uptime_s: float
) -> Light:
    heard = feed.get("last_heard_s")
    if heard is None:
        if uptime_s < PATIENCE_S:
            return Light(name, Level.UNKNOWN, "waiting", f"Stream {name} has not been heard yet.")
        what = f"Nothing has ever come from stream {name}: is acquisition running?"
        return Light(name, Level.BAD, "never heard", what)
    if heard > SILENT_S:
        what = f"Stream {name} has sent nothing for {heard:.1f} s: its spikes are not recorded."
        return Light(name, Level.BAD, "silent", what)
    value = "running" if rate is None else f"{rate:.0f}/s"
    if state is None:
        return Light(name, Level.GOOD, value, f"Stream {name} is heard.")
    sigma = state.clock_sigma_us
    if state.clock is not None and _lost(state.clock, sigma, uptime_s):
        return _untrusted(name, state.clock)
    if state.lost:
        what = f"{state.lost} messages of stream {name} were lost."
        return Light(name, Level.WARN, f"{state.lost} lost", what)
    if sigma is None:
        what = f"The clock of stream {name} is not known yet ({state.clock_pulses} sync pulses so far)."
        return Light(name, Level.UNKNOWN, f"{value}, no clock", what)
    return _clock(name, value, state, sigma)


def _clock(name: str, value: str, state: StreamState, sigma: float) -> Light:
    """The light of a stream whose clock is known: how well, and whether that can be trusted."""
    precision = f"±{sigma / 1000:.1g} ms" if sigma >= 1.0 else "± under 1 us"
    value, clock = f"{value} {precision}", state.clock
    if clock is not None and clock.ppm is not None:
        value += f" {clock.ppm:+.0f} ppm"
    if clock is not None and clock.verdict == "poor":
        return _poor(name, value, clock)
    if sigma > SIGMA_WARN_US:
        what = f"The clock of stream {name} is only known to ±{sigma / 1000:.1f} ms."
        return Light(name, Level.WARN, value, what)
    newest = (
        ""
        if clock is None or clock.residual_us is None
        else f", newest pulse {clock.residual_us:+.0f} us off"
    )
    what = f"Stream {name}: {state.messages} messages, none lost, clock known to {precision}{newest}."
    return Light(name, Level.GOOD, value, what)


def _lost(clock: ClockHealth, sigma_us: float | None, uptime_s: float) -> bool:
    """Whether a clock is lost, not only young: it was known before, or has had the time."""
    return clock.verdict == "lost" and (sigma_us is not None or uptime_s > CLOCK_S)


def _untrusted(name: str, clock: ClockHealth) -> Light:
    """The light of a device whose times are none: what it records has no place in the session."""
    what = _sentence(f"The times of {name} cannot be trusted: {clock.reason}")
    return Light(name, Level.BAD, "clock lost", f"{what} Responses are withheld.")


def _poor(name: str, value: str, clock: ClockHealth) -> Light:
    what = f"The times of {name} are poor: {clock.reason}"
    return Light(name, Level.WARN, value, _sentence(what))


def _source(state: SourceHealth, place: Mapping[str, Any], uptime_s: float) -> Light:
    """Judge a photometry source by its port, or its socket, and by what the session says of it."""
    name, heard = state.name, place.get("last_heard_s")
    if "open" in place and not place["open"]:
        reason = place.get("error") or "it is being opened"
        level = Level.BAD if place.get("error") else Level.UNKNOWN
        return Light(name, level, "port closed", f"The port of {name} is not open ({reason}).")
    if state.rate_hz is None:
        return Light(name, Level.WARN, "not heard", f"Photometry source {name} has not sent a sample yet.")
    if heard is not None and heard > SILENT_S:
        what = f"{name} has sent nothing for {heard:.1f} s: its samples are not recorded."
        return Light(name, Level.BAD, "silent", what)
    clock = state.clock
    if clock is not None and _lost(clock, state.clock_sigma_us, uptime_s):
        return _untrusted(name, clock)
    lost = state.lost + state.missing
    if lost:
        share = lost / max(state.samples + lost, 1)
        what = f"{lost} samples of {name} were lost, {100 * share:.2g} %; {state.missing} had no number."
        return Light(name, Level.WARN, f"{lost} lost", what)
    if state.clipped:
        what = f"{state.clipped} samples of {name} were at the end of its range: give it less light."
        return Light(name, Level.WARN, f"{state.clipped} clipped", what)
    value = f"{state.rate_hz:g} Hz"
    if clock is not None and clock.verdict == "lost":
        what = f"The clock of {name} is not known yet ({state.clock_pulses} sync pulses so far)."
        return Light(name, Level.UNKNOWN, f"{value}, no clock", what)
    if clock is not None and clock.verdict == "poor":
        return _poor(name, value, clock)
    if not state.ready:
        return Light(name, Level.UNKNOWN, f"{value}, settling", f"The baseline of {name} is being learned.")
    sigma_us = state.clock_sigma_us or 0.0
    return Light(name, Level.GOOD, value, f"{name} at {value}, none lost, clock ±{sigma_us / 1000:.1f} ms.")


def _file(recorder: Mapping[str, Any]) -> Iterator[Light]:
    lag_s, error = float(recorder.get("lag_s", 0.0)), recorder.get("error")
    if error is not None:
        what = f"The session file cannot be written ({error}); it is kept in memory and tried again."
        yield Light("file", Level.BAD, "not written", what)
    elif lag_s > LAG_S:
        mb = float(recorder.get("pending_bytes", 0)) / 1e6
        what = f"The session file is {lag_s:.1f} s behind; {mb:.1f} MB wait in memory."
        yield Light("file", Level.BAD, f"{lag_s:.1f} s behind", what)
    else:
        size = recorder.get("file_bytes")
        what = f"{recorder.get('file', 'The session file')} is up to date."
        yield Light("file", Level.GOOD, "stored" if size is None else f"{_size(size)} stored", what)
    free = recorder.get("free_bytes")
    if free is None:
        return
    value = f"{_size(free)} free"
    if free < FREE_BAD_BYTES:
        yield Light("disk", Level.BAD, value, f"The disk of the session file is full: {value}.")
    elif free < FREE_WARN_BYTES:
        yield Light("disk", Level.WARN, value, f"The disk of the session file is nearly full: {value}.")
    else:
        yield Light("disk", Level.GOOD, value, f"On the disk of the session file, {value}.")


def _engine(model: SessionModel, age_s: float | None) -> Light:
    if age_s is None or model.health is None:
        reason = f" ({model.link_reason})" if model.link_reason else ""
        return Light("engine", Level.UNKNOWN, "connecting", f"Waiting for the engine{reason}.")
    if age_s > ENGINE_SILENT_S:
        what = (
            f"The engine has not answered for {age_s:.1f} s. Nothing can be seen or asked from here; "
            "the session itself may well go on."
        )
        return Light("engine", Level.BAD, "silent", what)
    stuck_s = float(model.health.health.get("loop_s", 0.0))
    if stuck_s > SILENT_S:
        what = f"The engine's loop has not turned for {stuck_s:.1f} s; the board will make itself safe."
        return Light("engine", Level.BAD, "stuck", what)
    if model.missed:
        what = f"{model.missed} messages never reached this window; the session file has them."
        return Light("engine", Level.WARN, f"{model.missed} unseen", what)
    trip_ms = model.health.round_trip_ms
    return Light("engine", Level.GOOD, f"{trip_ms:.0f} ms", f"The engine answers within {trip_ms:.0f} ms.")


def _size(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 1e3:.0f} kB"


class Rates:
    """Messages per second of each stream, smoothed over a few looks."""

    def __init__(self) -> None:
        self.per_s: dict[str, float] = {}
        self._last: dict[str, tuple[float, int]] = {}

    def take(self, health: Mapping[str, Any], now_s: float) -> None:
        """Take the counts of one look at the engine."""
        for name, feed in health.get("feeds", {}).items():
            count = int(feed.get("messages", 0))
            before = self._last.get(name)
            if before is None:
                self._last[name] = (now_s, count)
            elif now_s - before[0] >= 0.9:
                self.per_s[name] = (count - before[1]) / (now_s - before[0])
                self._last[name] = (now_s, count)
