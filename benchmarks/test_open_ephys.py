"""Spike messages a second on one core: a packed batch in, spikes in the ring; beside only reading the JSON."""

import json
from collections.abc import Callable

import msgspec
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.figures import baseline, ours
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
BATCHES = [pack(ALL[at : at + BATCH]) for at in range(0, MESSAGES, BATCH)]


def take_all() -> int:
    intake = StreamIntake(CONFIG, OpenEphysFeed(CONFIG))
    for payload in BATCHES:
        assert not intake.take(payload, 0)
    assert len(intake.units) == UNITS
    return intake.messages


def read_json() -> int:
    return sum(1 for text in HEADERS if json.loads(text))


def read_msgspec(decoder: msgspec.json.Decoder[Header] = msgspec.json.Decoder(Header)) -> int:  # noqa: B008
    return sum(1 for text in HEADERS if decoder.decode(text))


BARE = {"bare json.loads": read_json, "bare msgspec decode": read_msgspec}


@pytest.mark.parametrize("beside", list(BARE))
@pytest.mark.parametrize("side", ["bare", "ours"])
def test_spike_messages(benchmark: BenchmarkFixture, side: str, beside: str) -> None:
    benchmark.group = f"spike messages to the ring, beside {beside}"
    run: Callable[[], int] = BARE[beside] if side == "bare" else take_all
    assert benchmark.pedantic(run, rounds=15, warmup_rounds=2) == MESSAGES
    if side == "bare":
        baseline(benchmark, beside, amount=MESSAGES, unit="messages")
    else:
        ours(benchmark, "unpack, decode, feed, ring", amount=MESSAGES, unit="messages")
