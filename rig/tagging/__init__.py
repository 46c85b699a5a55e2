"""Which units answer light: pulse by pulse, with what chance alone would do beside it."""
