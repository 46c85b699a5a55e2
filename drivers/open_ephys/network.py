"""Network Events: commands to the GUI as plain text on a REQ socket, answers as plain text. No sockets here.

Source: open-ephys-plugins/network-events at f064e04 (0.2.1). The plugin writes every request, understood or
not, into the recording as a text. A TTL is stamped with the first sample of the next block: it is late by up
to a block and never a sync line. Its `Line` counts from 1, where everything else counts from 0; here lines
count from 0 throughout.
"""

from __future__ import annotations

from typing import Final

from rig.errors import ConfigError, TransportError

PORT: Final = 5556
LINES: Final = 256
NOT_HANDLED: Final = "NotHandled"


def start_acquisition() -> bytes:
    """Write the request that starts acquisition."""
    return b"StartAcquisition"


def stop_acquisition() -> bytes:
    """Write the request that stops acquisition."""
    return b"StopAcquisition"


def start_record(
    *, new_directory: bool = False, directory: str = "", prepend: str = "", append: str = ""
) -> bytes:
    """Write the request that starts recording."""
    words = ["StartRecord"]
    if new_directory:
        words.append("CreateNewDir=1")
    for key, text in (("RecDir", directory), ("PrependText", prepend), ("AppendText", append)):
        if text:
            words.append(f"{key}={_quoted(text)}")
    return " ".join(words).encode()


def stop_record() -> bytes:
    """Write the request that stops recording."""
    return b"StopRecord"


def recording_path() -> bytes:
    """Write the request for the folder that is recorded to."""
    return b"GetRecordingPath"


def is_recording() -> bytes:
    """Write the request whether it records."""
    return b"IsRecording"


def ttl(line: int, on: bool) -> bytes:
    """Write the request that sets a TTL line.

    Parameters
    ----------
    line
        Counted from 0, as in every stream; the plugin's own count begins at 1.

    Raises
    ------
    ConfigError
        If there is no such line.

    Examples
    --------
    >>> ttl(0, True)
    b'TTL Line=1 State=1'
    """
    if not 0 <= line < LINES:
        raise ConfigError(f"there is no TTL line {line}; Network Events has lines 0 to {LINES - 1}")
    return f"TTL Line={line + 1} State={int(on)}".encode()


def text(words: str) -> bytes:
    """Write a text into the recording: the plugin notes down what it does not understand.

    Raises
    ------
    ConfigError
        If its first word is a command of the plugin's.
    """
    first = words.split(maxsplit=1)[0].lower() if words.split() else ""
    if not first or first in _COMMANDS:
        raise ConfigError(f"'{words}' cannot be sent as a text: begin with a word that is no command")
    return words.encode()


_COMMANDS: Final = frozenset(
    {"startacquisition", "stopacquisition", "startrecord", "stoprecord", "isacquiring", "isrecording"}
    | {"getrecordingpath", "getrecordingnumber", "getexperimentnumber", "getnodeid", "ttl"}
)
_GOOD: Final = {
    "startacquisition": "StartedAcquisition",
    "stopacquisition": "StoppedAcquisition",
    "startrecord": "StartedRecording",
    "stoprecord": "StoppedRecording",
    "ttl": "TTLHandled",
}


def read_reply(request: bytes, reply: bytes) -> str:
    """Return the answer's text, if the plugin did what it was asked.

    Raises
    ------
    ConfigError
        If it did not.
    TransportError
        If this is no answer of the plugin's.
    """
    try:
        asked, said = request.decode(), reply.decode().strip("\x00 \r\n")
    except UnicodeDecodeError:
        raise TransportError("what answers is not the Network Events plugin: no text") from None
    word = asked.split(maxsplit=1)[0].lower()
    wanted = _GOOD.get(word)
    if said == "InvalidChannel":
        raise ConfigError(f"Network Events has no such TTL line ('{asked}')")
    if said == NOT_HANDLED and word in _COMMANDS:
        why = "it records already" if word == "startrecord" else "it does not know or cannot do that now"
        raise ConfigError(f"Network Events did not handle '{asked}': {why}")
    if wanted is not None and not said.startswith(wanted):
        raise TransportError(f"what answers '{said[:60]}' to '{asked}' is not the Network Events plugin")
    return said


def _quoted(value: str) -> str:
    if '"' in value and "'" in value:
        raise ConfigError(f"Network Events cannot take a text with both kinds of quotes: {value}")
    if not any(letter in value for letter in " '\""):
        return value
    mark = "'" if '"' in value else '"'
    return f"{mark}{value}{mark}"
