"""Freed arrays are found again: counted in pages that the system had to hand out anew."""

import os
import platform
import subprocess
import sys

import pytest

PAGES = """
import resource
import numpy as np
from ttclib.particles.smc import keep_all, keep_freed_blocks, smc
from ttclib.particles.statespace import Bootstrap, LinearGaussian
{first}
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        arrays = [np.ones(2**17) for _ in range(6)]
        del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages(first):
    """The least of three processes: where a heap lies by chance, it may not be able to grow."""
    code = PAGES.format(first=first)
    tuned = ("MALLOC_", "GLIBC_", "LD_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(tuned)}
    command = [sys.executable, "-c", code]
    return min(int(subprocess.check_output(command, text=True, env=env)) for _ in range(3))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this is a habit of glibc")
def test_a_filter_keeps_what_it_frees():
    """Six megabytes, fifty times: 1,536 pages each time, or as good as none."""
    rng = "np.random.default_rng(0)"
    filter_once = f"next(smc(Bootstrap(LinearGaussian(), [0.0]), 2, keep_all, {rng}))"
    assert pages("pass") > 10_000
    assert pages("keep_freed_blocks()") < 1_000
    assert pages(filter_once) < 1_000
