"""What holds for every test: no engine of this user's is seen, and a soak runs only when it is asked for."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# How fast an example is depends on what else the computer does; it says nothing about the code.
settings.register_profile("any computer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any computer")


@pytest.fixture(scope="session", autouse=True)
def _engines_of_our_own(tmp_path_factory):
    """Engines announce themselves to the user's windows; those of tests do so in a folder of their own."""
    before = os.environ.get("DOPALOOP_RUNTIME_DIR")
    os.environ["DOPALOOP_RUNTIME_DIR"] = str(tmp_path_factory.mktemp("engines"))
    yield
    if before is None:
        del os.environ["DOPALOOP_RUNTIME_DIR"]
    else:
        os.environ["DOPALOOP_RUNTIME_DIR"] = before


def pytest_collection_modifyitems(config, items):
    """Leave out what is marked slow, unless `-m` names it."""
    if "slow" in config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]
