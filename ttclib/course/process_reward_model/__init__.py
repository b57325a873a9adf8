"""Pictures and checks of notebook 07 A process reward model."""
