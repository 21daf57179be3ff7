"""Reads scalars of the document as the kinds that `shape` names."""

import json
import sys
from urllib.parse import unquote

from .shape import SCALARS, TYPES

NOTHING = object()  # what a value of another kind is read as
# No text and no list in memory is longer.
LONGEST = 2**32 - 1


def read(value, kind):
    """A value as a kind of scalar, or NOTHING; and what is wrong with it, or None."""
    result, fits = READERS[kind](value)
    if fits:
        return result, None
    assumption = "it is ignored" if result is NOTHING else f"it is read as {said(result)}"
    return result, f"must be {SCALARS[kind]}, not {said(value)}; {assumption}"


def text(value):
    if isinstance(value, str):
        return value, True
    # YAML reads some unquoted texts as another type.
    return (json.dumps(value) if isinstance(value, (bool, int, float)) else NOTHING), False


def note(value):
    """A text, or null in a list of texts that belong to the items of another list."""
    result, fits = (None, True) if value is None else text(value)
    return (None if result is NOTHING else result), fits


def target(value):
    """A reference, without the percent-encoding of a URI's fragment (RFC 6901, section 6)."""
    return (unquote(value), True) if isinstance(value, str) else (NOTHING, False)


def types(value):
    """The types of a schema: one, or a list."""
    if not isinstance(value, list):
        fits = isinstance(value, str) and value in TYPES
        return (value if fits else NOTHING), fits
    # An unquoted `null` in YAML is not a text.
    known = [kind for kind in ("null" if item is None else item for item in value) if kind in TYPES]
    return known or NOTHING, bool(known) and known == value


def boolean(value):
    if isinstance(value, bool):
        return value, True
    return {"true": True, "false": False}.get(value if isinstance(value, str) else "", NOTHING), False


def number(value):
    if type(value) in (int, float) and abs(value) <= sys.float_info.max:
        return whole(value), True
    if isinstance(value, str):
        try:
            return number(json.loads(value, parse_constant=str))[0], False
        except ValueError:
            pass
    return NOTHING, False


def step(value):
    result, fits = number(value)
    return (result, fits) if result is not NOTHING and result > 0 else (NOTHING, False)


def count(value):
    result, fits = number(value)
    if result is NOTHING or isinstance(result, float) or result < 0:
        return NOTHING, False
    return min(result, LONGEST), fits


def bound(value):
    """An exclusive bound: a boolean in OpenAPI 3.0, and a number in 3.1."""
    return (value, True) if isinstance(value, bool) else number(value)


READERS = {
    "text": text,
    "target": target,
    "note": note,
    "types": types,
    "boolean": boolean,
    "number": number,
    "step": step,
    "count": count,
    "bound": bound,
}


def whole(value):
    """A number; an integer if it is one, however the document writes it: `1.0e+2` is 100."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def said(value):
    """A value as messages show it."""
    shown = json.dumps(value, ensure_ascii=False)
    if len(shown) <= 40:
        return shown
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else f"{shown[:36]}…"
