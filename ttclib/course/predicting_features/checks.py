"""Checks of notebook 15: masks, an average of weights, slopes, an effective rank, and R²."""
