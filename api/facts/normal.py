"""Brings a document into a normal form, so that the other modules find what they expect in each place.

Every value has the kind that `shape` declares. A value of another kind is an error of the document; the message says
how it is read, or that it is ignored. Further:

- A reference is not percent-encoded, leads to an object of the expected kind, and has beside it only what the version
  of OpenAPI allows.
- An alternative of a choice that allows only null is `{"type": "null"}`.
- A keyword whose value is null is removed, except where null is a value of the API.
"""

from .composition import null
from .document import pointed_at
from .scalars import NOTHING, read, said
from .shape import BESIDE_REFERENCE, OBJECTS, REFERABLE, SCALARS, List, Map


def normalize(document):
    """Replaces the contents of a document by their normal form."""
    normal = Normal(document)
    document.content = normal.value(document.content, "document", ())
    document.content.setdefault("info", {}).setdefault("title", "API")
    normal.follow()
    normal.follow_mappings()
    for schema in normal.choices:
        for keyword in {"oneOf", "anyOf"} & schema.keys():
            schema[keyword] = [{"type": "null"} if only_null(document, one) else one for one in schema[keyword]]


def only_null(document, schema):
    """Whether a schema allows only null, also through references."""
    seen = set()
    while isinstance(schema, dict) and (reference := schema.get("$ref")):
        found = None if reference in seen else document.find(pointed_at(reference))
        if found is None:
            return False
        seen.add(reference)
        schema = found[0][found[1]]
    return null(schema)


class Normal:
    def __init__(self, document):
        self.document = document
        self.is_3_0 = str(document.content.get("openapi", "")).startswith("3.0")
        self.choices = []  # the schemas with a `oneOf` or `anyOf`
        self.mappings = []  # the mappings of discriminators, and their paths
        self.kinds = {}  # the path of each object to its kind
        self.references = []  # the objects that are references, their kinds and their paths

    def value(self, value, kind, path, otherwise="it is ignored"):
        """The normal form of a value; NOTHING if it has another kind. `otherwise` says how an object is read then."""
        if kind is None:
            return value
        if isinstance(kind, List):
            return self.list(value, kind, path)
        if isinstance(kind, Map):
            return self.map(value, kind, path)
        if kind in SCALARS:
            value, problem = read(value, kind)
            if problem:
                self.error(path, problem)
            return value
        if kind == "schema" and isinstance(value, bool):
            return value
        return self.object(value, kind, path, otherwise)

    def list(self, value, kind, path):
        if not isinstance(value, list):
            return self.wrong(path, f"must be a list, not {said(value)}", kind)
        if kind.filled and not value:
            return self.error(path, "must not be empty; it is ignored")
        items = [self.value(item, kind.item, (*path, index)) for index, item in enumerate(value)]
        return [item for item in items if item is not NOTHING]

    def map(self, value, kind, path):
        if not isinstance(value, dict):
            return self.wrong(path, f"must be an object, not {said(value)}", kind)
        result = {}
        for name, item in value.items():
            if kind.extensions and name.startswith("x-"):
                continue
            # The name is kept: a response or a property without its contents is still one.
            part = self.value(item, kind.item, (*path, name), "it is read as `{}`")
            if part is NOTHING and kind.item in OBJECTS:
                part = {}
            if part is not NOTHING:
                result[name] = part
        return result

    def object(self, value, kind, path, otherwise):
        if not isinstance(value, dict):
            return self.error(path, f"must be an object, not {said(value)}; {otherwise}")
        if kind in REFERABLE and "$ref" in value:
            value = self.reference(value, kind, path)
        keys = OBJECTS[kind]
        result = {}
        for key, part in value.items():
            if key in keys:
                part = NOTHING if part is None else self.value(part, keys[key], (*path, key))
            if part is not NOTHING:
                result[key] = part
        self.kinds[tuple(map(str, path))] = kind
        if "$ref" in result and kind in REFERABLE:
            self.references.append((result, kind, path))
        if "mapping" in result and kind == "discriminator":
            self.mappings.append((result["mapping"], path))
        if kind == "schema" and result.keys() & {"oneOf", "anyOf"}:
            self.choices.append(result)
        return result

    def reference(self, value, kind, path):
        """A reference without what must not be beside it."""
        others = {key: part for key, part in value.items() if key != "$ref"}
        target = self.value(value["$ref"], "target", (*path, "$ref"))
        if target is NOTHING:
            return others
        if kind != "path" and (self.is_3_0 or kind != "schema"):
            ignored = [key for key in others if key not in BESIDE_REFERENCE and not key.startswith("x-")]
            if ignored:
                self.document.notice(place(path), f"{', '.join(ignored)} beside the reference {target} is ignored")
            # In OpenAPI 3.0, a schema's description is only a comment; that of a response decides a name.
            kept = BESIDE_REFERENCE if kind == "schema" or not self.is_3_0 else ()
            others = {key: part for key, part in others.items() if key in kept}
        return {"$ref": target, **others}

    def follow(self):
        """Checks that each reference leads to an object of its kind, also in places that the shape does not declare."""
        for holder, kind, path in self.references:  # grows on the way
            keys = pointed_at(holder["$ref"])
            target = self.document.find(keys) if holder["$ref"].startswith("#/") else None
            if target is None or self.kinds.get(keys) == kind:
                continue
            outer, key = target
            if keys in self.kinds:
                found = f"a {self.kinds[keys]}"
            elif isinstance(outer[key], dict) or kind == "schema" and isinstance(outer[key], bool):
                outer[key] = self.value(outer[key], kind, keys)
                continue
            else:
                found = said(outer[key])
            reference = holder.pop("$ref")
            self.document.error(place(path), f"{reference} leads to {found} instead of a {kind}; it is read as `{{}}`")

    def follow_mappings(self):
        """Checks that each discriminator maps its values to schemas, which are named or referred to."""
        named = self.document.content.get("components", {}).get("schemas", {})
        for mapping, path in self.mappings:
            for value, target in mapping.items():
                if target not in named and not (target.startswith("#/") and self.document.find(pointed_at(target))):
                    self.document.error(
                        place(path), f"the value {value} is mapped to {target}, which does not exist; it is ignored"
                    )

    def wrong(self, path, problem, kind):
        """Notes that a value is no list or no map. It is ignored, or refused if it is vital."""
        if not kind.vital:
            return self.error(path, f"{problem}; it is ignored")
        self.document.problem(*labelled(path, f"{problem}; no assumption about it is safe"))
        return NOTHING

    def error(self, path, problem):
        """Notes an error of the value at a path."""
        self.document.error(*labelled(path, problem))
        return NOTHING


def labelled(path, problem):
    """The place of the object that contains a value, and what is wrong with the value."""
    *outer, key = path or ("",)
    label = f"item {key}" if isinstance(key, int) else key
    return place(outer), f"{label} {problem}".strip()


def place(path):
    return ".".join(map(str, path)) or "document"
