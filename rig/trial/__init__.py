"""One trial: as intended, as it took place, and what the units answered."""
