"""Pictures and checks of notebook 09b The budget challenge."""
