"""Pictures and checks of notebook 09 Compute-optimal."""
