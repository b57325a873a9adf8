"""A sentence of a notebook, and the number it rests on: where one changes, the test names it."""

from functools import cache

import nbformat

from tools import notebooks


@cache
def prose(name):
    """All that a notebook says."""
    notebook = nbformat.read(notebooks.FOLDER / f"{name}.ipynb", nbformat.NO_CONVERT)
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


class Says:
    """``says(sentence, so)``: the notebook says it, and it is so."""

    def __init__(self, name):
        self.name = name

    def __call__(self, sentence, so):
        assert sentence in prose(self.name), f"{self.name} no longer says: {sentence}"
        assert so, f"{self.name} says, and it is not so: {sentence}"
