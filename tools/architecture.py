"""The floors of the library, read from its imports, and their picture ``ttclib/architecture.svg``.

``python -m tools.architecture`` draws it; the same imports give the same bytes. The test
``tests/project/test_import.py`` holds the library to these floors: imports point down.
"""

import ast
import textwrap
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATH = ROOT / "ttclib" / "architecture.svg"
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "ttclib").rglob("*.py"))
}
# from the ground up; packages on one floor do not need each other
FLOORS = (
    ("ttclib.cost", "ttclib.inputs", "ttclib.files", "ttclib.machine", "ttclib.language"),
    ("ttclib.artefacts", "ttclib.exercise"),
    ("ttclib.sampling", "ttclib.particles", "ttclib.measure"),
    ("ttclib.lm", "ttclib.show"),
    ("ttclib.search",),
    ("ttclib.testing", "ttclib.course"),
)
# where a part is drawn: its first column, and the one after its last; the ground runs through
COLUMNS = {
    "ttclib.sampling": (0, 1),
    "ttclib.particles": (1, 3),
    "ttclib.measure": (3, 4),
    "ttclib.show": (1, 2),
    "ttclib.lm": (2, 3),
    "ttclib.search": (2, 4),
    "ttclib.course": (0, 3),
    "ttclib.testing": (3, 4),
}
GROUND = tuple(part for floor in FLOORS[:2] for part in floor)

COLUMN, FLOOR, GAP, BOX = 210, 128, 22, 84  # widths and heights in pixels
SMALL = 6.4  # width of a small letter


def within(name, packages):
    """Whether a module is one of these packages, or in one."""
    return any(name == package or name.startswith(package + ".") for package in packages)


def floor_of(name):
    """The number of the floor that a module lives on, and its part of that floor."""
    (place,) = [
        (number, part)
        for number, floor in enumerate(FLOORS)
        for part in floor
        if within(name, [part])
    ]
    return place


def imports(path):
    """Names of the modules that a file imports, also inside its functions."""
    todo, found = [ast.parse(path.read_text(encoding="utf-8"))], set()
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: write the full name of what is imported"
            found.add(node.module)
            # `from ttclib.particles import smc` imports the module ttclib.particles.smc
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & FILES.keys()
        todo += ast.iter_child_nodes(node)
    return found


def ours(name):
    """Modules of the library that a module imports; a package that holds one of them is none."""
    found = imports(FILES[name]) & FILES.keys() - {name, "ttclib"}
    return {
        module for module in found if not any(other.startswith(module + ".") for other in found)
    }


def arrows():
    """Which part stands on which, as pairs, without what follows from others; the ground is one."""
    on = stands_on()
    reached = reaches(on)
    return sorted(
        (part, below)
        for part, to in on.items()
        for below in to
        if not any(below in reached[other] for other in to)
    )


def stands_on():
    """Which parts each part imports: {part: set of parts}; the ground is one part."""
    place = {name: floor_of(name)[1] for name in FILES.keys() - {"ttclib"}}
    place = {name: "ground" if part in GROUND else part for name, part in place.items()}
    on = {part: set() for part in ("ground", *COLUMNS)}
    for name, part in place.items():
        on[part] |= {place[module] for module in ours(name)} - {part}
    return on


def reaches(on):
    """Which parts each part needs, directly or through others: {part: set of parts}."""
    reached = dict(on)
    for _ in on:  # no path has more parts than there are
        reached = {part: to.union(*(reached[below] for below in to)) for part, to in on.items()}
    return reached


def boxes():
    """Where each part is drawn: {part: (left, top, width, height)}, for the parts that exist."""
    top = len(FLOORS) - 1
    found = {}
    for part, (first, last) in COLUMNS.items():
        if part in FILES:
            left, up = first * COLUMN, (top - floor_of(part)[0]) * FLOOR
            found[part] = (left + GAP, up + GAP, (last - first) * COLUMN - GAP, BOX)
    width = max(last for _, last in COLUMNS.values()) * COLUMN - GAP
    found["ground"] = (GAP, (top - 1) * FLOOR + GAP, width, BOX)
    return found


def line(upper, lower):
    """An arrow's ends: straight down where the boxes overlap, else between their nearest corners.

    Returns
    -------
    ((x, y), (x, y))
        The bottom of the upper box, the top of the lower one.
    """
    low, high = max(upper[0], lower[0]), min(upper[0] + upper[2], lower[0] + lower[2])
    start = end = (low + high) / 2
    if low > high:
        start, end = (high, low) if upper[0] < lower[0] else (low, high)
    return (start, upper[1] + upper[3]), (end, lower[1])


def words(part):
    """What a box says below its name: the first sentence of the package's own description."""
    if part == "ground":
        return " · ".join(name.removeprefix("ttclib.") for name in GROUND if name in FILES)
    text = " ".join(ast.get_docstring(ast.parse(FILES[part].read_text(encoding="utf-8"))).split())
    sentence = text.partition(". ")[0].rstrip(".").replace("`", "").replace("*", "")
    sentence = sentence.removeprefix(f"{part.removeprefix('ttclib.').capitalize()}: ")
    return sentence[0].upper() + sentence[1:]


def draw():
    """Return the picture as the text of an SVG file."""
    places = boxes()
    width = max(left + wide for left, _, wide, _ in places.values()) + GAP
    height = places["ground"][1] + BOX + GAP
    names = [part.removeprefix("ttclib.") for part in places]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif">',
        f"<title>The floors of ttclib: {', '.join(names)}. Imports point down.</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="5" '
        'markerHeight="5" orient="auto"><path d="M0 0L8 4L0 8z" fill="#0072b2"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for part, (left, top, wide, high) in places.items():
        fill = "#f1efe8" if part == "ground" else "#e6f2fa"
        lines.append(
            f'<rect x="{left}" y="{top}" width="{wide}" height="{high}" rx="8" fill="{fill}" '
            'stroke="#333333"/>'
        )
        name, middle = part.removeprefix("ttclib."), left + wide / 2
        lines.append(_text(middle, top + 22, name, 'font-size="16" font-weight="bold"'))
        for i, row in enumerate(textwrap.wrap(words(part), int((wide - 12) / SMALL))):
            lines.append(_text(middle, top + 40 + 15 * i, row, 'font-size="12"'))
    for upper, lower in arrows():
        (x1, y1), (x2, y2) = line(places[upper], places[lower])
        lines.append(
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="#0072b2" '
            'stroke-width="2" marker-end="url(#tip)"/>'
        )
    return "\n".join([*lines, "</svg>", ""])


def _text(x, y, words, style):
    place = f'x="{x:g}" y="{y:g}" text-anchor="middle" fill="#1a1a1a"'
    return f"<text {place} {style}>{escape(words)}</text>"


def main():
    PATH.write_text(draw(), encoding="utf-8")
    print(f"{PATH.name}: {PATH.stat().st_size / 1e3:.1f} kB")


if __name__ == "__main__":
    main()
