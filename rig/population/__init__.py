"""All units together: do their differences repeat, and are they a distributional code or something else."""
