"""Sampling: Monte Carlo, Markov chains, Markov chain Monte Carlo, and how far to trust them."""
