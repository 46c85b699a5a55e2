"""The page that tells how to wire the board: its pins are the firmware's, its rig file is one that runs."""

from __future__ import annotations

import re

import pytest

from rig.runtime.config import load_rig
from rig.units import CYCLE_US

# Which number an Arduino Mega 2560 prints beside a pin of its chip (its schematic, revision 3).
PRINTED = {
    **{f"PA{bit}": f"D{22 + bit}" for bit in range(8)},
    **{f"PC{bit}": f"D{37 - bit}" for bit in range(8)},
    **dict(
        zip(
            (f"PB{bit}" for bit in range(8)),
            ["D53", "D52", "D51", "D50", "D10", "D11", "D12", "D13"],
            strict=True,
        )
    ),
    "PD7": "D38",
    "PL1": "D48",
}
ICP5 = "PL1"  # the only pin whose edges timer 5 can capture


@pytest.fixture(scope="module")
def defined(root):
    text = (root / "firmware" / "avr" / "pins.h").read_text(encoding="utf-8")
    return dict(re.findall(r"^#define (\w+) (\w+)$", text, re.MULTILINE))


@pytest.fixture(scope="module")
def wired(defined):
    """What the program's source says: what -> pin of the chip."""

    def pins(port, bits):
        return [f"P{defined[port][-1]}{bit}" for bit in bits]

    outputs = pins("OUTPUTS_LOW", range(8)) + pins("OUTPUTS_HIGH", range(8))
    changing = [bit for bit in range(8) if int(defined["CHANGE_MASK"], 16) >> bit & 1]
    first = int(defined["CHANGE_FIRST_LINE"])
    assert defined["CAPTURE_PIN"] == ICP5
    inputs = {0: ICP5, **dict(enumerate(pins("CHANGE_PORT", changing), first))}
    return {
        **{f"output {line}": pin for line, pin in enumerate(outputs)},
        **{f"input {line}": pin for line, pin in sorted(inputs.items())},
        "sync": defined["SYNC_PIN"],
        "lamp": defined["LAMP_PIN"],
    }


def test_the_table_of_pins_is_the_programs(root, wired):
    page = (root / "docs" / "how-to" / "build-the-board.md").read_text(encoding="utf-8")
    table = page.partition("<!-- pins -->")[2].partition("<!-- end -->")[0]
    rows = [
        [cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines() if "| P" in row
    ]
    assert {row[0]: row[2] for row in rows} == wired
    assert [row[3] for row in rows] == [PRINTED[row[2]] for row in rows]
    assert all(row[1] in ("", f"`line = {row[0].split()[-1]}`") for row in rows)
    comment = (root / "firmware" / "avr" / "pins.h").read_text(encoding="utf-8").partition("*/")[0]
    assert set(re.findall(r"\bD\d+\b", comment)) == {row[3] for row in rows} | {"D0", "D1"}


def test_its_rig_file_is_the_example_and_fits_its_wiring(root, blocks):
    (shown,) = (b.text for b in blocks("how-to/build-the-board.md") if b.mark.startswith("file: "))
    path = root / "examples" / "mega_rig.toml"
    assert shown == path.read_text(encoding="utf-8")
    rig = load_rig(path)
    page = (root / "docs" / "how-to" / "build-the-board.md").read_text(encoding="utf-8")
    here = {
        row[0]: row[4]
        for row in re.findall(r"^\| (\w+ \d+) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", page, re.M)
    }
    for name, word in (
        ("water", "water"),
        ("odour_a", "A"),
        ("odour_d", "D"),
        ("led", "light"),
        ("laser", "laser"),
    ):
        assert word in here[f"output {rig.output(name).line}"]
    for name, line in (("lick", 0), ("camera", 1)):
        assert name in here[f"input {line}"]
    assert rig.output("water").max_open_ms * 1_000 > CYCLE_US


def test_the_packages_that_it_names_are_those_of_the_makefile(root):
    page = (root / "docs" / "how-to" / "build-the-board.md").read_text(encoding="utf-8")
    makefile = (root / "firmware" / "Makefile").read_text(encoding="utf-8")
    (asked,) = re.findall(r"apt-get install -y (.*)$", page, re.MULTILINE)
    assert {"make", "gcc-avr", "avr-libc", "avrdude"} == set(asked.split())
    flash = re.search(r"^\tavrdude (.*)$", makefile, re.MULTILINE)[1]
    for name, value in (("$(MCU)", "atmega2560"), ("$(PORT)", "/dev/ttyACM0"), ("$<", "build/board.hex")):
        flash = flash.replace(name, value)
    assert f"avrdude {flash}" in page
    readme = (root / "README.md").read_text(encoding="utf-8")
    for package in ["make", "gcc", "gcc-avr", "avr-libc", "libsimavr-dev", "libelf-dev"]:
        assert re.search(rf"^  .*\b{package}\b.*&&$", readme, re.MULTILINE), package
