"""`oneOf` and `anyOf`: the alternatives, the tags that distinguish them, and the enum for them."""

from dataclasses import replace

from .composition import STRUCTURE, Alternatives, collect, flatten, null, place_of, reference_of
from .models import Variant, described, local
from .names import type_name, unique, variant_name
from .types import Type

KINDS = {
    "string": "String", "secret": "Secret", "bytes": "Bytes", "time": "DateTime", "date": "Date", "uuid": "Uuid",
    "boolean": "Boolean", "i32": "Integer", "i64": "Integer", "u32": "Integer", "u64": "Integer", "i128": "Integer",
    "f32": "Number", "f64": "Number", "array": "Array", "map": "Object", "free": "Object", "any": "Any",
}  # fmt: skip


def choices(document, flat):
    """The choices between types in a merged schema. A choice with a single alternative is merged into the schema."""
    left, index = [], 0
    while index < len(flat.alternatives):
        choice = flat.alternatives[index]
        index += 1
        schemas = []
        for schema in choice.schemas:
            if not null(schema) and schema not in schemas:
                schemas.append(schema)
        if not schemas:
            flat.types = ()
        elif len(schemas) == 1:
            collect(document, schemas[0], f"{choice.place}.0", flat, frozenset())
        elif any(not isinstance(schema, dict) or STRUCTURE & schema.keys() for schema in schemas):
            typed = [with_type(schema, flat.types) for schema in schemas]
            if flat.enum is None and (constants := of_constants(typed)):
                flat.enum, flat.varnames, flat.descriptions = constants
            elif flat.enum is None:
                left.append(replace(choice, schemas=typed))
    return left


def with_type(schema, types):
    """An alternative. If it has no type, it gets the type that stands beside the choice."""
    if (
        isinstance(schema, dict)
        and types
        and len(types) == 1
        and not {"type", "$ref", "allOf", "oneOf", "anyOf"} & schema.keys()
    ):
        return {"type": types[0], **schema}
    return schema


def of_constants(schemas):
    """The values, names and descriptions of one enum, if every alternative is a list of strings; else None."""
    values, names, descriptions = [], [], []
    for schema in schemas:
        if not isinstance(schema, dict) or not {"const", "enum"} & schema.keys():
            return None
        listed = [schema["const"]] if "const" in schema else schema["enum"]
        if not all(isinstance(value, str) for value in listed):
            return None
        for value in listed:
            if value not in values:
                values.append(value)
                names.append(schema.get("title") or value if len(listed) == 1 else value)
                descriptions.append(schema.get("description") if len(listed) == 1 else None)
    return values, names, descriptions


def union(schemas, choice, hint, place, model, schema):
    """The enum for a choice. A schema that includes a choice through `allOf` shares the enum of that choice."""
    if (known := schemas.by_alternatives.get(choice.key)) and known is not model and known.kind in ("union", None):
        return Type("model", model=known)
    model = schemas.model("union", hint, place, schema, model)
    if choice.key:
        schemas.by_alternatives[choice.key] = model
    model.objects = only_objects(schemas.document, choice)
    model.tag, tags = tagged(schemas.document, choice) if model.objects else (None, {})
    taken = set()
    for index, alternative in enumerate(choice.schemas):
        known = tags.get(index, [])
        title = alternative.get("title") if isinstance(alternative, dict) else None
        inline = title or (known[0] if known else f"{choice.keyword} {index + 1}")
        type = schemas.of(alternative, f"{hint} {inline}", f"{choice.place}.{index}")
        description = described(alternative) if isinstance(alternative, dict) else ""
        name = unique(named(type, alternative, title, known), taken)
        variant = Variant(name, replace(type, nullable=False), description or kind_docs(type), known)
        if model.tag:
            variant.own = model.tag in flatten(schemas.document, alternative, choice.place).properties
        model.variants.append(variant)
    model.writes = model.tag is not None and not all(
        writes_tag(schemas.document, model.tag, item, tags.get(index)) for index, item in enumerate(choice.schemas)
    )
    return Type("model", model=model)


def of_types(schemas, flat, hint, place, model, schema):
    """The enum for a schema that allows several JSON types."""
    kinds = [kind for kind in flat.types if not (kind == "integer" and "number" in flat.types)]
    model = schemas.model("union", hint, place, schema, model)
    taken = set()
    for kind in kinds:
        one = replace(flat, types=(kind,), alternatives=[])
        if kind != "object":
            one = replace(one, properties={}, required={}, additional=None, closed=False)
        type = schemas.of_flat(one, f"{hint} {kind}", place, None, {})
        model.variants.append(Variant(unique(KINDS.get(type.kind, variant_name(kind)), taken), type, kind_docs(type)))
    return Type("model", model=model)


def named(type, schema, title, tags):
    """The name of a variant: the referenced schema's name, or its title, its tag, or its kind."""
    if type.kind == "model" and reference_of(schema):
        return type_name(type.model.label)
    if title:
        return variant_name(title)
    if tags:
        return variant_name(tags[0])
    if type.kind == "model" and len(type.model.values) == 1:
        return type.model.values[0].name
    if type.kind == "model":
        return {"struct": "Object", "enum": "Enum"}.get(type.model.kind, "Other")
    return KINDS[type.kind]


def kind_docs(type):
    """The documentation of a variant whose schema has no description."""
    if type.kind == "model":
        return f"[`{type.model.name}`]"
    kinds = {"array": "An array.", "map": "An object.", "free": "An object.", "any": "Any other value."}
    return kinds.get(type.kind, f"`{local(type.value)}`")


def only_objects(document, choice):
    """Whether each alternative is an object."""
    return all(is_object(document, schema, frozenset()) for schema in choice.schemas)


def is_object(document, schema, seen):
    if not isinstance(schema, dict):
        return False
    reference = reference_of(schema)
    if reference in seen:
        return True
    flat = flatten(document, schema, "")
    if flat.object:
        return True
    seen = seen | {reference} if reference else seen
    return flat.types is None and any(
        all(is_object(document, schema, seen) for schema in choice.schemas if not null(schema))
        for choice in flat.alternatives
    )


def tagged(document, choice):
    """The property that distinguishes the alternatives, and its values for each; (None, {}) if no property does."""
    name = choice.discriminator.get("propertyName")
    if name:
        tags = {index: declared(document, choice, index, name) for index in range(len(choice.schemas))}
    else:
        name, tags = implied(document, choice)
    every = [value for values in tags.values() for value in values]
    if not name or len(set(every)) < len(every) or not all(tags.values()):
        return None, {}
    return name, tags


def declared(document, choice, index, name):
    """The discriminator's values for an alternative: those mapped to it, or its enum for the property, or its name."""
    reference = reference_of(choice.schemas[index])
    mapping = choice.discriminator.get("mapping") or {}
    mapped = [value for value, target in mapping.items() if reference in (target, f"#/components/schemas/{target}")]
    if mapped or not reference:
        return mapped or listed(document, choice.schemas[index], name)
    if flatten(document, choice.schemas[index], "").alternatives:
        # The alternative is itself a choice; the property names the alternatives of that choice.
        return []
    return listed(document, choice.schemas[index], name) or [place_of(reference).rsplit(".", 1)[-1]]


def implied(document, choice):
    """Finds a property that every alternative requires with values of its own, if there is no discriminator."""
    flats = [flatten(document, schema, "") for schema in choice.schemas]
    for name in flats[0].properties if flats else ():
        if all(name in flat.required for flat in flats):
            tags = {index: listed(document, schema, name) for index, schema in enumerate(choice.schemas)}
            every = [value for values in tags.values() for value in values]
            if all(tags.values()) and len(set(every)) == len(every):
                return name, tags
    return None, {}


def listed(document, schema, name):
    """The strings that a schema lists for a property; empty if it also allows other values."""
    parts = flatten(document, schema, "").properties.get(name, [])
    enums = [flatten(document, part, place).enum for part, place in parts]
    last = next((values for values in reversed(enums) if values is not None), [])
    return last if all(isinstance(value, str) for value in last) else []


def writes_tag(document, name, schema, tags):
    """Whether an alternative has the tag as a required property, so that writing it does not have to add the tag."""
    flat = flatten(document, schema, "")
    return name in flat.required and set(listed(document, schema, name)) == set(tags)


def separate_shared(document, flat, choices):
    """Moves the properties that a struct shares with its choices into the choices, so that each is read once.

    A property that only some alternatives have becomes a property of all.
    """
    result = []
    for choice in choices:
        have = [flatten(document, schema, choice.place).properties for schema in choice.schemas]
        shared = [name for name in flat.properties if any(name in properties for properties in have)]
        if choice.discriminator.get("propertyName") in flat.properties:
            shared = [name for name in shared if name != choice.discriminator["propertyName"]]
            del flat.properties[choice.discriminator["propertyName"]]
        common = {name: flat.properties.pop(name) for name in shared}
        missing = {name: parts for name, parts in common.items() if not all(name in properties for properties in have)}
        if missing:
            required = [name for name in missing if name in flat.required]
            base = {
                "properties": {name: {"allOf": [part for part, _ in parts]} for name, parts in missing.items()},
                "required": required,
            }
            schemas = [titled({"allOf": [schema, base]}, schema) for schema in choice.schemas]
            choice = Alternatives(choice.keyword, schemas, choice.place, choice.discriminator, None)
        result.append(choice)
    return result


def titled(schema, original):
    reference = reference_of(original)
    title = (
        isinstance(original, dict)
        and original.get("title")
        or (place_of(reference).rsplit(".", 1)[-1] if reference else None)
    )
    return {**schema, "title": title} if title else schema
