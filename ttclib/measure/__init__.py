"""Measures: votes, pass@k, calibration, and how far to trust a mean."""
