"""The emulated sender, read by the driver: values, edges, both kinds of loss, time."""

from __future__ import annotations

import numpy as np

from drivers.samples.device import SampleStream
from drivers.samples.emulator import SampleStreamEmulator
from rig.events import Samples, SamplesLost, SourceReady, Ttl, WireNoise
from rig.photometry.settings import PhotometryConfig
from rig.sim.photometry import FibreWorld, Losses, SimulatedFibre


def ramp(first, count):
    return np.arange(first, first + count)[:, None] * np.array([1.0, 10.0])


def read(messages):
    stream = SampleStream(PhotometryConfig(name="photometry", driver="samples"))
    return [event for parts in messages for event in stream.feed(parts, 0)]


def test_it_is_understood():
    sender = SampleStreamEmulator(ramp, ("G0", "iso"), rate_hz=100.0, block=5, lines=2)
    sender.input_edge(0, True, 103_000)
    sender.input_edge(1, True, 200_000)
    told = read(sender.advance(1_000_000))
    assert isinstance(told[0], SourceReady)
    samples = [event for event in told if isinstance(event, Samples)]
    assert np.concatenate([event.values for event in samples]).tolist() == ramp(0, 100).tolist()
    # sample k is taken at (k + 1) * 10 ms
    edges = [event for event in told if isinstance(event, Ttl)]
    assert edges == [Ttl(line=0, rising=True, sample=10), Ttl(line=1, rising=True, sample=19)]


def test_steps_do_not_matter():
    def make():
        fibre = SimulatedFibre(FibreWorld(), 40.0 * (1 + 50e-6))
        return SampleStreamEmulator(fibre.take, ("G0", "iso"), ppm=50.0, lost=Losses(share=0.1).lost)

    whole, pieces = make(), make()
    expected = whole.advance(20_000_000)
    got = [parts for now_us in range(0, 20_000_001, 7_777) for parts in pieces.advance(now_us)]
    got += pieces.advance(20_000_000)
    assert got == expected
    assert whole.next_due_us() > 20_000_000


def test_both_kinds_of_loss_are_told_apart():
    sender = SampleStreamEmulator(
        ramp, ("a", "b"), rate_hz=100.0, block=5, lost=lambda first, count: np.array([first in (3, 4)])
    )
    messages = sender.advance(500_000)
    sender.skip(7)
    told = read([*messages, *sender.advance(1_000_000)])
    assert [event for event in told if isinstance(event, SamplesLost)] == [
        SamplesLost(first=15, count=10, reason="2 messages never came"),
        SamplesLost(first=50, count=7, reason="the sender lost them"),
    ]
    assert not [event for event in told if isinstance(event, WireNoise)]
