"""Send samples to the rig from any program: python send_samples.py [ENDPOINT [SECONDS]].

Two channels at 40 samples a second, as a camera photometer has them, and one digital line that goes up
for half of each second. Needs pyzmq and numpy only.
"""

import json
import sys
import time

import numpy as np
import zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5580"
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
RATE_HZ, BLOCK = 40.0, 2  # a message every 50 ms

context = zmq.Context()
socket = context.socket(zmq.PUB)
socket.bind(endpoint)
print("sending on", socket.last_endpoint.decode(), flush=True)

begun, seq, first = time.monotonic(), 0, 0
while first < seconds * RATE_HZ:
    sample = np.arange(first, first + BLOCK)
    signal = 100.0 + 2.0 * np.sin(2 * np.pi * sample / RATE_HZ / 5)
    control = np.full(BLOCK, 80.0)
    values = np.stack([signal, control], axis=1).astype("<f4")  # one sample after the other
    line0 = (sample % RATE_HZ < RATE_HZ / 2).astype(np.uint8)  # bit 0 of each byte is line 0
    header = {
        "stream": "photometry",
        "seq": seq,  # counts messages
        "first_sample": first,  # counts samples: add those that you lose yourself
        "rate_hz": RATE_HZ,
        "channels": ["G0", "G0_iso"],
        "dtype": "<f4",
        "digital": 1,
    }
    socket.send_multipart([json.dumps(header).encode(), values.tobytes() + line0.tobytes()])
    seq, first = seq + 1, first + BLOCK
    time.sleep(max(0.0, begun + first / RATE_HZ - time.monotonic()))
socket.close(linger=200)
context.term()
