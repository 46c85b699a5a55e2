r"""The Open Ephys GUI's ZMQ Interface plugin (1.0.0) on the wire: constants and the shapes of its JSON.

One multipart message of the plugin's PUB socket is::

    part 0   envelope   b"DATA\0" or b"EVENT\0"      (spikes travel under EVENT)
    part 1   header     JSON text: CR LF, two-space indent, no NUL at the end
    part 2   body       little-endian binary
                        data   num_samples float32, one channel a message
                        event  u8 line, u8 state, u64 word of lines 0-63 after the change (TTL)
                        spike  num_channels x num_samples float32, channel after channel

Source: open-ephys-plugins/zmq-interface at 3851391, and packets captured from GUI 1.0.1.

A *reduced* message is ours, not the GUI's: it stands in a session file for a message whose body
nothing reads. Its envelope has one more byte behind the NUL, which no GUI sends, and its body is the
length and the CRC-32 of the body that was there.
"""

from __future__ import annotations

import struct
from typing import Annotated, Final

import msgspec

DATA: Final = b"DATA\x00"
EVENT: Final = b"EVENT\x00"
REDUCED_DATA: Final = DATA + b"~"
REDUCED_EVENT: Final = EVENT + b"~"

TTL_TYPE: Final = 3
"""The only event type that the plugin sends."""

TTL_BODY: Final = struct.Struct("<BBQ")
REDUCED_BODY: Final = struct.Struct("<II")
"""Length in bytes and CRC-32 (zlib) of the body that was reduced."""

PEAK_INDEX: Final = 9
"""`sample_num` of a spike is the sample of its peak, which is the tenth sample of the waveform."""
WAVEFORM_SAMPLES: Final = 40
FLOAT_BYTES: Final = 4

EARLIEST_TIMESTAMP_MS: Final = 10**12
"""Header time stamps are Unix milliseconds: 13 digits from 2001 to 2286."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""A number of the plugin's with 32 bits."""
Sample = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A sample number: 64 bits, signed."""
SortedId = Annotated[int, msgspec.Meta(ge=0, le=2**16 - 1)]
Rate = Annotated[float, msgspec.Meta(gt=0, le=1e9)]


class DataContent(msgspec.Struct, frozen=True, gc=False):
    """What a block of samples of one channel says of itself.

    Parameters
    ----------
    channel_num
        0-based, inside the stream.
    sample_num
        The stream's number of the first sample.
    sample_rate
        Hz.
    """

    stream: str
    channel_num: Count
    channel_name: str
    num_samples: Count
    sample_num: Sample
    sample_rate: Rate


class EventContent(msgspec.Struct, frozen=True, gc=False):
    """What an event says of itself; `type` 3 is TTL."""

    stream: str
    source_node: Count
    type: Count
    sample_num: Sample


class SpikeContent(msgspec.Struct, frozen=True, gc=False):
    """What a spike says of itself.

    Parameters
    ----------
    sample_num
        Sample of the peak.
    sorted_id
        0: no sorter claimed it. Ids repeat across electrodes.
    threshold
        One a channel, in microvolts.
    """

    stream: str
    source_node: Count
    electrode: str
    sample_num: Sample
    num_channels: Count
    num_samples: Count
    sorted_id: SortedId
    threshold: tuple[float, ...]


class DataHeader(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="data"):
    """Header of a data message."""

    message_num: Count
    content: DataContent
    data_size: Count
    timestamp: int


class EventHeader(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="event"):
    """Header of an event. An event without a payload has no `data_size` and no part 2."""

    message_num: Count
    content: EventContent
    data_size: Count = 0
    timestamp: int = 0


class SpikeHeader(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="spike"):
    """Header of a spike: its key is `spike`, not `content`, and it has no `data_size`."""

    message_num: Count
    spike: SpikeContent
    timestamp: int


Header = DataHeader | EventHeader | SpikeHeader


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message, whole.

    Parameters
    ----------
    body
        Part 2 as it came (empty if there was none).
    reduced
        True if `body` is only the length and the CRC-32 of what the plugin sent.
    """

    header: Header
    body: bytes
    reduced: bool = False


class Malformed(msgspec.Struct, frozen=True, gc=False):
    """Parts that are no message of the plugin's.

    Parameters
    ----------
    message_num
        Its number, if that much could be read.
    dropped
        Bytes in all parts, as they came from the publisher.
    """

    message_num: int | None
    dropped: int
    reason: str
