"""Open Ephys GUI: spikes, TTLs and data from its ZMQ Interface plugin."""
