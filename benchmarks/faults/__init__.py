"""Fault drills: what is lost, and what people are told, when a wire or a device goes wrong.

`python -m benchmarks.faults` runs all of them and prints the table of docs/explanation/faults.md.
"""
