"""Build the static site: ``python3 course.py site [notebook …]``."""

import argparse
import os
import sys
from pathlib import Path

from tools.site import build, sources


def main(argv=None):
    parser = argparse.ArgumentParser(prog="course.py site", description=__doc__)
    parser.add_argument(
        "notebooks", nargs="*", type=Path, help="files (default: all of the course)"
    )
    parser.add_argument("--out", type=Path, default=build.ROOT / "site", help="folder of the pages")
    cores = min(2, os.cpu_count() or 1)
    parser.add_argument(
        "--processes", type=int, default=cores, help="notebooks that are executed side by side"
    )
    args = parser.parse_args(argv)
    try:
        build.build(args.notebooks or sources.all_paths(), args.out, processes=args.processes)
    except (RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
