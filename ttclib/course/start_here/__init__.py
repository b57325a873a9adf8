"""Pictures and checks of notebook 00 Start here."""
