"""Checks of notebook 16: equal answers, when to stop, and what a judge costs."""

from __future__ import annotations

from ttclib.exercise import close, exercise, expect, mistake

SAME = (("12", " 12 "), ("1/2", "0.5"), ("0.50", "2/4"), ("-3", "-3.0"))
OTHERS = (("12", "1.2"), ("3", "-3"), ("1/3", "0.333"), ("100", "1"))


@exercise
def canonical(yours):
    """``yours(answer)`` → the form of a text: "1/2" and "0.5" have the same."""
    for a, b in SAME:
        one, other = yours(a), yours(b)
        if one != other:
            told = f"{a!r} becomes {one!r} and {b!r} becomes {other!r}"
            if {a, b} == {"12", " 12 "}:
                mistake(f"{told}: take the blanks away")
            if isinstance(one, str) and isinstance(other, str):
                mistake(f"{told}: a text is no number yet; Fraction reads both")
            mistake(f"{told}, and they are equal")
    for a, b in OTHERS:
        one, other = yours(a), yours(b)
        if one == other:
            how = "is it cut or rounded?" if {a, b} & {"1.2", "0.333"} else "they are not equal"
            mistake(f"{a!r} and {b!r} both become {one!r}: {how}")
    words = yours("a dozen")
    if words == "":
        mistake("'a dozen' is an answer, though no number: return it as it is")
    expect(words == "a dozen", f"'a dozen' is no number: return it as it is, not {words!r}")
    try:
        none = yours("1/0")
    except ZeroDivisionError:
        mistake("'1/0' is no number: there your code stops with ZeroDivisionError; catch it, too")
    expect(none == "1/0", f"'1/0' is no number: return it as it is, not {none!r}")
    try:
        silent = yours.__wrapped__(None)  # the function itself: to give None back is right here
    except (TypeError, AttributeError) as error:
        said = type(error).__name__
        mistake(f"None is a text without an answer: there your code stops with {said}; let it pass")
    expect(silent is None, f"None is a text without an answer: it stays None, not {silent!r}")
    return "now two ways of writing a number are one vote"


@exercise
def stop_after(yours):
    """``yours(scores, good, most)`` → how many texts are written: up to the first good one."""
    scores = [0.2, 0.5, 0.9, 0.4, 0.95, 0.1]
    got = yours(scores, 0.9, 6)
    if close(got, 2):
        mistake("place 2 counts from 0: by then three texts are written")
    if close(got, 5):
        mistake("that is the best text; you stop at the first one that is good")
    if close(got, 6):
        mistake("0.9 is good enough when 0.9 is asked for: at least, not more than")
    if close(got, 0.9):
        mistake("return how many texts were written, not the score")
    expect(close(got, 3), f"for {scores}, good from 0.9 on, 3 texts are written; you say {got!r}")
    none = yours(scores, 0.99, 6)
    if close(none, 0) or close(none, 1):
        mistake(f"none is good, so all 6 are written and paid for; you say {none!r}")
    if close(none, 7):
        mistake("none is good, and the budget of 6 is spent: a seventh is not written")
    expect(close(none, 6), f"none is good, so all 6 are written; you say {none!r}")
    few = yours(scores, 0.9, 2)
    if close(few, 3):
        mistake("the budget was 2 texts: the good one comes third, and is never written")
    expect(close(few, 2), f"with a budget of 2 texts 2 are written; you say {few!r}")
    first = yours([0.95, 0.1], 0.9, 2)
    expect(close(first, 1), f"the first text is good, so 1 is written; you say {first!r}")
    last = yours([0.1, 0.2, 0.9], 0.9, 3)
    expect(close(last, 3), f"the last of 3 texts is good, so 3 are written; you say {last!r}")
    return "the bill ends where the rule is satisfied"


@exercise
def judged(yours):
    """``yours(prompt, text, n)`` → tokens read for n texts and a judge of each.

    The writer reads the prompt once and each text; the judge reads prompt and text of each.
    """
    got = yours(100, 30, 7)
    slips = {
        310: "310 is the writer alone; the judge reads as well",
        910: "910 is the judge alone; the writer has read the prompt and written the texts",
        1820: "the writer reads the prompt once, for all texts: they share it",
        520: "the judge reads the prompt too: without it, what would it judge?",
        620: "the judge reads the prompt anew with each text, n times",
        1010: "the texts are written before they are judged: count them twice",
        1120: "the writer reads the prompt, too, once",
        260: "that is one text; there are n",
    }
    for value, line in slips.items():
        if close(got, value):
            mistake(line)
    expect(close(got, 1220), f"for a prompt of 100, texts of 30 and n = 7: 1,220, you say {got!r}")
    got = yours(1, 10, 2)
    expect(close(got, 43), f"for a prompt of 1, texts of 10 and n = 2: 43, you say {got!r}")
    return "with a long prompt the judge costs more than the writer"
