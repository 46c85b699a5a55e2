"""LSL on this computer alone: a configuration that keeps its search off the network."""

from __future__ import annotations

import os
import sys
import time
import uuid

import pytest

from drivers.lsl.library import load
from rig.errors import ConfigError

PATIENCE_S = 8.0


@pytest.fixture(scope="session")
def lsl(tmp_path_factory):
    """Return pylsl, confined to this computer and this run; skips, saying why, where it cannot work."""
    config = tmp_path_factory.mktemp("lsl") / "lsl_api.cfg"
    session = f"dopaloop-{uuid.uuid4().hex}"
    config.write_text(
        f"[multicast]\nResolveScope = machine\n[lab]\nSessionID = {session}\n[log]\nlevel = -3\n",
        encoding="utf-8",
    )
    if "pylsl" not in sys.modules:
        os.environ["LSLAPICFG"] = str(config)
    try:
        pylsl = load()
    except ConfigError as error:
        pytest.skip(f"no LSL here: {error}")
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo("probe", "Probe", 1, 0, pylsl.cf_string, session))
    if not pylsl.resolve_byprop("source_id", session, timeout=PATIENCE_S):
        pytest.skip("no LSL here: an outlet of this process is not found (no multicast on this computer?)")
    del outlet
    return pylsl


@pytest.fixture
def wait_for():
    """Return a function that asks again and again until there is an answer."""

    def wait(ask, patience_s=PATIENCE_S):
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            answer = ask()
            if answer:
                return answer
        raise AssertionError("it never came")

    return wait
