"""Notebook 13: how small a model can be made."""
