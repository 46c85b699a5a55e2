"""Rules of the house that no other tool checks."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.metadata
import os
import re
import shutil
import stat
import subprocess
import tomllib
from importlib import resources
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ("rig", "drivers", "protocols", "gui")
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".json", ".txt", ".cfg", ""}
NOT_OURS = {".git", ".venv", "build", "dist", "LICENSE", "__pycache__", "sessions"}

# Written in pieces, so that this file does not break its own rule.
FORBIDDEN = {
    "a path of one machine": rf"/(?:work|home/\w+|Users/\w+|{'root'}|{'tmp'})/\w",
    "a package registry": r"pypi\." + r"org|test\.pypi|files\.python" + "hosted|--index" + "-url",
    "a document that is not in the repository": r"CONTRACTS" + r"\.md|DESIGN" + r"\.md|science" + r"\.md",
    "the number of an issue": r"\bissue" + r"s? #?\d|(?<![\w&])#\d{1,4}\b(?!\d)",
}


def ours(path):
    return not any(part in NOT_OURS or part.endswith("egg-info") for part in path.parts) and not any(
        part.startswith(".") and part not in {".ci", ".gitignore"} for part in path.parts
    )


@functools.cache
def texts():
    """Every file of ours that people read, with its text."""
    tops = [top for top in ROOT.iterdir() if ours(top.relative_to(ROOT))]  # an environment has many files
    paths = [path for top in tops for path in ([top] if top.is_file() else top.rglob("*"))]
    return tuple(
        (path.relative_to(ROOT), path.read_text(encoding="utf-8"))
        for path in sorted(paths)
        if path.is_file() and path.suffix in TEXT and ours(path.relative_to(ROOT))
    )


def modules(*tops):
    return [
        (here, text) for here, text in texts() if here.suffix == ".py" and here.parts[0] in (tops or CODE)
    ]


PURE_DRIVER_FILES = {"wire.py", "codec.py", "device.py"}


def is_pure(here):
    if here.parts[0] == "protocols":
        return True
    if here.parts[0] == "drivers":
        return here.name in PURE_DRIVER_FILES
    return here.parts[0] == "rig" and here.parts[1] not in {"runtime", "cli", "__main__.py"}


def test_there_is_something_to_check():
    found = [here for here, _ in texts()]
    assert len(found) > 200
    assert {
        Path("README.md"),
        Path(".ci/run"),
        Path("pyproject.toml"),
        Path("rig/session/session.py"),
    } <= set(found)
    assert sum(is_pure(here) for here, _ in modules()) > 60


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_mentions(what):
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{here}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for here, text in texts()
        for match in pattern.finditer(text)
        # Colours and the like in a style sheet are no issues.
        if not (what == "the number of an issue" and re.search(r"[\"'(]$", text[: match.start()]))
    ]
    assert not found, "\n".join(found)


# --- chance -----------------------------------------------------------------------------------------


def chance_in(tree):
    """Yield (line, what) of everything in a module that draws numbers nobody seeded."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            names = []
        for name in names:
            if name.split(".")[0] in {"random", "secrets", "uuid"}:
                yield node.lineno, f"import of {name}"
        if isinstance(node, ast.Call) and not node.args and not node.keywords:
            called = ast.unparse(node.func)
            if called.split(".")[-1] in {"default_rng", "SeedSequence", "Philox", "PCG64", "Generator"}:
                yield node.lineno, f"{called}() without a seed"


@pytest.mark.parametrize(
    "text",
    ["import random", "from random import choice", "import secrets", "np.random.default_rng()",
     "default_rng()", "Generator(Philox())"],
)  # fmt: skip
def test_unseeded_chance_is_found(text):
    assert list(chance_in(ast.parse(text)))


def test_seeded_chance_is_fine():
    assert not list(chance_in(ast.parse("np.random.default_rng(1); Generator(Philox(key=3))")))


def test_the_pure_rooms_draw_from_seeds_only():
    found = [
        f"{here}:{line}: {what}"
        for here, text in modules()
        if is_pure(here)
        for line, what in chance_in(ast.parse(text))
    ]
    assert not found, "\n".join(found)


# --- files from strangers ---------------------------------------------------------------------------

RUNS_CODE = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
PROTOCOL_FILES = Path("rig/runtime/plugins.py")
"""The one room that runs a file: a protocol is code, and people are told so."""


def code_runners_in(tree):
    """Yield (line, what) of everything in a module that can make code of what it reads."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            if name.split(".")[0] in RUNS_CODE:
                yield node.lineno, f"import of {name}"
        if not isinstance(node, ast.Call):
            continue
        called, given = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
        if called in {"eval", "exec", "compile"} or called.endswith("exec_module"):
            yield node.lineno, f"{called}()"
        if called in {"np.load", "numpy.load"} and given.get("allow_pickle") != "False":
            yield node.lineno, "np.load() without allow_pickle=False"
        if called in {"yaml.load", "yaml.unsafe_load"} and "Loader" not in map(ast.unparse, node.args[1:]):
            yield node.lineno, "YAML by a loader that makes objects"
        if given.get("shell") == "True":
            yield node.lineno, "a shell"


@pytest.mark.parametrize(
    "text",
    ["import pickle", "from joblib import load", "eval(x)", "exec(x, {})", "np.load(f)", "yaml.load(x)",
     "np.load(f, allow_pickle=True)", "spec.loader.exec_module(m)", "subprocess.run(x, shell=True)"],
)  # fmt: skip
def test_what_makes_code_of_data_is_found(text):
    assert list(code_runners_in(ast.parse(text)))


def test_reading_data_is_fine():
    text = "np.load(f, allow_pickle=False); yaml.load(t, Loader); re.compile(x); msgspec.json.decode(b)"
    assert not list(code_runners_in(ast.parse(text)))


def test_no_reader_makes_code_of_what_it_reads():
    found = [
        f"{here}:{line}: {what}"
        for here, text in modules()
        if here != PROTOCOL_FILES
        for line, what in code_runners_in(ast.parse(text))
    ]
    assert not found, "\n".join(found)
    assert list(code_runners_in(ast.parse((ROOT / PROTOCOL_FILES).read_text("utf-8"))))


# --- size -------------------------------------------------------------------------------------------

WHY = re.compile(r"\b(long|longer|longest)\b", re.IGNORECASE)


def test_a_long_file_says_why_at_its_top():
    found = [
        f"{here}: {text.count(chr(10))} lines"
        for here, text in modules()
        if text.count("\n") > 400 and not WHY.search(ast.get_docstring(ast.parse(text)) or "")
    ]
    assert not found, "\n".join(found)


def test_a_long_class_says_why():
    found = []
    for here, text in modules():
        tree = ast.parse(text)
        top = ast.get_docstring(tree) or ""
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and (node.end_lineno or 0) - node.lineno > 250:
                said = top + (ast.get_docstring(node) or "")
                if not WHY.search(said):
                    found.append(f"{here}: {node.name} has {node.end_lineno - node.lineno} lines")
    assert not found, "\n".join(found)


# --- what is installed ------------------------------------------------------------------------------


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def entry_points():
    for name, target in project()["scripts"].items():
        yield "console_scripts", name, target
    for group, points in project()["entry-points"].items():
        for name, target in points.items():
            yield group, name, target


@pytest.mark.parametrize(("group", "name", "target"), list(entry_points()))
def test_every_entry_point_leads_somewhere_and_is_installed(group, name, target):
    module, _, attribute = target.partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))
    (installed,) = importlib.metadata.entry_points(group=group, name=name)
    assert installed.value == target


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("drivers.rig_emulator", "demo_rig.toml"),
        ("drivers.board", "device.yml"),
        ("drivers.harp", "behavior.yml"),
        ("drivers.harp", "olfactometer.yml"),
    ],
)
def test_what_the_program_reads_is_package_data(package, name):
    assert resources.files(package).joinpath(name).read_text(encoding="utf-8")
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert f"*{Path(name).suffix}" in patterns["package-data"]["*"]


# --- the two commands of the README -----------------------------------------------------------------


def marked(text, what):
    return re.findall(rf"<!-- {what} command -->\n```sh\n(.*?)```", text, re.DOTALL)


def test_the_readme_has_the_two_marked_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"<!-- (.*?) -->", text) == ["demo command", "test command"]
    (demo,), (test,) = marked(text, "demo"), marked(text, "test")
    assert ".venv/bin/dopaloop demo" in demo
    assert ".venv/bin/python -m tests" in test
    for command in (demo, test):
        assert "python3 -m venv" in command


FAKE_README = """# a project
```sh
echo not this one
```
<!-- demo command -->
```sh
echo nor this
```
<!-- test command -->
Some words.
```sh
echo first &&
sudo echo "second: $((1 + 1))" &&
echo "data: ${DOPALOOP_DATA:-none}"
```
```sh
echo nor that
```
"""


@pytest.fixture
def checkout(tmp_path):
    """A folder with our `.ci/run` and a README of the test's own."""
    root = tmp_path / "project"
    (root / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", root / ".ci" / "run")
    (root / "README.md").write_text(FAKE_README, encoding="utf-8")
    return root


def ci(root, tmp_path, **more):
    """Run it as root would, with a `sudo` that must not be missed as anybody else."""
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    sudo = tools / "sudo"
    sudo.write_text('#!/bin/sh\nexec "$@"\n', encoding="utf-8")
    sudo.chmod(0o755)
    environment = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", **more}
    return subprocess.run(
        ["bash", str(root / ".ci" / "run")], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_ci_runs_the_test_command_of_the_readme(checkout, tmp_path):
    done = ci(checkout, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["first", "second: 2", "data: none"]
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    done = ci(checkout, tmp_path, DOPALOOP_DATA=str(recordings))
    assert done.stdout.splitlines()[-1] == f"data: {recordings}"


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_ci_fails_where_the_command_fails_or_is_missing(checkout, tmp_path):
    readme = checkout / "README.md"
    readme.write_text(FAKE_README.replace("echo first", "false"), encoding="utf-8")
    assert ci(checkout, tmp_path).returncode != 0
    readme.write_text(FAKE_README.replace("test command", "no command"), encoding="utf-8")
    done = ci(checkout, tmp_path)
    assert done.returncode != 0
    assert "README.md has no test command" in done.stdout


def test_ci_can_be_executed():
    assert (ROOT / ".ci" / "run").stat().st_mode & stat.S_IXUSR
