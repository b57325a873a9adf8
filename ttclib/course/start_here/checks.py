"""Checks of notebook 00: what a budget buys."""

from __future__ import annotations

import math

from ttclib.exercise import close, exercise, expect, mistake


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
    if close(got, math.log(0.5) / math.log(0.01)) or close(got, 1):
        mistake("all attempts fail with probability (1 - chance)ⁿ, not chanceⁿ")
    if close(got, 1 / exact):
        mistake("the fraction is upside down: log(1 - target) belongs on top")
    if close(got, exact):
        mistake("nobody makes 68.97 attempts: round up to a whole number")
    if close(got, math.floor(exact)):
        mistake("rounded down: 68 attempts miss the target by a little, 69 reach it")
    expect(
        close(got, 69), f"a chance of 0.01 and a target of 0.5 need 69 attempts, you said {got!r}"
    )
    got = yours(0.2, 0.95)
    if close(got, math.ceil(math.log(0.95) / math.log(0.8))):
        mistake(
            "right for a target of 0.5 only: "
            "the chance that all fail is to be 1 - target, not target"
        )
    expect(
        close(got, 14), f"a chance of 0.2 and a target of 0.95 need 14 attempts, you said {got!r}"
    )
    praise = "14 attempts turn a chance of 0.2 into 0.95, if somebody can tell which one is right"
    if close(yours(0.2, 0.36), 3):
        praise += (
            ". One remark: 2 attempts reach 0.36 exactly, and yours says 3, because rounding "
            "leaves the quotient of logarithms a hair above 2"
        )
    return praise


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
    expect(close(got, right), f"expected {right:,.0f} tokens, got {got!r}")
    expect(
        close(yours(3e10, 2e8, 4), 300),
        "right for one machine, wrong for another: use all three arguments",
    )
    return "a model ten times smaller writes ten times as many tokens for the same money"
