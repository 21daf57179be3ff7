"""The facts about parameters, for operations and forms."""

import json
from datetime import date, datetime
from uuid import UUID

from . import objects, unions
from .composition import flatten, joined
from .literals import code, literal, span, text
from .markdown import comment, inline
from .names import is_token, unique, value_name
from .scalars import whole
from .types import INTEGERS

# OpenAPI 3.0.3, section "Parameter Object": a header parameter of these names is ignored.
IGNORED_HEADERS = ("accept", "content-type", "authorization")
STYLES = {
    "query": {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"},
    "path": {"simple": ","},
    "header": {"simple": ","},
    "cookie": {"form": ","},
}


def declared_parameters(document, item, operation, keys, place):
    """The parameters of an operation. Its own parameters replace the path's parameters of the same name.

    The API key of a scheme that the operation lists is a credential, not a parameter.
    """
    found = {}
    for parameter in [*item.get("parameters", []), *operation.get("parameters", [])]:
        parameter = document.resolve(parameter, f"{place}.parameters")
        if not {"name", "in"} <= parameter.keys():
            document.problem(f"{place}.parameters", "a parameter has no `name` or no `in`")
        elif parameter["in"] not in STYLES:
            location = f"a parameter cannot be in {parameter['in']}; use query, path, header or cookie"
            document.problem(f"{place}.parameters.{parameter['name']}", location)
        elif (parameter["in"], parameter["name"]) in keys:
            continue
        elif parameter["in"] != "header":
            found[parameter["in"], parameter["name"]] = parameter
        elif (name := parameter["name"].lower()) not in IGNORED_HEADERS:
            other = found.get(("header", name), parameter)["name"]
            if other != parameter["name"]:
                problem = f"the header is the same as {other}, whatever the case; {other} is ignored"
                document.error(f"{place}.parameters.{parameter['name']}", problem)
            found["header", name] = parameter
    return list(found.values())


def parameter(document, schemas, declared, hint, taken, place):
    """The facts about a declared parameter."""
    place = f"{place}.parameters.{declared['name']}"
    location, required = declared["in"], declared["in"] == "path" or declared.get("required", False)
    if "schema" not in declared:
        document.problem(place, "the parameter has no `schema`; `content` is not supported")
    schema = declared.get("schema", {})
    value = schemas.type(schema, hint, f"{place}.schema", "parameter")
    array = value.kind == "array"
    style = declared.get("style", next(iter(STYLES[location])))
    exploded = declared.get("explode", style == "form")
    separator = STYLES[location].get(style)
    written, names = None, [declared["name"]] if location == "query" else []
    if objects.is_object(value):
        written, names = objects.style_of(document, value, location, style, exploded, place)
    elif not value.scalars:
        document.problem(place, "the parameter is neither a scalar nor an array of scalars")
    elif separator is None:
        document.problem(place, f"the style {style} is not supported for a {location} parameter")
    elif location == "cookie" and array and exploded:
        document.problem(place, "an exploded array in a cookie is not supported; set `explode: false`")
    if location in ("header", "cookie") and not is_token(declared["name"]):
        document.problem(place, f"the {location} parameter's name is not a token (RFC 9110, section 5.6.2)")
    if array:
        written = style_of(location, exploded, separator)
    flat = merged(document, schema, f"{place}.schema")
    defaults = default_texts(document, flat, value, place)
    checks = value.checks("value")
    rust = value.rust
    return {
        "wire": literal(declared["name"]),
        "raw_name": declared["name"],
        "names": names,
        "ident": unique(value_name(declared["name"]), taken),
        "location": location.capitalize(),
        "required": required,
        "type": rust if required else f"Option<{rust}>",
        "given": rust,
        "style": written,
        "defaults": defaults,
        "has_default": bool(defaults),
        "checks": checks,
        "has_checks": bool(checks),
        "docs": comment(summary(document, declared, schema, flat.default)),
    }


def style_of(location, exploded, separator):
    """How an array is written: with a repeated name, which only a query allows, or with separated items."""
    return "Repeated" if exploded and location == "query" else f"Separated({separator or ','!r})"


def default_texts(document, flat, value, place):
    """The texts of a default in a request: one, or one for each item of an array. `None` without a default."""
    array = value.kind == "array"
    if flat.default is None:
        return None
    if objects.is_object(value):
        document.notice(place, "the default of an object is ignored; describe the defaults of its properties")
        return None
    items = flat.default if array and isinstance(flat.default, list) else [flat.default]
    of = merged(document, *joined(flat.items)) if array and flat.items else flat
    one = value.bottom.item if array else value
    texts = [text_of(item, of, one.bottom.kind) for item in items]
    if None in texts:
        problem = f"the schema does not allow the default {json.dumps(flat.default)}; the default is ignored"
        document.error(place, problem)
        return None
    return [literal(text) for text in texts]


def merged(document, schema, place):
    """A schema merged with its references. Its own default precedes that of an alternative."""
    flat = flatten(document, schema, place)
    default = flat.default
    unions.choices(document, flat)
    flat.default = flat.default if default is None else default
    return flat


def text_of(value, flat, kind):
    """A scalar as a text that the service can read as a kind of `types`; `None` if the schema does not allow it."""
    types = flat.types or ("string",)
    value = value if "string" in types else whole(value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    fits = {
        "string": isinstance(value, (str, int, float)),
        "integer": number and isinstance(value, int),
        "number": number,
        "boolean": isinstance(value, bool),
    }
    if not any(fits.get(kind, False) for kind in types):
        return None
    if flat.enum is not None and text(value) not in map(text, flat.enum):
        return None
    limits, shown = flat.limits, text(value)
    if number and not limits.get("minimum", value) <= value <= limits.get("maximum", value):
        return None
    if kind == "string" and not limits.get("minLength", 0) <= len(shown) <= limits.get("maxLength", len(shown)):
        return None
    return shown if is_read_as(kind, value, shown) else None


def is_read_as(kind, value, shown):
    """Whether the service can read a scalar as this kind of type."""
    if kind in INTEGERS:
        first, last = INTEGERS[kind]
        return isinstance(value, int) and first <= value <= last
    readers = {"date": date.fromisoformat, "time": datetime.fromisoformat, "uuid": UUID}
    try:
        readers.get(kind, str)(shown)
    except ValueError:
        return False
    return True


def summary(document, declared, schema, default):
    """One line of documentation: the description of the parameter or of its schema, and the default."""
    schema = document.resolve(schema)
    described = inline(declared.get("description") or schema.get("description") or "")
    words = described or f"The parameter {span(declared['name'])}."
    if declared.get("deprecated"):
        words = f"Deprecated. {words}"
    if default is not None:
        words = f"{words} Default: {code(whole(default))}."
    return words
