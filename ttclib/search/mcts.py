"""Monte Carlo tree search: the loop with a selection that may go back to any earlier text.

Elsewhere texts that are passed over are lost. Here they *wait*: they keep their places, cost
nothing, and may be chosen later. So the population is the edge of a tree, whose nodes are texts at
the end of a step. The four parts of tree search (Browne et al. 2012) are the loop's own:

- *expand*: propose a step for each child of a chosen text;
- *evaluate*: weigh by the verifier, at the end of a greedy rollout if there is a ``lookahead``;
- *back up*: every text above counts one visit more, and is worth the mean of all below it;
- *select*: go from the root down by upper confidence bounds (UCT; Kocsis and Szepesvári 2006).

Lookahead search has the rollout without the exploration. AlphaMath (Chen et al. 2024, arXiv
2405.03553) and ReST-MCTS* (Zhang et al. 2024, arXiv 2406.03816) evaluate by a trained model too.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from ttclib.cost import Cost
from ttclib.inputs import real_number, whole_number
from ttclib.particles.smc import Selection, Weighed, keep_all
from ttclib.search.search import Search, Solutions


@dataclass(frozen=True)
class Tree:
    """What a search has seen so far. Node i is the root of problem i.

    Attributes
    ----------
    parent : numpy.ndarray of int, shape (nodes,)
        −1 for a root.
    visits, totals : numpy.ndarray, shape (nodes,)
        How many values were found at a node and below it, and their sum.
    chosen : numpy.ndarray of bool, shape (nodes,)
        Whether the text was chosen to grow; until then it waits.
    """

    parent: np.ndarray
    visits: np.ndarray
    totals: np.ndarray
    chosen: np.ndarray

    def grown(self, parents: np.ndarray, values: np.ndarray) -> Tree:
        """Return a tree with a new node below each of ``parents`` (m,), and back up its value."""
        new = np.append(self.parent, parents)
        more = (0, len(parents))
        tree = Tree(new, *(np.pad(old, more) for old in (self.visits, self.totals, self.chosen)))
        nodes = np.arange(len(self.parent), len(new))
        while len(nodes):
            np.add.at(tree.visits, nodes, 1)
            np.add.at(tree.totals, nodes, values)
            nodes = new[nodes]
            values = values[nodes >= 0]
            nodes = nodes[nodes >= 0]
        return tree

    def path(self, node: int) -> list[int]:
        """Return a node and all above it, the root last."""
        above = int(self.parent[node])
        return [node] if above < 0 else [node, *self.path(above)]


@dataclass(frozen=True)
class Nodes(Solutions):
    """Texts under way that are nodes, (n,), of the tree of the run, as it was at their time."""

    node: np.ndarray
    tree: Tree


class TreeSearch(Search):
    """A search that remembers its tree, in which only chosen texts grow: select with :func:`uct`.

    Parameters and errors are those of :class:`ttclib.search.search.Search`.
    """

    def begin(self, prompt, tokens, per_token=None) -> tuple[Nodes, Cost]:
        """Begin as a search does: every text is a root, and was chosen."""
        texts, cost = super().begin(prompt, tokens, per_token)
        k = len(self.problems)
        tree = Tree(np.full(k, -1), np.zeros(k, int), np.zeros(k), np.ones(k, bool))
        return Nodes(**vars(texts), node=np.array(prompt), tree=tree), cost

    def grows(self, texts) -> np.ndarray:
        """Say which texts grow: those that were chosen. The others wait."""
        return super().grows(texts) & texts.tree.chosen[texts.node]

    def weigh(self, t, parents, particles) -> Weighed:
        """Weigh as a search does, and back up the value of each new node: 0 if it was given up."""
        texts, log_weights, cost = super().weigh(t, parents, particles)
        grown = np.flatnonzero(texts.lengths > texts.begun)
        values = np.where(log_weights > -np.inf, self.aggregate(texts.scores), 0.0)[grown]
        tree = texts.tree.grown(texts.node[grown], values)
        node = texts.node.copy()
        node[grown] = np.arange(len(texts.tree.parent), len(tree.parent))
        return Weighed(replace(texts, node=node, tree=tree), log_weights, cost)


def upper_bound(mean, visits, above, exploration):
    """Return how good nodes may be: their mean values, and the more the less they were visited.

    ``above`` are the visits of their parent. UCB1, for values from 0 to 1, explores with c = √2.
    """
    return mean + exploration * np.sqrt(np.log(above) / visits)


def uct(width: int, exploration: float = 0.25, share: float = 0.75) -> Selection:
    """Grow the texts that upper confidence bounds lead to; the others wait.

    A share of the places that no finished text holds goes to children of chosen texts. They take
    the places of the chosen, of those given up, and of the waiting texts of the lowest weight,
    which from then on only count in the means. Texts are chosen one by one, and each counts M
    visits at once, so that the next one is elsewhere.

    Parameters
    ----------
    width : int
        M, children of a chosen text.
    exploration : float
        c, 0 or more: see :func:`upper_bound`. With 0 the best mean leads.
    share : float
        Above 0; with 1 nobody waits.

    Raises
    ------
    ValueError, TypeError
        If a number is not allowed; when used, if the texts are not those of a :class:`TreeSearch`
        for one problem.
    """
    width = whole_number("width M", width)
    exploration = real_number("exploration c", exploration, 0.0)
    share = real_number("share", share, 0.0, 1.0, open_low=True)

    def select(population, rng):
        texts = population.particles
        if not isinstance(texts, Nodes):
            raise TypeError("these texts are in no tree; uct selects among those of a TreeSearch")
        if np.ptp(texts.prompt):
            raise ValueError("these texts solve several problems; use uct within islands")
        live = np.flatnonzero(~texts.finished)
        if not len(live):
            return keep_all(population, rng)
        freed = np.flatnonzero(texts.finished & (population.log_weights == -np.inf))
        places = int(np.ceil(share * (len(live) + len(freed))))
        number = min(len(live), -(-places // width))
        chosen = live[_descend(texts.tree, texts.node[live], number, width, exploration)]
        texts.tree.chosen[texts.node[chosen]] = True
        waiting = np.setdiff1d(live, chosen)
        worst = waiting[np.argsort(population.log_weights[waiting], kind="stable")]
        children = np.repeat(chosen, width)[:places]
        ancestors = np.arange(len(population))
        ancestors[np.concatenate([chosen, freed, worst])[: len(children)]] = children
        return ancestors, population.log_weights[ancestors]

    return select


def _descend(tree: Tree, leaves: np.ndarray, number: int, width: int, exploration: float):
    """Choose ``number`` of the leaves, one by one; return their places among them."""
    paths = {leaf: tree.path(leaf) for leaf in leaves.tolist()}
    below: dict[int, list[int]] = {}  # the children of each node that lead to a leaf
    for node in sorted(set().union(*paths.values())):
        below.setdefault(int(tree.parent[node]), []).append(node)
    mean = tree.totals / np.maximum(tree.visits, 1)
    visits = tree.visits.copy()
    found = []
    for _ in range(number):
        node = below[-1][0]
        while node not in paths:
            children = below[node]
            bounds = upper_bound(mean[children], visits[children], visits[node], exploration)
            node = children[bounds.argmax()]
        visits[paths[node]] += width
        found.append(node)
        for child, above in itertools.pairwise(paths[node]):
            below[above].remove(child)
            if below[above]:
                break  # other leaves are left
    return [leaves.tolist().index(node) for node in found]
