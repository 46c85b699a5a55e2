"""One multipart message of the ZMQ Interface plugin <-> one typed value, in both roles.

`decode` depends on neither key order nor white space, and never raises: what cannot be read comes
back as `Malformed`. `encode` writes the very bytes that the GUI writes, its one bug included: the
plugin sizes the header in characters, not in bytes, so each character beyond ASCII in a name costs the
JSON a byte at its end. Up to three lost bytes (CR LF and the brace) are mended in decoding.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from drivers.open_ephys.wire import (
    DATA,
    EARLIEST_TIMESTAMP_MS,
    EVENT,
    FLOAT_BYTES,
    REDUCED_BODY,
    REDUCED_DATA,
    REDUCED_EVENT,
    TTL_BODY,
    TTL_TYPE,
    Count,
    DataHeader,
    EventHeader,
    Header,
    Malformed,
    Message,
    SpikeContent,
    SpikeHeader,
)

MAX_NAME: Final = 255
"""Longest application name and uuid that the plugin takes in a heartbeat."""


class _Numbered(msgspec.Struct, frozen=True, gc=False):
    """The least that can be read of a message of unknown type."""

    message_num: Count


_HEADER = msgspec.json.Decoder(Header)
_NUMBERED = msgspec.json.Decoder(_Numbered)
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
_ENVELOPES: Final = {
    DATA: (True, False),
    EVENT: (False, False),
    REDUCED_DATA: (True, True),
    REDUCED_EVENT: (False, True),
}
"""Envelope -> (it carries data, its body is reduced)."""
_REDUCED: Final = (REDUCED_DATA, REDUCED_EVENT)
_TTL_BYTES: Final = TTL_BODY.size


def decode(parts: Sequence[bytes]) -> Message | Malformed:
    """Read one multipart message; never raises.

    Parameters
    ----------
    parts
        Envelope, header and body, as they came; a message without payload has two parts.

    Returns
    -------
    Message or Malformed
    """
    if len(parts) == 3:
        envelope, text, body = parts
    elif len(parts) == 2:
        envelope, text = parts
        body = b""
    else:
        return _malformed(parts, None, f"{len(parts)} parts where a message has 2 or 3")
    kind = _ENVELOPES.get(envelope)
    if kind is None:
        return _malformed(parts, _number(text), f"unknown envelope {envelope[:12]!r}")
    try:
        header = _HEADER.decode(text)
    except _UNREADABLE as problem:
        mended = _mend(text)
        if mended is None:
            return _malformed(parts, _number(text), f"unreadable header: {problem}")
        header = mended
    for_data, reduced = kind
    wrong = _wrong_body(header, body, reduced)
    if wrong is None and for_data is not isinstance(header, DataHeader):
        wrong = f"a message of another type under the envelope {(DATA if for_data else EVENT)!r}"
    if wrong is not None:
        return _malformed(parts, header.message_num, wrong)
    return Message(header, body, reduced)


def _wrong_body(header: Header, body: bytes, reduced: bool) -> str | None:
    """Say what is wrong with a body, judged by its header."""
    size = len(body)
    if reduced:
        if size != REDUCED_BODY.size:
            return f"a reduced body has {REDUCED_BODY.size} bytes, not {size}"
        size = REDUCED_BODY.unpack(body)[0]
    if isinstance(header, SpikeHeader):
        spike = header.spike
        if size != FLOAT_BYTES * spike.num_channels * spike.num_samples:
            return f"spike of {spike.num_channels} x {spike.num_samples} samples in {size} bytes"
        return None
    if size != header.data_size:
        return f"body of {size} bytes where the header says {header.data_size}"
    if isinstance(header, DataHeader):
        if size != FLOAT_BYTES * header.content.num_samples:
            return f"{header.content.num_samples} samples in {size} bytes"
        return None
    if header.content.type == TTL_TYPE and (reduced or size != _TTL_BYTES or body[1] > 1):
        return "a TTL event whose body is no line, state and word"
    return None


def _mend(text: bytes) -> Header | None:
    """Read a header whose last one to three bytes (CR LF brace) were cut off, else None."""
    try:
        header = _HEADER.decode(text + b"}")
    except _UNREADABLE:
        return None
    # A deeper cut leaves JSON that looks right with a digit too few; only a whole time stamp will do.
    whole = header.timestamp >= EARLIEST_TIMESTAMP_MS and text.rstrip().endswith(b"%d" % header.timestamp)
    return header if whole else None


def _number(text: bytes) -> int | None:
    """Read the message number of a header that is otherwise no good."""
    try:
        return _NUMBERED.decode(text).message_num
    except _UNREADABLE:
        return None


def _malformed(parts: Sequence[bytes], number: int | None, reason: str) -> Malformed:
    """Count what is dropped; a reduced body counts with the length it had."""
    dropped = sum(len(part) for part in parts)
    if len(parts) == 3 and parts[0] in _REDUCED and len(parts[2]) == REDUCED_BODY.size:
        dropped += REDUCED_BODY.unpack(parts[2])[0] - REDUCED_BODY.size - 1
    return Malformed(number, dropped, reason)


# --- writing ----------------------------------------------------------------------------------------


def encode(message: Message) -> list[bytes]:
    """Write one message exactly as the GUI would.

    Returns
    -------
    list of bytes
        Envelope, header and body; an event without payload has no body part.
    """
    header = message.header
    if isinstance(header, SpikeHeader):
        return [REDUCED_EVENT if message.reduced else EVENT, _spike_header(header), message.body]
    if isinstance(header, DataHeader):
        return [REDUCED_DATA if message.reduced else DATA, _cut(_data_text(header)), message.body]
    parts = [REDUCED_EVENT if message.reduced else EVENT, _cut(_event_text(header))]
    return [*parts, message.body] if header.data_size else parts


def _data_text(header: DataHeader) -> str:
    content = header.content
    return (
        f'{{\r\n  "message_num": {header.message_num},\r\n  "type": "data",\r\n  "content": {{\r\n'
        f'    "stream": {quoted(content.stream)},\r\n    "channel_num": {content.channel_num},\r\n'
        f'    "channel_name": {quoted(content.channel_name)},\r\n'
        f'    "num_samples": {content.num_samples},\r\n    "sample_num": {content.sample_num},\r\n'
        f'    "sample_rate": {number_text(content.sample_rate)}\r\n  }},\r\n'
        f'  "data_size": {header.data_size},\r\n  "timestamp": {header.timestamp}\r\n}}'
    )


def _event_text(header: EventHeader) -> str:
    content = header.content
    size = f'  "data_size": {header.data_size},\r\n' if header.data_size else ""
    return (
        f'{{\r\n  "message_num": {header.message_num},\r\n  "type": "event",\r\n  "content": {{\r\n'
        f'    "stream": {quoted(content.stream)},\r\n    "source_node": {content.source_node},\r\n'
        f'    "type": {content.type},\r\n    "sample_num": {content.sample_num}\r\n  }},\r\n'
        f'{size}  "timestamp": {header.timestamp}\r\n}}'
    )


def spike_template(spike: SpikeContent) -> tuple[bytes, int]:
    """Prepare a unit's header: everything but message number, sample and time stamp.

    Returns
    -------
    template : bytes
        To be filled by ``template % (message_num, sample_num, timestamp)``.
    cut : int
        Bytes that the plugin loses at the end of the filled header (0 with ASCII names).
    """
    names = quoted(spike.stream), quoted(spike.electrode)
    stream, electrode = (name.replace("%", "%%") for name in names)
    text = (
        f'{{\r\n  "message_num": %d,\r\n  "type": "spike",\r\n  "spike": {{\r\n'
        f'    "stream": {stream},\r\n    "source_node": {spike.source_node},\r\n'
        f'    "electrode": {electrode},\r\n    "sample_num": %d,\r\n'
        f'    "num_channels": {spike.num_channels},\r\n    "num_samples": {spike.num_samples},\r\n'
        f'    "sorted_id": {spike.sorted_id},\r\n    "threshold": {_list_text(spike.threshold)}\r\n  }},\r\n'
        f'  "timestamp": %d\r\n}}'
    )
    template = text.encode()
    return template, len(template) - len(text)


def _spike_header(header: SpikeHeader) -> bytes:
    template, cut = spike_template(header.spike)
    filled = template % (header.message_num, header.spike.sample_num, header.timestamp)
    return filled[: len(filled) - cut]


@lru_cache(maxsize=1024)
def _list_text(numbers: tuple[float, ...]) -> str:
    if not numbers:
        return "[]"
    return "[\r\n" + ",\r\n".join(f"      {number_text(number)}" for number in numbers) + "\r\n    ]"


def _cut(text: str) -> bytes:
    """Return the text's bytes, as many as the text has characters: the plugin's bug."""
    return text.encode()[: len(text)]


@lru_cache(maxsize=1024)
def quoted(text: str) -> str:
    """Write a name as a JSON string."""
    return msgspec.json.encode(text).decode()


@lru_cache(maxsize=1024)
def number_text(number: float) -> str:
    """Write a float as the GUI's JSON writer does.

    Whole numbers get one decimal; others up to about 16 digits, zeros trimmed; a million and more, and
    the very small, get an exponent.

    Examples
    --------
    >>> number_text(30000.0), number_text(-60.25), number_text(2.5e6)
    ('30000.0', '-60.25', '2.5e6')
    """
    size = abs(number)
    if size >= 1e6 or size <= 1e-5:
        mantissa, exponent = f"{number:.15e}".split("e")
        tail = f"e{int(exponent)}" if int(exponent) else ""
        return _trimmed(mantissa) + tail
    if number == int(number):
        return f"{number:.1f}"
    if size < 1:
        decimals = 15 + next(k for k in range(1, 6) if size >= 10.0**-k)
    else:
        decimals = 16 - len(str(int(size)))
    return _trimmed(f"{number:.{decimals}f}")


def _trimmed(text: str) -> str:
    """Drop zeros at the end, but keep one behind the point."""
    text = text.rstrip("0")
    return text + "0" if text.endswith(".") else text


# --- what a session file keeps, and the heartbeat ----------------------------------------------------


def reduce(parts: Sequence[bytes]) -> Sequence[bytes]:
    r"""Replace a body that the session never reads (samples, waveforms) by its length and CRC-32.

    TTL bodies, messages without a body worth it, reduced messages and noise stay as they are.
    `decode` reads both forms and never takes one for the other.

    Examples
    --------
    >>> reduce([b"DATA\x00", b"{}", bytes(2784)])[2].hex()
    'e00a0000af5206d9'
    """
    if len(parts) != 3:
        return parts
    envelope, text, body = parts
    size = len(body)
    if envelope == EVENT:
        if size <= _TTL_BYTES:
            return parts
        return [REDUCED_EVENT, text, REDUCED_BODY.pack(size, zlib.crc32(body))]
    if envelope == DATA and size > REDUCED_BODY.size:
        return [REDUCED_DATA, text, REDUCED_BODY.pack(size, zlib.crc32(body))]
    return parts


def heartbeat_message(application: str, uuid_text: str) -> bytes:
    """Return the request that shows a client's name in the GUI; sent about every 2 s on a REQ socket.

    Examples
    --------
    >>> heartbeat_message("dopaloop", "1f2e")
    b'{"application":"dopaloop","uuid":"1f2e","type":"heartbeat"}'
    """
    return msgspec.json.encode(
        {"application": application[:MAX_NAME], "uuid": uuid_text[:MAX_NAME], "type": "heartbeat"}
    )
