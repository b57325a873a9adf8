"""Search: a language model proposes steps, a verifier weighs them, and one of seven selections
chooses.
"""
