"""Pictures and checks of notebook 05 A small language model."""
