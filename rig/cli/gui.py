"""`dopaloop gui`: the window, for an engine that runs, for a session file, or to start a session."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rig.errors import ConfigError
from rig.runtime import plugins, registry


def gui(
    session: Annotated[Path | None, typer.Option(metavar="FILE", help="Replay this session file.")] = None,
    publish: Annotated[str | None, typer.Option(metavar="ENDPOINT", help="Attach: where it tells.")] = None,
    commands: Annotated[
        str | None, typer.Option(metavar="ENDPOINT", help="Attach: where it listens.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Attach with this key (`dopaloop keys add`).")
    ] = None,
) -> None:
    """Open the window on a session, a recording, or the start page.

    On the one engine that runs here, or the start page if there are none or several.
    """
    if (publish is None) != (commands is None):
        raise ConfigError("--publish and --commands belong together; an engine has one of each")
    if session is not None and publish is not None:
        raise ConfigError("--session is for a file and --publish for an engine; give one of them")
    if session is not None:
        code = plugins.find("window", "replay")(session)
    elif publish is not None and commands is not None:
        code = plugins.find("window", "open")(publish, commands, str(key or ""))
    else:
        engines = registry.running()
        if len(engines) == 1:
            engine = engines[0]
            code = plugins.find("window", "open")(engine.publish, engine.commands, str(key or engine.key))
        else:
            code = plugins.find("window", "start")()
    if code:
        raise typer.Exit(int(code))
