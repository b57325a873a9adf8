"""Where SmolLM2 cannot be had, notebook 06 says so in one line and goes on."""

import nbformat
import pytest

pytest.importorskip("torch")

from tools import notebooks
from ttclib.lm import pretrained


def cells():
    """The code cells that import, and those that use SmolLM2 or would."""
    notebook = nbformat.read(notebooks.FOLDER / "06_smc_decoding.ipynb", nbformat.NO_CONVERT)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    uses = [i for i, cell in enumerate(code) if "this-machine" in cell.metadata.get("tags", [])]
    return [code[0], *code[uses[0] : uses[-1] + 1]], code[uses[-1] + 1 :]


@pytest.mark.parametrize("reason", ["cannot be unpacked", "is not on this machine"])
def test_the_cells_say_why_and_go_on(tmp_path, monkeypatch, capsys, reason):
    place = tmp_path / "place"
    place.write_text("")
    monkeypatch.setenv("TTC_CACHE", str(place))
    if reason == "is not on this machine":
        monkeypatch.setattr(pretrained, "wheel_file", lambda: None)
        monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    names = {}
    ours, _ = cells()
    assert len(ours) == 5
    for cell in ours:
        exec(compile(cell.source, "cell", "exec"), names)
    lines = capsys.readouterr().out.splitlines()[1:]
    assert len(lines) == 2 and lines[0] == lines[1] and reason in lines[0]
    assert ("TTC_CACHE" in lines[0]) == (reason == "cannot be unpacked")
    assert names["smollm2"] is None


def test_no_later_cell_needs_it():
    _, later = cells()
    assert len(later) > 5
    assert not any("ask(" in cell.source or "demands" in cell.source for cell in later)
