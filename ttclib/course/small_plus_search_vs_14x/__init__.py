"""Notebook 11: what a larger model would have bought for the same computation."""
