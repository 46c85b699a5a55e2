"""What the window shows: one panel a file, found by entry point (group ``dopaloop.panels``)."""
