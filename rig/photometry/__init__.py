"""Fibre photometry: samples in, dF/F and event-aligned responses of a population out."""
