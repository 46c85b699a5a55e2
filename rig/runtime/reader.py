"""Open a session file for reading, also while it is being written or after its program was killed."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from rig.documents import Document, TagConfirmed
from rig.errors import ConfigError
from rig.log.entry import Input
from rig.log.replay import EndMark, Row
from rig.log.schema import APPLICATION_ID, DERIVED, FORMAT
from rig.runtime.identity import Correction
from rig.tagging.told import Confirmation

LONGEST: Final = 256 * 1024 * 1024
"""Bytes of a single value; an input holds some kilobytes, a batch of messages a megabyte."""
_STRANGE: Final = """
SELECT count(*) FROM sqlite_schema
WHERE type NOT IN ('table', 'index') OR sql LIKE '%VIRTUAL%TABLE%' OR sql LIKE '%GENERATED%'
"""
"""What no session file holds. A view may compute without end, and stand in a table's place."""
_DOCUMENTS: Final = msgspec.json.Decoder(Document)


class SessionFile:
    """A session file, opened read-only.

    Parameters
    ----------
    path
        The ``.sqlite`` file.

    Raises
    ------
    ConfigError
        If there is no such file, or it is no session file of a format that we read.

    Examples
    --------
    ::

        with SessionFile(path) as session:
            print(session.meta["subject"], sum(1 for _ in session.inputs()))
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise ConfigError("there is no such session file", str(path))
        self._cursors: weakref.WeakSet[sqlite3.Cursor] = weakref.WeakSet()
        try:
            self._db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=2.0)
            self._db.execute("PRAGMA trusted_schema=OFF")
            self._db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
            self._check_format()
            self.meta_text: dict[str, str] = dict(self._db.execute("SELECT key, value FROM meta"))
            """The session's description as stored: key -> JSON text (without ``end``)."""
            self.end: EndMark | None = self._take_end()
        except sqlite3.Error as error:
            self.close()
            raise ConfigError(f"this is no session file that can be read ({error})", str(path)) from None
        except ConfigError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; may be called twice."""
        # A reading that was broken off would keep the file locked for as long as somebody holds it.
        for cursor in self._cursors:
            cursor.close()
        self._db.close()

    @property
    def meta(self) -> dict[str, object]:
        """The session's description, decoded.

        Raises
        ------
        ConfigError
            If an entry is no JSON.
        """
        decoded: dict[str, object] = {}
        for key, text in self.meta_text.items():
            try:
                decoded[key] = msgspec.json.decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ConfigError(
                    f"entry '{key}' of table meta is damaged ({error})", str(self.path)
                ) from None
        return decoded

    def corrections(self) -> tuple[Correction, ...]:
        """Return what was corrected after the session, oldest first."""
        try:
            rows = self._read(
                "SELECT at, who, field, was, now, why FROM corrections ORDER BY rowid"
            ).fetchall()
        except sqlite3.OperationalError:
            return ()  # nothing ever was
        return tuple(
            Correction(at=at, who=who, field=field, was=was, now=now, why=why)
            for at, who, field, was, now, why in rows
        )

    @property
    def subject(self) -> str:
        """The animal: as recorded, or as corrected since."""
        newest = [line.now for line in self.corrections() if line.field == "subject"][-1:]
        return newest[0] if newest else str(self.meta.get("subject", ""))

    def rows(self) -> Iterator[Row]:
        """Yield the input records in order, with their checksums and digests."""
        query = "SELECT seq, t_ns, source, kind, payload, crc32, effects_digest FROM inputs ORDER BY seq"
        try:
            for seq, t_ns, source, kind, payload, crc32, digest in self._read(query):
                yield Row(Input(seq, t_ns, source, kind, payload), crc32, digest)
        except sqlite3.Error as error:
            raise ConfigError(f"the table of inputs is damaged ({error})", str(self.path)) from None

    def inputs(self) -> Iterator[Input]:
        """Yield the inputs in order."""
        return (row.entry for row in self.rows())

    def later_tags(self) -> tuple[Confirmation, ...]:
        """Return what was said of units by light after the session, oldest first."""
        try:
            rows = self._read("SELECT unit, tagged, who, at, note FROM later_tags ORDER BY rowid").fetchall()
        except sqlite3.OperationalError:
            return ()  # nobody said anything
        return tuple(
            Confirmation(unit=unit, tagged=bool(tagged), by=who, at=at, note=note)
            for unit, tagged, who, at, note in rows
        )

    def documents(self) -> Iterator[tuple[int, Document]]:
        """Yield (number of the input it followed from, document) in order; then what was said afterwards.

        Raises
        ------
        ConfigError
            If a document cannot be read.
        """
        last = -1
        try:
            for seq, text in self._read("SELECT seq, document FROM documents ORDER BY id"):
                last = seq
                yield seq, _DOCUMENTS.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"a document after input {last} cannot be read ({error})", str(self.path)
            ) from None
        except sqlite3.Error as error:
            raise self._damaged("documents", error) from None
        for word in self.later_tags():
            yield last, TagConfirmed(word=word)

    def times_of_documents(self) -> Iterator[tuple[int, int]]:
        """Yield (number of an input that documents followed from, its host time in ns), in order."""
        query = "SELECT DISTINCT d.seq, i.t_ns FROM documents d JOIN inputs i ON i.seq = d.seq ORDER BY d.seq"
        try:
            yield from self._read(query)
        except sqlite3.Error as error:
            raise self._damaged("inputs", error) from None

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the derived tables that this file has; an old one may lack some.

        ``later_tags`` is among them if tags were confirmed after the session.
        """
        there = {name for (name,) in self._db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        return tuple(name for name in (*DERIVED, "later_tags") if name in there)

    def table(self, name: str) -> tuple[list[str], Iterator[tuple[object, ...]]]:
        """Return a derived table: its column names and its rows in order.

        Parameters
        ----------
        name
            One of `tables`.

        Raises
        ------
        ConfigError
            If the file has no such table.
        """
        if name not in self.tables:
            raise ConfigError(
                f"there is no table '{name}'; there are {', '.join(self.tables)}", str(self.path)
            )
        cursor = self._read(f"SELECT * FROM {name}")  # a name of our own list
        return [column[0] for column in cursor.description], self._rows_of(name, cursor)

    def _rows_of(self, name: str, cursor: sqlite3.Cursor) -> Iterator[tuple[object, ...]]:
        try:
            yield from cursor
        except sqlite3.Error as error:
            raise self._damaged(name, error) from None

    def _damaged(self, name: str, error: sqlite3.Error) -> ConfigError:
        why = str(error).partition(" with text ")[0]  # the text may be a megabyte
        return ConfigError(f"the table of {name} is damaged ({why})", str(self.path))

    def _read(self, query: str) -> sqlite3.Cursor:
        cursor = self._db.execute(query)
        self._cursors.add(cursor)
        return cursor

    def _check_format(self) -> None:
        (strange,) = self._db.execute(_STRANGE).fetchone()
        if strange:
            raise ConfigError("this is no session file: it holds views, triggers or the like", str(self.path))
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise ConfigError("this is a database, but no session file", str(self.path))
        if version != FORMAT:
            raise ConfigError(
                f"this session file has format {version}, this program reads {FORMAT}", str(self.path)
            )

    def _take_end(self) -> EndMark | None:
        text = self.meta_text.pop("end", None)
        if text is None:
            return None
        try:
            return msgspec.json.decode(text, type=EndMark)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"the end mark of the session is damaged ({error})", str(self.path)) from None
