"""Parameters that are objects: a query carries each property as a pair of its own."""

from . import graph
from .literals import literal


def is_object(value):
    """Whether a parameter is an object or a map, of whatever properties."""
    return value.bottom.kind in ("map", "free") or value.bottom.fields is not None


def style_of(document, value, location, style, exploded, place):
    """How an object is written, and the names of its pairs in the query."""
    report_properties(document, value, place)
    # A struct reads itself from the texts of its properties.
    graph.add_role(value, "texts")
    if location != "query" or style not in ("form", "deepObject") or style == "form" and not exploded:
        form = f"an object in a {location}" if location != "query" else f"an object of the style {style}"
        supported = "`style: deepObject`, or `style: form` with `explode: true`, in a query"
        document.problem(place, f"{form} is not supported; use {supported}")
        return None, []
    if style == "deepObject":
        return "Deep", []
    if value.kind == "map":
        return "OtherNames", []
    names = [part.wire for part in value.bottom.fields if part.wire is not None]
    return f"Properties({listed(names)})", names


def report_properties(document, value, place):
    """Reports the properties that are neither scalars nor arrays of scalars."""
    object = value.bottom
    if object.kind == "map" and not object.item.scalar:
        document.problem(place, "the values of the map are not scalars")
    for part in object.fields or []:
        array = part.type.bottom.kind == "array"
        if part.wire is None or not part.type.scalars or array and part.type.bottom.item.nullable:
            problem = f"the property {part.wire or part.name} is neither a scalar nor an array of scalars"
            document.problem(place, problem)
    if object.fields is not None and object.model.extra:
        document.problem(place, "the object has additional properties beside others; give it one or the other")


def keep_apart(document, parameters, keys, place):
    """Reports names that two parameters have in the query, and tells a map which names are not its own."""
    taken = {name: None for location, name in keys if location == "query" and name}
    maps = [of for of in parameters if of["style"] == "OtherNames"]
    for of in parameters:
        for name in of["names"]:
            if name in taken:
                document.problem(f"{place}.parameters.{of['raw_name']}", f"another parameter has the name {name} too")
            taken[name] = of
    for of in maps:
        of["style"] = f"OtherNames({listed(taken)})"
    if len(maps) > 1:
        document.problem(
            f"{place}.parameters.{maps[1]['raw_name']}", "another parameter is a map of all other names too"
        )


def listed(names):
    return f"&[{', '.join(map(literal, names))}]"
