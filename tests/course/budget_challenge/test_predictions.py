"""The answers of notebook 09b about the record, which holds no luck of its own."""

import numpy as np
import pytest
from sentences import Says

from ttclib.course.budget_challenge import figures

says = Says("09b_budget_challenge")
CURVES = figures.references()


@pytest.mark.answers("09b-010", 1)
def test_what_sixty_million_buy():
    bought = {name: figures.bought(curve, 60e6) for name, curve in CURVES.items()}
    fair = {name: share for name, share in bought.items() if name != figures.EXACT}
    assert max(fair, key=lambda name: np.nan_to_num(fair[name])) == figures.NINES
    says("0.765 against 0.755", (fair[figures.NINES], fair[figures.BODY]) == (0.765, 0.755))
    says("Best-of-N weighted cannot even be paid", np.isnan(bought[figures.WEIGHTED]))


@pytest.mark.answers("09b-010", 2)
def test_best_of_n_never_passes_one_greedy_text_of_the_body():
    best = CURVES[figures.WEIGHTED]
    assert best.paid.max() > 400e6 and best.accuracy.max() < CURVES[figures.BODY].accuracy[0]
    assert round(CURVES[figures.BODY].paid[0] / 1e6) == 37
