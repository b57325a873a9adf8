"""Language models: the arithmetic task, small models, decoding. Importing a module here may load
torch.
"""
