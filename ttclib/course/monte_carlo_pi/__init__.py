"""Pictures and checks of notebook 01 Monte Carlo."""
