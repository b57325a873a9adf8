"""A task about letters: a problem is asked as it stands, and an answer follows a ``#``."""

from ttclib.lm import arithmetic
from ttclib.search.search import Search


class Letters:
    """Steps end with one of ``step_end``; nobody knows what is right."""

    def __init__(self, step_end=";"):
        self.step_end = step_end

    def prompt(self, problem):
        return problem

    def answer(self, text):
        return arithmetic.answer(text)

    def canonical(self, answer):
        return answer

    def reference(self, problem):
        return None

    def right(self, problem, answer):
        return False

    def right_steps(self, problem, text):
        return None


def search_on(lm, problem, verifier, *, until=";", kind=Search, **options):
    """A search on letters whose steps end with one of ``until``."""
    return kind(lm, Letters(until), problem, verifier, **options)
