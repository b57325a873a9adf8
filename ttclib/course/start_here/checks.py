"""Checks of notebook 00: what a budget buys.

The numbers that a check asks for are chosen so that no two slips give the same answer.
"""

from __future__ import annotations

import math

import numpy as np

from ttclib.exercise import close, exercise, expect, mistake


@exercise
def middle_90(yours):
    """``yours(runs)`` → low and high ends, (k,) each, of the middle 90% of 100 rows (100, k)."""
    runs = np.random.default_rng(3).exponential(1, (100, 7)) + np.arange(7)
    got = np.asarray(yours(runs.copy()), dtype=float)
    if got.shape == (7, 2):
        mistake("give all low ends first, then all high ends: two arrays of 7, not 7 pairs")
    if got.shape == (2, 100):
        mistake("those are quantiles along a row; a budget is a column, so take axis=0")
    if got.shape == (2,):
        mistake("that is one band for all budgets together; each column has its own: axis=0")
    if got.shape == (7,) or got.shape == ():
        mistake("that is one end; return the low and the high one")
    expect(got.shape == (2, 7), f"give two arrays of 7 numbers; yours have shape {got.shape}")
    ordered = np.sort(runs, axis=0)
    mean, sd = runs.mean(axis=0), runs.std(axis=0)
    slips = [
        (got[::-1], "the high end comes second"),
        (got, ""),
    ]
    for ends, line in slips:
        low, top = ends
        inside = (low >= ordered[4]) & (low <= ordered[5]) & (top >= ordered[94])
        if (inside & (top <= ordered[95])).all():
            if line:
                mistake(line)
            return "half of a tenth lies below the band and half above: nine in ten are in it"
    slips = [
        (np.quantile(runs, [0.1, 0.9], axis=0), "that leaves out a tenth on *each* side: 80%"),
        (
            np.quantile(runs, [0.025, 0.975], axis=0),
            "that is the middle 95%: of 10% that are left out, 5% are on each side",
        ),
        (
            np.quantile(runs, [0.0, 0.9], axis=0),
            "that is the lowest 90%; the *middle* leaves out 5% on each side",
        ),
        (
            np.percentile(runs, [0.05, 0.95], axis=0),
            "np.percentile takes percents: 5 and 95 (np.quantile takes 0.05 and 0.95)",
        ),
        ([ordered[0], ordered[-1]], "from the smallest to the largest: that holds all of them"),
        (
            [mean - 1.645 * sd, mean + 1.645 * sd],
            "that is right for the bell curve only; these answers are lopsided: take quantiles",
        ),
        ([mean - sd, mean + sd], "mean ± one standard deviation is no share; take quantiles"),
        (
            np.quantile(runs, [0.05, 0.5], axis=0),
            "0.5 is the median; the high end is where 95% lie below",
        ),
    ]
    for ends, line in slips:
        if close(got, ends, rtol=1e-3):
            mistake(line)
    low, top = got
    shares = ((runs >= low) & (runs <= top)).mean(axis=0)
    mistake(
        f"in the first column your band is {low[0]:.3f} to {top[0]:.3f} and holds "
        f"{shares[0]:.0%} of the answers; the middle 90% is {np.quantile(runs[:, 0], 0.05):.3f} "
        f"to {np.quantile(runs[:, 0], 0.95):.3f}"
    )


@exercise
def attempts_needed(yours):
    """``yours(chance, target)`` → attempts until one is right with probability ``target``."""
    got = yours(0.01, 0.5)
    exact = math.log(0.5) / math.log(0.99)  # 68.97
    if close(got, 50):
        mistake(
            "chances do not add up: two attempts at 0.6 would give 1.2; "
            "multiply the chances of failing"
        )
    if close(got, 100):
        mistake("1 / chance is the average wait for the first right answer, whatever the target")
    if close(got, math.log(0.5) / math.log(0.01)):
        mistake("all attempts fail with probability (1 - chance)ⁿ, not chanceⁿ")
    if close(got, 1 / exact):
        mistake("the fraction is upside down: log(1 - target) belongs on top")
    if close(got, 1):  # rounded up, the two look alike here: ask for another pair
        if close(yours(0.6, 0.1), 9):
            mistake("the fraction is upside down: log(1 - target) belongs on top")
        mistake("all attempts fail with probability (1 - chance)ⁿ, not chanceⁿ")
    if close(got, -exact) or close(got, -68):
        mistake("the sign is turned: both logarithms are negative, so their ratio is positive")
    if close(got, exact):
        mistake("nobody makes 68.97 attempts: round up to a whole number")
    if close(got, math.floor(exact)):
        mistake("rounded down: 68 attempts miss the target by a little, 69 reach it")
    if close(got, 70):
        mistake("69 attempts reach it already: the fraction is 68.97, rounded up once")
    expect(
        close(got, 69), f"a chance of 0.01 and a target of 0.5 need 69 attempts, you said {got!r}"
    )
    got = yours(0.2, 0.95)
    if close(got, math.ceil(math.log(0.95) / math.log(0.8))):
        mistake(
            "right for a target of 0.5 only: "
            "the chance that all fail is to be 1 - target, not target"
        )
    if close(got, 13):
        mistake("rounded to nearest: 13 attempts reach 0.945, so 0.95 needs 14; round up")
    expect(
        close(got, 14), f"a chance of 0.2 and a target of 0.95 need 14 attempts, you said {got!r}"
    )
    expect(
        not close(yours(0.5, 0.75), 3),
        "2 attempts at 0.5 reach 0.75 exactly, you say 3: int(x) + 1 goes one too far where x is "
        "whole; math.ceil does not",
    )
    expect(
        close(yours(0.5, 0.75), 2),
        f"a chance of 0.5 and a target of 0.75 need 2 attempts, you said {yours(0.5, 0.75)!r}",
    )
    praise = "14 attempts turn a chance of 0.2 into 0.95, if somebody can tell which one is right"
    if close(yours(0.2, 0.36), 3):
        praise += (
            ". One remark: 2 attempts reach 0.36 exactly, and yours says 3, because the computer "
            "rounds in the last digit and ends a hair on the wrong side"
        )
    return praise


@exercise
def gain(yours):
    """``yours(a, b)`` → mean gain of b over a on the same questions (n,), and standard error."""
    rng = np.random.default_rng(5)
    n = 400
    a = (rng.random(n) < 0.4).astype(float)
    b = np.where(rng.random(n) < 0.8, a, (rng.random(n) < 0.9).astype(float))
    d = b - a
    right = d.mean()
    error = d.std() / math.sqrt(n)
    got = yours(a.copy(), b.copy())
    if np.shape(got) == ():
        if close(got, right):
            mistake("that is the gain; return its standard error as well: two numbers")
        mistake(f"return two numbers, the gain and its standard error; you gave {got!r}")
    if np.shape(got) in ((n,), (2, n)):
        mistake("that is a number for each question; the gain is their mean")
    expect(np.shape(got) == (2,), f"return two numbers; yours have shape {np.shape(got)}")
    mean, spread = (float(part) for part in got)
    if close(mean, error, rtol=0.01) and close(spread, right):
        mistake("the gain comes first, then its standard error")
    if close(mean, -right):
        mistake("the gain of b over a is b - a; yours has the other sign")
    if close(mean, n * right):
        mistake("that is the sum of the gains; divide by the number of questions")
    if close(mean, b.mean() / a.mean() - 1):
        mistake("that is the gain in parts of a; the difference of the two shares is wanted")
    if close(mean, abs(d).mean()):
        mistake("that is how often the two differ; a loss counts −1, so take no absolute value")
    if close(mean, b.mean()):
        mistake("that is the share of b; subtract the share of a")
    expect(close(mean, right), f"the gain is {right:.4f} here, you said {mean:.4f}")
    share = {"a": a.var() / n, "b": b.var() / n}
    slips = [
        (d.std(), "that is the standard deviation of one question; divide it by √n"),
        (d.std() / n, "divide by √n, not by n"),
        (d.var() / n, "that is the variance of the mean; take its square root"),
        (d.var(), "that is the variance of one question; the error is √(variance / n)"),
        (d.var() / math.sqrt(n), "that is the variance over √n; the error is √(variance / n)"),
        (
            math.sqrt(share["a"] + share["b"]),
            "variances add up for independent runs; these two answer the same questions: take "
            "the spread of the differences",
        ),
        (
            math.sqrt(share["a"]) + math.sqrt(share["b"]),
            "two standard errors do not add up; take the spread of the differences",
        ),
        (math.sqrt(share["b"]), "that is the error of b's share; the error of b - a is wanted"),
        (
            math.sqrt(abs(share["b"] - share["a"])),
            "variances are not subtracted; take the spread of the differences",
        ),
        (1.96 * error, "that is the half-width of a 95% interval; the view multiplies by 1.96"),
        (
            math.sqrt(right * (1 - right) / n),
            "√(p(1 − p)/n) is for a share; a difference can be −1, 0 or 1: take its spread",
        ),
    ]
    if not close(spread, error, rtol=0.004):  # with n − 1 below, a thousandth more
        for value, line in slips:
            if close(spread, value, rtol=0.004):
                mistake(line)
        mistake(f"the gain is right; its standard error is {error:.5f} here, you said {spread:.5f}")
    return "on the same questions most of the luck cancels: the difference is known better"


@exercise
def tokens_affordable(yours):
    """``yours(flops_per_second, parameters, seconds)`` → tokens a language model can write."""
    right = 1e10 / (2 * 5e6) * 10
    got = yours(1e10, 5e6, 10)
    if close(got, 2 * right):
        mistake("a parameter costs two operations, a product and a sum: divide by 2 · parameters")
    if close(got, 4 * right):
        mistake("the 2 belongs below the fraction: a token costs 2 · parameters")
    if close(got, right / 3):
        mistake(
            "6 · parameters is the price of a token in training; to write one costs 2 · parameters"
        )
    if close(got, right / 10):
        mistake("that is tokens in one second: you have ten")
    if close(got, right / 100):
        mistake("more seconds buy more tokens: multiply by them")
    if close(got, 1 / right) or close(got, 10 / (right / 10)):
        mistake("upside down: that is the price of a token in seconds, not how many you can buy")
    if close(got, 1e10 / 2 * 5e6 * 10):
        mistake("`/ 2 * parameters` divides by 2 and then multiplies: write `/ (2 * parameters)`")
    if close(got, 1e10 * 10):
        mistake("that is how many operations you can pay for; divide by the price of a token")
    expect(close(got, right), f"expected {right:,.0f} tokens, got {got!r}")
    expect(
        close(yours(3e10, 2e8, 4), 300),
        "right for one machine, wrong for another: use all three arguments",
    )
    return "a model ten times smaller writes ten times as many tokens for the same money"
