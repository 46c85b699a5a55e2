"""Print dF/F and unit spikes of a running session: python live_arrays.py PUBLISH_ENDPOINT [SECONDS].

A program of your own can close a loop of its own with them. Needs pyzmq and numpy only.
"""

import json
import sys
import time

import numpy as np
import zmq

endpoint = sys.argv[1]
until = time.monotonic() + float(sys.argv[2] if len(sys.argv) > 2 else "inf")
context = zmq.Context()
arrays = context.socket(zmq.SUB)
arrays.subscribe(b"arrays/photometry")  # samples of fibres, and ...
arrays.subscribe(b"arrays/spikes")  # ... spikes of units
arrays.connect(endpoint)

while time.monotonic() < until:
    if not arrays.poll(200):
        continue
    topic, header_bytes, buffer = arrays.recv_multipart()
    header = json.loads(header_bytes)
    info = header["info"]
    numbers = np.frombuffer(buffer, header["dtype"]).reshape(header["shape"])
    if topic.startswith(b"arrays/photometry"):
        signal, control, dff = numbers[-1]  # of the newest sample; not a number where there is none
        print(f"{info['fibre']}  {signal:.3f} V  {control:.3f} V  dF/F {100 * dff:+.2f} %", flush=True)
    else:
        names = info["units"].split("\n")  # of this message: the first column counts them
        for unit, board_us in numbers:
            print(f"{names[unit]}  at {board_us / 1e6:.4f} s of the board", flush=True)
context.destroy(linger=0)
