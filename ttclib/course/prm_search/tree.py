"""The tree that a search has grown: every different beginning once, whoever wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ttclib.lm.sequences import NONE
from ttclib.particles.smc import Population
from ttclib.search.aggregation import last


@dataclass
class Node:
    """A text at the end of one of its steps.

    Attributes
    ----------
    text, step : str
        From the beginning on, and the last step alone.
    parent : int
        Place of the text before this step in the list of all nodes; −1 for a first step.
    depth : int
        How many steps stand before this one.
    score : float
        What the verifier said.
    answer
        Of a finished text; None while it is under way, and where it was given up.
    written : int
        How many members wrote this step behind this beginning.
    selected : bool
        Whether somebody wrote on from here, or the text is finished and still there in the end.
    """

    text: str
    step: str
    parent: int
    depth: int
    score: float
    answer: object = None
    written: int = 0
    selected: bool = False


def grow(search, history: Sequence[Population]) -> list[Node]:
    """Return the different texts of a search of one problem, each behind its parent.

    Parameters
    ----------
    search : ttclib.search.search.Search
    history : sequence of Population
        All generations, from :func:`ttclib.particles.smc.run`.
    """
    nodes: list[Node] = []
    places = {"": -1}
    task = search.task
    for population in history:
        texts = population.particles
        there = texts.finished & (population.log_weights > -np.inf)
        scores = last(texts.scores)
        for i in np.flatnonzero(texts.lengths > texts.begun):
            before, whole = (_decoded(search, texts, i, k[i]) for k in (texts.begun, texts.lengths))
            parent = places[before]
            if whole not in places:
                places[whole] = len(nodes)
                depth = nodes[parent].depth + 1 if before else 0
                step = whole.removeprefix(before)
                answer = task.canonical(task.answer(whole)) if there[i] else None
                nodes.append(Node(whole, step, parent, depth, float(scores[i]), answer))
            nodes[places[whole]].written += 1
            if before:
                nodes[parent].selected = True
    for i in np.flatnonzero(there):  # in the end
        text = _decoded(search, texts, i, texts.lengths[i])
        nodes[places[text]].selected = True
    return nodes


def _decoded(search, texts, i: int, length: int) -> str:
    row = texts.tokens[i, :length]
    return search.lm.vocabulary.decode(row[row != NONE])


def columns(nodes: Sequence[Node]) -> list[list[int]]:
    """Sort the nodes of each depth so that no two lines to their parents cross.

    Children stand in the order of their parents, those of one parent by their scores.
    """
    if not nodes:
        return []
    found: list[list[int]] = [[] for _ in range(1 + max(node.depth for node in nodes))]
    place = {-1: 0}
    for depth, column in enumerate(found):
        column += [i for i, node in enumerate(nodes) if node.depth == depth]
        column.sort(key=lambda i: (place[nodes[i].parent], -nodes[i].score, i))
        place |= {i: row for row, i in enumerate(column)}
    return found
