"""Bpod (Sanworks), firmware 23: state machine r2.0-2.5 and 2+, driven and emulated."""
