"""NumPy archives (``.npz``) from strangers: plain numbers only, and no more than can be meant."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from rig.errors import ConfigError

LARGEST_BYTES: Final = 4 << 30
"""Of all arrays together, unpacked. A file of kilobytes can be packed so that it unpacks to terabytes."""
MAGIC: Final = b"PK\x03\x04"
_DAMAGED: Final = (
    OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError,
    RuntimeError, MemoryError, OverflowError, SyntaxError, TypeError,
)  # fmt: skip
"""What `zipfile` and `numpy` raise on damaged archives, headers and arrays; pickles are a `ValueError`."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open an archive for reading; its arrays are read as they are asked for. Nothing pickled is loaded.

    Raises
    ------
    ConfigError
        If it is none, it is damaged, or it is too large unpacked.
    """
    # opened here: numpy leaves a file open whose archive it cannot read
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:  # numpy would take anything else for a pickle
            raise ConfigError("this is not a NumPy .npz archive", str(path))
        file.seek(0)
        try:
            archive = np.load(file, allow_pickle=False)
            size = sum(member.file_size for member in archive.zip.infolist())
        except (*_DAMAGED, AttributeError) as error:
            raise ConfigError(f"the archive is damaged ({error})", str(path)) from None
        if size > LARGEST_BYTES:
            archive.close()
            raise ConfigError(f"it unpacks to {size / 1e9:.0f} GB; that is no recording", str(path))
        with archive:
            yield archive


def array_of(archive: Any, key: str, path: Path) -> Any:
    """Read one array of an open archive.

    Raises
    ------
    ConfigError
        If it is damaged, pickled, or larger than the archive says.
    """
    try:
        return archive[key]
    except _DAMAGED:
        raise ConfigError(
            f"the array {key} is pickled or damaged; pickles are not loaded, save plain numbers", str(path)
        ) from None
