"""Pictures and checks of notebook 15b Looking back."""
