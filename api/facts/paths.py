"""Paths: their parameters, their form in a request, and which of them goes first."""

import re
from urllib.parse import quote

from .literals import literal

PARAMETER = r"\{([^{}]*)\}"


def in_braces(document, path, parameters, place):
    """The parameters, of which those in the path are the ones in its braces."""
    braces = re.findall(PARAMETER, path)
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


def pieces(path, parameters):
    """What a path is put together from: texts, and parameters."""
    in_path = {of["wire_name"]: of for of in parameters if of["location"] == "Path"}
    found = []
    parts = [piece for piece in split(path) if piece]
    for piece, *after in zip(parts, [*parts[1:], ""], [*parts[2:], "", ""]):
        of = in_path.get(piece[1:-1]) if piece.startswith("{") else None
        text = None if of else literal(encoded(piece))
        found.append({"parameter": of and {**of, "before": separator(*after)}, "text": text})
    return found


def separator(text, after):
    """The text between two parameters of one segment, which must not occur in the first."""
    return literal(encoded(text)) if after.startswith("{") and "/" not in text else None


def encoded(path):
    """A path as it stands in a request: what is outside of braces is percent-encoded (RFC 3986, section 3.3)."""
    return "".join(piece if piece.startswith("{") else quote(piece, safe="/%:@!$&'()*+,;=~") for piece in split(path))


def shadowed(operations):
    """The paths without a parameter that the template of another operation would match, too."""
    templates = [split(operation["raw_path"]) for operation in operations if operation["in_path"]]
    patterns = ["".join("[^/]+" if piece.startswith("{") else re.escape(piece) for piece in template) for template in templates]
    paths = dict.fromkeys(operation["raw_path"] for operation in operations if not operation["in_path"])
    return [literal(encoded(path)) for path in paths if any(re.fullmatch(pattern, path) for pattern in patterns)]


def specific(path):
    """Sorts paths so that of two that a request may ask for the more specific one comes first."""
    return [(bool(re.fullmatch(PARAMETER, segment)), segment.count("{"), -len(segment)) for segment in path.split("/")]


def split(path):
    """The texts and the parameters in braces that a path consists of."""
    return re.split(r"(\{[^{}]*\})", path)
