"""Real outlets and inlets in one process (skips, saying why, where LSL does not work)."""

from __future__ import annotations

import gc
import itertools
import time

import msgspec
import numpy as np
import pytest

from drivers.lsl.device import LslFeed
from drivers.lsl.inlet import LslInlet
from drivers.lsl.outlet import MarkerOutlet, ValueOutlet
from rig.documents import Document, Notice
from rig.errors import ConfigError
from rig.events import Marker, Samples, SourceReady, StreamRestarted


class Ears:
    """An inlet and its feed; keeps all events."""

    def __init__(self, inlet):
        self.inlet = inlet
        self.feed = LslFeed(inlet.name)
        self.events = []

    def hear(self):
        for message in self.inlet.pull():
            self.events.extend(self.feed.feed(message, 0))

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


def test_samples_out_and_in(lsl, wait_for):
    values = np.arange(400.0).reshape(200, 2)
    with (
        ValueOutlet("fibres", "t-fibres", ["dlight", "tdtomato"], rate_hz=130.0, unit="V") as outlet,
        LslInlet("source_id", "t-fibres") as inlet,
    ):
        assert (inlet.name, inlet.rate_hz, inlet.channels) == ("fibres", 130.0, ("dlight", "tdtomato"))
        wait_for(lambda: outlet.heard)
        ears, begun_s = Ears(inlet), lsl.local_clock()
        begun_ns = time.monotonic_ns()
        for k in range(0, 200, 20):
            outlet.send(values[k : k + 20].tolist(), begun_s + (k + 19) / 130.0)
        outlet.send([])

        def all_here():
            ears.hear()
            return sum(len(event.values) for event in ears.of(Samples)) == 200

        wait_for(all_here)
    (ready,) = ears.of(SourceReady)
    assert (ready.name, ready.channels, ready.rate_hz) == ("fibres", ("dlight", "tdtomato"), 130.0)
    samples = ears.of(Samples)
    np.testing.assert_array_equal(np.concatenate([event.values for event in samples]), values)
    assert samples[0].first == 0
    assert all(one.end == other.first for one, other in itertools.pairwise(samples))
    assert (ears.feed.lost, ears.feed.noise, ears.feed.restarts) == (0, 0, 0)
    # The newest sample's time is the stamp it was sent with, on this computer's own clock.
    number, t_ns = ears.feed.newest
    assert number == 199
    assert t_ns == pytest.approx(begun_ns + 199 / 130.0 * 1e9, abs=5e6)


def test_markers_and_documents_out_and_in(lsl, wait_for):
    notice = Notice(level="info", source="test", text="naïve mouse, day 1")
    with MarkerOutlet("dopaloop events", "t-events") as outlet, LslInlet("name", "dopaloop events") as inlet:
        wait_for(lambda: outlet.heard)
        ears, sent_ns = Ears(inlet), time.monotonic_ns()
        outlet.send("trial 1", lsl.local_clock() - 1.5)
        outlet.send_document(notice)

        def both_here():
            ears.hear()
            return len(ears.of(Marker)) == 2

        wait_for(both_here)
    assert outlet.sent == 2
    first, second = ears.of(Marker)
    assert first.text == "trial 1"
    assert first.t_ns == pytest.approx(sent_ns - 1.5e9, abs=5e7)
    assert second.t_ns == pytest.approx(sent_ns, abs=2e8)
    assert msgspec.json.decode(second.text, type=Document) == notice
    assert ears.feed.newest is None


def test_a_sender_that_went_away_is_found_again(lsl, wait_for):
    outlet = ValueOutlet("away", "t-away", ["x"], rate_hz=100.0)
    with LslInlet("source_id", "t-away") as inlet:
        wait_for(lambda: outlet.heard)
        ears, begun_s, sent = Ears(inlet), lsl.local_clock(), [0]

        def comes(value):
            due = int((lsl.local_clock() - begun_s) * 100)
            if due > sent[0]:  # as a device does: a sample when it is due, or none
                sent[0] = due
                outlet.send([[value]], begun_s + due / 100)
            ears.hear()
            return any(value in event.values for event in ears.of(Samples))

        wait_for(lambda: comes(1.0))
        outlet.close()
        gc.collect()
        outlet = ValueOutlet("away", "t-away", ["x"], rate_hz=100.0)
        wait_for(lambda: comes(2.0))
    outlet.close()
    assert ears.feed.restarts == len(ears.of(StreamRestarted)) == 1
    back = next(event for event in ears.of(Samples) if 2.0 in event.values)
    assert back.first == 0  # another run of the sender: its samples are counted anew
    assert len({ready.serial for ready in ears.of(SourceReady)}) == 2


def test_no_such_stream_is_one_sentence(lsl):
    with pytest.raises(ConfigError, match="no LSL stream with name 'nobody'"):
        LslInlet("name", "nobody", resolve_s=0.2)


def test_two_of_one_name_are_told(lsl):
    with (
        MarkerOutlet("twin", "t-twin-1"),
        MarkerOutlet("twin", "t-twin-2"),
        pytest.raises(ConfigError, match="name one by its source_id"),
    ):
        LslInlet("name", "twin")
