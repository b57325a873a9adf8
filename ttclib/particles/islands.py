"""Islands: many small populations in one run of the loop, so that they share every forward pass.

Members i, i + k, i + 2k, … form island i of k, as in a decoder with k prompts. Nobody moves from
one island to another: each is a population of its own, with its own weights, evidence and
selections.
"""

from __future__ import annotations

import numpy as np

from ttclib.inputs import checked, whole_number
from ttclib.particles.smc import Population, Selection, well_formed


@checked
def split(population: Population, islands: int) -> list[Population]:
    """Return each island as a population.

    ``ancestors`` count within the island. What was spent is not split: it stays with the whole.

    Raises
    ------
    ValueError
        If the population cannot be shared out evenly.
    """
    islands = whole_number("islands", islands)
    _size(population, islands)
    return [
        Population(
            population.t,
            population.particles[np.arange(i, len(population), islands)],
            population.log_weights[i::islands],
            population.ancestors[i::islands] // islands,
            parents=population.parents // islands,
        )
        for i in range(islands)
    ]


@checked
def within(islands: int, select: Selection) -> Selection:
    """Apply a selection to each island by itself.

    It must return as many members as there are. An island whose weights are all zero is left as it
    is.

    Raises
    ------
    ValueError
        When used, if the population cannot be shared out evenly.
    """
    islands = whole_number("islands", islands)

    def on_each(population, rng):
        each = _size(population, islands)
        ancestors, log_weights = np.arange(len(population)), population.log_weights.copy()
        for i in range(islands):
            members = population.particles[np.arange(i, len(population), islands)]
            island = Population(population.t, members, log_weights[i::islands], np.arange(each))
            if not island.extinct:
                chosen, carried = well_formed(select(island, rng))
                if len(chosen) != each:
                    raise ValueError(
                        f"select returned {len(chosen)} members; it must return {each}"
                    )
                ancestors[i::islands], log_weights[i::islands] = i + islands * chosen, carried
        return ancestors, log_weights

    return on_each


def _size(population: Population, islands: int) -> int:
    if len(population) % islands:
        raise ValueError(
            f"{len(population)} members cannot be shared out to {islands} islands; use a divisor"
        )
    return len(population) // islands
