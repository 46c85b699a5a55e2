"""How fast it is, always beside something bare that was measured in the same run.

Not part of the test suite: `python -m benchmarks` prints one table, `python -m pytest benchmarks` shows
every statistic. Nothing here fails because a machine is slow.
"""
