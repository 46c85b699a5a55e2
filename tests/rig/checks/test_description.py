"""What must hold between the parts of a rig."""

import re

import msgspec
import pytest

from rig.checks.description import check_rig, is_loopback
from rig.description import (
    BoardConfig,
    InputLine,
    Limits,
    Neural,
    OutputLine,
    RigDescription,
    StreamConfig,
    Telemetry,
)

CALIBRATION = ((10.0, 1.0), (20.0, 2.0))
VALVE = OutputLine(line=0, kind="valve", max_open_ms=15.0, calibration=CALIBRATION)
STREAM = StreamConfig(name="probe", data="tcp://127.0.0.1:5556", control="tcp://127.0.0.1:5557")


def rig(*, streams=(), outputs=None, inputs=None, sync_seed=1, **parts):
    board = BoardConfig(port="COM3", outputs=outputs or {}, inputs=inputs or {}, sync_seed=sync_seed)
    return RigDescription(name="box", board=board, streams=streams, **parts)


def valve(**changes):
    return rig(outputs={"water": msgspec.structs.replace(VALVE, **changes)})


def stream(**changes):
    return msgspec.structs.replace(STREAM, **changes)


def test_a_good_rig_has_no_problem():
    good = rig(
        outputs={"water": VALVE, "led": OutputLine(line=1)},
        inputs={"lick": InputLine(line=0)},
        streams=(STREAM,),
        neural=Neural(utility_ul=(0.1, 1.0), utility_hz=(0.5, 2.0)),
    )
    assert check_rig(good) == []


CODED = InputLine(line=6, log_only=True)


@pytest.mark.parametrize(
    "good",
    [
        rig(streams=(stream(sync="host"),), sync_seed=0),
        rig(streams=(stream(sync="barcode", sync_input="codes"),), sync_seed=0, inputs={"codes": CODED}),
        rig(streams=(stream(http="127.0.0.1", record=True, network="tcp://127.0.0.1:5600", network_line=0),)),
        rig(streams=(stream(http="rig3:37497"),)),
        rig(streams=(stream(roster=("1:1", "1:2"), tagged=("1:2",)), stream(
            name="b", data="tcp://127.0.0.1:6", control="", tagged=("any",), network="tcp://127.0.0.1:5600"))),
        rig(streams=tuple(
            stream(name=name, data=f"tcp://127.0.0.1:{port}", control="", network="tcp://127.0.0.1:5600")
            for name, port in (("a", 1), ("b", 2)))),
    ],
)  # fmt: skip
def test_streams_that_are_fine(good):
    assert check_rig(good) == []


WATER = ("board", "outputs", "water")
WRONG = [
    (rig(streams=(stream(sync="barcode"),)), ("streams", 0, "sync_input"), "name the input"),
    (
        rig(streams=(stream(sync="barcode", sync_input="codes"),)),
        ("streams", 0, "sync_input"),
        "the board has none",
    ),
    (
        rig(streams=(stream(sync_input="codes"),), inputs={"codes": CODED}),
        ("streams", 0, "sync_input"),
        "takes no barcodes",
    ),
    (rig(streams=(stream(record=True),)), ("streams", 0, "record"), "give http"),
    (rig(streams=(stream(http="http://127.0.0.1"),)), ("streams", 0, "http"), "HOST:PORT"),
    (rig(streams=(stream(network="127.0.0.1"),)), ("streams", 0, "network"), "is no address"),
    (rig(streams=(stream(network=STREAM.data),)), ("streams", 0, "network"), "is already data"),
    (rig(streams=(stream(roster=("1:1",), tagged=("1:2",)),)), ("streams", 0, "tagged"), "no such unit"),
    (
        rig(outputs={"a": OutputLine(line=2), "b": OutputLine(line=2)}),
        ("board", "outputs", "b", "line"),
        "'a'",
    ),
    (rig(inputs={"a": InputLine(line=2), "b": InputLine(line=2)}), ("board", "inputs", "b", "line"), "'a'"),
    (valve(calibration=()), WATER, "no calibration"),
    (valve(calibration=((10.0, 1.0),)), (*WATER, "calibration"), "one point"),
    (valve(calibration=((20.0, 1.0), (10.0, 2.0))), (*WATER, "calibration"), "open times .* do not ascend"),
    (valve(calibration=((10.0, 2.0), (20.0, 2.0))), (*WATER, "calibration"), "volumes .* do not ascend"),
    (valve(max_open_ms=0.0), (*WATER, "max_open_ms"), "could never open"),
    (valve(max_open_ms=20.5), (*WATER, "max_open_ms"), "limit without calibration"),
    (
        rig(outputs={"led": OutputLine(line=1, calibration=CALIBRATION)}),
        ("board", "outputs", "led", "calibration"),
        "is no valve",
    ),
    (rig(limits=Limits(max_drop_ul=5.0, max_session_ul=4.0)), ("limits", "max_drop_ul"), "more than"),
    (
        rig(streams=(STREAM, stream(data="tcp://127.0.0.1:1", control=""))),
        ("streams", 1, "name"),
        "two streams",
    ),
    (rig(streams=(stream(name="board"),)), ("streams", 0, "name"), "cannot be called 'board'"),
    (rig(streams=(STREAM,), sync_seed=0), ("streams", 0, "sync_line"), "sync_seed"),
    (rig(streams=(stream(roster=("a:1", "a:1")),)), ("streams", 0, "roster"), "twice"),
    (rig(streams=(stream(data="localhost:5556"),)), ("streams", 0, "data"), "is no address"),
    (
        rig(streams=(stream(control=STREAM.data),)),
        ("streams", 0, "control"),
        "already data of stream 'probe'",
    ),
    (rig(telemetry=Telemetry(publish="tcp://0.0.0.0:5")), ("telemetry", "publish"), "open to the network"),
    (
        rig(telemetry=Telemetry(publish="tcp://127.0.0.1:5", commands="tcp://127.0.0.1:5")),
        ("telemetry", "commands"),
        "cannot share",
    ),
    (rig(neural=Neural(utility_ul=(1.0, 2.0), utility_hz=(1.0,))), ("neural", "utility_hz"), "pairs"),
    (rig(neural=Neural(utility_ul=(1.0,), utility_hz=(1.0,))), ("neural", "utility_hz"), "two points"),
    (rig(neural=Neural(utility_ul=(2.0, 1.0), utility_hz=(1.0, 2.0))), ("neural", "utility_ul"), "ascend"),
]


@pytest.mark.parametrize(("wrong", "path", "text"), WRONG)
def test_each_contradiction_is_found_at_its_key(wrong, path, text):
    found = check_rig(wrong)
    assert [where for where, _ in found] == [path]
    assert re.search(text, found[0][1])


def test_an_emulated_rig_may_leave_every_port_to_be_chosen():
    assert check_rig(rig(streams=(stream(data="tcp://127.0.0.1:0", control="tcp://127.0.0.1:0"),))) == []


@pytest.mark.parametrize(
    ("endpoint", "ours"),
    [
        ("tcp://127.0.0.1:5560", True), ("tcp://127.3.4.5:*", True), ("tcp://localhost:1", True),
        ("tcp://[::1]:1", True), ("ipc:///run/x", True), ("inproc://x", True), ("tcp://*:5560", False),
        ("tcp://0.0.0.0:1", False), ("tcp://192.168.1.4:1", False), ("tcp://127.0.0.1.evil.org:1", False),
        ("udp://127.0.0.1:1", False), ("tcp://127.0.0.1:0;tcp://*:1", False),
    ],
)  # fmt: skip
def test_only_this_computer_is_loopback(endpoint, ours):
    assert is_loopback(endpoint) is ours
