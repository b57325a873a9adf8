"""Search: a language model proposes steps, a verifier weighs them, and one of six selections
chooses.
"""
