"""A view or a picture before it becomes pixels: what is drawn, and with which numbers."""

import inspect

import numpy as np
from matplotlib.collections import PolyCollection

from ttclib.show.slider import Stage


class Drawing:
    """Stands in for ``BudgetView``: keeps the figure, and draws on it when it is asked.

    A drawing that moves the axes, or changes what stands still, is refused here as there.
    ``monkeypatch.setattr(figures, "BudgetView", Drawing)`` makes the views of a module drawings.
    """

    def __init__(self, fig, draw, luck=True, **settings):
        self.fig = fig
        self.draw = draw
        self.settings = settings
        self.stage = Stage(fig)
        self.still = {artist for ax in fig.axes for artist in ax.get_children()}

    def at(self, seed=0, **values):
        """Draw one setting, the others at their defaults; return (text, Cost)."""
        self.stage.clear()
        chosen = {name: setting.default for name, setting in self.settings.items()} | values
        for name, setting in self.settings.items():
            if setting.parse:
                chosen[name] = setting.parse(chosen[name])
        result = self.draw(seed=seed, **chosen)
        if inspect.isgenerator(result):
            result = self._run(result)
        self.stage.refuse_changes()
        return result

    def _run(self, work):
        self.progress = []
        while True:
            try:
                self.progress.append(next(work))
            except StopIteration as done:
                return done.value

    def moving(self, ax):
        """The lines of an axes that belong to the setting, in the order they were drawn."""
        return [line for line in self.fig.axes[ax].lines if line not in self.still]

    def fixed(self, ax):
        """The lines of an axes that stay."""
        return [line for line in self.fig.axes[ax].lines if line in self.still]


def numbers_of(line):
    """The points (k, 2) of a line."""
    return np.column_stack(line.get_data()).astype(float)


def bands(ax):
    """The filled bands of an axes, in the order they were drawn: a list of (x, low, high)."""
    found = []
    for band in ax.collections:
        if isinstance(band, PolyCollection):
            points = band.get_paths()[0].vertices
            k = (len(points) - 3) // 2
            low = points[1 : k + 1]
            high = points[k + 2 : -1][::-1]
            found.append((low[:, 0], low[:, 1], high[:, 1]))
    return found


class Sheet:
    """Stands in for ``Picture``: keeps the figure and the text, and makes no pixels."""

    def __init__(self, fig, text):
        self.fig = fig
        self.text = text
