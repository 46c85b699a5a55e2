"""The Open Ephys GUI's HTTP API as values: requests to send, replies read. No sockets here.

Source: open-ephys/plugin-GUI at 7d8c513 (1.0.1), and exchanges captured from it. What it leaves to the client
shapes this:

- An unknown mode, or recording without a Record Node, is answered 200 with the mode as it was. So the reply
  to `set_mode` is held against what was asked.
- Every value of `recording` must be a JSON *string*, also "true"; anything else is swallowed in silence.
- What is refused comes as 400 or 404 with plain text, or as 200 with an ``info`` text.
- The calls wait for the GUI's own thread: a tenth of a second to start acquisition. Never in a trial.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec

from rig.errors import ConfigError, TransportError

PORT: Final = 37497
LONGEST_MESSAGE: Final = 512

Mode: TypeAlias = Literal["IDLE", "ACQUIRE", "RECORD"]
MODES: Final[tuple[Mode, ...]] = ("IDLE", "ACQUIRE", "RECORD")

Read = TypeVar("Read")


class Request(msgspec.Struct, frozen=True):
    """One request; `body` is JSON text, empty for GET."""

    method: Literal["GET", "PUT"]
    path: str
    body: bytes = b""


class Reply(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes


class RecordNode(msgspec.Struct, frozen=True, kw_only=True):
    """One Record Node of the chain; `recording_number` counts finished and begun recordings from 0."""

    node_id: int
    experiment_number: int = 1
    recording_number: int = 0
    is_synchronized: bool = False
    parent_directory: str = ""
    record_engine: str = ""


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Where the GUI records to."""

    parent_directory: str
    base_text: str = ""
    prepend_text: str = ""
    append_text: str = ""
    default_record_engine: str = ""
    record_nodes: tuple[RecordNode, ...] = ()

    @property
    def directory_name(self) -> str | None:
        """Name of the session's folder; None while the GUI has not made one up (its ``YYYY-...`` pattern)."""
        if not self.base_text or "YYYY" in self.base_text:
            return None
        return f"{self.prepend_text}{self.base_text}{self.append_text}"

    def folders(self) -> tuple[str, ...]:
        """Return each Record Node's folder of the running (or next) recording, in the GUI's own notation.

        The GUI tells the parts only. They are put together as its Binary format lays them out.
        """
        name = self.directory_name
        if name is None:
            return ()
        found = []
        for node in self.record_nodes:
            parent = node.parent_directory or self.parent_directory
            slash = "\\" if "\\" in parent else "/"
            parts = (
                parent.rstrip("/\\"),
                name,
                f"Record Node {node.node_id}",
                f"experiment{node.experiment_number}",
                f"recording{node.recording_number + 1}",
            )
            found.append(slash.join(parts))
        return tuple(found)


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of a processor or stream; values are texts on this API."""

    name: str
    type: str = ""
    value: str = ""


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One stream that passes a processor."""

    name: str
    source_id: int = 0
    sample_rate: float = 0.0
    channel_count: int = 0
    parameters: tuple[Parameter, ...] = ()


class Processor(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin of the signal chain."""

    id: int
    name: str
    parameters: tuple[Parameter, ...] = ()
    streams: tuple[Stream, ...] = ()
    predecessor: int | None = None

    def parameter(self, name: str) -> str | None:
        """Return the text of one parameter, or None if it has none of that name."""
        return next((p.value for p in self.parameters if p.name == name), None)


# --- requests ---------------------------------------------------------------------------------------


def get_mode() -> Request:
    """Ask whether the GUI is idle, acquires or records."""
    return Request("GET", "/api/status")


def set_mode(mode: Mode) -> Request:
    """Ask for a mode. From RECORD, ACQUIRE stops the recording only."""
    return _put("/api/status", {"mode": mode})


def message(text: str) -> Request:
    """Leave a text in the recording; it is heard only while the GUI acquires.

    Raises
    ------
    ConfigError
        If it is longer than the GUI keeps.
    """
    if len(text) > LONGEST_MESSAGE:
        raise ConfigError(f"Open Ephys keeps {LONGEST_MESSAGE} characters of a message, not {len(text)}")
    return _put("/api/message", {"text": text})


def get_recording() -> Request:
    """Ask where it records to."""
    return Request("GET", "/api/recording")


def set_recording(
    *,
    parent_directory: str | None = None,
    prepend_text: str | None = None,
    base_text: str | None = None,
    append_text: str | None = None,
    start_new_directory: bool = False,
) -> Request:
    """Say where to record to; what is None stays. A `base_text` of ``auto`` is a date and time."""
    said = {
        "parent_directory": parent_directory,
        "prepend_text": prepend_text,
        "base_text": base_text,
        "append_text": append_text,
        "start_new_directory": "true" if start_new_directory else None,
    }
    return _put("/api/recording", {name: text for name, text in said.items() if text is not None})


def get_processors() -> Request:
    """Ask for the signal chain."""
    return Request("GET", "/api/processors")


def get_processor(node: int) -> Request:
    """Ask for one processor."""
    return Request("GET", f"/api/processors/{node}")


def set_parameter(node: int, name: str, value: str | float | bool, stream: int | None = None) -> Request:
    """Set one parameter of a processor, or of one of its streams."""
    place = f"/api/processors/{node}" + ("" if stream is None else f"/streams/{stream}")
    return _put(f"{place}/parameters/{quote(name, safe='')}", {"value": value})


def configure(node: int, text: str) -> Request:
    """Send a plugin a text that it understands by itself."""
    return _put(f"/api/processors/{node}/config", {"text": text})


def get_load() -> Request:
    """Ask for the share of its time that the GUI computes."""
    return Request("GET", "/api/cpu")


def _put(path: str, body: dict[str, Any]) -> Request:
    return Request("PUT", path, msgspec.json.encode(body))


# --- replies ----------------------------------------------------------------------------------------


class _ModeReply(msgspec.Struct, frozen=True):
    mode: Mode


class _Processors(msgspec.Struct, frozen=True):
    processors: tuple[Processor, ...]


class _Info(msgspec.Struct, frozen=True):
    info: str


class _Usage(msgspec.Struct, frozen=True):
    usage: float


def read_mode(reply: Reply) -> Mode:
    """Return the mode that it tells."""
    return _read(reply, _ModeReply).mode


def reached_mode(reply: Reply, wanted: Mode) -> Mode:
    """Return the mode that it tells, if that is the one asked for.

    Raises
    ------
    ConfigError
        Saying what to look at.
    """
    mode = read_mode(reply)
    if mode != wanted:
        hint = {
            "RECORD": "is there a Record Node in its chain, and room on the disk?",
            "ACQUIRE": "is there a source in its chain?",
            "IDLE": "look at its window for a question that waits for an answer",
        }[wanted]
        raise ConfigError(f"Open Ephys was asked for {wanted} but stays in {mode}: {hint}")
    return mode


def read_recording(reply: Reply) -> Recording:
    """Return where it records to."""
    return _read(reply, Recording)


def read_processors(reply: Reply) -> tuple[Processor, ...]:
    """Return the signal chain, from source to sink."""
    return _read(reply, _Processors).processors


def read_processor(reply: Reply) -> Processor:
    """Return one processor."""
    return _read(reply, Processor)


def read_info(reply: Reply) -> str:
    """Return what a plugin answered to a text."""
    return _read(reply, _Info).info


def read_load(reply: Reply) -> float:
    """Return the share of its time that the GUI computes."""
    return _read(reply, _Usage).usage


def read_done(reply: Reply) -> None:
    """Take a reply that is only good or bad."""
    _good(reply)


def _good(reply: Reply) -> None:
    if reply.status == 200:
        return
    said = reply.body.decode("utf-8", "replace").strip() or "nothing more"
    why = {
        400: "it refused what was sent (some settings are locked while it acquires)",
        404: "it has no such thing",
    }
    raise ConfigError(
        f"Open Ephys answered {reply.status}: {why.get(reply.status, 'an error')}; it says: {said[:200]}"
    )


def _read(reply: Reply, kind: type[Read]) -> Read:
    _good(reply)
    try:
        return msgspec.json.decode(reply.body, type=kind, strict=False)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise TransportError(f"what answers is not the Open Ephys GUI's API ({error})") from None
