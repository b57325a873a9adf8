"""Pictures of notebook 14."""
