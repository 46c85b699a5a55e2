"""Send soft event 1 on a burst of a unit: python own_loop.py PUBLISH COMMANDS UNIT [SECONDS].

A burst: three spikes within 50 ms of the board's time. What the event does, the protocol says (burst_light.py
beside this file). Needs pyzmq and numpy only.
"""

import json
import sys
import time
from collections import deque

import numpy as np
import zmq

SPIKES, WITHIN_US = 3, 50_000

publish, commands, unit = sys.argv[1:4]
until = time.monotonic() + float(sys.argv[4] if len(sys.argv) > 4 else "inf")
context = zmq.Context()
spikes = context.socket(zmq.SUB)
spikes.subscribe(b"arrays/spikes")
spikes.connect(publish)
engine = context.socket(zmq.REQ)
engine.connect(commands)
newest = deque(maxlen=SPIKES)

while time.monotonic() < until:
    if not spikes.poll(200):
        continue
    _, header_bytes, buffer = spikes.recv_multipart()
    header = json.loads(header_bytes)
    names = header["info"]["units"].split("\n")  # of this message: the first column counts them
    burst = False
    for index, board_us in np.frombuffer(buffer, header["dtype"]).reshape(header["shape"]):
        if names[int(index)] == unit:
            newest.append(board_us)
            burst |= len(newest) == SPIKES and newest[-1] - newest[0] <= WITHIN_US
    if burst:
        newest.clear()
        command = {"command": "soft_event", "number": 1}  # refused, and said so, where no state waits for it
        engine.send_json({"id": 1, "do": "submit", "client": "own_loop", "command": command})
        print(f"{unit}  burst, asked as input {engine.recv_json().get('seq')}", flush=True)
context.destroy(linger=0)
