"""Paths: their parameters, and their encoding in a request."""

import re
from urllib.parse import quote


def in_braces(document, path, parameters, place):
    """The parameters, with exactly those path parameters that the path has in braces."""
    braces = [piece[1:-1] for piece in split(path) if piece.startswith("{")]
    in_path = [parameter["name"] for parameter in parameters if parameter["in"] == "path"]
    missing = [name for name in braces if name not in in_path]
    for name in missing:
        document.error(place, f"the path's parameter {name} is not declared; it is assumed to be a string")
    for name in in_path:
        if name not in braces:
            document.error(place, f"the path does not contain the parameter {name}; the parameter is ignored")
    if "?" in path or "#" in path:
        document.problem(place, "the path contains a query or a fragment")
    if "}{" in path:
        document.problem(place, "two parameters in the path have no text between them")
    for name in {name: None for name in braces if braces.count(name) > 1}:
        document.problem(place, f"the path contains the parameter {name} twice")
    known = [of for of in parameters if of["in"] != "path" or of["name"] in braces]
    return known + [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in missing]


def encoded(path):
    """A path as in a request: percent-encoded (RFC 3986, section 3.3) except for the parameters in braces."""
    return "".join(piece if piece.startswith("{") else quote(piece, safe="/%:@!$&'()*+,;=~") for piece in split(path))


def unnamed(path):
    """A path without the names of its parameters."""
    return re.sub(r"\{[^{}]*\}", "{}", path)


def split(path):
    """The parts of a path: texts, and parameters in braces."""
    return re.split(r"(\{[^{}]*\})", path)
