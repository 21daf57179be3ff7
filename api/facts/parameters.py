"""The facts about parameters, for operations and forms."""

import json
from dataclasses import replace

from .literals import code, literal, span
from .markdown import comment, inline
from .names import is_token, unique, value_name

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
        elif parameter["in"] != "header" or parameter["name"].lower() not in IGNORED_HEADERS:
            found[parameter["in"], parameter["name"]] = parameter
    return list(found.values())


def parameter(document, schemas, declared, hint, taken, place):
    """The facts about a declared parameter."""
    place = f"{place}.parameters.{declared['name']}"
    location, required = declared["in"], declared["in"] == "path" or declared.get("required", False)
    if "schema" not in declared:
        document.problem(place, "the parameter has no `schema`; `content` is not supported")
    schema = as_text(document, declared.get("schema", {}))
    value = unnamed_array(schemas.type(schema, hint, f"{place}.schema", "parameter"))
    array = value.item is not None
    style = declared.get("style", next(iter(STYLES[location])))
    exploded = declared.get("explode", style == "form")
    separator = STYLES[location].get(style)
    if separator is None:
        document.problem(place, f"the style {style} is not supported for a {location} parameter")
    elif location == "cookie" and array and exploded:
        document.problem(place, "an exploded array in a cookie is not supported; set `explode: false`")
    if location in ("header", "cookie") and not is_token(declared["name"]):
        document.problem(place, f"the {location} parameter's name is not a token (RFC 9110, section 5.6.2)")
    if not (value.item or value).scalar:
        document.problem(place, "the parameter is neither a scalar nor an array of scalars")
    defaults = default_texts(document, schema, array, place)
    checks = value.checks("value")
    item = without_option((value.item or value).rust)
    rust = f"Vec<{item}>" if array else item
    return {
        "wire": literal(declared["name"]),
        "ident": unique(value_name(declared["name"]), taken),
        "location": location.capitalize(),
        "required": required,
        "type": rust if required else f"Option<{rust}>",
        "given": rust,
        "style": style_of(location, exploded, separator) if array else None,
        "defaults": defaults,
        "has_default": bool(defaults),
        "checks": checks,
        "has_checks": bool(checks),
        "docs": comment(summary(document, declared, schema)),
    }


def style_of(location, exploded, separator):
    """How an array is written: with a repeated name, which only a query allows, or with separated items."""
    return "Repeated" if exploded and location == "query" else f"Separated({separator or ','!r})"


def unnamed_array(value):
    """The array behind a component's name: a method takes a `Vec` instead of a newtype or alias."""
    inner = value.bottom
    return replace(inner, checker=value.checker) if inner.item else value


def as_text(document, schema):
    """The schema of a parameter. It is a string unless it states a type."""
    if document.resolve(schema).keys() & {"type", "enum", "const", "allOf", "oneOf", "anyOf"}:
        return schema
    return {**document.resolve(schema), "type": "string"}


def default_texts(document, schema, array, place):
    """The texts of a default in a request: one, or one for each item of an array. `None` without a default."""
    schema = document.resolve(schema)
    default = schema.get("default")
    if default is None:
        return None
    items = default if array and isinstance(default, list) else [default]
    item_schema = document.resolve(schema.get("items", {})) if array else schema
    texts = [text_of(item, item_schema) for item in items]
    if None in texts:
        document.error(place, f"the schema does not allow the default {json.dumps(default)}; the default is ignored")
        return None
    return [literal(text) for text in texts]


def text_of(value, schema):
    """A scalar as a text; `None` if the schema does not allow it."""
    types = schema.get("type", "string")
    types = types if isinstance(types, list) else [types]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if "integer" in types and number and value == int(value):
        value = int(value)
    fits = {
        "string": isinstance(value, (str, int, float)),
        "integer": number and isinstance(value, int),
        "number": number,
        "boolean": isinstance(value, bool),
    }
    if not any(fits.get(kind, False) for kind in types) or value not in schema.get("enum", [value]):
        return None
    if number and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        return None
    return value if isinstance(value, str) else json.dumps(value)


def summary(document, declared, schema):
    """One line of documentation: the description of the parameter or of its schema, and the default."""
    schema = document.resolve(schema)
    described = inline(declared.get("description") or schema.get("description") or "")
    text = described or f"The parameter {span(declared['name'])}."
    if declared.get("deprecated"):
        text = f"Deprecated. {text}"
    if (default := schema.get("default")) is not None:
        text = f"{text} Default: {code(default)}."
    return text


def without_option(rust):
    """The type of a value that is not null: a text cannot be `null`."""
    return rust.removeprefix("Option<").removesuffix(">") if rust.startswith("Option<") else rust
