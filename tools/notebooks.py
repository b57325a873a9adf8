"""Execute notebooks in place and store only what a reader without a kernel can see.

Run twice, it writes the same bytes: cell ids are kept, and live widget views, widget state and
timings are dropped. Called by ``python3 course.py notebooks [notebook …]``.
"""

import argparse
import copy
import hashlib
import sys
from pathlib import Path

import nbclient
import nbformat

from ttclib.files import whole

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
    "language_info": {"name": "python"},
}


def execute(notebook, folder):
    """Run all cells of a notebook node with a fresh kernel that starts in ``folder``.

    Raises
    ------
    RuntimeError
        One line that names the cell, if a cell raises, or is not done after ten minutes.
    """
    client = nbclient.NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )
    with client.setup_kernel():
        for i, cell in enumerate(notebook.cells):
            try:
                client.execute_cell(cell, i)
            except nbclient.exceptions.CellExecutionError as error:
                line = " ".join(f"{error.ename}: {error.evalue}".split())
                raise RuntimeError(f"cell {i}: {line}") from error
            except (
                nbclient.exceptions.CellTimeoutError,
                nbclient.exceptions.DeadKernelError,
            ) as error:
                raise RuntimeError(f"cell {i}: {type(error).__name__}") from error
    return notebook


def normalise(notebook):
    """Drop what differs from run to run, or needs a kernel to be shown. Changes the node, returns
    it.
    """
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for i, cell in enumerate(notebook.cells):
        if "id" not in cell:
            cell.id = hashlib.sha256(f"{i}{cell.source}".encode()).hexdigest()[:8]
        for key in ("execution", "ExecuteTime", "collapsed", "scrolled", "trusted"):
            cell.metadata.pop(key, None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
        if "outputs" in cell:
            cell.outputs = merge_streams(cell.outputs)
    return notebook


def merge_streams(outputs):
    """Join neighbouring pieces of one stream, which break where the kernel happened to flush."""
    merged = []
    for output in outputs:
        last = merged[-1] if merged else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last.text += output.text
        else:
            merged.append(output)
    return merged


def rewrite(path):
    """Execute and normalise one notebook file; a notebook that fails is left as it was.

    A cell tagged ``this-machine`` keeps the outputs that are stored: what it measures differs in
    each run. Clear its outputs to store new ones.
    """
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    measured = {
        i: copy.deepcopy(cell.outputs)
        for i, cell in enumerate(notebook.cells)
        if "this-machine" in cell.metadata.get("tags", []) and cell.outputs
    }
    notebook = normalise(execute(notebook, path.parent))
    for i, outputs in measured.items():
        notebook.cells[i].outputs = outputs
    with whole(path) as part:
        nbformat.write(notebook, part)


def every():
    """Return the notebooks of the course, and behind them those in other languages."""
    return sorted(FOLDER.glob("*.ipynb")) + sorted(FOLDER.glob("[a-z]*/*.ipynb"))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "notebooks", nargs="*", type=Path, help="files (default: all of the course)"
    )
    failed = 0
    for path in parser.parse_args(argv).notebooks or every():
        try:
            rewrite(path)
            print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB", flush=True)
        except (RuntimeError, OSError) as error:
            print(f"{path.name}: {error}", file=sys.stderr, flush=True)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
