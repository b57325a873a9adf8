"""Memory is taken as it is written: a context of 131,072 tokens costs a short text nothing."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("resource")  # the peak is asked of the operating system

# MB that each use may add to the peak of all before it. With room for the whole context the rows
# of 32 texts would take 1,100 MB, their tokens 34 MB in each generation.
LIMIT = 96
SCRIPT = """
import json, resource, sys
import numpy as np
from letters import Letters
from tiny_transformers import tiny
from ttclib.course.small_language_model.beams import beam_search
from ttclib.course.smc_decoding.constraints import length, regex
from ttclib.lm.decoding import sample
from ttclib.lm.llama import Shape
from ttclib.particles.smc import resample, run
from ttclib.search.search import Search
from ttclib.search.verifier import Net, RewardModel

lm = tiny(sys.argv[1], context=131_072)
rng = np.random.default_rng(0)
short = [length(1, 5, lm.vocabulary)]
long = [regex(".{600}", lm.vocabulary)]
verifier = RewardModel(Net(Shape(11, 16, 2, 4, 24, context=lm.context)), lm.vocabulary.texts)
search = Search(lm, Letters("ab"), "abc", verifier, potentials=short, lookahead=2)
uses = {
    "first use": lambda: sample(lm, "abc", 2, rng, max_tokens=3),
    "texts": lambda: sample(lm, "abc", 32, rng, potentials=short),
    "noted texts": lambda: sample(lm, "abc", 32, rng, potentials=short, per_token=True),
    "beams": lambda: beam_search(lm, "abc", 5, potentials=short),
    "search": lambda: run(search, 32, resample(), rng),
    "longer texts": lambda: sample(lm, "abc", 2, rng, potentials=long),
    "a long prompt": lambda: sample(lm, "abcdefghij" * 1200, 2, rng, potentials=short),
}
peaks = []
for use in uses.values():
    use()
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
kilobyte = 1024 if sys.platform == "darwin" else 1
print(json.dumps(dict(zip(uses, (np.diff(peaks, prepend=0) / kilobyte / 1024).tolist()))))
"""


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_a_long_context_costs_a_short_text_nothing(kind):
    path = os.pathsep.join(sys.path)  # where this process finds the library and the helpers
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, kind],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    _, *added = json.loads(done.stdout).items()
    assert len(added) == 6
    assert {use: megabytes for use, megabytes in added if megabytes > LIMIT} == {}
