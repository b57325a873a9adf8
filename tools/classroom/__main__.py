"""What a teacher needs: a copy for students, a key, and the check of what is handed in.

python3 course.py class student OUT [02 04b …]   notebooks without solutions
python3 course.py class key OUT [02 04b …]       every solution, and what its check says
python3 course.py class check FOLDER             run what was handed in through the checks

With --language ko: the Korean notebooks, and a key and a report in Korean.
"""

import argparse
import sys
from pathlib import Path

from tools.classroom import copies, grading, reading, report
from ttclib.course import languages

WRITERS = {".csv": report.as_csv, ".html": report.as_html}


def parsed(argv):
    parser = argparse.ArgumentParser(
        prog="course.py class",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest="what", required=True)
    student = kinds.add_parser("student", help="copy the notebooks without their solutions")
    key = kinds.add_parser("key", help="write the solutions, and what their checks say")
    for kind in (student, key):
        kind.add_argument("out", type=Path, metavar="OUT", help="a new or empty folder")
        kind.add_argument("notebooks", nargs="*", help="such as 02 or 04b (default: all)")
    student.add_argument("--outputs", choices=["clear", "keep"], default="clear")
    student.add_argument(
        "--answers",
        choices=["keep", "remove"],
        default="keep",
        help="the folded answers to predictions and to the questions from before",
    )
    check = kinds.add_parser("check", help="check a folder of handed-in notebooks")
    check.add_argument("folder", type=Path, metavar="FOLDER")
    check.add_argument("--out", type=Path, action="append", default=[], help="report.csv or .html")
    for kind in (student, key, check):
        kind.add_argument(
            "--language", choices=report.LANGUAGES, default="en", help="(default: en)"
        )
    limits = grading.Limits()
    check.add_argument("--seconds", type=float, default=limits.seconds, help="an answer may take")
    check.add_argument("--megabytes", type=int, default=limits.megabytes, help="it may take more")
    check.add_argument("--jobs", type=int, default=1, help="notebooks at once (default: 1)")
    check.add_argument(
        "--in-a-container",
        action="store_true",
        help="this is a container or machine of its own, with nothing worth reading: no namespaces",
    )
    return parser.parse_args(argv)


def check(args):
    """Check a folder; returns the exit status."""
    if why := grading.refusal(args.in_a_container):
        print(f"Nothing was run. What students hand in cannot be kept apart: {why}. ", end="")
        print("TEACHING.md says what to do.")
        return 2
    if not args.folder.is_dir():
        raise copies.Refused(f"{args.folder} is not a folder")
    for out in args.out:
        if out.suffix not in WRITERS:
            raise copies.Refused(f"{out} should end in .csv or .html")
        if out.exists():
            raise copies.Refused(f"{out} exists; choose another name")
    limits = grading.Limits(seconds=args.seconds, megabytes=args.megabytes)

    say = report.words(args.language)

    def progress(student, file, done):
        right = sum(result.verdict == "right" for result in done)
        said = f"{right} of {len(done)} right" if done[0].exercise else done[0].message
        print(report.plain(f"{student} · {file}: {say(said)}"), file=sys.stderr, flush=True)

    jobs = max(1, args.jobs)
    course = reading.lessons(args.language)
    results = grading.grade(args.folder, course, limits, not args.in_a_container, jobs, progress)
    print(report.as_text(results, args.language))
    for out in args.out:
        out.write_text(WRITERS[out.suffix](results, args.language), encoding="utf-8-sig")
        print(f"{out} is written.")
    return 0


def main(argv=None):
    args = parsed(argv)
    language = args.language
    languages.use(language)  # the checks tell in it
    try:
        if args.what == "check":
            return check(args)
        if args.what == "student":
            made = copies.student(args.out, args.notebooks, args.outputs, args.answers, language)
        else:
            said = lambda stem: print(stem, file=sys.stderr, flush=True)  # noqa: E731
            made = copies.key(args.out, args.notebooks, said, language)
    except (copies.Refused, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    finally:
        languages.use("en")
    print(f"{len(made)} files are in {args.out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
