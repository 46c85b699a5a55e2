"""The GUI's side of the wire: an acquisition that publishes spikes, TTLs and data in blocks.

Sans-io, in sample time: it is told what happened at which sample, and hands out the messages of all
blocks that are complete, as the ZMQ Interface plugin would. What the real one does and this does too:

- of each block first the spikes and TTLs, in the order they were handed over, then its data;
- spikes that peak in a block's last 100 samples come with the next block (the detector needs the rest
  of the waveform);
- `message_num` counts from 1; an acquisition stops without a word and starts again at 1.

What it does not: filters, thresholds and sorting are not computed; waveforms are one fixed shape a unit,
and the data are noise in which no spike can be found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from drivers.open_ephys import codec
from drivers.open_ephys.wire import (
    EVENT,
    PEAK_INDEX,
    TTL_BODY,
    TTL_TYPE,
    WAVEFORM_SAMPLES,
    DataContent,
    DataHeader,
    EventContent,
    EventHeader,
    Message,
    SpikeContent,
)

BLOCK_SAMPLES: Final = 696
"""One processing block of the GUI: 1024 frames of audio at 44.1 kHz are 696 samples at 30 kHz."""
TAIL_SAMPLES: Final = 100
"""A spike that peaks this close to a block's end comes with the next block."""
START_MS: Final = 1_700_000_000_000
"""Unix milliseconds of the first block, if the caller does not stamp the messages."""

_TTL_NODE: Final = 100
_SPIKE_NODE: Final = 102
_THRESHOLD_UV: Final = -60.0
_NOISE_UV: Final = 8.0
_NOISE_BODIES: Final = 8


class OpenEphysEmulator:
    """One emulated plugin with one stream.

    Parameters
    ----------
    units
        Names of the sorted units, ``electrode:sorted_id``; spikes refer to them by position.
    rate_hz
        Sample rate that the messages state.
    first_sample
        Sample number of the acquisition's first sample.
    channels
        Data channels selected: one message each a block.
    sync_line
        TTL line of `add_sync`.
    seed
        Of the noise in the data channels.

    Attributes
    ----------
    next_sample
        First sample of the block that is still growing.
    late
        Spikes and TTLs handed over after their block had gone out (they go out with the next one).
    """

    def __init__(
        self,
        units: Sequence[str],
        *,
        stream: str = "rig_probe",
        rate_hz: float = 30_000.0,
        block: int = BLOCK_SAMPLES,
        first_sample: int = 0,
        channels: int = 1,
        sync_line: int = 0,
        seed: int = 0,
    ) -> None:
        self.stream = stream
        self.rate_hz = rate_hz
        self.block = block
        self.sync_line = sync_line
        self.next_sample = first_sample
        self.late = 0
        self._first_sample = first_sample
        self._number = 1
        self._channels = [f"CH{number + 1}" for number in range(channels)]
        self._noise = _noise_bodies(block, seed)
        # Parallel lists: header template, bytes its header loses, waveform.
        self._templates: list[bytes] = []
        self._cuts: list[int] = []
        self._waveforms: list[bytes] = []
        for name in units:
            electrode, _, sorted_id = name.rpartition(":")
            self._add_shape(electrode, int(sorted_id))
        self._unsorted: dict[str, int] = {}
        self._spikes: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        self._ttls: list[tuple[int, bool, int]] = []
        self._word = 0
        self._drop = 0
        self._bare_event = False
        self._stopped = False

    # --- what happens ------------------------------------------------------------------------------

    def add_spikes(self, units: NDArray[np.integer], samples: NDArray[np.integer]) -> None:
        """Hand over spikes in bulk.

        Parameters
        ----------
        units, samples
            Shape (n,): position of the unit, sample of the peak. In any order, and as far ahead as
            you like.
        """
        if len(samples):
            self.late += int(np.count_nonzero(samples < self.next_sample - TAIL_SAMPLES))
            self._spikes.append((units.astype(np.int64), samples.astype(np.int64)))

    def add_ttl(self, line: int, rising: bool, sample: int) -> None:
        """Hand over a change of TTL line `line` (0-63); goes out with the block that holds `sample`."""
        self.late += sample < self.next_sample
        self._ttls.append((line, rising, sample))

    def add_sync(self, rising: bool, sample: int) -> None:
        """Hand over a change of the sync line."""
        self.add_ttl(self.sync_line, rising, sample)

    def advance(self, to_sample: int, timestamp_ms: int | None = None) -> list[list[bytes]]:
        """Let the acquisition run up to `to_sample`; return the messages of all blocks completed.

        Parameters
        ----------
        timestamp_ms
            Unix milliseconds for the headers; computed from the samples if not given.

        Returns
        -------
        list of list of bytes
            Multipart messages, in the order of publication.
        """
        out: list[list[bytes]] = []
        while not self._stopped and self.next_sample + self.block <= to_sample:
            end = self.next_sample + self.block
            stamp = timestamp_ms
            if stamp is None:
                stamp = START_MS + int((end - self._first_sample) * 1000 / self.rate_hz)
            self._emit_spikes(end, stamp, out)
            self._emit_ttls(end, stamp, out)
            self._emit_data(stamp, out)
            self.next_sample = end
        return out

    # --- faults --------------------------------------------------------------------------------------

    def drop(self, count: int) -> None:
        """Lose the next `count` messages; they keep their numbers, as on a slow subscriber."""
        self._drop += count

    def stop(self) -> None:
        """Stop the acquisition: silence, without a marker."""
        self._stopped = True

    def restart(self, first_sample: int = 0) -> None:
        """Begin a new acquisition: numbers from 1, samples from `first_sample`, nothing pending."""
        self._stopped = False
        self._number = 1
        self.next_sample = self._first_sample = first_sample
        self._spikes.clear()
        self._ttls.clear()

    def add_unsorted(self, electrode: str, samples: NDArray[np.integer]) -> None:
        """Hand over spikes that no sorter claimed (sorted id 0)."""
        shape = self._unsorted.get(electrode)
        if shape is None:
            shape = self._unsorted[electrode] = self._add_shape(electrode, 0)
        self.add_spikes(np.full(len(samples), shape, dtype=np.int64), samples)

    def bare_event(self) -> None:
        """Send the next TTL without its payload, in two parts."""
        self._bare_event = True

    # --- the control socket -----------------------------------------------------------------------------

    @staticmethod
    def reply(request: bytes) -> bytes:
        """Answer a request on the REP socket as the plugin does."""
        try:
            asked = msgspec.json.decode(request, type=dict[str, object])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return b"JSON message could not be read"
        return b"message correctly parsed" if asked.get("type") == "event" else b"heartbeat received"

    # --- inside ---------------------------------------------------------------------------------------------

    def _add_shape(self, electrode: str, sorted_id: int) -> int:
        """Prepare the header and the waveform of a unit; return its position."""
        position = len(self._templates)
        content = SpikeContent(
            stream=self.stream,
            source_node=_SPIKE_NODE,
            electrode=electrode,
            sample_num=0,
            num_channels=1,
            num_samples=WAVEFORM_SAMPLES,
            sorted_id=sorted_id,
            threshold=(_THRESHOLD_UV,),
        )
        template, cut = codec.spike_template(content)
        self._templates.append(template)
        self._cuts.append(cut)
        self._waveforms.append(_waveform(amplitude_uv=80.0 + 10.0 * (position % 8)))
        return position

    def _emit_spikes(self, end: int, stamp: int, out: list[list[bytes]]) -> None:
        if not self._spikes:
            return
        units = np.concatenate([chunk[0] for chunk in self._spikes])
        samples = np.concatenate([chunk[1] for chunk in self._spikes])
        due = samples < end - TAIL_SAMPLES
        self._spikes = [] if due.all() else [(units[~due], samples[~due])]
        number = self._number
        templates, cuts, waveforms = self._templates, self._cuts, self._waveforms
        first = len(out)
        for unit, sample in zip(units[due].tolist(), samples[due].tolist(), strict=True):
            header = templates[unit] % (number, sample, stamp)
            if cuts[unit]:
                header = header[: -cuts[unit]]
            out.append([EVENT, header, waveforms[unit]])
            number += 1
        self._number = number
        if self._drop:
            lost = min(self._drop, len(out) - first)
            self._drop -= lost
            del out[first : first + lost]

    def _emit_ttls(self, end: int, stamp: int, out: list[list[bytes]]) -> None:
        if not self._ttls:
            return
        due = [edge for edge in self._ttls if edge[2] < end]
        self._ttls = [edge for edge in self._ttls if edge[2] >= end]
        for line, rising, sample in due:
            bit = 1 << line
            self._word = self._word | bit if rising else self._word & ~bit
            body = b"" if self._bare_event else TTL_BODY.pack(line, rising, self._word)
            self._bare_event = False
            content = EventContent(self.stream, _TTL_NODE, TTL_TYPE, sample)
            self._emit(Message(EventHeader(self._number, content, len(body), stamp), body), out)

    def _emit_data(self, stamp: int, out: list[list[bytes]]) -> None:
        for channel, name in enumerate(self._channels):
            body = self._noise[self._number % len(self._noise)]
            content = DataContent(self.stream, channel, name, self.block, self.next_sample, self.rate_hz)
            self._emit(Message(DataHeader(self._number, content, len(body), stamp), body), out)

    def _emit(self, message: Message, out: list[list[bytes]]) -> None:
        self._number += 1
        if self._drop:
            self._drop -= 1
        else:
            out.append(codec.encode(message))


def _noise_bodies(samples: int, seed: int) -> list[bytes]:
    """Make some blocks of white noise (float32, microvolts), used over and over."""
    noise = np.random.default_rng(seed).normal(0.0, _NOISE_UV, size=(_NOISE_BODIES, samples))
    return [block.tobytes() for block in noise.astype("<f4")]


def _waveform(amplitude_uv: float) -> bytes:
    """Make a spike on one channel: a trough at the peak index, then a slow hump (float32, microvolts)."""
    at = np.arange(WAVEFORM_SAMPLES) - PEAK_INDEX
    shape = -np.exp(-((at / 2.5) ** 2)) + 0.35 * np.exp(-(((at - 10) / 6.0) ** 2))
    scaled: NDArray[np.float32] = (amplitude_uv / -shape.min() * shape).astype("<f4")
    return scaled.tobytes()
