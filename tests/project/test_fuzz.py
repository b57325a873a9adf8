"""Odd values for every argument: one clear line, an answer soon, no silent nonsense.

Four promises are kept by each function that ``fuzz_calls`` lists, for each odd value that its kinds
of arguments know: no foreign error, an answer within seconds, no bad value that gives a plausible
number, no good value refused. A function is added with one line there.
"""

import importlib
import pkgutil

import fuzz_calls
import fuzz_mutants
import pytest
from fuzz import FOREIGN, REFUSED, SILENT, TAKEN, Worker

import ttclib


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


def public():
    """The names of all functions and classes of the library proper; protocols have no body."""
    for found in pkgutil.walk_packages(ttclib.__path__, "ttclib."):
        if not found.name.startswith("ttclib.course"):
            module = importlib.import_module(found.name)
            for name, value in vars(module).items():
                own = callable(value) and getattr(value, "__module__", None) == found.name
                if own and name[0] != "_" and not getattr(value, "_is_protocol", False):
                    yield f"{found.name.removeprefix('ttclib.')}.{name}"


def test_every_public_name_is_called_or_said_not_to_be():
    named = [name for names in fuzz_calls.NOT_CALLED.values() for name in names.split()]
    assert len(set(named)) == len(named)
    assert not fuzz_calls.CALLS.keys() & set(named)
    everyone = set(public())
    missing = everyone - fuzz_calls.CALLS.keys() - set(named)
    assert not missing, "add a line to fuzz_calls.py for each, or a reason"
    assert set(named) <= everyone, "these are no public names"


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
