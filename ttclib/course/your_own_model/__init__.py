"""Pictures and checks of notebook 16 Your own model, your own task."""
