"""What an experiment declares beforehand, and what holds the running session to it."""
