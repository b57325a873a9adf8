"""Pictures and checks of notebook 08 A search you can watch."""
