"""The map of the course as cards: what the picture in the README shows, with links."""

import base64

from ttclib.course.start_here import course_map


def parts(sources):
    """Return the parts of the map, each with its notebooks.

    A page with a letter stands beside the notebook of its number, and a number that the map does
    not know stands in its last part.

    Parameters
    ----------
    sources : sequence of Source

    Returns
    -------
    list of dict
        ``part``, from the map; ``picture``, its address; and ``sources``.
    """
    all_parts = course_map.parts()
    cards = []
    for k, part in enumerate(all_parts):
        last = k + 1 == len(all_parts)
        numbers = range(part.first, 10_000 if last else all_parts[k + 1].first)
        picture = base64.b64encode(part.picture.png).decode()
        cards.append(
            {
                "part": part,
                "picture": f"data:image/png;base64,{picture}",
                "sources": [one for one in sources if one.number in numbers],
            }
        )
    return cards
