"""Cells of a notebook, run as a learner runs them, for a test of what they lead to."""

import nbformat

from tools import notebooks


def run_cells(name, ids, names=None):
    """Run the code cells with these ids, in the notebook's order, and return what they defined.

    ``names`` holds what cells that are not run would have defined.
    """
    notebook = nbformat.read(notebooks.FOLDER / f"{name}.ipynb", nbformat.NO_CONVERT)
    chosen = [cell for cell in notebook.cells if cell.id in ids]
    missing = set(ids) - {cell.id for cell in chosen}
    assert not missing, f"{name} has no cells {sorted(missing)}"
    defined = dict(names or {})
    for cell in chosen:
        assert cell.cell_type == "code", cell.id
        exec(compile(cell.source, f"{name} {cell.id}", "exec"), defined)
    return defined
