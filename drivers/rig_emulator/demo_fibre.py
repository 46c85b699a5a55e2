"""A fibre for the demo's rig: a fast dopamine sensor over all its units, on an emulated board."""

from __future__ import annotations

from typing import Final

import msgspec

from rig.description import EmulatedSource, Emulation, RigDescription
from rig.photometry.settings import FibreConfig, FibreWindow, PhotometryConfig

NAME: Final = "fibre"

FIBRE: Final = PhotometryConfig(
    name=NAME,
    port="pty",
    fibres={"striatum": FibreConfig(signal="analog_1", control="analog_2", control_kind="isosbestic")},
    # Behind the first 200 ms, in which all sizes excite alike, and the sensor's own decay.
    window=FibreWindow(start_ms=400, stop_ms=1200),
)


def with_fibre(rig: RigDescription) -> RigDescription:
    """Return `rig` with the demo's fibre."""
    emulation = rig.emulation or Emulation()
    played = {**emulation.photometry, NAME: EmulatedSource(sensor="dlight")}
    emulation = msgspec.structs.replace(emulation, photometry=played)
    return msgspec.structs.replace(rig, photometry=(*rig.photometry, FIBRE), emulation=emulation)
