"""Worlds that never touch a byte: a mouse, its dopamine units, and a rig in time that jumps."""
