"""Pictures and checks of notebook 03 Bayesian estimation."""
