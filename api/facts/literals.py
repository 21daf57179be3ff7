"""Rust string literals and Markdown code spans for any text of the document."""

import json


def literal(text):
    """A Rust string literal. Unprintable characters are escaped, because rustc and Clippy reject invisible ones."""
    return '"' + "".join(map(escaped, text)) + '"'


def escaped(character):
    if character in '"\\':
        return "\\" + character
    if character in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
    return character if character.isprintable() else f"\\u{{{ord(character):x}}}"


def text(value):
    """A JSON value as a text carries it."""
    return value if isinstance(value, str) else json.dumps(value)


def code(value):
    """A JSON value as a Markdown code span."""
    return span(json.dumps(value, ensure_ascii=False))


def span(text):
    """A text as a Markdown code span on one line."""
    text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    fence = "`"
    while fence in text:
        fence += "`"
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"
