"""Pictures and checks of notebook 02 Metropolis-Hastings."""
