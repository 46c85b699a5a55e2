"""Serve an emulated rig: `python -m drivers.rig_emulator RIG.toml`."""

import sys

from drivers.rig_emulator.main import main

sys.exit(main())
