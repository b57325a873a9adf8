"""Pictures of notebook 16: what a search with parts of your own buys, and what it costs."""
