"""The builders of the two writers and of their searches, on a plan of a few steps."""

import json

import numpy as np

from tools import data, fork_writers
from tools.artefact import Job
from ttclib.course.what_a_token_costs import writers
from ttclib.search import results


def test_writers_are_trained_kept_and_searched(tmp_path):
    folders = {name: tmp_path / name for name in ("work", "writers", "search")}
    for folder in folders.values():
        folder.mkdir()
    sizes = {"width": 8, "layers": 1, "heads": 2, "state": 3, "hidden": 8}
    plan = data.ARTEFACTS["fork-writers"].settings | {
        "writers": {"selective": sizes, "attention": sizes},
        "problems": 16,
        "training": {"batch": 8, "steps": 3, "learning_rate": 1e-2},
    }
    seeds = data.ARTEFACTS["fork-writers"].seeds
    took = fork_writers.train(Job(plan, seeds, folders["writers"], folders["work"], {}))
    assert took > 0
    assert json.loads((folders["writers"] / "sizes.json").read_text()) == plan["writers"]
    for kind in plan["writers"]:
        lm = writers.load_writer(folders["writers"], kind)
        assert np.isfinite(lm.start([[3, 4]], 8).log_probs).all()

    plan = data.ARTEFACTS["fork-search"].settings
    plan = plan | {"problems": 3, "budgets": [1, 2], "replicates": 2}
    needs = {"fork-writers": folders["writers"]}
    job = Job(plan, data.ARTEFACTS["fork-search"].seeds, folders["search"], folders["work"], needs)
    fork_writers.search(job)
    columns = results.read(folders["search"])
    assert len(columns["right"]) == 2 * 3 * 2 * 2 * 3  # models, methods, budgets, seeds, problems
    assert (columns["tokens"] > 0).all()
    assert len(fork_writers.search_score(job)) == 2 * 3 * 2
