"""The tutorial does what it says, and the how-to on recordings too."""

import re

import pytest

pytestmark = pytest.mark.timeout(240)


def test_every_command_of_the_tutorial_runs(tutorial, blocks):
    asked = [
        words
        for block in blocks("tutorials/first-session.md")
        if block.mark == "run"
        for words in block.lines
    ]
    assert len(tutorial.said) == len(asked)


def said(tutorial, beginning):
    (text,) = [text for command, text in tutorial.said.items() if command.startswith(beginning)]
    return text


def test_the_demo_replays(tutorial):
    assert "identical: " in said(tutorial, "dopaloop replay")


def test_the_tables_are_written(tutorial):
    names = {path.name for path in (tutorial.folder / "tables").iterdir()}
    assert {"trials.csv", "events.csv", "responses.csv", "estimates.csv"} <= names


def test_simulation_and_emulated_rig_give_the_digest_that_the_page_shows(tutorial, root):
    page = (root / "docs/tutorials/first-session.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"decision digest ([0-9a-f]{32})", page))
    simulated = tutorial.said["dopaloop simulate my_protocol.py --trials 30 --units 8"]
    on_the_rig = said(tutorial, "dopaloop inspect 'data/M01")
    for text in (simulated, on_the_rig):
        assert set(re.findall(r"decision digest ([0-9a-f]{32})", text)) == shown
    assert "30 complete" in on_the_rig


def test_devices_sees_board_and_stream(tutorial):
    text = said(tutorial, "dopaloop devices")
    assert "board: tutorial (emulated)" in text
    assert "8 units, 0 gaps" in text


def test_own_recordings_are_analysed(shell, root, tmp_path):
    with shell(tmp_path) as here:
        here.follow(root / "docs/how-to/own-recordings.md")
    assert "1 units, 6 trials, 5 rewarded" in here.said["dopaloop analyze units.csv"]
