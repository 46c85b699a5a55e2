"""A trial as a state table: the value, its builder, its checker, its image, and what runs it."""
