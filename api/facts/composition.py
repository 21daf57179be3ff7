"""Merges a schema with its references and its `allOf` into one flat schema, for OpenAPI 3.0 and 3.1."""

from dataclasses import dataclass, field

from .scalars import whole

# The keys of a schema that do not change which values are valid.
ANNOTATIONS = frozenset(
    "$comment $id $schema $anchor contentMediaType default deprecated description discriminator example examples "
    "externalDocs nullable readOnly summary title writeOnly xml".split()
)
# The keys that decide the Rust type. A schema without any of them only narrows the type beside it.
STRUCTURE = frozenset(
    "$ref additionalProperties allOf anyOf const enum format items oneOf patternProperties prefixItems properties "
    "type".split()
)
LEAST = ("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum")
MOST = ("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum")
EVERY = ("pattern", "multipleOf")


@dataclass
class Alternatives:
    """A `oneOf` or `anyOf`. Two references to one list have the same `key`; two equal lists have different keys."""

    keyword: str
    schemas: list
    place: str
    discriminator: dict
    key: int


@dataclass
class Flat:
    """A schema after its references and its `allOf` are merged."""

    place: str
    types: tuple = None  # JSON types without null; None if any is valid
    format: str = None
    properties: dict = field(default_factory=dict)  # name to list of (schema, place)
    required: dict = field(default_factory=dict)
    additional: list = None  # (schema, place) of other properties; None if the schema does not mention them
    closed: bool = False
    items: list = field(default_factory=list)
    enum: list = None  # without null; empty if only null is valid
    default: object = None
    varnames: list = field(default_factory=list)
    descriptions: list = field(default_factory=list)
    limits: dict = field(default_factory=dict)
    alternatives: list = field(default_factory=list)

    @property
    def object(self):
        """Whether the schema describes objects: by its type, or without a type by its keys for objects."""
        return (
            self.types == ("object",) or self.types is None and bool(self.properties or self.additional or self.closed)
        )


def flatten(document, schema, place):
    flat = Flat(place)
    collect(document, schema, place, flat, frozenset())
    return flat


def collect(document, schema, place, flat, seen):
    """Merges a schema into `flat`. A value must satisfy everything that is merged."""
    if schema is False:
        document.problem(place, "the schema allows no value")
    if not isinstance(schema, dict):
        return
    if reference := schema.get("$ref"):
        if reference in seen:
            document.problem(place, f"the schema includes itself through {reference}")
        else:
            collect(document, document.at(reference, place), place_of(reference), flat, seen | {reference})
    for index, part in enumerate(schema.get("allOf") or []):
        collect(document, part, f"{place}.allOf.{index}", flat, seen)
    collect_types(document, schema, place, flat)
    collect_values(document, schema, place, flat)
    collect_members(document, schema, place, flat)
    flat.format = schema.get("format") or flat.format
    flat.default = schema.get("default", flat.default)
    collect_limits(schema, flat.limits)
    for keyword in ("oneOf", "anyOf"):
        if schema.get(keyword):
            collect_choice(document, schema, keyword, place, flat, seen)


def collect_choice(document, schema, keyword, place, flat, seen):
    """Adds a choice. An heir that includes its base through `allOf` does not inherit the choice between heirs."""
    places = [place_of(reference) for reference in map(reference_of, schema[keyword]) if reference]
    if place in places:
        document.problem(f"{place}.{keyword}", "the schema is one of its own alternatives")
    elif not {flat.place, *map(place_of, seen)}.intersection(places):
        discriminator = schema.get("discriminator") or {}
        flat.alternatives.append(
            Alternatives(keyword, schema[keyword], f"{place}.{keyword}", discriminator, id(schema[keyword]))
        )


def collect_types(document, schema, place, flat):
    types = types_of(schema)
    if types is None:
        return
    if not flat.types or not types:
        flat.types = types if flat.types is None else ()
        return
    both = tuple(kind for kind in flat.types if kind in types or kind == "integer" and "number" in types)
    both += tuple(kind for kind in types if kind == "integer" and "number" in flat.types and kind not in both)
    if not both:
        required = " or ".join(flat.types)
        document.problem(place, f"the type is {' or '.join(types)}, but the rest of the schema requires {required}")
    flat.types = both or types


def collect_values(document, schema, place, flat):
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is None:
        return
    # In a list of texts, YAML reads 1.0 as a number, but it is not the text "1".
    texts = "string" in (flat.types or ())
    values = [value if texts else whole(value) for value in values if value is not None]
    if flat.enum is None:
        flat.enum = distinct(values)
        flat.varnames = schema.get("x-enum-varnames") or []
        flat.descriptions = schema.get("x-enum-descriptions") or []
        return
    listed = set(map(exact, values))
    kept = [index for index, value in enumerate(flat.enum) if exact(value) in listed]
    if values and not kept:
        document.problem(place, "the enum shares no value with another enum of the same schema")
    flat.varnames = [flat.varnames[index] for index in kept if index < len(flat.varnames)]
    flat.descriptions = [flat.descriptions[index] for index in kept if index < len(flat.descriptions)]
    flat.enum = [flat.enum[index] for index in kept]


def collect_members(document, schema, place, flat):
    for name, value in (schema.get("properties") or {}).items():
        flat.properties.setdefault(name, []).append((value, f"{place}.properties.{name}"))
    for name in schema.get("required") or []:
        flat.required[name] = True
    additional = schema.get("additionalProperties", schema.get("unevaluatedProperties"))
    if patterns := schema.get("patternProperties"):
        # The model does not keep the patterns of names. It has one type for all values only if no other name is valid.
        one = next(iter(patterns.values())) if len(patterns) == 1 and additional is False else True
        flat.additional = [*(flat.additional or []), (one, f"{place}.patternProperties")]
    elif additional is False:
        flat.closed = True
    elif additional is not None:
        flat.additional = [*(flat.additional or []), (additional, f"{place}.additionalProperties")]
    # The items of a tuple may differ in type, but a Rust vector has one type.
    if "items" in schema and "prefixItems" not in schema:
        flat.items.append((schema["items"], f"{place}.items"))


def collect_limits(schema, limits):
    """Adds the limits of a schema to `limits`, and keeps the stricter of two."""
    said = dict(schema)
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        # The keyword is a boolean in OpenAPI 3.0, and a bound of its own in 3.1.
        if said.get(exclusive) is True and limit in said:
            said[exclusive] = said.pop(limit)
        elif isinstance(said.get(exclusive), bool):
            del said[exclusive]
    for keyword in LEAST:
        if keyword in said:
            limits[keyword] = max(said[keyword], limits.get(keyword, said[keyword]))
    for keyword in MOST:
        if keyword in said:
            limits[keyword] = min(said[keyword], limits.get(keyword, said[keyword]))
    for keyword in EVERY:
        if keyword in said and said[keyword] not in limits.get(keyword, []):
            limits[keyword] = [*limits.get(keyword, []), said[keyword]]
    if said.get("uniqueItems"):
        limits["uniqueItems"] = True


def types_of(schema):
    """The JSON types that a schema allows, without null; None if it has no `type`."""
    types = schema.get("type")
    if types is None:
        return None
    return tuple(kind for kind in (types if isinstance(types, list) else [types]) if kind != "null")


def nullable(document, schema, place, seen=frozenset()):
    """Whether null is valid. An `enum` that lists null allows it, whatever the type is."""
    if not isinstance(schema, dict):
        return False
    types = schema.get("type")
    values = schema.get("enum") or []
    if (
        schema.get("nullable") is True
        or types == "null"
        or isinstance(types, list)
        and "null" in types
        or None in values
    ):
        return True
    if "const" in schema:
        return schema["const"] is None
    if types is not None:
        return False
    if reference := schema.get("$ref"):
        return reference not in seen and nullable(document, document.at(reference, place), place, seen | {reference})
    parts = [part for part in schema.get("allOf") or [] if isinstance(part, dict) and STRUCTURE & part.keys()]
    choices = [*(schema.get("oneOf") or []), *(schema.get("anyOf") or [])]
    if parts:
        return all(nullable(document, part, place, seen) for part in parts)
    return any(nullable(document, choice, place, seen) for choice in choices)


def reference_of(schema):
    """The reference that a schema is, apart from annotations and null; None if it is more than a reference."""
    if not isinstance(schema, dict):
        return None
    keys = {key for key in schema if key not in ANNOTATIONS and not key.startswith("x-")}
    if keys == {"$ref"}:
        return schema["$ref"]
    if schema.get("type") == "object":
        keys.discard("type")
    if len(keys) != 1 or not keys <= {"allOf", "oneOf", "anyOf"}:
        return None
    keyword = keys.pop()
    parts = [part for part in schema[keyword] if not (null(part) if keyword != "allOf" else annotation(part))]
    return reference_of(parts[0]) if len(parts) == 1 else None


def annotation(schema):
    return (
        schema is True or isinstance(schema, dict) and all(key in ANNOTATIONS or key.startswith("x-") for key in schema)
    )


def null(schema):
    """Whether null is the only valid value."""
    if not isinstance(schema, dict):
        return False
    only = schema.get("enum", [schema["const"]] if "const" in schema else None)
    return schema.get("type") in ("null", ["null"]) or only == [None] or schema.keys() == {"nullable"}


def joined(parts):
    """Combines schemas that must all hold into one. Returns it with its place."""
    kept = []
    for schema, place in parts:
        if not annotation(schema) and not any(bare(schema) == bare(other) for other, _ in kept):
            kept.append((schema, place))
    if len(kept) > 1:
        return {"allOf": [schema for schema, _ in kept], **notes(parts)}, kept[-1][1]
    return (
        ({**kept[0][0], **notes(parts)}, kept[0][1]) if kept and isinstance(kept[0][0], dict) else (kept or parts)[-1]
    )


def notes(parts):
    """The annotations of several schemas. A later one overrides an earlier one."""
    return {
        key: value
        for schema, _ in parts
        if isinstance(schema, dict)
        for key, value in schema.items()
        if key in ANNOTATIONS
    }


def bare(schema):
    return (
        {key: value for key, value in schema.items() if key not in ANNOTATIONS or key == "nullable"}
        if isinstance(schema, dict)
        else schema
    )


def place_of(reference):
    return ".".join(part.replace("~1", "/").replace("~0", "~") for part in reference.removeprefix("#/").split("/"))


def distinct(values):
    seen = {}
    for value in values:
        seen.setdefault(exact(value), value)
    return list(seen.values())


def exact(value):
    """A value with its type, because in Python `True` equals 1 and 1 equals 1.0."""
    return type(value).__name__, repr(value)
