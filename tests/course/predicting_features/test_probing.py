"""A linear reader reads what is there, and effective rank counts directions."""

import numpy as np
import pytest
import torch

from ttclib.course.predicting_features import probing


def orthogonal(n, columns, seed=0):
    """Columns of mean 0 and square sum n, at right angles, (n, columns)."""
    rng = np.random.default_rng(seed)
    ones = np.ones((n, 1))
    q, _ = np.linalg.qr(np.hstack([ones, rng.standard_normal((n, columns))]))
    return torch.from_numpy(q[:, 1:] * np.sqrt(n))


def test_what_is_linear_in_the_features_is_read_to_the_end():
    x = orthogonal(300, 5)
    y = x @ torch.tensor([[1.0, 0], [0, 2], [3, 0], [0, 0], [1, 1]]).double() + 7
    found = probing.read(x[:200], y[:200], x[200:], y[200:])
    assert found.r2.tolist() == pytest.approx([1, 1], abs=1e-6)
    assert found.penalty == min(probing.PENALTIES)


def test_the_part_that_is_not_in_the_features_is_not_read():
    """Two thirds of the variance are: the R² is 2/3, because all columns are orthogonal."""
    n = 4000
    parts = orthogonal(n, 3)
    x = parts[:, :2]
    y = parts.sum(1, keepdim=True)
    found = probing.read(x, y, x, y)
    assert float(found.r2) == pytest.approx(2 / 3, abs=1e-3)


def test_noise_that_fits_is_not_taken_for_knowledge():
    """As many features as clips: without a penalty the reader would know the old clips by heart."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(120, 100, generator=generator)
    y = torch.randn(120, 1, generator=generator)
    found = probing.read(x[:110], y[:110], x[10:], y[10:])
    assert found.penalty >= 100
    naive = torch.linalg.lstsq(x[:110].double(), y[:110].double()).solution
    assert ((x[:110].double() @ naive - y[:110]) ** 2).mean() < 0.2


def test_a_feature_that_never_changes_does_no_harm():
    x = orthogonal(100, 2)
    x = torch.cat([x, torch.full((100, 1), 3.0).double()], 1)
    assert float(probing.read(x, x[:, :1], x, x[:, :1]).r2) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("variances", "rank"),
    [
        ([1, 1, 1, 1], 4.0),
        ([5, 0, 0, 0], 1.0),
        ([2, 1, 1, 0], 2 * 2**0.5),
        ([0, 0, 0, 0], 0.0),
    ],
)
def test_effective_rank_of_a_known_spectrum(variances, rank):
    x = orthogonal(50, 4) * torch.tensor(variances).double().sqrt()
    turn = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(1)))[0]
    assert probing.effective_rank(x @ turn.double() + 9) == pytest.approx(rank, abs=1e-6)


def test_singular_values_in_place_of_variances_are_told_apart():
    share = torch.tensor([2.0, 1, 1]).sqrt()
    share = share / share.sum()
    mutant = float(torch.exp(-(share * share.log()).sum()))
    assert abs(mutant - 2 * 2**0.5) > 0.05
