"""`dopaloop devices` on a rig whose stream says where its GUI is."""

from __future__ import annotations

import socket

import msgspec
import pytest

from drivers.open_ephys.http_emulator import GuiState, HttpEmulator, default_chain
from rig.runtime.config import dump_rig, load_rig

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def with_http(emulated, tmp_path):
    """Write the emulated rig's file with an address of the GUI; return its path and the stream's port."""

    def write(address, **changes):
        rig = load_rig(emulated.rig)
        stream = msgspec.structs.replace(rig.streams[0], http=address, **changes)
        path = tmp_path / "rig.toml"
        path.write_text(dump_rig(msgspec.structs.replace(rig, streams=(stream,))), "utf-8")
        return path

    return write


@pytest.fixture
def port(emulated):
    return int(load_rig(emulated.rig).streams[0].data.rpartition(":")[2])


def test_it_shows_what_the_gui_does(dopaloop, with_http, port):
    with HttpEmulator(GuiState(default_chain(port))) as server:
        said = dopaloop("devices", with_http(server.address, record=True), "--listen", 0.3)
        assert server.gui.mode == "IDLE"
    assert said.status == 0, said.text
    assert f"Open Ephys at {server.address}: IDLE; File Reader > " in said.out
    assert f"ZMQ Interface 104 on port {port}; records to 'recordings'" in said.out


def test_a_wrong_port_is_told(dopaloop, with_http, port):
    with HttpEmulator(GuiState(default_chain(port + 1))) as server:
        said = dopaloop("devices", with_http(server.address), "--listen", 0.1)
    assert said.status == 1
    assert f"stream 'probe' listens on port {port}, and no plugin sends there" in said.out


def test_nobody_at_that_address_is_one_sentence(dopaloop, with_http):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        said = dopaloop("devices", with_http(f"127.0.0.1:{closed.getsockname()[1]}"), "--listen", 0.1)
    assert said.status == 1
    assert "cannot be reached" in said.out and "is the GUI running?" in said.out
