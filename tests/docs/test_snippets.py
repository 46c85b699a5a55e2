"""What the pages show is what there is: commands, files, queries, bytes."""

import json
import re
import sqlite3
import tomllib
from contextlib import closing

import msgspec
import pytest

from drivers.board.registers import WHO
from rig.checks.description import check_rig
from rig.description import RigDescription
from rig.machine.image import decode, encode
from rig.operator import decode_command
from rig.runtime.answers import Request
from rig.runtime.shape import check_shape


def test_generated_parts_and_shown_files_are_fresh(generate):
    assert not generate.stale(), "run: python docs/generate.py"


def test_every_command_and_option_exists(pages, generate, request):
    blocks_of = request.getfixturevalue("blocks")
    known = {
        name: {word for word, option, _, _ in generate.command_options(callback) if option}
        for name, callback in generate.all_commands()
    }
    groups = {name.split()[0] for name in known if " " in name}
    seen = 0
    for page in pages:
        for block in blocks_of(page):
            for words in block.lines if block.language == "sh" else []:
                if words[0] == "dopaloop":
                    seen += 1
                    name = " ".join(words[1:3]) if words[1] in groups else words[1]
                    assert name in known, f"{page.name}: dopaloop {name}"
                    wrong = {word.partition("=")[0] for word in words[2:] if word.startswith("--")}
                    assert wrong <= known[name], f"{page.name}: {words}"
    assert seen > 20


@pytest.mark.parametrize(
    ("language", "read"), [("toml", tomllib.loads), ("python", lambda text: compile(text, "page", "exec"))]
)
def test_blocks_can_be_read(pages, blocks, language, read):
    texts = [block.text for page in pages for block in blocks(page) if block.language == language]
    assert texts
    for text in texts:
        read(text)


def merged(into, more):
    """Put one TOML table into another, deeply; lists of tables are replaced."""
    for key, value in more.items():
        into[key] = merged(into.get(key, {}), value) if isinstance(value, dict) else value
    return into


@pytest.mark.parametrize(
    "page", ["how-to/rig-file.md", "how-to/open-ephys.md", "how-to/photometry.md", "how-to/lsl.md"]
)
def test_the_parts_of_a_rig_file_make_a_rig(blocks, page):
    values = {"name": "box", "board": {"port": "COM3"}}
    for block in blocks(page):
        if block.language == "toml":
            merged(values, tomllib.loads(block.text))
    assert not list(check_shape(values, RigDescription))
    assert not check_rig(msgspec.convert(values, RigDescription))


def test_json_on_the_telemetry_page_is_what_the_engine_takes(blocks):
    requests = 0
    for block in blocks("reference/telemetry.md"):
        for line in block.text.splitlines() if block.language == "json" else []:
            json.loads(line)
            if block.mark == "requests":
                asked = msgspec.json.decode(line, type=Request)
                requests += 1
                if asked.do == "submit":
                    decode_command(bytes(asked.command))
    assert requests == 12


def test_bytes_on_the_board_page(blocks):
    shown = [block for block in blocks("reference/board-protocol.md") if block.language == "text"]
    frame, image = (block for block in shown if re.match(r"[0-9a-f]{2} ", block.text))
    assert bytes.fromhex(frame.text) == WHO.read_frame()
    code = bytes.fromhex(" ".join(line[:52].strip() for line in image.text.splitlines()))
    table = decode(code)
    assert encode(table) == code
    assert [state.timer_cycles for state in table.states] == [10_000, 10_000]
    assert table.states[1].actions[0].value == 29_000


def test_queries_run_on_a_real_session(blocks, tutorial):
    (path,) = (tutorial.folder / "sessions").glob("*.sqlite")
    queries = [block for block in blocks("reference/session-file.md") if block.language == "sql"]
    assert len(queries) == 8
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        for query in queries:
            rows = db.execute(query.text).fetchall()
            assert rows or "may be empty" in query.mark, query.text


def test_the_columns_named_are_those_of_the_file(blocks, tutorial, root):
    (path,) = (tutorial.folder / "sessions").glob("*.sqlite")
    page = (root / "docs/reference/session-file.md").read_text(encoding="utf-8")
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            section = page.partition(f"### {table}\n")[2].partition("###")[0]
            for _, column, *_ in db.execute(f"PRAGMA table_info({table})"):
                assert f"`{column}`" in section, f"{table}.{column}"
