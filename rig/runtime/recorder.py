"""The recorder thread: every input into one SQLite file, documents onwards once they are safe.

The engine hands each input over before it acts on it (`append` only puts it on a queue). The thread
gathers what comes in `GATHER_S`, writes it in one transaction, and only then hands the documents that
followed from it to the callback: nobody is told of a trial whose inputs could still be lost.

A failing disk is no reason to lose anything: what could not be written is kept and tried again, the
failure is reported at once, and when memory for it is at its end `append` raises, so that the session
ends in a safe state instead of running on unrecorded.

Rows are inserted many at a time. SQLite lets go of the interpreter at each statement, and beside a busy
thread each taking back can cost a whole switch interval (5 ms): measured, one row a statement falls
from 375,000 to 1,200 rows a second, 256 rows a statement do not fall below what a rig sends.
"""

from __future__ import annotations

import collections
import contextlib
import shutil
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from rig.documents import Document
from rig.errors import ConfigError, RecordError
from rig.log.derive import STATEMENTS, rows_of
from rig.log.entry import Input
from rig.log.replay import EndMark
from rig.log.schema import APPLICATION_ID, FORMAT, TABLES, insert_inputs
from rig.runtime.checkpoint import Checkpointer

GATHER_S: Final = 0.02
"""How long inputs are gathered before they are written; they are on disk within 50 ms."""
RETRY_S: Final = 0.25
DISK_EVERY_S: Final = 1.0
BATCH: Final = 20_000
LIMIT_BYTES: Final = 256 * 1024 * 1024
_OVERHEAD: Final = 400
"""Rough cost in memory of an input besides its payload, in bytes."""
_STATEMENTS: Final = [(n, insert_inputs(n)) for n in (256, 16, 1)]
_UNFIT: Final = (
    sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError,
    OverflowError, TypeError, ValueError, AttributeError,
)  # fmt: skip
"""What a row that no table takes raises; a failing disk raises others."""

Level = Literal["info", "warning", "error"]
Record = tuple[Input, bytes]
Told = tuple[int, Sequence[Document], bool]


def _no_documents(documents: Sequence[Document]) -> None:
    """Nobody listens."""


def _no_alarm(level: Level, text: str) -> None:
    """Nobody listens; `Recorder.error` still remembers."""


class Recorder:
    """Writes one session file.

    (Longer than most: queue, transaction and what a failing disk changes about them belong together.)

    Parameters
    ----------
    path
        An empty file (see `rig.runtime.files.new_session_file`).
    meta_text
        The session's description: key -> JSON text; None: the file is there, and is gone on with.
    stored
        Inputs that it holds already.
    on_committed
        Called in the recorder's thread with documents whose inputs are safely stored, in order.
    on_alarm
        Called in the recorder's thread with (``warning | error | info``, one sentence).
    limit_bytes
        How much may wait in memory while the file cannot be written.

    Raises
    ------
    ConfigError
        If the file cannot be set up.
    """

    def __init__(
        self,
        path: Path,
        meta_text: Mapping[str, str] | None,
        *,
        stored: int = 0,
        on_committed: Callable[[Sequence[Document]], None] = _no_documents,
        on_alarm: Callable[[Level, str], None] = _no_alarm,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self.path = path
        self.error: str | None = None
        self.stored = stored
        self._on_committed = on_committed
        self._on_alarm = on_alarm
        self._limit = limit_bytes
        self._queue: collections.deque[Record | Told] = collections.deque()
        self._records: list[Record] = []
        self._told: list[Told] = []
        # Two counters, each written by one thread only, make a size that needs no lock.
        self._taken_bytes = 0
        self._stored_bytes = 0
        self._half_said = False
        self._fatal: str | None = None
        self._end: EndMark | None = None
        self._closing = False
        self._give_up_at = 0.0
        self._clear_at = time.monotonic()
        self._disk_due = self._clear_at
        self._file_bytes: int | None = None
        self._free_bytes: int | None = None
        self._wake = threading.Event()
        self._db = _open(path, meta_text)
        self._checkpoints = Checkpointer(path)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    # --- called by the engine -----------------------------------------------------------------------

    def start(self) -> None:
        """Begin to write."""
        self._checkpoints.start()
        self._thread.start()

    def health(self) -> dict[str, object]:
        """Return plain values about the recording.

        ``lag_s`` is how long the oldest input that is not stored has waited at most; ``file_bytes`` and
        ``free_bytes`` (of its disk) are looked up once a second, by the thread that may wait for a disk.
        """
        return {
            "error": self.error,
            "stored": self.stored,
            "pending_bytes": self.pending_bytes,
            "lag_s": self.behind_s,
            "file": str(self.path),
            "file_bytes": self._file_bytes,
            "free_bytes": self._free_bytes,
        }

    @property
    def behind_s(self) -> float:
        """How long the oldest input that is not stored has waited at most."""
        return time.monotonic() - self._clear_at if self.pending_bytes > 0 else 0.0

    @property
    def pending_bytes(self) -> int:
        """What waits to be written, in bytes of memory (roughly)."""
        return self._taken_bytes - self._stored_bytes

    def append(self, entry: Input, digest_before: bytes) -> None:
        """Hand over an input, before it is acted on. Takes about a microsecond.

        Raises
        ------
        RecordError
            If the file cannot be written and the memory for what waits is at its end.
        """
        self._taken_bytes += len(entry.payload) + _OVERHEAD
        self._queue.append((entry, digest_before))
        if self._fatal is not None or self._taken_bytes - self._stored_bytes > self._limit:
            raise RecordError(self._why_full())

    def documents(self, seq: int, documents: Sequence[Document], *, pass_on: bool = True) -> None:
        """Queue documents that followed from input `seq`; they are stored and passed on after it.

        Parameters
        ----------
        pass_on
            False for documents that were published already (alarms do not wait for a failing disk).
        """
        self._queue.append((seq, documents, pass_on))
        self._wake.set()

    def close(self, end: EndMark | None, give_up_s: float = 10.0) -> int:
        """Write what is left and the end mark; return how many inputs could not be stored.

        Parameters
        ----------
        end
            None leaves the file without an end mark, as if the program had been killed.
        give_up_s
            How long a failing disk is tried again.
        """
        self._end = end
        self._give_up_at = time.monotonic() + give_up_s
        self._closing = True
        self._wake.set()
        if self._thread.ident is None:
            self._thread.start()
        self._thread.join()
        return sum(isinstance(item[0], Input) for item in self._queue) + len(self._records)

    # --- the thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the engine must hear of it
            self._fatal = f"{type(error).__name__}: {error}"
            self.error = self._fatal
            self._on_alarm("error", f"the recorder failed: {self._fatal}")
        finally:
            self._checkpoints.stop()
            self._db.close()

    def _turn(self) -> bool:
        """Gather, write, pass on; return False when there is nothing more to do."""
        if not self._closing and len(self._records) < BATCH:
            self._wake.wait(GATHER_S if self.error is None else RETRY_S)
        self._wake.clear()
        closing = self._closing
        begun = time.monotonic()
        self._look_at_disk(begun)
        self._drain()
        emptied = not self._queue
        if (self._records or self._told) and not self._store():
            if closing and time.monotonic() > self._give_up_at:
                return False
            time.sleep(RETRY_S if closing else 0.0)
            return True
        if emptied:  # whatever waits now came after we began
            self._clear_at = begun
        return not (closing and not self._queue and self._finish())

    def _drain(self) -> None:
        queue = self._queue
        while queue and len(self._records) < BATCH:
            item = queue.popleft()
            if isinstance(item[0], Input):
                self._records.append(item)
            else:
                self._told.append(item)

    def _look_at_disk(self, now: float) -> None:
        if now < self._disk_due:
            return
        self._disk_due = now + DISK_EVERY_S
        with contextlib.suppress(OSError):
            self._file_bytes = sum(
                part.stat().st_size for part in (self.path, Path(f"{self.path}-wal")) if part.exists()
            )
            self._free_bytes = shutil.disk_usage(self.path.parent).free

    def _store(self) -> bool:
        """Write all that was drained in one transaction; on failure keep it all and say so."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            _insert(self._db, self._records)
            for seq, documents, _ in self._told:
                for document in documents:
                    self._derive(seq, document)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._failed(error)
            return False
        self.stored += len(self._records)
        self._stored_bytes += sum(len(entry.payload) + _OVERHEAD for entry, _ in self._records)
        told, self._told, self._records = self._told, [], []
        self._recovered()
        if self._checkpoints.nearly_done:
            self._checkpoints.nearly_done = False
            with contextlib.suppress(sqlite3.Error):  # the next commit meets it, too
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        self._pass_on([document for _, some, pass_on in told if pass_on for document in some])
        return True

    def _derive(self, seq: int, document: Document) -> None:
        """Write a document's rows. One that fits no table costs only itself: the inputs are the record."""
        try:
            for table, rows in rows_of(seq, document):
                self._db.executemany(STATEMENTS[table], rows)
        except _UNFIT as error:
            name = type(document).__name__
            self._on_alarm("warning", f"a document ({name}) after input {seq} was not stored: {error}")

    def _pass_on(self, documents: Sequence[Document]) -> None:
        try:
            if documents:
                self._on_committed(documents)
        except Exception as error:  # noqa: BLE001 - a failing listener must not stop the recording
            self._on_alarm("warning", f"documents were not published: {type(error).__name__}: {error}")

    def _finish(self) -> bool:
        """Write the end mark and leave one plain file behind; True when done or given up."""
        self._checkpoints.stop()
        try:
            if self._end is not None:
                self._db.execute(
                    "INSERT OR REPLACE INTO meta VALUES ('end', ?)",
                    (msgspec.json.encode(self._end).decode(),),
                )
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if self._end is not None:
                self._db.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            self._failed(error)
            if time.monotonic() < self._give_up_at:
                time.sleep(RETRY_S)
                return False
        return True

    # --- when the disk fails -------------------------------------------------------------------------

    def _failed(self, error: sqlite3.Error) -> None:
        if self._db.in_transaction:
            self._db.rollback()
        first, self.error = self.error is None, str(error)
        if first:
            self._on_alarm("error", f"{self._why()}; kept in memory and tried again")
        if self.pending_bytes > self._limit // 2 and not self._half_said:
            self._half_said = True
            self._on_alarm("error", f"{self._why()}; half of the memory for it is used")

    def _recovered(self) -> None:
        if self.error is not None:
            self.error = None
            self._half_said = False
            self._on_alarm("info", f"the session file '{self.path.name}' is written again; nothing was lost")

    def _why(self) -> str:
        return f"the session file '{self.path.name}' cannot be written ({self.error})"

    def _why_full(self) -> str:
        if self._fatal is not None:
            return f"the recorder failed: {self._fatal}"
        if self.error is not None:
            return f"{self._why()}, and {self.pending_bytes >> 20} MB already wait in memory"
        return f"the disk is too slow: {self.pending_bytes >> 20} MB wait to be written"


def _insert(db: sqlite3.Connection, records: Sequence[Record]) -> None:
    at = 0
    for size, statement in _STATEMENTS:
        while len(records) - at >= size:
            row: list[object] = []
            for entry, digest in records[at : at + size]:
                payload = entry.payload
                row += (
                    entry.seq, entry.t_ns, entry.source, entry.kind, payload, zlib.crc32(payload), digest,
                )  # fmt: skip
            db.execute(statement, row)
            at += size


def _open(path: Path, meta_text: Mapping[str, str] | None) -> sqlite3.Connection:
    """Open the file to write; with a description set up the tables in an empty one."""
    db: sqlite3.Connection | None = None
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.1)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute("PRAGMA wal_autocheckpoint=0")  # rig.runtime.checkpoint does that
        if meta_text is not None:
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={FORMAT}")
            db.executescript(f"BEGIN;{TABLES}")
            db.executemany("INSERT INTO meta VALUES (?,?)", meta_text.items())
            db.execute("COMMIT")  # all of it or nothing: half a description is none
    except sqlite3.Error as error:
        if db is not None:
            db.close()
        raise ConfigError(f"cannot write a session file ({error})", str(path)) from None
    return db
