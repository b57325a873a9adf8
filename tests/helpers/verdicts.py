"""What a module of checks can say, to see that the tests make it say all of it."""

import ast
import inspect


def texts_of(module):
    """Yield the fixed words of every sentence in a module: one tuple for each.

    A sentence is a string with a space in it. Docstrings are left out, and of a formatted string
    the words between the braces.
    """
    tree = ast.parse(inspect.getsource(module))
    skipped = set()
    for node in ast.walk(tree):  # outer nodes first
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(node.value)
        elif isinstance(node, ast.FormattedValue):
            skipped.update(ast.walk(node))  # numbers and words that are put in
        elif isinstance(node, ast.JoinedStr) and node not in skipped:
            pieces = [piece for piece in node.values if isinstance(piece, ast.Constant)]
            skipped.update(pieces)
            yield tuple(piece.value for piece in pieces)
        elif isinstance(node, ast.Constant) and node not in skipped and " " in str(node.value):
            yield (node.value,)


def unsaid(module, verdicts):
    """Return the sentences of a module of checks that none of the verdicts holds."""
    lines = [verdict.line for verdict in verdicts]
    return [
        words
        for words in texts_of(module)
        if not any(all(word in line for word in words) for line in lines)
    ]
