"""`dopaloop run --resume`: an interrupted session goes on in its own file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console

from rig.cli.replay import recorded_plan
from rig.cli.sitting import make_session, sit
from rig.description import RigDescription
from rig.design.plan import SessionPlan
from rig.errors import ConfigError
from rig.runtime.identity import claimed
from rig.runtime.outcome import Outcome
from rig.runtime.reader import SessionFile
from rig.runtime.resume import Resumption, closed, taken_up, why_not_resumed
from rig.runtime.timing import Times
from rig.session import Session


def resume_session(
    path: Path,
    console: Console,
    *,
    protocol: str | None = None,
    rig: RigDescription | None = None,
    force: bool = False,
    quiet: bool = False,
    window: bool = False,
    truth: Callable[[], bytes | None] | None = None,
) -> tuple[Outcome, Session]:
    """Go on with an interrupted session, to its end, in this thread.

    One that was over, with only its end mark missing, gets that, and nothing else is done.

    Parameters
    ----------
    protocol
        Name or ``.py`` file, where it is not found by the recorded name.
    rig
        Where the ports are now, if the rig was plugged in elsewhere; everything else must be as recorded.
    force
        Go on with a protocol whose text is not the recorded one. It must replay all the same.

    Raises
    ------
    ConfigError
        If the session cannot go on; the text says why.
    """
    with SessionFile(path) as file:
        why_not = why_not_resumed(file)
        if why_not is not None:
            raise ConfigError(why_not, str(path))
        plan = recorded_plan(file, protocol)
        subject, recorded_hash = file.subject, str(file.meta.get("protocol_hash", ""))
    if recorded_hash != plan.protocol_hash and not force:
        raise ConfigError(
            f"protocol '{plan.protocol_name}' is not the text that the session began with "
            f"({recorded_hash[:12]} then, {plan.protocol_hash[:12]} now); give that one with "
            "--protocol FILE, or insist with --force",
            str(path),
        )
    here = elsewhere(plan.rig, rig) if rig is not None else plan.rig
    with claimed(subject, path.parent, plan.rig.name):
        made = make_session(plan)
        resumption = _read_back(path, plan, made[0], console)
        if resumption.rebuilt.halt is not None:
            return _closed(resumption, console), made[0]
        return sit(
            plan, made, path.parent, console,
            quiet=quiet, window=window, truth=truth, rig=here, resume=resumption,
        )  # fmt: skip


def _read_back(path: Path, plan: SessionPlan, session: Session, console: Console) -> Resumption:
    with console.status("reading the session back"), SessionFile(path) as file:
        resumption = taken_up(file, session, plan.protocol_hash)
    trials = session.history.trials
    over = resumption.rebuilt.halt is not None
    console.print(
        f"{path.name}: {resumption.seq} inputs and {trials} trials read back, all as recorded; "
        + ("it was over, and only its last line is missing" if over else "going on"),
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    return resumption


def _closed(resumption: Resumption, console: Console) -> Outcome:
    mark = closed(resumption)
    console.print("its last line is written; the file is whole", highlight=False)
    none = Times().summary()
    return Outcome(
        reason=mark.reason,
        ok=mark.ok,
        path=resumption.path,
        inputs=mark.inputs,
        unstored=0,
        session_time=none,
        engine_time=none,
        latency=none,
    )


def elsewhere(recorded: RigDescription, now: RigDescription) -> RigDescription:
    """Return the rig at its new ports, if it is the recorded one otherwise.

    Ports, their speed, endpoints of streams and of telemetry may be others.

    Raises
    ------
    ConfigError
        Naming what else is different.
    """
    replace = msgspec.structs.replace
    here = replace(now, emulation=recorded.emulation)
    ends = {stream.name: (stream.data, stream.control) for stream in recorded.streams}
    streams = tuple(
        replace(stream, data=ends[stream.name][0], control=ends[stream.name][1])
        if stream.name in ends
        else stream
        for stream in now.streams
    )
    board = replace(now.board, port=recorded.board.port, baud=recorded.board.baud)
    ports = {device.name: device.port for device in recorded.harp}
    harp = tuple(replace(device, port=ports.get(device.name, device.port)) for device in now.harp)
    same = replace(here, board=board, streams=streams, harp=harp, telemetry=recorded.telemetry)
    if same != recorded:
        parts = [
            field.name
            for field in msgspec.structs.fields(RigDescription)
            if getattr(same, field.name) != getattr(recorded, field.name)
        ]
        raise ConfigError(
            f"this is not the rig that the session began on: {' and '.join(parts)} differ; only ports and "
            "endpoints may"
        )
    return here
