"""Drivers: bytes on one side, events on the other. One room a device family."""
