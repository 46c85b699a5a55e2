"""A session that asks for keys: known clients see it, strangers do not, and it runs as any other."""

from __future__ import annotations

import threading

import pytest

from rig.errors import ConfigError, TransportError
from rig.runtime import registry
from rig.runtime.client import Client
from rig.runtime.keys import new_ring, read_client, write_clients
from tests.end_to_end.conftest import wire_run


def test_a_guarded_session_runs_as_an_open_one(tmp_path, monkeypatch, short_job):
    monkeypatch.setenv("DOPALOOP_RUNTIME_DIR", str(tmp_path / "running"))
    ring, watcher = new_ring(tmp_path / "ring").with_client("office", "watch")
    write_clients(tmp_path / "ring", ring)
    seen: dict[str, object] = {}

    def look() -> None:
        while not (engines := registry.running()):
            stop.wait(0.02)
        (engine,) = engines
        seen["own"] = read_client(registry.folder() / engine.key).role
        with Client(engine.publish, engine.commands, timeout_s=0.3) as stranger:
            try:
                stranger.ping()
            except TransportError:
                seen["stranger"] = "no answer"
        with Client(engine.publish, engine.commands, key=watcher) as office:
            seen["watched"] = office.snapshot().session
            try:
                office.submit({"command": "stop"})
            except ConfigError as error:
                seen["refused"] = str(error)

    stop = threading.Event()
    looker = threading.Thread(target=look)
    looker.start()
    try:
        run = wire_run(tmp_path / "out", trials=12, keys=tmp_path / "ring")
    finally:
        stop.set()
        looker.join(10.0)
    assert run.outcome.ok
    assert run.digest == short_job.digest
    assert seen["own"] == "operate"
    assert seen["stranger"] == "no answer"
    assert seen["watched"]
    assert "watch, not operate" in str(seen["refused"])
    assert not list((tmp_path / "running").iterdir())


def test_a_rig_that_names_no_keys_folder_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        wire_run(tmp_path / "out", trials=2, keys=tmp_path / "absent")
