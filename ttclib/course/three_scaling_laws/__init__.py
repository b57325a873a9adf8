"""Notebook 12: three scaling laws, of pretraining, post-training and test-time compute."""
