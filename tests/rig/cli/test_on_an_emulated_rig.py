"""The commands of a day at the rig, on an emulated one, over a real pseudo-terminal."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import msgspec
import pytest

from rig.results.report import Report
from rig.runtime.reader import SessionFile

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module")
def session_file(emulated, dopaloop, tmp_path_factory):
    """A session of eight trials, run from the command line."""
    out = tmp_path_factory.mktemp("out")
    said = dopaloop(
        "run", "variable_magnitude", "--rig", emulated.rig, "--subject", "m1", "--out", out, "--trials", 8,
        "--seed", 1,
    )  # fmt: skip
    assert said.status == 0, said.text
    assert said.out.count("complete") == 8
    assert "8 trials done; session file " in said.out
    (path,) = out.iterdir()
    return path


def test_the_emulator_says_where_it_is(emulated):
    assert emulated.first["ports"]["board"].startswith("/dev/")
    assert emulated.first["units"] == 3


def test_devices_finds_the_board_and_hears_the_stream(dopaloop, emulated):
    said = dopaloop("devices", emulated.rig, "--listen", 0.3)
    assert said.status == 0, said.text
    assert re.search(r"board: \S.*, serial .*, firmware .*, emulator, up to 60x, on /dev/", said.out)
    assert re.search(r"stream probe: [1-9]\d* messages, [1-3] units, 0 gaps, 30000 Hz", said.out)


def test_devices_pulses_one_output_and_tells_what_the_board_did(dopaloop, emulated):
    said = dopaloop("devices", emulated.rig, "--pulse", "water", "--ms", 29, "--listen", 0.2)
    assert said.status == 0, said.text
    assert "water: open for 29 ms by the board's clock, 5.00 uL" in said.out


def test_devices_watches_the_inputs(dopaloop, emulated):
    said = dopaloop("devices", emulated.rig, "--watch", 0.5, "--listen", 0.2)
    assert said.status == 0, said.text
    assert "watching lick for 0.5 s" in said.out
    (count,) = re.findall(r"^lick: (\d+)$", said.out, re.MULTILINE)
    assert said.out.count("lick on") == int(count)


def test_flush_opens_the_valve_in_pulses(dopaloop, emulated):
    said = dopaloop("flush", emulated.rig, "--yes", "--seconds", 0.5)
    assert said.status == 0, said.text
    (seconds, pulses) = re.search(r"water: open for ([\d.]+) s in (\d+) pulses", said.out).groups()
    assert float(seconds) == pytest.approx(0.5, abs=0.01)
    assert int(pulses) == 4


def test_a_session_replays(dopaloop, session_file):
    said = dopaloop("replay", session_file)
    assert said.status == 0
    assert said.out.startswith("identical: ")


def test_inspect_shows_a_session(dopaloop, session_file):
    said = dopaloop("inspect", session_file)
    assert said.status == 0
    assert "trials: 8 complete; water in trials " in said.out
    assert "ended: 8 trials done" in said.out
    for unit in range(1, 4):
        assert f"Tetrode 1:{unit}" in said.out


def schema():
    return json.loads((ROOT / "docs" / "reference" / "estimates.schema.json").read_text("utf-8"))


def conforms(value, kind, whole, path="$"):
    """Hold a value to the parts of JSON schema that ours uses."""
    if "$ref" in kind:
        return conforms(value, whole["$defs"][kind["$ref"].rsplit("/", 1)[1]], whole, path)
    if "anyOf" in kind:
        found = [list(conforms(value, one, whole, path)) for one in kind["anyOf"]]
        return [] if any(not problems for problems in found) else min(found, key=len)
    types = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float),
             "null": type(None), "boolean": bool}  # fmt: skip
    if "type" in kind and not isinstance(value, types[kind["type"]]):
        return [f"{path}: {value!r} is no {kind['type']}"]
    problems = []
    if isinstance(value, dict):
        properties = kind.get("properties", {})
        problems += [f"{path}: no {name}" for name in kind.get("required", []) if name not in value]
        for name, item in value.items():
            one = properties.get(name, kind.get("additionalProperties"))
            if one is None or one is False:
                problems.append(f"{path}: {name} is not in the schema")
            elif one is not True:
                problems += conforms(item, one, whole, f"{path}.{name}")
    if isinstance(value, list):
        fixed = kind.get("prefixItems", [])
        for k, item in enumerate(value):
            one = fixed[k] if k < len(fixed) else kind.get("items", True)
            if one is False:
                problems.append(f"{path}[{k}]: one too many")
            elif one is not True:
                problems += conforms(item, one, whole, f"{path}[{k}]")
    return problems


def test_the_schema_check_can_fail():
    whole = schema()
    assert conforms({"trials": "many"}, whole, whole)


def test_inspect_and_simulate_give_json_as_the_schema_says(dopaloop, session_file):
    whole = schema()
    reports = {}
    for name, said in {
        "inspect": dopaloop("inspect", session_file, "--json"),
        "simulate": dopaloop("simulate", "variable_magnitude", "--trials", 8, "--units", 3, "--json"),
    }.items():
        assert said.status == 0, said.text
        told = json.loads(said.out)
        assert not conforms(told, whole, whole)
        reports[name] = msgspec.convert(told, Report)
        assert len(told["units"]) == 3
        assert told["trials"] == 8
    # The same seed and the same animal, whether over the wire or in virtual time.
    for one, other in zip(reports["inspect"].units, reports["simulate"].units, strict=True):
        assert (one.unit, sum(one.n)) == (other.unit, sum(other.n))


def test_inspect_writes_tables(dopaloop, session_file, tmp_path):
    said = dopaloop("inspect", session_file, "--csv", tmp_path / "tables")
    assert said.status == 0
    tables = {
        path.stem: list(csv.DictReader(path.read_text("utf-8").splitlines()))
        for path in (tmp_path / "tables").iterdir()
    }
    assert set(tables) >= {"trials", "events", "responses", "estimates"}
    assert len(tables["trials"]) == 8
    rewarded = sum(bool(row["reward_us"]) for row in tables["trials"])
    assert len(tables["responses"]) == 3 * rewarded


def test_a_stream_that_is_not_there_is_said_and_the_session_runs_without(dopaloop, emulated, tmp_path):
    text = emulated.rig.read_text("utf-8")
    deaf = tmp_path / "deaf.toml"
    deaf.write_text(re.sub(r'data = "tcp://[^"]+"', 'data = "tcp://127.0.0.1:9"', text), "utf-8")
    said = dopaloop("devices", deaf, "--listen", 0.3)
    assert said.status == 1
    assert "stream probe: nothing came from tcp://127.0.0.1:9 in 0.3 s; is acquisition running?" in said.out
    warm = tmp_path / "warm.toml"
    warm.write_text(re.sub(r"warmup_s = [\d.]+", "warmup_s = 5.0", deaf.read_text("utf-8")), "utf-8")
    said = dopaloop(
        "run", "variable_magnitude", "--rig", warm, "--subject", "m1", "--out", tmp_path, "--trials", 3
    )
    assert said.status == 0, said.text
    (path,) = tmp_path.glob("*.sqlite")
    with SessionFile(path) as file:
        assert file.end.ok


def test_a_port_in_use_is_said(dopaloop, emulated, tmp_path):
    import serial

    port = emulated.first["ports"]["board"]
    with serial.Serial(port, exclusive=True):
        said = dopaloop("devices", emulated.rig, "--listen", 0.2)
        assert said.status == 1
        assert f"port {port} is in use; close the other program" in said.out
