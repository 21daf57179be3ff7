"""Schemas with a `discriminator` that others extend through `allOf`. A value of the base may be a value of any heir.

Each such base that is used as a type becomes a choice: `Pet` becomes a `oneOf` of its heirs, of their heirs, and of
`PetBase`, which has the properties that `Pet` had. The heirs extend `PetBase`. So no property of an heir is lost. A
base that has a `oneOf` or `anyOf` of its own remains as it is.
"""

import copy
import re

from .composition import annotation
from .names import unique
from .unions import listed

PREFIX = "#/components/schemas/"


def spell_out(document):
    """Replaces the bases in the document's content."""
    components = (document.content.get("components") or {}).get("schemas") or {}
    family = Family(document, {name: schema for name, schema in components.items() if isinstance(schema, dict)})
    bases = family.bases()
    if not bases:
        return
    document.content = copy.deepcopy(document.content)
    family.components = document.content["components"]["schemas"]
    choices = {name: family.choice(name, bases) for name in bases}
    replaced = {}
    for name, schema in family.components.items():
        for part in inherited(schema):
            base = part["$ref"].removeprefix(PREFIX)
            if base in bases and not family.is_alias(schema):
                part["$ref"] = PREFIX + bases[base]
        replaced[name] = choices.get(name, schema)
        if name in bases:
            replaced[bases[name]] = {
                key: value for key, value in schema.items() if key not in ("discriminator", "nullable")
            }
    document.content["components"]["schemas"] = replaced


class Family:
    """How the components extend each other."""

    def __init__(self, document, components):
        self.document = document
        self.components = components
        self.parents = {
            name: [part["$ref"].removeprefix(PREFIX) for part in inherited(schema)]
            for name, schema in components.items()
        }

    def bases(self):
        """The bases to replace, with the new name of each."""
        used, taken = self.used(), set(self.components)
        return {
            name: unique(f"{name}Base", taken)
            for name, schema in self.components.items()
            if not self.is_alias(schema) and name in used and self.discriminator(name) and self.heirs(name)
        }

    def discriminator(self, name, seen=frozenset()):
        """The discriminator of a component: its own, or the one that it inherits."""
        schema = self.components.get(name, {})
        if schema.keys() & {"oneOf", "anyOf"} or name in seen:
            return None
        own = schema.get("discriminator")
        if isinstance(own, dict) and own.get("propertyName"):
            return own
        inherited = (self.discriminator(parent, seen | {name}) for parent in self.parents.get(name, []))
        return next(filter(None, inherited), None)

    def heirs(self, name):
        """The components that extend a component, or its heirs, by anything."""
        return [
            heir for heir in self.components if self.extends(heir, name) and not self.is_alias(self.components[heir])
        ]

    def extends(self, name, base, seen=frozenset()):
        parents = [] if name in seen else self.parents.get(name, [])
        return name != base and any(parent == base or self.extends(parent, base, seen | {name}) for parent in parents)

    @staticmethod
    def is_alias(schema):
        """Whether a component only includes another: it adds annotations, but no constraint."""
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        parts = [part for part in schema.get("allOf") or [] if not annotation(part)]
        return annotation(rest) and len(parts) == 1 and isinstance(parts[0], dict) and parts[0].keys() == {"$ref"}

    def used(self):
        """The components that the document refers to as types, and not only to extend them."""
        heirs = [schema for schema in self.components.values() if not self.is_alias(schema)]
        extended = {id(part) for schema in heirs for part in inherited(schema)}
        found, waiting = set(), [self.document.content]
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                waiting += value.values()
                if isinstance(value.get("$ref"), str) and id(value) not in extended:
                    found.add(value["$ref"].removeprefix(PREFIX))
            elif isinstance(value, list):
                waiting += value
        return found

    def choice(self, name, bases):
        """The choice between the heirs of a base and the base itself."""
        schema, discriminator = self.components[name], self.discriminator(name)
        members = {heir: bases.get(heir, heir) for heir in [*self.heirs(name), name]}
        mapping = {tag: PREFIX + target for heir, target in members.items() for tag in self.tags(heir, discriminator)}
        kept = [target for target in members.values() if PREFIX + target in mapping.values() or target != bases[name]]
        notes = {key: schema[key] for key in ("description", "title", "nullable", "deprecated") if key in schema}
        return {
            **notes,
            "oneOf": [{"$ref": PREFIX + target} for target in kept],
            "discriminator": {"propertyName": discriminator["propertyName"], "mapping": mapping},
        }

    def tags(self, name, discriminator):
        """The discriminator's values for a component and its aliases."""
        names = [
            name,
            *(
                alias
                for alias in self.components
                if self.parents[alias] == [name] and self.is_alias(self.components[alias])
            ),
        ]
        return [tag for name in names for tag in self.own_tags(name, discriminator)]

    def own_tags(self, name, discriminator):
        """The discriminator's values for a component: those mapped to it, or those that it alone lists, or its name."""
        mapping = discriminator.get("mapping") or {}
        mapped = [tag for tag, target in mapping.items() if target in (name, PREFIX + name)]
        if mapped:
            return mapped
        values = self.values(name, discriminator)
        if not values:
            return [name]
        alike = [value for value in values if plain(value) == plain(name)]
        inherited = [self.values(parent, discriminator) for parent in self.parents[name]]
        return alike or ([] if values in inherited or self.heirs(name) else values)

    def values(self, name, discriminator):
        """The values that a component lists for the discriminator's property."""
        return listed(self.document, self.components[name], discriminator["propertyName"])


def inherited(schema):
    """The references in the `allOf` of a component, also in an `allOf` within it."""
    parts = schema.get("allOf") if isinstance(schema, dict) else None
    for part in parts or []:
        if isinstance(part, dict) and isinstance(part.get("$ref"), str) and part["$ref"].startswith(PREFIX):
            yield part
        else:
            yield from inherited(part)


def plain(text):
    """A name without the differences between `admin-token` and `AdminToken`."""
    return re.sub(r"[\W_]", "", text).lower()
