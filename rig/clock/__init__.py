"""Stream sample numbers <-> rig time, through the board's sync line."""
