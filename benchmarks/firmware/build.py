"""Build what is asked for with `make` in `firmware/`, or say what is missing for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import IO, Final

FIRMWARE: Final = Path(__file__).resolve().parents[2] / "firmware"
BUILT: Final = FIRMWARE / "build"

_PACKAGES: Final = "make gcc gcc-avr avr-libc libsimavr-dev libelf-dev"
_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "all": ("make", "avr-gcc", "avr-objcopy"),
    "host": ("make", "gcc"),
    "fuzz": ("make", "gcc"),
    "sim": ("make", "gcc"),
}
_HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "all": ("/usr/lib/avr/include/avr/io.h",),
    "sim": ("/usr/include/simavr/sim_avr.h", "/usr/include/gelf.h"),
}


def missing(*targets: str) -> str:
    """Return why `targets` cannot be built here, or an empty text."""
    lacks = [tool for target in targets for tool in _NEEDS[target] if shutil.which(tool) is None]
    lacks += [
        header for target in targets for header in _HEADERS.get(target, ()) if not Path(header).exists()
    ]
    if not lacks:
        return ""
    what = ", ".join(dict.fromkeys(lacks))
    return f"the firmware's tools are not all here ({what}); Debian: apt install {_PACKAGES}"


def _wait_for(lock: IO[str]) -> None:
    """Wait until nobody else builds: tests run side by side."""
    if os.name == "posix":
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX)


def build(*targets: str) -> Path:
    """Build targets of `firmware/Makefile`; return the folder of what was built.

    Raises
    ------
    RuntimeError
        If that fails; says what make said.
    """
    BUILT.mkdir(exist_ok=True)
    make = ["make", f"-j{os.cpu_count() or 1}", "-C", str(FIRMWARE), *targets]
    with (BUILT / ".lock").open("w") as lock:
        _wait_for(lock)
        done = subprocess.run(make, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise RuntimeError(f"make {' '.join(targets)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return BUILT


def chip_files() -> tuple[Path, Path]:
    """Build the emulated chip and the firmware for it; return both."""
    built = build("all", "sim")
    return built / "chip", built / "board.elf"
