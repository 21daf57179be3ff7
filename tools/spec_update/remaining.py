"""The names that are gone from one part of a document, and whether the new document still has them elsewhere."""

from collections import Counter

from api.facts.names import type_name, value_name

from .names import Name, owner

ROLES = {"headers": "header", "content": "media type", "properties": "property"}


class Remaining:
    """How often the new document has each name in each role."""

    def __init__(self, new):
        self.found = Counter()
        self.collect(new.document.content)
        for operation in new.operations:
            self.found.update([("operation", operation.id), ("path", operation.path)])
            self.found.update(("parameter", name) for _, name in operation.content["parameters"])
            self.found.update(("status", status) for status in operation.content.get("responses", {}))
            self.found.update(("security scheme", name) for name in operation.schemes)

    def collect(self, value):
        """Counts the names in all responses, bodies and schemas."""
        if isinstance(value, list):
            for part in value:
                self.collect(part)
        elif isinstance(value, dict):
            for key, part in value.items():
                if key in ROLES and isinstance(part, dict):
                    self.found.update((ROLES[key], name) for name in part)
                if key == "enum" and isinstance(part, list):
                    self.found.update(("value", of) for of in part if isinstance(of, str))
                self.collect(part)

    def name(self, role, text, operations, items=()):
        """A name that some operations had."""
        return Name(role, text, items, owners(operations), self.found[role, text] > 0)

    def parameter(self, key, operations, is_gone):
        """The name of a parameter, with its field in the request and the constructors that contain it."""
        location, text = key
        field = next((of.fields[key] for of in operations if of.fields.get(key)), value_name(text))
        constructors = {of.constructor for of in operations if of.constructor_names(field)}
        role = "header" if location == "header" else "parameter"
        is_shared = self.found["parameter", text] > (not is_gone)
        return Name(role, text, (field, *sorted(constructors)), owners(operations), is_shared)

    def property(self, text, schema, operations, is_gone):
        """The name of a property of a component, or of a schema within these operations."""
        owner = rf"\b(?:{schema}|{type_name(schema)})\b" if schema else owners(operations)
        return Name("property", text, (value_name(text),), owner, self.found["property", text] > (not is_gone))


def owners(operations):
    return "|".join(map(owner, operations))
