"""Measuring the rig itself, outside sessions: what a sensor sees, what a valve gives. No animal is near."""
