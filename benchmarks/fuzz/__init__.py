"""Strangers' bytes for everything that reads: `python -m benchmarks.fuzz`."""
