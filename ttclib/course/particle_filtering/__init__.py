"""Pictures and checks of notebook 04 Particle filtering."""
