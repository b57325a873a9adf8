"""The cells of a notebook as HTML."""

import html

from latex2mathml.converter import convert
from nbconvert.filters import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer


class MathMLRenderer(IPythonRenderer):
    """Markdown whose formulas become MathML, which browsers draw without a script."""

    def block_math(self, body):
        """$$…$$ in a block of its own."""
        return f'<p class="formula">{convert(body, display="block")}</p>'

    def inline_math(self, body):
        """$…$ inside a line."""
        return convert(body)

    def latex_environment(self, name, body):
        r"""\begin{name}…\end{name}."""
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")


def markdown_to_html(text):
    """Render Markdown with formulas."""
    renderer = MathMLRenderer(escape=False, exclude_anchor_links=True)
    return MarkdownWithMath(renderer=renderer).render(text)


def code_to_html(code):
    """Render Python with its words marked by what they are."""
    return highlight(code, PythonLexer(), HtmlFormatter())


def output_to_html(output):
    """Render one output of a cell: the richest form of it that needs no kernel."""
    if output.output_type == "stream":
        return f'<pre class="output">{ansi2html(output.text)}</pre>'
    data = output.get("data", {})
    if "text/html" in data:
        return f'<div class="output">{data["text/html"]}</div>'
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            alt = html.escape(output.metadata.get(kind, {}).get("alt", ""))
            source = f"data:{kind};base64,{data[kind]}"
            return f'<div class="output picture"><img alt="{alt}" src="{source}"></div>'
    if "text/markdown" in data:
        return markdown_to_html(data["text/markdown"])
    return f'<pre class="output">{html.escape(data.get("text/plain", ""))}</pre>'


def of_notebook(node):
    """Return the cells of a notebook node, each as a dictionary for the template.

    Keys: ``id``, ``kind`` (``markdown`` or ``code``), ``html`` of what is written in it, ``lines``
    of code, and the HTML of its ``outputs``. A cell without text and outputs is left out.
    """
    return [
        {
            "id": cell.id,
            "kind": cell.cell_type,
            "html": (code_to_html if cell.cell_type == "code" else markdown_to_html)(cell.source),
            "lines": len(cell.source.splitlines()),
            "outputs": "".join(map(output_to_html, cell.get("outputs", []))),
        }
        for cell in node.cells
        if cell.cell_type in ("markdown", "code") and (cell.source or cell.get("outputs"))
    ]
