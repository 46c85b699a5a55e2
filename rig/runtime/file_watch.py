"""The session file, read back by somebody else than who writes it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path


class FileWatch:
    """Looks at a session file from outside, while it is being written.

    It is asked through SQLite and `stat` only: a file that this process opened and closed by itself would
    take the database's own locks with it.

    Parameters
    ----------
    path
        The session file.
    stored
        Returns how many inputs the recorder says that it has written.

    Attributes
    ----------
    broken
        Why nothing that is written from now on can be read, or None; it stays.
    """

    def __init__(self, path: Path, stored: Callable[[], int]) -> None:
        self.broken: str | None = None
        self._path = path
        self._stored = stored
        self._inodes: dict[Path, int] = {}
        self._sizes: dict[Path, int] = {}
        self._seen = -1

    def look(self) -> str | None:
        """Return what is wrong with the file, or None."""
        if self.broken is None:
            self.broken = self._look_at_place()
        return self.broken or self._look_inside()

    def _look_at_place(self) -> str | None:
        name = self._path.name
        for path in (self._path, Path(f"{self._path}-wal")):
            try:
                found = os.stat(path)
            except OSError as error:
                if path != self._path and path not in self._inodes:
                    continue  # nothing was ever written
                reason = error.strerror or error
                return f"the session file '{name}' is gone ({reason}); what is recorded now is lost with it"
            if self._inodes.setdefault(path, found.st_ino) != found.st_ino:
                return f"the session file '{name}' was replaced by another; what is recorded now is lost"
            before, now = self._sizes.get(path, 0), found.st_size
            if now < before:  # while it is written to, neither of the two ever shrinks
                return f"the session file '{name}' was cut short from {before} to {now} bytes"
            self._sizes[path] = now
        return None

    def _look_inside(self) -> str | None:
        stored = self._stored()  # before we look: what is written meanwhile is more
        try:
            with contextlib.closing(self._open()) as db:
                query = "SELECT max(seq), count(*) FROM inputs WHERE seq > ?"
                newest, count = db.execute(query, (self._seen,)).fetchone()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                return None  # somebody else holds it; the recorder says if it cannot write
            return f"the session file '{self._path.name}' cannot be read back ({error})"
        except sqlite3.Error as error:
            self.broken = f"the session file '{self._path.name}' is damaged ({error})"
            return self.broken
        if newest is not None:
            missing = newest - self._seen - count
            if missing:
                which = f"{self._seen + 1} to {newest}"
                self.broken = f"{missing} of the records {which} are not in the session file"
                return self.broken
            self._seen = newest
        if self._seen + 1 < stored:
            return f"the session file holds {self._seen + 1} records, but {stored} were written"
        return None

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.1)
