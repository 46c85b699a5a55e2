"""Lab Streaming Layer, in and out: an optional extra, never on the way of a trial."""
