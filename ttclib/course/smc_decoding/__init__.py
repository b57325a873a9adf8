"""Pictures and checks of notebook 06 SMC decoding."""
