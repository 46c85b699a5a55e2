"""A session's documents offered to programs that speak something else than our telemetry; one way only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from rig.runtime import plugins
from rig.runtime.client import Change, EventChange
from rig.runtime.follower import Follower
from rig.runtime.keys import ClientKey

LSL: Final = "lsl"


@contextlib.contextmanager
def offered(name: str, publish: str, commands: str, key: ClientKey | None) -> Iterator[None]:
    """Offer every document as a marker on the Lab Streaming Layer, by a telemetry client of its own.

    Parameters
    ----------
    name
        What the rig file calls it; empty: nothing is offered.

    Raises
    ------
    ConfigError
        If pylsl is missing.
    """
    if not name:
        yield
        return
    outlet: Any = plugins.find("outlet", LSL)(f"{name} events", f"{name}-events")

    def on_change(change: Change) -> None:
        if isinstance(change, EventChange):
            outlet.send_document(change.document)

    with outlet:
        follower = Follower(
            publish,
            commands,
            on_snapshot=lambda view: None,
            on_change=on_change,
            on_link=lambda reason: None,
            name=LSL,
            key=key,
        )
        try:
            yield
        finally:
            follower.close()
