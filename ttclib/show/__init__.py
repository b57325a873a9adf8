"""Pictures and sliders: what a learner sees. Nothing below this package imports it."""
