"""Make a piece of HTML part of the site: its pictures, links, headings, tables and views."""

import base64
import hashlib
import io
import mimetypes
import os
import re
from pathlib import PurePosixPath

import bs4
from PIL import Image

EMPTY = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='{}' height='{}'/%3E"


def parsed(fragment):
    """Read HTML."""
    return bs4.BeautifulSoup(fragment, "html.parser")


def relative(target, page):
    """Return the address of one file of the site as it is written on a page of it."""
    return os.path.relpath(target, PurePosixPath(page).parent).replace(os.sep, "/")


# ---- pictures -----------------------------------------------------------------------------------


def save_pictures(soup, folder, out, page):
    """Write every picture into ``out/pictures``, and let the fragment name it there.

    The name is a hash of what it shows, so equal pictures are kept once. PNG becomes lossless
    WebP, which takes fewer bytes.

    Parameters
    ----------
    soup : bs4.BeautifulSoup
    folder : Path
        Where relative addresses of pictures start.
    out : Path
        Folder of the site.
    page : str
        Address of the page in the site.

    Raises
    ------
    RuntimeError
        If a picture is remote or missing.
    """
    for image in soup.find_all("img", src=True):
        if image["src"] == "data:":  # settings that do not go together have a line in its place
            continue
        kind, content = content_of(image["src"], folder)
        if kind == "image/svg+xml":
            name = f"{hashlib.sha256(content).hexdigest()[:16]}.svg"
        else:
            content, size = webp(content)
            name = f"{hashlib.sha256(content).hexdigest()[:16]}.webp"
            image["width"], image["height"] = size
        target = out / "pictures" / name
        target.parent.mkdir(exist_ok=True)
        if not target.exists():
            target.write_bytes(content)
        image["src"] = relative(f"pictures/{name}", page)
        image["loading"] = "lazy"
        image["decoding"] = "sync"  # or there is nothing for a moment, where the picture changes


def content_of(address, folder):
    """Return the kind and the bytes of a picture that is embedded, or a file of the project."""
    if address.startswith("data:"):
        head, _, body = address.removeprefix("data:").partition(",")
        return head.split(";")[0], base64.b64decode(body)
    file = folder / address
    if not file.is_file():
        raise RuntimeError(f"the picture {address} is not a file of the project")
    return mimetypes.guess_type(file)[0], file.read_bytes()


def webp(content):
    """Encode a picture as WebP without loss; returns the bytes, and (width, height)."""
    image = Image.open(io.BytesIO(content))
    out = io.BytesIO()
    mode = "RGBA" if image.has_transparency_data else "RGB"
    image.convert(mode).save(out, "webp", lossless=True, quality=50, method=3)
    return out.getvalue(), image.size


# ---- links, headings, tables --------------------------------------------------------------------


def link(soup, folder, pages, page):
    """Point links at the pages of the site; a link to another file keeps its text only.

    Parameters
    ----------
    soup : bs4.BeautifulSoup
    folder : Path
        Where relative addresses start.
    pages : dict
        {source file: address of its page in the site}
    page : str
        Address of this page.

    Raises
    ------
    RuntimeError
        If a link names a file that does not exist.
    """
    for anchor in soup.find_all("a", href=True):
        address, _, place = anchor["href"].partition("#")
        if not address or re.match(r"[a-z]+:", address):
            continue
        file = (folder / address).resolve()
        if not file.exists():
            raise RuntimeError(f"the link {address} leads nowhere")
        if file in pages:
            anchor["href"] = relative(pages[file], page) + (f"#{place}" if place else "")
        else:
            anchor.unwrap()


def head_lines(soup, words):
    """Give each heading an anchor and a link to itself; return those of two levels for a table.

    Returns
    -------
    list of (int, str, str)
        Level (2 or 3), anchor and text, in their order.
    """
    seen, contents = set(), []
    for heading in soup.find_all(["h1", "h2", "h3", "h4"]):
        text = heading_of(heading)
        anchor = "-".join(text.split())  # as JupyterLab names it
        while anchor in seen:
            anchor += "'"
        seen.add(anchor)
        heading["id"] = anchor
        if heading.name in ("h2", "h3"):
            contents.append((int(heading.name[1]), anchor, text))
        to_itself = soup.new_tag("a", href=f"#{anchor}", attrs={"class": "anchor"})
        to_itself["aria-label"] = words["link_to"].format(text)
        to_itself.string = "#"
        heading.append(to_itself)
    return contents


def wrap_tables(soup):
    """Let each table scroll by itself where the page is narrow."""
    for table in soup.find_all("table"):
        table.wrap(soup.new_tag("div", attrs={"class": "scroll"}))
        for cell in table.select("thead th"):
            cell["scope"] = "col"


# ---- views --------------------------------------------------------------------------------------


def finish_views(soup, words):
    """Name each view, tell what is left out of it, and take its style and script off.

    Returns
    -------
    (str, str)
        The style and the script that all views share; empty where there is no view.
    """
    style = script = ""
    views = soup.select(".ttc-budget")
    for number, view in enumerate(views, 1):
        sizes = [image for image in view.find_all("img") if image.get("width")]
        for image in view.find_all("img", src="data:"):
            image["src"] = EMPTY.format(sizes[0]["width"], sizes[0]["height"])
            image["class"] = "none"
        for sibling in view.find_next_siblings(["style", "script"]):
            style = sibling.string if sibling.name == "style" else style
            script = sibling.string if sibling.name == "script" else script
            sibling.decompose()
        view["role"] = "group"
        view["aria-label"] = words["view"].format(number, len(views))
        here, everywhere = len(view.find_all("img")), int(view.get("data-all", 0))
        if here < everywhere:
            note = soup.new_tag("p", attrs={"class": "left-out"})
            note.string = words["left_out"].format(here, f"{everywhere:,}")
            view.append(note)
    return style, script


# ---- search -------------------------------------------------------------------------------------


def sections(soup):
    """Return (anchor, heading, text) of each section of a page, formulas and code left out."""
    found = [["", "", []]]
    skipped = ("math", "script", "style", "pre", "button")
    for part in soup.descendants:
        if isinstance(part, bs4.Tag) and part.name in ("h1", "h2", "h3") and part.get("id"):
            found.append([part["id"], heading_of(part), []])
        elif type(part) is bs4.NavigableString and not part.find_parent(skipped):
            found[-1][2].append("" if part.find_parent("a", class_="anchor") else str(part))
    return [
        (anchor, heading, text)
        for anchor, heading, parts in found
        if (text := " ".join(" ".join(parts).split()))
    ]


def heading_of(tag):
    """Return the text of a heading, without the link to itself."""
    parts = tag.find_all(string=lambda part: not part.find_parent("a", class_="anchor"))
    return " ".join("".join(parts).split())
