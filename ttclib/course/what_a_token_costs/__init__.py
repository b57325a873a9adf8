"""Notebook 14: what a token costs in attention, retention, state spaces and experts."""
