"""Options of the tests: the seed of random tests, and where the browser test leaves pictures."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # each core has its own files to test

settings.register_profile("course", deadline=None)  # a busy machine is no error
settings.load_profile("course")


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=0, help="seed of the random tests; any must pass")
    parser.addoption(
        "--shots", type=Path, help="folder for the browser test's screenshots and report"
    )


@pytest.fixture
def seed(request):
    """The seed that random tests start from."""
    return request.config.getoption("--seed")
