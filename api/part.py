"""Takes a part of a document: some operations, with the components that they need."""

import sys
from urllib.parse import unquote

from api.facts.document import pointed_at
from api.facts.operations import METHODS

# Where operations are. Nothing is generated for webhooks, but they are part of the document.
SECTIONS = ("paths", "webhooks")


class Part:
    """Copies the operations that are kept, and every component that they need, directly or through another."""

    def __init__(self, document, kept, left_out, keeps_unknown):
        self.document = document
        self.kept = {operation.place for operation in kept}
        self.left_out = {operation.label for operation in left_out}
        # Whether to keep a path that is a reference to nothing or to another file, so that it is reported.
        self.keeps_unknown = keeps_unknown
        self.tags = {tag for operation in kept for tag in operation.tags}
        self.inherits_security = any("security" not in operation.content for operation in kept)
        # The components that are needed, and those of them that have yet to be copied.
        self.needed, self.waiting = {}, []

    def content(self):
        part = {}
        for key, value in self.document.items():
            if key in SECTIONS:
                part[key] = self.section(key, as_dict(value))
            elif key == "tags":
                part[key] = [tag for tag in as_list(value) if as_dict(tag).get("name") in self.tags]
            elif key == "security" and not self.inherits_security:
                continue
            elif key == "components":
                part[key] = value  # holds the place: those that are needed are not known yet
            else:
                part |= self.copy({key: value})
        while self.waiting:
            section, name = self.waiting.pop()
            self.needed[section, name] = self.copy(self.document["components"][section][name])
        if "components" in part:
            part["components"] = dict(self.components(as_dict(part["components"])))
        return part

    def section(self, section, items):
        found = {}
        for path, item in items.items():
            is_unknown = "$ref" in as_dict(item) and not resolved(self.document, item)
            if (section == "paths" and path.startswith("x-")) or (is_unknown and self.keeps_unknown):
                found[path] = item
            elif any((section, path, method) in self.kept for method in METHODS):
                item = resolved(self.document, item)
                removed = [method for method in METHODS if (section, path, method) not in self.kept]
                found[path] = self.copy({key: value for key, value in item.items() if key not in removed})
        return found

    def components(self, sections):
        """The components that are needed, in the document's order."""
        for section, components in sections.items():
            if section.startswith("x-") or not isinstance(components, dict):
                yield section, components
            elif found := {name: self.needed[section, name] for name in components if (section, name) in self.needed}:
                yield section, found

    def copy(self, value, inlined=()):
        """A copy of a value. Notes the components that it refers to, and drops links to what is left out."""
        if isinstance(value, list):
            return [self.copy(item, inlined) for item in value]
        if not isinstance(value, dict):
            return value
        if is_text(reference := value.get("$ref")) and reference.startswith("#/"):
            keys = keys_of(reference)
            if self.is_left_out(keys):
                return self.inline(value, keys, inlined)
            self.need(keys)
        for requirement in as_list(value.get("security")):
            for name in as_dict(requirement):
                self.need(["components", "securitySchemes", name])
        self.need_alternatives(as_dict(value.get("discriminator")))
        if isinstance(links := value.get("links"), dict):
            value = {**value, "links": self.links(links)}
        return {key: self.copy(item, inlined) for key, item in value.items()}

    def need(self, keys):
        match keys:
            case ["components", section, name, *_] if (section, name) not in self.needed:
                if name in as_dict(as_dict(self.document.get("components")).get(section)):
                    self.needed[section, name] = None
                    self.waiting.append((section, name))
                    if section == "schemas":
                        self.need_heirs(name)

    def need_alternatives(self, discriminator):
        """The values of a mapping are references, or names of schemas."""
        for target in filter(is_text, as_dict(discriminator.get("mapping")).values()):
            self.need(keys_of(target) if target.startswith("#/") else ["components", "schemas", target])

    def need_heirs(self, name):
        """The schemas that include one with a discriminator are its alternatives."""
        if any("discriminator" in as_dict(part) for part in with_parts(schemas(self.document)[name])):
            for heir in self.heirs(name):
                self.need(["components", "schemas", heir])

    def heirs(self, name):
        found, waiting = set(), [name]
        while waiting:
            target = ["components", "schemas", waiting.pop()]
            for heir, schema in schemas(self.document).items():
                parts = [part.get("$ref") for part in with_parts(schema) if isinstance(part, dict)]
                if heir not in found and any(keys_of(part) == target for part in parts if is_text(part)):
                    found.add(heir)
                    waiting.append(heir)
        return found

    def is_left_out(self, keys):
        """Whether a reference leads into an operation that is left out, or into a path of which nothing is kept."""
        if keys[0] not in SECTIONS or len(keys) < 2:
            return False
        section, path, *rest = keys
        if rest and rest[0] in METHODS:
            return (section, path, rest[0]) not in self.kept
        return not any((section, path, method) in self.kept for method in METHODS)

    def inline(self, value, keys, inlined):
        """The target of a reference that would lead to nothing in the part."""
        reference, target = value["$ref"], at(self.document, keys)
        if reference in inlined:
            sys.exit(f"generate: {reference} is left out but needed, and contains itself; make it a component")
        if not isinstance(target, dict):
            return value
        beside = {key: item for key, item in value.items() if key != "$ref"}
        return self.copy({**target, **beside}, (*inlined, reference))

    def links(self, links):
        """The links of a response, without those to operations that are left out."""
        return {name: link for name, link in links.items() if not self.is_dead(resolved(self.document, link))}

    def is_dead(self, link):
        if is_text(reference := link.get("operationRef")) and reference.startswith("#/"):
            return self.is_left_out(keys_of(reference))
        return is_text(identifier := link.get("operationId")) and identifier in self.left_out


def resolved(content, value):
    """Follows references. Returns an empty object if they lead to no object."""
    seen = set()
    while isinstance(value, dict) and is_text(reference := value.get("$ref")) and reference not in seen:
        seen.add(reference)
        value = at(content, keys_of(reference)) if reference.startswith("#/") else None
    return as_dict(value)


def at(content, keys):
    for key in keys:
        if isinstance(content, list) and key.isdigit() and int(key) < len(content):
            content = content[int(key)]
        elif isinstance(content, dict):
            content = content.get(key)
        else:
            return None
    return content


def keys_of(reference):
    """The keys of a JSON pointer in a URI's fragment (RFC 6901, section 6)."""
    return list(pointed_at(unquote(reference)))


def with_parts(schema):
    """A schema and the parts of its `allOf`."""
    return [schema, *as_list(as_dict(schema).get("allOf"))]


def schemas(content):
    return as_dict(as_dict(content.get("components")).get("schemas"))


def as_dict(value):
    return value if isinstance(value, dict) else {}


def as_list(value):
    return value if isinstance(value, list) else []


def is_text(value):
    return isinstance(value, str)
