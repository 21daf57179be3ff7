"""Paths: their parameters, and their form in a request."""

import re
from urllib.parse import quote


def in_braces(document, path, parameters, place):
    """The parameters, of which those in the path are the ones in its braces."""
    braces = [piece[1:-1] for piece in split(path) if piece.startswith("{")]
    in_path = [parameter["name"] for parameter in parameters if parameter["in"] == "path"]
    missing = [name for name in braces if name not in in_path]
    for name in missing:
        document.error(place, f"the path's parameter {name} is not declared; taken for a string")
    for name in in_path:
        if name not in braces:
            document.error(place, f"the parameter {name} has no place in the path; ignored")
    if "?" in path or "#" in path:
        document.problem(place, "a path with a query or a fragment")
    if "}{" in path:
        document.problem(place, "two parameters in the path with nothing between them")
    known = [of for of in parameters if of["in"] != "path" or of["name"] in braces]
    return known + [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in missing]


def encoded(path):
    """A path as it stands in a request: what is outside of braces is percent-encoded (RFC 3986, section 3.3)."""
    return "".join(piece if piece.startswith("{") else quote(piece, safe="/%:@!$&'()*+,;=~") for piece in split(path))


def split(path):
    """The texts and the parameters in braces that a path consists of."""
    return re.split(r"(\{[^{}]*\})", path)
