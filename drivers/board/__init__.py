"""The state-machine board: a Harp device that runs a trial by itself."""
