"""Particles: weights, resampling, and the one loop *propose, weigh, select*, with exact filters
beside it.
"""
