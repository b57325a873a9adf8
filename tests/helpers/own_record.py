"""A record of notebook 16 that is written down by hand: one story, and what was written of it."""

import json

import numpy as np

from ttclib.course.your_own_model import record

STORY = "Mia has 6 nuts. Mia finds 3."
GOOD = "Mia has 6; finds 3, so 6 + 3 = 9; answer 9."
FALSE = "Mia has 6; finds 3, so 6 + 3 = 8; answer 8."
BLIND = "Mia has 6; gets 8; answer 6."
WRITTEN = [FALSE, GOOD, FALSE, BLIND]  # right once in four; the vote says 8


def texts(written=WRITTEN, yes=()):
    flops = np.array([110.0] + [10.0] * (len(written) - 1))  # the prompt is 100
    return record.Texts(STORY, list(written), flops, np.array(yes), 40.0)


def write(folder):
    """Write two stories alike, by every method; a search has found the good text."""

    def row(method, n, verifier, written, **more):
        paid = [{"lm_flops": 110.0}] + [{"lm_flops": 10.0}] * (n - 1)
        row = {"problem": STORY, "method": method, "n": n, "verifier": verifier}
        return row | {"texts": written, "paid": paid} | more

    judge = {"yes": [0.2, 0.9, 0.1, 0.1] * 4, "positions": 9, "flops": 800.0}
    rows = [
        row("greedy", 1, "sums", [FALSE]),
        row("best of n", 16, "sums", WRITTEN * 4, judge=judge),
        row("beam", 4, "numbers", [GOOD, "", GOOD, FALSE]),
    ]
    (folder / "results.json").write_text(json.dumps(rows * 2), encoding="utf-8")
    return folder
