"""Port to port through the engine, against a bare echo over the same kind of pseudo-terminal.

Both echoes run in a process of their own; a round is one chunk of 20 bytes there and back.
"""

import os
import select
import subprocess
import sys

import pytest

CHUNK = b"x" * 20

BARE = """
import os, select, sys, tty
fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
tty.setraw(fd)
print("ready", flush=True)
while True:
    select.select([fd], [], [])
    os.write(fd, os.read(fd, 4096))
"""

ENGINE = """
import sys
from pathlib import Path
from drivers.transports import open_transport
from rig.effects import Write
from rig.runtime.engine import Engine
from rig.runtime.guard import Guard
from rig.runtime.ports import Port

class Echo:
    def start(self, t_ns):
        return []
    def step(self, entry):
        if entry.kind == "port":
            print("ready", flush=True)
        return [Write("board", entry.payload)] if entry.kind == "bytes" else []

port = Port("board", lambda: open_transport(sys.argv[1], 1_000_000))
guard = Guard(port, lambda counter: b"", lambda: b"!")
Engine(Echo(), meta={}, out=Path(sys.argv[2]), subject="bench", ports=[port], guard=guard).run()
"""


@pytest.fixture
def echo(tmp_path):
    """Start an echo; return a function that sends a chunk there and back."""
    master, slave = os.openpty()
    started = []

    def start(program):
        command = [sys.executable, "-c", program, os.ttyname(slave), str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "ready\n"

        def there_and_back():
            os.write(master, CHUNK)
            missing = len(CHUNK)
            while missing:
                assert select.select([master], [], [], 5)[0], "no echo"
                missing -= len(os.read(master, 4096))

        return there_and_back

    yield start
    for process in started:
        process.kill()
        process.communicate()
    os.close(master)
    os.close(slave)


@pytest.mark.benchmark(group="20 bytes there and back over a pseudo-terminal")
@pytest.mark.parametrize("program", [BARE, ENGINE], ids=["bare echo", "engine"])
def test_there_and_back(benchmark, echo, program):
    benchmark.pedantic(echo(program), warmup_rounds=200, rounds=3000)
