"""What notebook 01 answers to its predictions, exactly or over a hundred lucks and more.

Where a sentence speaks of a run, it has to hold in 95 of 100 lucks; the lucks are those of the
views, 0 to 99.
"""

import functools
import math

import numpy as np
import pytest
from scipy import integrate
from scipy.stats import qmc
from sentences import Says

from ttclib.course.monte_carlo_pi import answers, exact, figures
from ttclib.sampling import montecarlo

LUCKS = range(100)
OFTEN = 0.95
says = Says("01_monte_carlo_pi")


def f(u):
    return 4 * np.sqrt(1 - u**2)


def darts(n, seed):
    return montecarlo.darts(n, np.random.default_rng(seed))


# ---- recall -------------------------------------------------------------------------------------


def test_the_questions_from_before_have_these_answers():
    lost = 2 / math.pi * math.atan(math.sqrt(256 / 4096))
    says("1. One time in six.", round(1 / lost) == 6)
    says("3. It becomes ten times narrower.", math.sqrt(100) == 10)


# ---- error bars ---------------------------------------------------------------------------------


@pytest.mark.answers("01-009b", 1)
def test_the_interval_keeps_its_promise_with_many_darts():
    says("About 95%: exactly 94.7%.", round(exact.coverage(1024), 3) == 0.947)


@pytest.mark.answers("01-009b", 2)
def test_and_breaks_it_with_few():
    promise = "88% with 16 darts, and 59% with four"
    says(promise, (round(exact.coverage(16), 2), round(exact.coverage(4), 2)) == (0.88, 0.59))
    says("all of them hit in 38% of the cases", round((math.pi / 4) ** 4, 2) == 0.38)


def test_the_view_shows_the_exact_coverage():
    """A binomial count of 1,000: 0.06 is four standard deviations and more."""

    def throw(n, rng):
        p = darts(n, rng).value / 4
        return 4 * p, 4 * math.sqrt(p * (1 - p) / n)

    for n in (4, 16, 256):
        for luck in range(10):
            runs = np.random.default_rng((luck, n)).spawn(1000)
            values, errors = np.transpose([throw(n, rng) for rng in runs])
            share = answers.share_that_hold(values, errors)
            assert abs(share - exact.coverage(n)) < 0.07


# ---- the budget slider --------------------------------------------------------------------------


@functools.cache
def gaps():
    """True errors of the view's runs at 2^4 … 2^14 darts, (lucks, budgets)."""
    budgets = 2 ** np.arange(4, 15)
    return np.array([[abs(darts(int(n), k).value - math.pi) for n in budgets] for k in LUCKS])


@pytest.mark.answers("01-010", 1)
def test_four_times_the_darts_halve_the_error():
    typical = np.sqrt((gaps() ** 2).mean(axis=0))
    halved = typical[2::2] / typical[:-2:2]
    says("1. It halves.", halved == pytest.approx(0.5, abs=0.15))


@pytest.mark.answers("01-010", 2)
def test_a_digit_costs_a_hundred_times_the_darts():
    one, another = answers.points_needed(0.01), answers.points_needed(0.001)
    says("One hundred times more", another / one == pytest.approx(100))


@pytest.mark.answers("01-010", 3)
def test_the_error_of_one_run_does_not_shrink_at_every_step():
    grows = (np.diff(gaps(), axis=1) > 0).any(axis=1)
    says("No. One run wanders around inside the band.", grows.mean() >= OFTEN)


def test_the_median_runs_at_two_thirds_of_the_standard_error():
    ratio = np.median(gaps()[:, 4:], axis=0) / (exact.DART_SD / 2 ** (np.arange(8, 15) / 2))
    says("half of all errors are smaller than 0.67 standard errors", abs(ratio.mean() - 0.67) < 0.1)


# ---- the ellipse --------------------------------------------------------------------------------


@pytest.mark.answers("01-016", 1)
def test_the_ellipse_is_hit_as_often_as_the_circle():
    says("$2\\pi/8=\\pi/4$, or 79%", round(math.pi / 4, 2) == 0.79)


@pytest.mark.answers("01-016", 2)
def test_its_error_is_twice_the_circles():
    p = math.pi / 4
    circle, ellipse = (box * math.sqrt(p * (1 - p) / 2**18) for box in (4, 8))
    says("0.0064 where the circle has 0.0032", round(ellipse, 4) == 0.0064)
    assert round(circle, 4) == 0.0032 and ellipse == 2 * circle
    says("a standard error of 0.0032 from $2^{18}$ darts", round(circle, 4) == 0.0032)
    values = []
    for luck in LUCKS:
        rng = np.random.default_rng(luck)
        values.append(montecarlo.area(answers.in_ellipse, [-2, -1], [2, 1], 4096, rng).value)
    assert np.std(values) == pytest.approx(8 * math.sqrt(p * (1 - p) / 4096), rel=0.4)


# ---- rejection ----------------------------------------------------------------------------------


@functools.cache
def kept(bound, n=4096):
    """Share kept, and share of the kept with |x| < 1/2, of each luck of the view, (lucks, 2)."""
    found = []
    for luck in LUCKS:
        x, u = (np.random.default_rng(luck).random((n, 2)) * (2, 1) - (1, 0)).T
        stays = answers.keep(figures.half_circle(x), np.full(n, 0.5), bound, u)
        found.append((stays.mean(), (np.abs(x[stays]) < 0.5).mean()))
    return np.array(found)


@pytest.mark.answers("01-017d", 1)
def test_a_generous_bound_changes_the_share_and_not_the_shape():
    (share, middle), (half, same) = kept(2.0).T, kept(4.0).T
    says("Only the share: it halves.", np.mean(abs(share / half - 2) < 0.2) >= OFTEN)
    truth = figures.flattened(2.0, 0.5)
    says("The shape stays the half circle.", abs(middle.mean() - truth) < 0.01)
    assert abs(same.mean() - truth) < 0.01
    says("three proposals in four are thrown away", abs(half.mean() - 0.25) < 0.005)


@pytest.mark.answers("01-017d", 2)
def test_a_bound_too_small_cuts_off_the_top():
    bent = figures.flattened(0.8, 0.5) / figures.flattened(0.8)
    right = figures.flattened(2.0, 0.5)
    sentence = "54% lie within ½ of the middle; of the half circle, 61%"
    says(sentence, (round(bent, 2), round(right, 2)) == (0.54, 0.61))
    share, middle = kept(0.8).mean(axis=0)
    assert abs(middle - bent) < 0.005
    says("the share kept, 0.93, is not $1/M$", round(figures.flattened(0.8) / 0.8, 2) == 0.93)
    assert abs(share - 0.93) < 0.005


# ---- the ball -----------------------------------------------------------------------------------


@pytest.mark.answers("01-018", 1)
def test_the_share_of_the_ball():
    five, ten = (figures.ball_volume(d) / 2**d for d in (5, 10))
    says("16% in 5 dimensions, 0.25% in 10", (round(five, 2), round(ten, 4)) == (0.16, 0.0025))


@pytest.mark.answers("01-018", 2)
def test_how_far_out_a_dart_lands():
    far = []
    for luck in LUCKS:
        thrown = np.random.default_rng((luck, 16)).uniform(-1, 1, (4000, 16))
        far.append(np.median(np.linalg.norm(thrown, axis=1)))
    says("$\\sqrt{d/3}\\approx 2.3$", np.mean(np.round(far, 1) == 2.3) >= OFTEN)


# ---- six methods --------------------------------------------------------------------------------


def stratified(n, rng):
    return f((np.arange(n) + rng.random(n)) / n).mean()


def sobol(n, rng):
    return f(qmc.Sobol(1, rng=rng).random(n)[:, 0]).mean()


def rms(method, n, runs):
    return math.sqrt(np.mean([(method(n, rng) - math.pi) ** 2 for rng in runs]))


def slope(name, low=10, high=18):
    return math.log2(figures.exact_rms(name, 2**high) / figures.exact_rms(name, 2**low)) / 8


@pytest.mark.answers("01-022e", 1)
def test_constants_shift_and_rates_turn():
    for name in exact.VARIANCES:
        says("shifts the line down and keeps it parallel", slope(name) == pytest.approx(-0.5))
    says("A better rate makes it steeper.", -1.5 < slope("stratified") < -1.4)


@pytest.mark.answers("01-022e", 2)
def test_what_an_evaluation_is_worth():
    worth = (figures.exact_rms("darts", 2**18) / figures.exact_rms("stratified", 2**18)) ** 2
    says("some ten thousand million darts", 0.5e10 < worth < 5e10)
    says("some $10^{15}$ or $10^{16}$ darts in all", 1e15 < worth * 2**18 < 3e16)
    digits = math.log10(math.pi / figures.exact_rms("stratified", 2**18))
    says("About eight digits are right", 7.5 < digits < 8.5)


@pytest.mark.answers("01-022e", 3)
def test_sobol_and_stratified_are_alike_in_one_dimension():
    for k in (6, 10, 14):
        runs = [np.random.default_rng((luck, 0)) for luck in LUCKS]
        ratio = rms(sobol, 2**k, runs) / exact.stratified_sd(2**k)
        says("the two lines lie nearly together", 0.5 < ratio < 1.5)
        points = qmc.Sobol(1, rng=np.random.default_rng(k)).random(2**k)[:, 0]
        pieces = np.sort(np.floor(points * 2**k))
        says("exactly one lies in each of the $n$ pieces", (pieces == np.arange(2**k)).all())


def test_one_large_scrambling_is_more_even_than_eight_small_ones():
    def split(n, rng):
        return np.mean([sobol(n // 8, rng) for _ in range(8)])

    one, eight = (
        rms(method, 2**12, [np.random.default_rng((9, k)) for k in range(60)])
        for method in (sobol, split)
    )
    says("eight small sets are less even than a large one", eight > 3 * one)


# ---- where Sobol loses --------------------------------------------------------------------------


def squared_errors(g, mean, d, first, runs=100, n=1024):
    streams = [np.random.default_rng((d, first + r)).spawn(2) for r in range(runs)]
    plain = np.array([g(one.random((n, d))).mean() for one, _ in streams])
    even = np.array([g(qmc.Sobol(d, rng=other).random(n)).mean() for _, other in streams])
    return (plain - mean) ** 2, (even - mean) ** 2


def ratio(g, mean, d, first):
    plain, even = squared_errors(g, mean, d, first)
    return plain.mean() / even.mean()


def smooth(d):
    return lambda x: np.exp(x.sum(axis=1) - d * math.log(math.e - 1))


def checkerboard(x):
    return np.sign(np.sin(6 * np.pi * x)).prod(axis=1)


@pytest.mark.answers("01-024", 1)
def test_what_sobol_gains():
    """Of 500 runs each, other ones than on the page."""
    lucks = range(1000, 1500, 100)
    flat = [ratio(smooth(2), 1.0, 2, luck) for luck in lucks]
    says("hundreds of thousands of times smaller in two dimensions", 1e5 < np.median(flat) < 1e6)
    deep = np.mean([ratio(smooth(32), 1.0, 32, luck) for luck in lucks])
    says("about two times in 32", 1.4 < deep < 2.9)
    board = np.median([ratio(checkerboard, 0.0, 2, luck) for luck in lucks])
    says("a factor of about eight in two dimensions", 6 < board < 11)
    for d in (4, 8):
        none = np.median([ratio(checkerboard, 0.0, d, luck) for luck in lucks])
        says("and from four on nothing", 0.75 < none < 1.35)


# ---- one long run -------------------------------------------------------------------------------


@pytest.mark.answers("01-030", 1)
def test_a_thousand_times_the_darts():
    times = 2 ** (28 - 18)
    sentence = "A thousand times the darts, and the standard error is 32 times smaller"
    says(sentence, times == 1024 and math.sqrt(times) == 32)
    says("one digit and a half", round(math.log10(32), 1) == 1.5)


# ---- rules --------------------------------------------------------------------------------------


def by_simpson(function, upper, intervals):
    grid = np.linspace(0, upper, intervals + 1)
    return integrate.simpson(function(grid), x=grid)


def test_what_simpsons_rule_reaches():
    smooth_miss = abs(by_simpson(np.exp, 1, 100) / (math.e - 1) - 1)
    says("ten digits with 100 intervals", smooth_miss < 1e-10)
    edge = abs(by_simpson(f, 1, 256) / math.pi - 1)
    says("gets four with 256", 1e-5 < edge < 1e-4)
    assert by_simpson(lambda t: 4 * np.cos(t) ** 2, math.pi / 2, 8) == pytest.approx(math.pi, 1e-14)
