"""Everything that the science asks of the program, measured in one go; docs/reference/acceptance.md."""
