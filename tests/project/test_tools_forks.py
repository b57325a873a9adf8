"""The builder of the record of forks: every call is of one kind, and the notebook reads it."""

from tools import data, forks
from tools.artefact import Job
from ttclib.course.what_a_token_costs.forks import read_forks


def test_calls_with_and_without_forks_stand_in_one_run(tmp_path):
    plan = data.ARTEFACTS["forks"].settings
    small = plan | {"contexts": [8, 16], "rounds": 2, "tokens": 30}
    small["sizes"] = {"width": 16, "layers": 1, "heads": 2, "hidden": 8, "state": 4}
    forks.seconds(Job(small, {}, tmp_path, tmp_path, {}))
    found = read_forks(tmp_path)
    assert found.names == plan["names"] and found.contexts == [8, 16]
    assert found.particles == 8 and found.sizes == small["sizes"]
    for name in found.names:
        for both in (False, True):
            assert found.milliseconds(name, 16, both) > 0
