"""Neural streams: chunks in, event-aligned counts and responses out."""
