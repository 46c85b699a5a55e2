"""Spike messages a second on one core: packed batches in, spikes in the ring; beside only reading JSON."""

import json
from collections.abc import Callable

import msgspec
import pytest

from benchmarks.figures import Bench, baseline, ours
from drivers.open_ephys import codec
from drivers.open_ephys.device import OpenEphysFeed
from drivers.open_ephys.wire import Header, Message, SpikeContent, SpikeHeader
from rig.description import StreamConfig
from rig.log.pack import pack
from rig.stream.intake import StreamIntake

MESSAGES, BATCH, UNITS = 5_000, 50, 40
WAVEFORM = bytes(4 * 40)
CONFIG = StreamConfig(name="probe", data="tcp://127.0.0.1:1")


def message(number: int) -> list[bytes]:
    spike = SpikeContent(
        stream="probe", source_node=100, electrode=f"Electrode {number % UNITS // 4}", sample_num=40 * number,
        num_channels=1, num_samples=40, sorted_id=1 + number % 4, threshold=(-60.25,),
    )  # fmt: skip
    header = SpikeHeader(message_num=number + 1, spike=spike, timestamp=1_700_000_000_000 + number)
    return list(codec.reduce(codec.encode(Message(header, WAVEFORM))))


ALL = [message(number) for number in range(MESSAGES)]
HEADERS = [parts[1] for parts in ALL]
DECODER = msgspec.json.Decoder(Header)
BATCHES = [pack(ALL[at : at + BATCH]) for at in range(0, MESSAGES, BATCH)]


def take_all() -> int:
    intake = StreamIntake(CONFIG, OpenEphysFeed(CONFIG))
    for payload in BATCHES:
        assert not intake.take(payload, 0)
    assert len(intake.units) == UNITS
    return intake.messages


def read_json() -> int:
    return len([json.loads(text) for text in HEADERS])


def read_msgspec() -> int:
    return len([DECODER.decode(text) for text in HEADERS])


BARE = {"bare json.loads": read_json, "bare msgspec decode": read_msgspec}


@pytest.mark.parametrize("beside", list(BARE))
@pytest.mark.parametrize("side", ["bare", "ours"])
def test_spike_messages(benchmark: Bench, side: str, beside: str) -> None:
    benchmark.group = f"spike messages to the ring, beside {beside}"
    run: Callable[[], int] = BARE[beside] if side == "bare" else take_all
    assert benchmark.pedantic(run, rounds=15, warmup_rounds=2) == MESSAGES
    if side == "bare":
        baseline(benchmark, beside, amount=MESSAGES, unit="messages")
    else:
        ours(benchmark, "unpack, decode, feed, ring", amount=MESSAGES, unit="messages")
