"""From what was typed to a plan: find the protocol, read its parameters, load the rig."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from pathlib import Path

from rig.description import RigDescription
from rig.design.plan import SessionPlan
from rig.design.protocol_errors import explain
from rig.errors import ConfigError
from rig.protocol import Protocol
from rig.runtime.files import SUBJECT
from rig.runtime.plugins import find_protocol
from rig.tagging.told import Confirmation


def settings_from(pairs: Sequence[str]) -> dict[str, str]:
    """Read ``name=value`` pairs.

    Raises
    ------
    ConfigError
        For a pair without ``=``.
    """
    settings = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise ConfigError(f"'--set {pair}' is not of the form name=value, as in --set iti_mean_s=4")
        settings[name.strip()] = value.strip()
    return settings


def make_plan(
    protocol: str,
    rig: RigDescription,
    *,
    subject: str,
    seed: int,
    trials: int | None,
    settings: dict[str, str] | dict[str, object],
    name: str | None = None,
    tags: Sequence[Confirmation] = (),
) -> SessionPlan:
    """Find and set up a protocol, and fix everything that is known before the first trial.

    Parameters
    ----------
    protocol
        Name of an installed protocol, or a path of a ``.py`` file.
    name
        What to call the protocol in the session file, where that is not what was typed.
    tags
        What was said of units by light in an earlier session.

    Raises
    ------
    ConfigError
        For anything the user can mend.
    """
    if not SUBJECT.fullmatch(subject):
        raise ConfigError(
            f"'{subject}' cannot name a subject; use letters, digits, '.', '_' and '-', at most 64 of them"
        )
    if seed < 0:
        raise ConfigError(f"the seed is {seed}; it must not be negative")
    kind: type[Protocol] = find_protocol(protocol)
    source = Path(inspect.getfile(kind))
    text = source.read_text(encoding="utf-8")
    try:
        instance = kind(kind.Parameters.read(settings), seed)
    except ConfigError as error:
        raise ConfigError(f"protocol '{protocol}': {error}") from None
    except Exception as error:  # a protocol is somebody's code
        raise ConfigError(explain(error, protocol, kind.__module__)) from error
    return SessionPlan(
        subject=subject,
        protocol=instance,
        protocol_name=name or protocol,
        rig=rig,
        seed=seed,
        max_trials=trials,
        protocol_text=text,
        protocol_hash=hashlib.sha256(text.encode()).hexdigest(),
        where=source.name,
        tags=tuple(tags),
    )
