"""The values that a schema lists, and the integers that it allows."""

import math

from .types import INTEGER_FORMATS, INTEGERS

NESTED = ("array", "object")


def integer(flat):
    """The integer type that has all valid values; i64 has those without a bound."""
    if flat.format in INTEGER_FORMATS:
        return INTEGER_FORMATS[flat.format]
    least, most = bounds(flat)
    (first, last), largest = INTEGERS["i64"], INTEGERS["u64"][1]
    if (least == -math.inf or first <= least <= last) and (most == math.inf or most <= last):
        return "i64"
    return "u64" if least >= 0 and (most == math.inf or most <= largest) else "i128"


def bounds(of):
    """The least and the largest integer that a merged schema, or a type, allows."""
    listed = [value for value in of.enum or [] if type(value) is int]
    if listed:
        return min(listed), max(listed)
    least = max(of.limits.get("minimum", -math.inf), of.limits.get("exclusiveMinimum", -math.inf) + 1)
    most = min(of.limits.get("maximum", math.inf), of.limits.get("exclusiveMaximum", math.inf) - 1)
    return least, most


def fits(value, types):
    """Whether a value has one of the types. YAML reads some unquoted texts as another scalar."""
    kind = kind_of(value)
    if kind == "integer" and abs(value) > INTEGERS["i128"][1]:
        return False
    return kind in types or kind == "integer" and "number" in types or types == ("string",) and kind not in NESTED


def kind_of(value):
    """JSON's type of a value."""
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return kinds[type(value)]
