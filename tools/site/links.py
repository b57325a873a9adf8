"""What a page would load from a network, and which links of a folder of pages lead nowhere."""

import re
from pathlib import Path
from urllib.parse import unquote

import bs4

LOADS = ("src", "srcset", "poster", "data", "xlink:href", "href")


def remote_loads(page):
    """Return the remote addresses that a browser would load for a page, links to click excluded."""
    soup = bs4.BeautifulSoup(page, "html.parser")
    found = [
        str(tag[name])
        for tag in soup.find_all(True)
        for name in LOADS
        if tag.has_attr(name) and not (name == "href" and tag.name == "a")
    ]
    for tag in soup.find_all(["style", "script"]):
        found += remote_addresses(tag.get_text())
    return [address for address in found if re.match(r"\s*(https?:)?//", address)]


def remote_addresses(code):
    """Return the remote addresses in a script or a style sheet."""
    return re.findall(r"(?:https?:)?//[\w.-]+\.\w[^\s\"')]*", code)


def dead_ends(folder):
    """Return a line about each link or file in a folder of pages that is not there.

    Links into the network are not followed.
    """
    folder = Path(folder).resolve()
    soups = {
        file: bs4.BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")
        for file in sorted(folder.rglob("*.html"))
    }
    anchors = {file: {tag["id"] for tag in soup.find_all(id=True)} for file, soup in soups.items()}
    lines = []
    for file, soup in soups.items():
        here = file.relative_to(folder).as_posix()
        for tag in soup.find_all(True):
            for name in LOADS:
                address = str(tag.get(name, ""))
                if not address or re.match(r"[a-z]+:", address):
                    continue
                place, _, anchor = map(unquote, address.partition("#"))
                target = (file.parent / place).resolve() if place else file
                if not target.is_file() or not target.is_relative_to(folder):
                    lines.append(f"{here}: {place} is not in the site")
                elif anchor and anchor not in anchors.get(target, ()):
                    lines.append(f"{here}: {address} has no such place")
    return lines
