"""Samples from any program over ZeroMQ: one JSON header and one buffer a message."""
