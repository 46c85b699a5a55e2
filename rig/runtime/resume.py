"""A session that was interrupted, ready to go on: where its file ends, and how long ago that was.

Going on is replay to the end of the file (each record is checked on the way), one input that marks the gap,
and then the session as it was: the same file, animal, schedule, random streams, estimates and ledger.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rig.documents import BoardActivity, Document, Notice, SessionState
from rig.errors import ConfigError, ReplayMismatch
from rig.log.gap import Gap
from rig.log.replay import EndMark, Rebuilt, SessionLike, rebuild
from rig.runtime.files import versions
from rig.runtime.reader import SessionFile
from rig.runtime.recorder import Recorder
from rig.runtime.registry import running
from rig.units import NS_PER_MS, NS_PER_S


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """What an engine begins with instead of an empty file.

    Attributes
    ----------
    rebuilt
        Where the session stands.
    told
        Every document on file, so that who attaches later can look back beyond the gap.
    unstored
        Documents of the last record that are not on file.
    """

    path: Path
    rebuilt: Rebuilt
    started: datetime.datetime | None
    protocol_hash: str
    told: tuple[Document, ...]
    unstored: tuple[Document, ...]

    @property
    def seq(self) -> int:
        """Number of the input that marks the gap."""
        return self.rebuilt.seq + 1

    def now_ns(self) -> int:
        """Return the session's time now, by the computer's calendar clock; it never goes back."""
        least_ns = self.rebuilt.t_ns + NS_PER_MS
        if self.started is None:
            return least_ns
        passed = datetime.datetime.now().astimezone() - self.started
        return max(least_ns, round(passed.total_seconds() * NS_PER_S))

    def gap(self, now_ns: int) -> Gap:
        """Return what marks the gap, if the session goes on at `now_ns`."""
        return Gap(
            seconds=(now_ns - self.rebuilt.t_ns) / NS_PER_S,
            host_time=datetime.datetime.now().astimezone().isoformat(),
            versions=versions(),
            protocol_hash=self.protocol_hash,
        )


def why_not_resumed(file: SessionFile) -> str | None:
    """Return why this session cannot go on, as far as its file and the running engines tell; None: it can."""
    if file.end is not None:
        return f"this session is over ({file.end.reason}); start a new one"
    here = file.path.resolve()
    for engine in running():
        if engine.session_file and Path(engine.session_file).resolve() == here:
            return f"this session still runs (process {engine.pid}); stop that first"
    return None


def taken_up(file: SessionFile, session: SessionLike, protocol_hash: str = "") -> Resumption:
    """Take a fresh session to where the file ends.

    Parameters
    ----------
    session
        Made from the plan in the file, and not yet started.

    Raises
    ------
    ConfigError
        If its file does not replay here: it cannot go on then.
    """
    try:
        rebuilt = rebuild(session, file.rows(), file.meta_text)
    except ReplayMismatch as mismatch:
        raise ConfigError(
            f"it cannot go on, since it does not replay to where it was: {mismatch}", str(file.path)
        ) from None
    documents = list(file.documents())
    last = [document for seq, document in documents if seq == rebuilt.seq]
    return Resumption(
        path=file.path,
        rebuilt=rebuilt,
        started=_started(file),
        protocol_hash=protocol_hash,
        told=tuple(document for _, document in documents),
        unstored=_unstored(rebuilt.documents, last),
    )


def closed(resumption: Resumption) -> EndMark:
    """Write the end mark of a session that was over when its program was killed; return it.

    Raises
    ------
    ConfigError
        If the session was not over, or the file cannot be written.
    """
    rebuilt = resumption.rebuilt
    if rebuilt.halt is None:
        raise ConfigError("this session was not over", str(resumption.path))
    mark = EndMark(
        inputs=rebuilt.seq + 1,
        chain=rebuilt.chain.digest.hex(),
        reason=rebuilt.halt.reason,
        ok=rebuilt.halt.ok,
    )
    recorder = Recorder(resumption.path, None, stored=mark.inputs)
    if resumption.unstored:
        recorder.documents(rebuilt.seq, resumption.unstored)
    recorder.close(mark)
    if recorder.error is not None:
        raise ConfigError(f"its end mark cannot be written ({recorder.error})", str(resumption.path))
    return mark


def _unstored(followed: Sequence[Document], stored: Sequence[Document]) -> tuple[Document, ...]:
    """Return what followed from the last record, unless it is on file; it is stored whole or not at all."""
    kept = [document for document in followed if not isinstance(document, SessionState | BoardActivity)]
    if not kept:
        return ()
    first = kept[0]
    if isinstance(first, Notice):  # the engine has some of its own
        return () if first in stored else tuple(kept)
    return () if any(type(document) is type(first) for document in stored) else tuple(kept)


def _started(file: SessionFile) -> datetime.datetime | None:
    try:
        started = datetime.datetime.fromisoformat(str(file.meta.get("started", "")))
    except ValueError:
        return None
    return started if started.tzinfo is not None else None
