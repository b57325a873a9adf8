"""Odd values for every argument: one clear line, an answer soon, no silent nonsense.

Four promises are kept by each function that ``fuzz_calls`` lists, for each odd value that its kinds
of arguments know: no foreign error, an answer within seconds, no bad value that gives a plausible
number, no good value refused. A function is added with one line there.
"""

import fuzz_calls
import fuzz_mutants
import pytest
from fuzz import FOREIGN, REFUSED, SILENT, TAKEN, Worker


@pytest.fixture(scope="module")
def worker():
    worker = Worker("fuzz_calls")
    yield worker
    worker.stop()


@pytest.mark.parametrize("name", fuzz_calls.CALLS)
def test_no_odd_value_breaks_a_promise(name, worker, seed):
    faults = worker.faults(name, fuzz_calls.CALLS[name], seed)
    lines = [f"{promise}: {odd}: {how}" for promise, odd, how in faults]
    assert not lines, "\n".join(lines)


@pytest.fixture(scope="module")
def mutants():
    worker = Worker("fuzz_mutants", patience=2.0)
    yield worker
    worker.stop()


@pytest.mark.parametrize(
    ("name", "promises"),
    [
        ("sound", set()),
        ("foreign", {FOREIGN}),
        ("endless", {SILENT}),
        ("silent", {TAKEN}),
        ("strict", {REFUSED}),
        ("forgetful", {REFUSED}),
        ("wordy", {FOREIGN}),
        ("vague", {FOREIGN}),
    ],
)
def test_a_function_with_a_fault_is_caught(name, promises, mutants, seed):
    faults = mutants.faults(name, fuzz_mutants.CALLS[name], seed)
    assert {promise for promise, _, _ in faults} == promises
