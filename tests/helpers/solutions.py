"""Exercises of a notebook, with every solution filled in, and what its cells say."""

from tools.exercises import CHECK, FENCE, exercises, solved

__all__ = ["CHECK", "FENCE", "exercises", "solved", "text_of"]


def text_of(cell):
    """Return what a code cell shows as text, all outputs joined."""
    return "\n".join(
        output.text
        if output.output_type == "stream"
        else output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    )
