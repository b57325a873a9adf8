"""The Korean font of the pictures: Noto Sans CJK KR with the letters of Korean, and no more.

``python -m tools.hangul NotoSansCJK-Regular.ttc`` writes ``ttclib/course/locale/ko.otf`` from the
file of Debian's package ``fonts-noto-cjk``: the 2,350 syllables of the standard KS X 1001, the
single letters, and the marks that stand among them. 65 MB become 0.3 MB.
"""

import argparse
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

from ttclib.course.languages import FOLDER

PATH = FOLDER / "ko.otf"
NAME = "Noto Sans CJK KR"
MARKS = " …、。「」『』〈〉《》"


def syllables():
    """Return the syllables of KS X 1001, which ordinary Korean keeps to."""
    pairs = (bytes([row, column]) for row in range(0xB0, 0xC9) for column in range(0xA1, 0xFF))
    return "".join(pair.decode("euc-kr") for pair in pairs)


def letters():
    """Return the single letters, such as ㄱ and ㅏ."""
    return "".join(map(chr, range(0x3131, 0x3164)))


def font_of(collection):
    """Return the font of that name in a collection."""
    fonts = (TTFont(collection, fontNumber=number) for number in range(20))
    return next(font for font in fonts if font["name"].getDebugName(1) == NAME)


def reduced(font):
    """Keep the letters of Korean, without hints and features. Changes the font, and returns it."""
    options = subset.Options(layout_features=[], hinting=False, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13])
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=syllables() + letters() + MARKS)
    subsetter.subset(font)
    return font


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("collection", type=Path)
    reduced(font_of(parser.parse_args(argv).collection)).save(PATH)
    print(f"{PATH.name}: {PATH.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
