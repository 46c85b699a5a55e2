"""Bring released unit files (.mat) into the format of `dopaloop analyze`.

Usage: python convert_release.py FOLDER_WITH_MAT_FILES units.npz
"""

import sys
from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError


def row(values: object) -> np.ndarray:
    """Return one row of floats, whatever MATLAB made of it."""
    return np.atleast_1d(np.asarray(values, dtype=np.float64)).ravel()


def convert(folder: Path, out: Path) -> int:
    """Write all units of a folder into one archive; return how many there were."""
    arrays = {}
    paths = sorted(folder.glob("*.mat"))
    if not paths:
        sys.exit(f"{folder}: there are no .mat files in this folder")
    for number, path in enumerate(paths):
        try:
            unit = loadmat(path, squeeze_me=True, struct_as_record=False)
            stamps, kinds = row(unit["events"].odorOn), row(unit["events"].trialType)
            spikes = row(unit["responses"].spike)
        except (MatReadError, KeyError, AttributeError, ValueError, OSError, NotImplementedError) as error:
            sys.exit(f"{path}: this is no released unit ({error})")
        kinds = np.pad(kinds, (0, max(len(stamps) - len(kinds), 0)))[: len(stamps)]
        known = (kinds >= 1) & (kinds <= 15)  # not true of NaN: an entry without a type becomes 0
        arrays[f"spikes_{number:02}"] = np.sort(spikes[np.isfinite(spikes)])
        arrays[f"odor_on_{number:02}"] = stamps[np.isfinite(stamps)]
        arrays[f"trial_type_{number:02}"] = np.where(known, kinds, 0).astype(np.int8)[np.isfinite(stamps)]
    arrays["unit_names"] = np.array([path.name for path in paths])
    np.savez_compressed(out, **arrays)
    return len(paths)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(convert(Path(sys.argv[1]), Path(sys.argv[2])), "units")
