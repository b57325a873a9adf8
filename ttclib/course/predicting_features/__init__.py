"""Notebook 15: predict features, not pixels."""
