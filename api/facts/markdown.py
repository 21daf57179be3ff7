"""The document's descriptions, which are CommonMark, as documentation comments.

rustdoc reads more into Markdown than the authors of an API do: code without a language is a test, `[text]` is an item
of the crate, `<token>` is HTML. So a description is parsed and written again, in a form in which rustc, rustdoc and
Clippy find nothing to warn of, whatever the description says:

- The contents of list items and block quotes stand exactly under their markers.
- Code is fenced and has a language, which is not Rust. Other words after the language are dropped.
- Links lead to somewhere, bare URLs are links, brackets and tags that are none are escaped: see `markdown_spans`.

`markdown_blocks` and `markdown_spans` say what they read differently from CommonMark. It stays readable.
"""

import re

from .markdown_blocks import Blocks
from .markdown_spans import TAG, Spans

# Longer than this, a text is not put on one line.
LONG = 240


def comment(text, indent=""):
    """A description as lines `/// …`; the empty text where it says nothing."""
    return "\n".join(f"{indent}/// {line}".rstrip() for line in parse(text).lines)


def inline(text, cell=False):
    """A description on one line, for a list item or, with `cell`, for a table's cell.

    It is the whole description if that is short and consists of paragraphs; else the first paragraph, or the first
    sentence of that if it is long.
    """
    line = " ".join(parse(opening(text), definitions=parse(text).definitions).lines)
    return re.sub(r"(?<!\\)\|", r"\\|", line) if cell else line


def plain(text):
    """A description's first sentence without Markdown, for metadata."""
    line = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])?", r"\1", sentence(opening(text)))
    line = re.sub(rf"\\([!-/:-@\[-`{{-~])|`|\*+|{TAG.pattern}", r"\1", line)
    return " ".join(line.split())


def opening(text):
    """The part of a description that `inline` is about, as Markdown without line breaks."""
    blocks = parse(text)
    whole = " ".join(blocks.paragraphs)
    if not blocks.prose or len(whole) > LONG:
        whole = next(iter(blocks.paragraphs), "")
    return sentence(whole) if len(whole) > LONG else whole


def sentence(text):
    """The first sentence: up to a full stop outside of code and links that no small letter follows."""
    for end in re.finditer(r"(?<!e\.g)(?<!i\.e)[.!?](?= +[^a-z ])", text):
        start = text[: end.end()]
        if start.count("`") % 2 == 0 and start.count("[") == start.count("]") and start.count("(") == start.count(")"):
            return start
    return text


def parse(text, definitions=None):
    """Parses a description until the tags that are kept all match, and the definitions that links use are known."""
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
    """The text without what a source file must not hold: control characters, changes of the writing direction."""
    text = re.sub(r"\r\n?", "\n", text)
    text = "\n".join(line.expandtabs(4) for line in text.split("\n"))
    text = re.sub(r"[^\S\n]", " ", text)
    text = re.sub(r"[\ud800-\udfff]", "\ufffd", text)
    return re.sub(r"[\x00-\x08\x0e-\x1b\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]", "", text)
