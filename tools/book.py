"""Builds the documentation as a book, and checks its links.

`python3 -m tools.book` builds target/book/html. `python3 -m tools.book check` also fails if

- a page in docs/ is missing in docs/SUMMARY.md, or the other way round,
- a link in a page leads to a file that does not exist,
- a link in the book leads to a page or an anchor that does not exist,
- an external link is not an `https://` URL with a host. The sites themselves are not asked.
"""

import posixpath
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools import pinned

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
BOOK = ROOT / "target" / "book"
MDBOOK = "mdbook@0.5.4"
LINK = re.compile(r"(!?\[[^\]]*\])\(([^()\s]+)\)")
# Code keeps what looks like a link.
CODE = re.compile(r"^(```+|~~~+).*?^\1$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def main():
    if sys.argv[1:] not in ([], ["check"]):
        sys.exit(__doc__)
    problems = build(ROOT, BOOK)
    if sys.argv[1:] == ["check"]:
        problems += dead_links(BOOK / "html")
    if problems:
        sys.exit("\n".join(f"book: {problem}" for problem in problems))


def build(root, folder):
    """Builds the book of the checkout at `root` into `folder`. Returns the problems of its pages."""
    program = pinned.install_crate(MDBOOK) / "mdbook"
    source = folder / "source"
    shutil.rmtree(folder, ignore_errors=True)
    source.mkdir(parents=True)
    summary = (root / "docs/SUMMARY.md").read_text(encoding="utf-8")
    pages = {posixpath.normpath(f"docs/{link}") for _, link in LINK.findall(summary)}
    problems = missing_pages(root, pages)
    # A page has the same path in the book as in the checkout, so its links mean the same.
    for page in sorted(pages):
        if (root / page).is_file():
            text, dead = staged(root, page, pages)
            problems += dead
            staged_page = source / as_index(page)
            staged_page.parent.mkdir(parents=True, exist_ok=True)
            staged_page.write_text(text, encoding="utf-8")
    present = re.sub(r"(?m)^.*\]\((\S+)\)$", lambda line: in_book(root, line), summary)
    (source / "SUMMARY.md").write_text(present, encoding="utf-8")
    copy_pictures(root, source)
    shutil.copy(root / "docs/book.toml", folder)
    built = subprocess.run([program, "build", folder, "--dest-dir", folder / "html"], capture_output=True, text=True)
    if built.returncode != 0 or re.search(r"\b(WARN|ERROR)\b", built.stderr):
        problems.append(f"mdbook: {built.stderr.strip()}")
    return problems


def missing_pages(root, pages):
    """The pages that only docs/ has, and those that only the summary has."""
    existing = {path.relative_to(root).as_posix() for path in (root / "docs").rglob("*.md")} - {"docs/SUMMARY.md"}
    problems = [f"{page} is not in docs/SUMMARY.md" for page in sorted(existing - pages)]
    return problems + [
        f"{page} is in docs/SUMMARY.md but does not exist" for page in sorted(pages) if not (root / page).is_file()
    ]


def as_index(link):
    """A link with the name that README.md has in the book. mdBook would rename the page, but not the links to it."""
    return re.sub(r"(^|/)README\.md(?=#|$)", r"\1index.md", link)


def in_book(root, line):
    """A line of the summary, whose folder is the root in the book. A page that does not exist is left out."""
    page = posixpath.normpath(f"docs/{line[1]}")
    return line[0].replace(f"({line[1]})", f"({as_index(page)})") if (root / page).is_file() else ""


def staged(root, page, pages):
    """A page as the book has it, and its dead links.

    A link to a file of the checkout that is not in the book, such as a source file, becomes text.
    """
    problems = []

    def link(found):
        text, target = found[1], found[2]
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            if parts.scheme != "mailto" and not (parts.scheme in ("https", "http") and parts.hostname):
                problems.append(f"{page}: {target} is not a URL of the web")
            return found[0]
        if not parts.path:
            return found[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path)))
        if path.startswith("../") or not (root / path).exists():
            problems.append(f"{page}: {target} does not exist")
        if path in pages:
            return f"{text}({as_index(target)})"
        if text.startswith("!"):
            return found[0]
        return text[1:-1]

    return outside_code((root / page).read_text(encoding="utf-8"), lambda text: LINK.sub(link, text)), problems


def outside_code(text, change):
    """Changes a text, except its code."""
    parts, end = [], 0
    for code in CODE.finditer(text):
        # The text of a link may be code.
        if code[0].startswith("`") and text[code.end() : code.end() + 2] == "](":
            continue
        parts += [change(text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*parts, change(text[end:])])


def copy_pictures(root, source):
    for path in (root / "docs").rglob("*"):
        if path.suffix in (".png", ".svg", ".jpg"):
            target = source / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


class Page(HTMLParser):
    """The anchors and the links of a page."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.update(attributes[name] for name in ("id", "name") if attributes.get(name))
        self.links += [attributes[name] for name in ("href", "src") if attributes.get(name)]


def dead_links(html):
    """The links of a built book that lead nowhere in it."""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in html.rglob("*.html")}
    problems = []
    for path, page in pages.items():
        # These repeat the other pages, for printing and for a missing page.
        if path.name in ("print.html", "404.html", "toc.html"):
            continue
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            name = path.relative_to(html.resolve())
            if not target.exists():
                problems.append(f"{name}: {link} does not exist")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                problems.append(f"{name}: {link} has no such anchor")
    return sorted(set(problems))


if __name__ == "__main__":
    main()
