"""Writes the document's descriptions, which are CommonMark, as documentation comments.

rustdoc treats code without a language as a test, `[text]` as an item of the crate, and `<token>` as HTML. The authors
of an API mean none of these. This module parses a description and writes it in a form without warnings from rustc,
rustdoc and Clippy:

- The contents of list items and block quotes are aligned with their markers.
- Code is fenced and has a language other than Rust. Other words after the language are dropped.
- Links have an absolute target, and bare URLs become links. Other brackets and tags are escaped: see `markdown_spans`.

`markdown_blocks` and `markdown_spans` say where they differ from CommonMark.
"""

import re

from .markdown_blocks import Blocks
from .markdown_spans import TAG, Spans

# The longest text that is put on one line.
LONG = 240


def comment(text, indent=""):
    """A description as lines `/// …`; an empty text if the description is empty."""
    return "\n".join(f"{indent}/// {line}".rstrip() for line in parse(text).lines)


def inline(text, cell=False):
    """A description on one line, for a list item or, with `cell`, for a table's cell.

    A short description that consists of paragraphs is kept whole. Of any other, the first paragraph is kept, or its
    first sentence if the paragraph is long.
    """
    line = " ".join(parse(opening(text), definitions=parse(text).definitions).lines)
    return re.sub(r"(?<!\\)\|", r"\\|", line) if cell else line


def plain(text):
    """A description's first sentence without Markdown, for metadata."""
    line = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])?", r"\1", sentence(opening(text)))
    line = re.sub(rf"\\([!-/:-@\[-`{{-~])|`|\*+|{TAG.pattern}", r"\1", line)
    return " ".join(line.split())


def opening(text):
    """The part of a description that `inline` keeps, as Markdown without line breaks."""
    blocks = parse(text)
    whole = " ".join(blocks.paragraphs)
    if not blocks.prose or len(whole) > LONG:
        whole = next(iter(blocks.paragraphs), "")
    return sentence(whole) if len(whole) > LONG else whole


def sentence(text):
    """The first sentence: up to a full stop outside code and links, unless a lower-case letter follows."""
    for end in re.finditer(r"(?<!e\.g)(?<!i\.e)[.!?](?= +[^a-z ])", text):
        start = text[: end.end()]
        if start.count("`") % 2 == 0 and start.count("[") == start.count("]") and start.count("(") == start.count(")"):
            return start
    return text


def parse(text, definitions=None):
    """Parses a description. Parses it again while tags do not match or links use definitions that come later."""
    spans = Spans(definitions or {})
    while True:
        blocks = Blocks(spans)
        for line in clean(text).split("\n"):
            blocks.read(line)
        blocks.close(0)
        while blocks.lines and not blocks.lines[-1]:
            blocks.lines.pop()
        wrong = spans.unmatched()
        found = {**(definitions or {}), **blocks.definitions}
        if not wrong and found == spans.definitions:
            return blocks
        spans = Spans(found, spans.tags - wrong)


def clean(text):
    """Removes characters that a source file must not contain: controls, and changes of the writing direction."""
    text = re.sub(r"\r\n?", "\n", text)
    text = "\n".join(line.expandtabs(4) for line in text.split("\n"))
    text = re.sub(r"[^\S\n]", " ", text)
    text = re.sub(r"[\ud800-\udfff]", "\ufffd", text)
    return re.sub(r"[\x00-\x08\x0e-\x1b\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]", "", text)
