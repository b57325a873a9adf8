"""Pictures of notebook 15: clips and masks, features that collapse, and two numbers that do."""
