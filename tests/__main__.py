"""The project's one check: lint, format, types, import contracts, tests. `python -m tests` runs all.

Tests run side by side on the cores there are, a file of them in one place.

Arguments go on to pytest: `python -m tests -k codec`. Set DOPALOOP_DATA to a folder with the
recordings to run the checks on real data too; without it those tests skip and say so.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIDE_BY_SIDE = ("-n", "auto", "--dist", "loadfile", "--benchmark-disable")


def tool(name: str) -> str:
    """Return the path of a tool of this environment."""
    path = shutil.which(name, path=sysconfig.get_path("scripts"))
    if path is None:
        sys.exit(f"'{name}' is not installed here; run: pip install -e '.[dev]'")
    return path


def main() -> int:
    """Run every check; return 0 if all passed."""
    checks = {
        "lint": [tool("ruff"), "check", "."],
        "format": [tool("ruff"), "format", "--check", "."],
        "types": [tool("mypy")],
        "import contracts": [tool("lint-imports")],
        "tests": [sys.executable, "-m", "pytest", *SIDE_BY_SIDE, *sys.argv[1:]],
    }
    failed = []
    for name, command in checks.items():
        print(f"== {name}", flush=True)
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
    print(f"== failed: {', '.join(failed)}" if failed else "== all checks passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
