"""Pictures and checks of notebook 04b Learning the boat."""
