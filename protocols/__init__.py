"""Cue and reward protocols: one experiment a file."""
