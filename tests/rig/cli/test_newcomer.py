"""What a newcomer types wrong, and what is said then: one sentence with what, where, and what to do."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from rig.cli.app import app
from rig.runtime.reader import SessionFile

COMMANDS = sorted(get_command(app).commands)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    said = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "100"})
    assert said.exit_code == 0
    # Every option and argument has a word of explanation beside it, or on the next line.
    options = re.findall(r"^  (--?[\w-]+[^\n]*(?:\n {10,}\S[^\n]*)*)", said.output, re.MULTILINE)
    assert options
    for option in options:
        assert re.search(r"  +[A-Z'\[a-z]\S* ?\w*", option), option


def test_the_commands_are_those_of_the_manual():
    assert set(COMMANDS) >= {
        "demo", "run", "emulate", "simulate", "replay", "inspect", "analyze", "devices", "flush",
    }  # fmt: skip


def run_habituation(dopaloop, rig_file, tmp_path, *more, subject="m1", protocol="habituation"):
    return dopaloop(
        "run", protocol, "--rig", rig_file, "--subject", subject, "--out", tmp_path / "out", *more
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["runn"], "No such command 'runn'. Did you mean 'run'?"),
        (["simulate", "habituation", "--trails", "3"], "No such option: --trails"),
        (["simulate", "habituation", "--trials", "0"], "greater than or equal to 1"),
        (["simulate", "habituaton"], "there is no protocol 'habituaton'; did you mean 'habituation'?"),
        (["simulate", "habituation.py"], "habituation.py: there is no such protocol file"),
        (
            ["simulate", "habituation", "--set", "reward=3"],
            "no parameter 'reward'; did you mean 'reward_ul'?",
        ),
        (["simulate", "habituation", "--set", "reward_ul"], "is not of the form name=value"),
        (
            ["simulate", "habituation", "--set", "reward_ul=lots"],
            "cannot be read from 'lots'; write a number",
        ),
        (["simulate", "habituation", "--set", "reward_ul=26"], "26"),
        (["simulate", "variable_magnitude", "--model", "quantum"], "there is no model 'quantum'; use"),
        (["simulate", "variable_magnitude", "--samples", "4"], "give --delay-line too"),
        (
            ["simulate", "variable_magnitude", "--world", "flat"],
            "there is no world 'flat'; there are poisson",
        ),
        (["inspect", "nothing.sqlite"], "nothing.sqlite: there is no such session file"),
        (["replay", "README.md"], "session file"),
        (["devices", "nothing.toml"], "nothing.toml: there is no such rig file"),
        (["analyze", "nothing.csv"], "nothing.csv"),
    ],
)
def test_a_slip_of_the_keyboard_is_named(typed, arguments, says):
    said = typed(*arguments)
    assert said.status == 2, said.text
    assert says in said.text
    assert said.seconds < 5


def test_a_subject_that_is_no_file_name(typed, rig_file, tmp_path):
    said = run_habituation(typed, rig_file, tmp_path, subject="../me")
    assert said.status == 2
    assert "'../me' cannot name a subject" in said.err
    assert not (tmp_path / "out").exists()


# --- no device --------------------------------------------------------------------------------------


def test_devices_without_a_device(dopaloop, rig_file):
    said = dopaloop("devices", rig_file)
    assert said.status == 1
    assert said.seconds < 20  # nobody waits for a port that is not there
    assert "board: there is no port /dev/ttyNotThere; plug the device in" in said.out
    assert len([line for line in said.text.splitlines() if "ttyNotThere" in line]) == 1


def test_flush_without_a_device(dopaloop, rig_file):
    said = dopaloop("flush", rig_file, "--yes")
    assert said.status == 2
    assert said.seconds < 20  # nobody waits for a port that is not there
    assert said.err.startswith("dopaloop: there is no port /dev/ttyNotThere")


def test_run_without_a_device_ends_at_once_and_its_file_says_why(dopaloop, rig_file, tmp_path):
    said = run_habituation(dopaloop, rig_file, tmp_path)
    assert said.status == 1
    assert said.seconds < 20
    last = said.out.splitlines()[-1]
    assert last.startswith("the board's port cannot be opened: there is no port /dev/ttyNotThere; plug")
    (path,) = (tmp_path / "out").iterdir()
    assert str(path) in last
    with SessionFile(path) as file:
        assert not file.end.ok
        assert "there is no port" in file.end.reason
    inspected = dopaloop("inspect", path)
    assert inspected.status == 0
    assert "trials: none" in inspected.out
    assert "ended: the board's port cannot be opened" in inspected.out
    assert dopaloop("replay", path).status == 0


def test_flush_asks_before_it_opens_a_valve(dopaloop, rig_file):
    said = dopaloop("flush", rig_file, stdin="n\n")
    assert said.status == 1
    assert "Is the animal out of the rig?" in said.out
    assert "ttyNotThere" not in said.text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["flush", "RIG", "--yes", "--valve", "odour_a"], "'odour_a' is not a valve; only valves"),
        (
            ["flush", "RIG", "--yes", "--valve", "watr"],
            "the rig has no output 'watr'; it has odour_a, odour_b",
        ),
        (["devices", "RIG", "--pulse", "watr"], "the rig has no output 'watr'"),
        (["devices", "RIG", "--pulse", "water", "--ms", "500"], "'water' may be pulsed for 134 ms at most"),
        (["devices", "RIG", "--pulse", "odour_a"], "'odour_a' may not be pulsed"),
    ],
)
def test_what_may_not_be_opened_is_said_before_the_port_is(typed, rig_file, arguments, says):
    said = typed(*[rig_file if word == "RIG" else word for word in arguments])
    assert said.status == 2
    assert says in said.err
    assert "ttyNotThere" not in said.text


# --- the output folder ------------------------------------------------------------------------------


def test_an_output_folder_that_is_a_file(typed, rig_file, tmp_path):
    (tmp_path / "out").write_text("here already")
    said = run_habituation(typed, rig_file, tmp_path)
    assert said.status == 2
    assert said.err.startswith(f"dopaloop: cannot write into '{tmp_path / 'out'}'")
    assert len(said.err.splitlines()) == 1


def test_tables_into_a_folder_that_is_a_file(dopaloop, rig_file, tmp_path):
    run_habituation(dopaloop, rig_file, tmp_path)
    (path,) = (tmp_path / "out").iterdir()
    said = dopaloop("inspect", path, "--csv", path)
    assert said.status == 2
    assert f"cannot write tables into '{path}'" in said.err


def test_an_emulator_that_cannot_write_its_rig_file(typed, rig_file, tmp_path):
    text = rig_file.read_text().replace("/dev/ttyNotThere", "pty")
    rig_file.write_text(text)
    said = typed("emulate", rig_file, "--write-rig", tmp_path / "no" / "rig.toml")
    assert said.status == 2
    assert "rig.toml" in said.err
    assert "[Errno" not in said.err


def test_an_empty_or_damaged_session_file(typed, tmp_path):
    path = tmp_path / "m1.sqlite"
    path.write_bytes(b"")
    for command in ("inspect", "replay"):
        assert typed(command, path).status == 2
    path.write_bytes(bytes(range(256)) * 40)
    for command in ("inspect", "replay"):
        said = typed(command, path)
        assert said.status == 2
        assert "m1.sqlite: this is no session file that can be read" in said.err
