"""Attempts and their revisions: the heart of notebook 10."""
