"""`dopaloop devices` on a rig with photometry: a board on a pseudo-terminal, a program over ZeroMQ."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from rig.cli.photometry import sampled
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.photometry.settings import FibreConfig, PhotometryConfig
from rig.runtime.config import dump_rig, load_rig

pytestmark = pytest.mark.timeout(90)

BOX = PhotometryConfig(
    name="box", port="pty", fibres={"left": FibreConfig(signal="analog_1", control="analog_2")}
)
PROGRAM = PhotometryConfig(
    name="program", driver="samples", data="tcp://127.0.0.1:0", fibres={"right": FibreConfig(signal="G0")}
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """An emulated rig with both; write its file with changes of a source: ``served(box={...})``."""
    rig = msgspec.structs.replace(with_emulation(demo_rig(), units=0), streams=(), photometry=(BOX, PROGRAM))
    with launch(rig, speed=1.0) as process:

        def write(**changes):
            sources = tuple(
                msgspec.structs.replace(source, **changes.get(source.name, {}))
                for source in process.rig.photometry
            )
            path = tmp_path_factory.mktemp("photometry") / "rig.toml"
            path.write_text(dump_rig(msgspec.structs.replace(process.rig, photometry=sources)), "utf-8")
            return path

        yield write


def test_each_source_says_what_it_sends_and_whether_the_sync_line_was_seen(dopaloop, served):
    said = dopaloop("devices", served(), "--listen", 3.0)
    assert said.status == 0, said.text
    assert "photometry box: pyPhotometry" in said.out
    assert "analog_1, analog_2 at 130 Hz" in said.out
    assert "photometry program: " in said.out
    assert said.out.count("sync line 0 seen") == 2  # the board drives it for this
    assert said.out.count(" 0 lost, 0 clipped") == 2


@pytest.fixture
def meet(served):
    """Meet one of the sources with changes, in this process: ``meet("box", port=...)``."""

    def sampled_with(name, **changes):
        (source,) = (one for one in load_rig(served()).photometry if one.name == name)
        console = Console(record=True, width=200, file=io.StringIO())
        return sampled(msgspec.structs.replace(source, **changes), 0.5, console), console.export_text()

    return sampled_with


def test_a_channel_that_is_not_there_is_told(meet):
    there, said = meet("box", fibres={"left": FibreConfig(signal="analog_7")})
    assert not there
    assert "photometry box: it has no channel analog_7" in said


def test_a_program_that_does_not_run_is_told(meet):
    there, said = meet("program", data="tcp://127.0.0.1:9")
    assert not there
    assert "photometry program: nothing came from tcp://127.0.0.1:9; is it switched on" in said


def test_a_port_that_is_not_there_is_one_sentence(meet):
    there, said = meet("box", port="/dev/ttyNotThere")
    assert not there
    assert "photometry box: there is no port /dev/ttyNotThere" in said
