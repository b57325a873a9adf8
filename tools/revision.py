"""The revisers of notebook 10: models that read their last attempts and write another."""

import bisect

import numpy as np

from ttclib.course.revisions.attempts import WINDOW
from ttclib.lm import arithmetic, tokenizer, training

ROW = 512  # tokens; of longer texts the first attempts are left out


# ---- what they learn from ----------------------------------------------------------------


def edit_distance(a, b):
    """Count the letters to insert, delete or replace between two texts (Levenshtein 1966).

    A column of the table at once, in the bits of two integers: where it grows downwards by one, and
    where it falls (Myers 1999; Hyyrö 2003).
    """
    if not a:
        return len(b)
    places = {}
    for i, letter in enumerate(a):
        places[letter] = places.get(letter, 0) | 1 << i
    full = (1 << len(a)) - 1
    bottom = 1 << len(a) - 1
    grows = full
    falls = 0
    distance = len(a)
    for letter in b:
        equal = places.get(letter, 0)
        diagonal = (((equal & grows) + grows) ^ grows) | equal | falls
        up = (falls | ~(diagonal | grows)) & full
        down = grows & diagonal
        distance += bool(up & bottom) - bool(down & bottom)
        up = (up << 1 | 1) & full
        down = (down << 1) & full
        grows = (down | ~(diagonal | up)) & full
        falls = up & diagonal
    return distance


def take(items, k, rng):
    """Draw up to ``k`` items, none twice, in any order."""
    left = list(items)
    return [left.pop(int(rng.choice(len(left)))) for _ in range(min(k, len(left)))]


def wrong_then_right(right, wrong, rng):
    """Choose attempts as in the paper: 0 to 4 wrong ones and a right one, which alone is learned.

    The last wrong one is the nearest to it by edit distance (Snell et al. 2024, section 6.1).
    """
    (goal,) = take(right, 1, rng)
    chosen = take(wrong, int(rng.choice(WINDOW + 1)), rng)
    if chosen:
        chosen[-1] = min(wrong, key=lambda text: edit_distance(text, goal))
    return [*chosen, goal], [False] * len(chosen) + [True]


def as_they_come(right, wrong, rng):
    """Choose attempts in any order, of which a random one is right; all right ones are learned."""
    marked = [(text, True) for text in right] + [(text, False) for text in wrong]
    goal = marked.pop(int(rng.choice(len(right))))
    chosen = take(marked, WINDOW, rng)
    chosen.insert(int(rng.choice(len(chosen) + 1)), goal)
    texts, learned = zip(*chosen, strict=True)
    return list(texts), list(learned)


CHOICES = {"wrong then right": wrong_then_right, "as they come": as_they_come}


def written(problem, attempts, learned):
    """Write attempts at a problem: tokens, and which of them are to be learned."""
    room = ROW
    tokens = []
    targets = []
    for attempt, learn in list(zip(attempts, learned, strict=True))[::-1]:
        ask = tokenizer.encode(arithmetic.TASK.prompt(problem))
        answer = tokenizer.encode(attempt + arithmetic.END)
        room -= len(ask) + len(answer)
        if room < 0:
            break
        tokens = ask + answer + tokens
        targets = [False] * len(ask) + [learn] * len(answer) + targets
    return tokens, targets


def pack(texts, length=ROW):
    """Pack texts of any length into rows: the longest that is left, then what fits behind it."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i][0]))
    sizes = [len(texts[i][0]) for i in order]
    rows = []
    while order:
        room = length
        while at := bisect.bisect_right(sizes, room):
            room -= sizes.pop(at - 1)
            rows.append(texts[order.pop(at - 1)])
    packed, places = training.side_by_side([tokens for tokens, _ in rows], length)
    targets = np.full_like(packed.tokens, training.IGNORE)
    for (tokens, learn), (row, place) in zip(rows, places, strict=True):
        wanted = np.where(learn[1:], tokens[1:], training.IGNORE)
        targets[row, place.start : place.stop - 1] = wanted
    return training.PackedTexts(**vars(packed), targets=targets)


def revision_texts(problems, solutions, right, choose, each, singles, rng):
    """Write the training texts: attempts at each problem that has a right one, and plain texts.

    Parameters
    ----------
    solutions : sequence of sequences of str
        Of each problem its sampled solutions.
    right : numpy.ndarray of bool, shape (problems, samples)
    choose : str
        A key of :data:`CHOICES`.
    each, singles : int
        Texts of attempts of a problem, and texts of a right solution alone.
    """
    texts = []
    for problem, drawn, good in zip(problems, solutions, right, strict=True):
        mine = [text for text, fine in zip(drawn, good, strict=True) if fine]
        others = [text for text, fine in zip(drawn, good, strict=True) if not fine]
        others = [text for text in others if tokenizer.PAD not in text]  # which cannot be typed
        if not mine:
            continue
        for _ in range(each):
            texts.append(written(problem, *CHOICES[choose](mine, others, rng)))
        for _ in range(singles):
            texts.append(written(problem, take(mine, 1, rng), [True]))
    return texts
