"""The desktop window: a client of the engine and nothing more."""
