"""Checks of notebook 16: a task, a verifier and a selection of your own."""
