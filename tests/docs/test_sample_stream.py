"""The page of the sample stream and its sender: what they say is what the rig reads."""

import subprocess
import sys

import numpy as np
import zmq

from drivers.samples.codec import decode
from drivers.samples.device import SampleStream
from rig.events import Samples, SourceReady, Ttl
from rig.photometry.settings import PhotometryConfig


def test_the_message_on_the_page_can_be_read(blocks):
    page = blocks("reference/sample-stream.md")
    (header,) = [block for block in page if block.language == "json"]
    (shown,) = [block for block in page if block.language == "text"]
    buffer = bytes.fromhex("".join(line.split("      ")[0] for line in shown.text.splitlines()))
    block = decode([header.text.strip().encode(), buffer])
    assert block.header.first_sample == 140
    assert block.values.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert block.digital.tolist() == [[0], [1]]
    assert len(buffer) == 18


def test_the_sender_is_understood(root):
    command = [sys.executable, root / "examples" / "send_samples.py", "tcp://127.0.0.1:*", "30"]
    stream = SampleStream(PhotometryConfig(name="photometry", driver="samples"))
    told = []
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender,
        zmq.Context() as context,
        context.socket(zmq.SUB) as socket,
    ):
        try:
            endpoint = sender.stdout.readline().split()[-1]
            socket.linger = 0
            socket.connect(endpoint)
            socket.subscribe(b"")
            while stream.samples < 60:
                assert socket.poll(5_000), "the sender fell silent"
                told += stream.feed(socket.recv_multipart(), 0)
        finally:
            sender.kill()
    assert isinstance(told[0], SourceReady)
    assert told[0].channels == ("G0", "G0_iso")
    assert stream.lost == stream.noise == stream.restarts == 0
    samples = [event for event in told if isinstance(event, Samples)]
    number = np.arange(samples[0].first, samples[-1].end)
    values = np.concatenate([event.values for event in samples])
    assert np.allclose(values[:, 0], 100 + 2 * np.sin(2 * np.pi * number / 200), atol=1e-4)
    assert [event.sample % 40 for event in told if isinstance(event, Ttl) and event.rising][:1] == [0]
