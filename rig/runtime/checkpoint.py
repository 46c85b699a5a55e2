"""Keeps the disk's slowness away from the recorder: checkpoints and syncs of the session file, in a thread.

SQLite appends each commit to the write-ahead log (``-wal``), and now and then copies the log into the file
proper: a checkpoint. That waits for the disk, 50 to 150 ms for 16 MB (measured), and what came in meanwhile
would be lost with a killed program. So the bulk of it is done here, over a connection of its own; the
recorder only does the few pages that came meanwhile, so that the log can begin again at its start.

Once a second the log is synced. A commit alone survives the death of the program, but not that of the
computer; what is older than a second then does.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from pathlib import Path
from typing import Final

SYNC_S: Final = 1.0
LOG_BYTES: Final = 16 * 1024 * 1024
"""A log of this size is copied into the file."""


class Checkpointer:
    """One session file's thread for what waits for the disk.

    A failure is nobody's business here: the recorder meets it too, and says so.

    Parameters
    ----------
    path
        The session file; its database is in WAL mode.

    Attributes
    ----------
    nearly_done
        The bulk of a checkpoint is done; whoever writes does the rest and clears this.
    """

    def __init__(self, path: Path, *, sync_s: float = SYNC_S, log_bytes: int = LOG_BYTES) -> None:
        self.nearly_done = False
        self.synced = 0
        """How often the log was synced."""
        self._path = path
        self._log = Path(f"{path}-wal")
        self._sync_s, self._log_bytes = sync_s, log_bytes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop and let go of the file; may be called twice."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._sync_s):
            with contextlib.suppress(OSError, sqlite3.Error):
                self._sync()
                if not self.nearly_done and self._log.stat().st_size > self._log_bytes:
                    self._copy()

    def _sync(self) -> None:
        # The log alone: SQLite has no lock on it that closing a file of ours could take away.
        with self._log.open("r+b") as log:
            os.fsync(log.fileno())
        self.synced += 1

    def _copy(self) -> None:
        with contextlib.closing(sqlite3.connect(self._path, isolation_level=None, timeout=0.0)) as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        self.nearly_done = True
