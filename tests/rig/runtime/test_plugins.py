"""Finding drivers and protocols by name."""

import inspect
import sys

import pytest

from rig.errors import ConfigError
from rig.runtime import plugins


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package of a visiting lab, installed as far as entry points go."""
    info = tmp_path / "visiting_lab-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: visiting-lab\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[dopaloop.boards]\nvisiting = visiting_lab:Board\nbroken = visiting_lab_broken:Board\n"
        "[dopaloop.protocols]\nvisiting_task = visiting_lab:Task\nno_task = visiting_lab:Board\n"
    )
    (tmp_path / "visiting_lab.py").write_text(
        "from rig.protocol import Protocol\nclass Board: ...\nclass Task(Protocol): ...\n"
    )
    (tmp_path / "visiting_lab_broken.py").write_text("import no_such_module_anywhere\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("visiting_lab", "visiting_lab_broken"):
        sys.modules.pop(name, None)


def test_by_entry_point(installed):
    assert plugins.find("board", "visiting").__name__ == "Board"
    assert "visiting" in plugins.names("board")
    assert plugins.find_protocol("visiting_task").__name__ == "Task"


def test_by_module_and_class(installed):
    assert plugins.find("feed", "visiting_lab:Board").__name__ == "Board"


def test_an_unknown_name_brings_the_nearest(installed):
    with pytest.raises(ConfigError, match="there is no board 'visitng'; did you mean 'visiting'"):
        plugins.find("board", "visitng")
    with pytest.raises(ConfigError, match=r"there is no board 'xyz'; installed are .*visiting"):
        plugins.find("board", "xyz")
    with pytest.raises(ConfigError, match=r"module visiting_lab has no 'Bord'; did you mean 'Board'\?"):
        plugins.find("board", "visiting_lab:Bord")


def test_what_cannot_be_imported_is_told_in_one_sentence(installed):
    with pytest.raises(
        ConfigError, match="board 'broken' cannot be imported: ModuleNotFoundError: No module"
    ):
        plugins.find("board", "broken")


def test_a_class_that_is_no_protocol(installed):
    with pytest.raises(ConfigError, match="'no_task' is no protocol"):
        plugins.find_protocol("no_task")


TASK = "from rig.protocol import Protocol\n\nclass Task(Protocol):\n    '''A task.'''\n"


def protocol_file(tmp_path, text):
    path = tmp_path / "my task.py"
    path.write_text(text)
    return path


def test_a_protocol_file(tmp_path):
    path = protocol_file(tmp_path, TASK)
    found = plugins.find_protocol(str(path))
    assert found.__name__ == "Task"
    assert inspect.getfile(found) == str(path)
    assert inspect.getsource(found).startswith("class Task")


def test_a_changed_file_is_loaded_anew(tmp_path):
    path = protocol_file(tmp_path, TASK)
    plugins.find_protocol(str(path))
    path.write_text(TASK.replace("class Task", "class Other"))
    assert plugins.find_protocol(str(path)).__name__ == "Other"


def test_a_base_class_in_the_file_is_not_the_task(tmp_path):
    path = protocol_file(tmp_path, TASK + "class Mine(Task): ...\n")
    assert plugins.find_protocol(str(path)).__name__ == "Mine"


def test_two_protocols_in_a_file_must_be_told_apart(tmp_path):
    path = protocol_file(tmp_path, TASK + "class Second(Protocol): ...\n")
    with pytest.raises(
        ConfigError, match=r"has 2 protocols; name one: .*:Task \(line 3\), .*:Second \(line 5\)"
    ):
        plugins.find_protocol(str(path))
    assert plugins.find_protocol(f"{path}:Second").__name__ == "Second"
    with pytest.raises(ConfigError, match="no protocol 'Secnd'; did you mean 'Second'"):
        plugins.find_protocol(f"{path}:Secnd")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class Task(:\n", r"my task\.py, line 1: the protocol cannot be loaded: syntax error: .*class Task"),
        (TASK + "x = 1 / 0\n", r"my task\.py, line 5: .* ZeroDivisionError"),
        ("def f():\n    raise SystemExit\n\nf()\n", r"my task\.py, line 2: .* SystemExit"),
        (
            "import nothing_of_that_name\n",
            r"line 1: .* ModuleNotFoundError: No module named 'nothing_of_that",
        ),
        ("x = 1\n", r"my task\.py, line 1: this file has no protocol"),
        ("from rig.protocol import Protocol\n", r"this file has no protocol"),
    ],
)
def test_a_bad_file_is_told_in_one_sentence_with_its_line(tmp_path, text, message):
    path = protocol_file(tmp_path, text)
    before = set(sys.modules)
    with pytest.raises(ConfigError, match=message):
        plugins.find_protocol(str(path))
    left = {
        name for name in set(sys.modules) - before if name.startswith("dopaloop_protocol") and "raise" in text
    }
    assert not left


def test_after_a_bad_file_a_good_one_loads(tmp_path):
    path = protocol_file(tmp_path, "class Task(:\n")
    with pytest.raises(ConfigError):
        plugins.find_protocol(str(path))
    path.write_text(TASK)
    assert plugins.find_protocol(str(path)).__name__ == "Task"


def test_a_missing_file_brings_the_nearest(tmp_path):
    protocol_file(tmp_path, TASK)
    with pytest.raises(ConfigError, match=r"no such protocol file; did you mean 'my task\.py'"):
        plugins.find_protocol(str(tmp_path / "mytask.py"))
