"""Draw the map of the course into ``data/course.png``, the README's first picture.

``python -m tools.picture`` writes the same bytes each time.
"""

from pathlib import Path

from ttclib.course.start_here.course_map import course_map

PATH = Path(__file__).resolve().parent.parent / "data" / "course.png"


def main():
    PATH.write_bytes(course_map(dpi=200).png)
    print(f"{PATH.name}: {PATH.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
