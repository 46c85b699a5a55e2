"""`dopaloop devices` on a rig with Harp devices beside its board."""

from __future__ import annotations

import re

import msgspec
import pytest

from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.description import HarpConfig
from rig.runtime.config import dump_rig

pytestmark = pytest.mark.timeout(90)

BEHAVIOR = HarpConfig(
    name="behavior",
    port="pty",
    device="behavior",
    sync_input="DigitalInputState.DI3",
    events=("DigitalInputState",),
)
OLFACTOMETER = HarpConfig(name="olfactometer", port="pty", device="olfactometer")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """An emulated rig with two Harp devices; write its file with other ports: ``served(swap=True)``."""
    rig = msgspec.structs.replace(
        with_emulation(demo_rig(), units=0), streams=(), harp=(BEHAVIOR, OLFACTOMETER)
    )
    with launch(rig, speed=1.0) as process:
        first, second = process.rig.harp

        def write(**changes):
            harp = (
                msgspec.structs.replace(first, **changes.get("first", {})),
                msgspec.structs.replace(second, **changes.get("second", {})),
            )
            path = tmp_path_factory.mktemp("harp") / "rig.toml"
            path.write_text(dump_rig(msgspec.structs.replace(process.rig, harp=harp)), "utf-8")
            return path

        yield write, first.port


def test_each_device_is_identified_and_what_it_sends_is_shown(dopaloop, served):
    write, port = served
    said = dopaloop("devices", write(), "--watch", 1.0)
    assert said.status == 0, said.text
    assert f"behavior: Behavior, firmware 3.3, on {port}" in said.out
    assert "olfactometer: Olfactometer, firmware 2.3, on /dev/" in said.out
    count = re.search(r"behavior: it also sends (?:\S+ \d+ times, )*AnalogData (\d+) times", said.out)
    assert int(count[1]) > 300


def test_the_wrong_device_and_no_device_are_told(dopaloop, served):
    write, port = served
    said = dopaloop("devices", write(first={"port": "no-such-port"}, second={"port": port}))
    assert said.status == 1
    assert "behavior: there is no port no-such-port; plug the device in" in said.out
    assert f"the device at {port} is a Harp device of type 1216, but Olfactometer has 1140" in said.out


def test_a_wrong_name_in_the_rig_file_is_told(dopaloop, served):
    write, _ = served
    said = dopaloop("devices", write(second={"setup": {"EnableFlo": 1}}))
    assert said.status != 0
    assert "Olfactometer has no register 'EnableFlo'; did you mean 'EnableFlow'?" in said.text
