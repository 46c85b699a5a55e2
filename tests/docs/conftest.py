"""The documentation as pages and code blocks; the tutorial, run once."""

import glob
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"(?:<!-- ([^\n]*?) -->\n)?^( *)```(\w*)\n(.*?)^\2```$", re.DOTALL | re.MULTILINE)
COMMAND_S = 60.0


class Block(NamedTuple):
    """One fenced block: the comment right above it, its language, its text, and the prose before it."""

    mark: str
    language: str
    text: str
    before: str

    @property
    def lines(self):
        """Its lines without comments and prompts."""
        return [
            line
            for line in (
                shlex.split(line, comments=True) for line in self.text.replace("\\\n", " ").splitlines()
            )
            if line
        ]


def blocks(page):
    """Return the fenced blocks of a page, in order."""
    text, found, end = page.read_text(encoding="utf-8"), [], 0
    for match in BLOCK.finditer(text):
        indent = match[2]
        body = "".join(line.removeprefix(indent) for line in match[4].splitlines(keepends=True))
        found.append(Block(match[1] or "", match[3], body, text[end : match.start()]))
        end = match.end()
    return found


@pytest.fixture(name="blocks")
def _blocks():
    return lambda name: blocks(DOCS / name)


@pytest.fixture(scope="session")
def pages():
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def generate():
    """The script that fills the generated parts in."""
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_generate"] = module  # its classes' hints are looked up there
    spec.loader.exec_module(module)
    return module


class Shell:
    """Runs a page's commands as a reader would: one folder, one after the other."""

    def __init__(self, folder):
        self.folder = folder
        self.said = {}
        self._background = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._background:
            process.terminate()
            process.communicate(timeout=COMMAND_S)

    def follow(self, page):
        """Write the files and run the commands that the page marks for it."""
        for block in blocks(page):
            if block.mark.startswith(("file:", "content of")):
                self._write(block)
            elif block.mark.startswith("run") and block.language == "sh":
                for words in block.lines:
                    self._run(words, until=re.search(r"until (\S+) exists", block.mark))

    def _write(self, block):
        named = re.findall(r"Put this into `([\w.]+)`", block.before) or re.findall(r"[\w.]+$", block.mark)
        (self.folder / named[-1]).write_text(block.text, encoding="utf-8")

    def _run(self, words, until):
        assert words[0] == "dopaloop", f"only dopaloop is run here, not {words}"
        given = [path for word in words[1:] for path in (self._expanded(word) or [word])]
        command = [sys.executable, "-m", "rig", *given]
        where = {"cwd": self.folder, "env": {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}}
        if until is not None:
            quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
            self._background.append(subprocess.Popen(command, **quiet, **where))
            self._await(self.folder / until[1])
            return
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_S, check=False, **where
        )
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
        self.said[shlex.join(words)] = done.stdout

    def _expanded(self, word):
        return sorted(glob.glob(word, root_dir=self.folder)) if "*" in word else []

    def _await(self, path):
        deadline = time.monotonic() + COMMAND_S
        while not (path.exists() and path.stat().st_size):
            assert time.monotonic() < deadline, f"{path.name} was not written"
            assert self._background[-1].poll() is None, self._background[-1].communicate()[0]
            time.sleep(0.02)


@pytest.fixture(scope="session")
def shell():
    return Shell


@pytest.fixture(scope="session")
def tutorial(tmp_path_factory):
    """The tutorial, followed to its end: what each command said, and the folder with its files."""
    with Shell(tmp_path_factory.mktemp("tutorial")) as shell:
        shell.follow(DOCS / "tutorials" / "first-session.md")
    return shell
