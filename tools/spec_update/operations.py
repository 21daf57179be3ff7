"""A document as operations and components that can be compared with those of another document."""

from dataclasses import dataclass, field

from api.facts import annotate
from api.facts.literals import literal
from api.facts.operations import METHODS

KINDS = {
    "schemas": "schema",
    "responses": "response",
    "parameters": "parameter",
    "requestBodies": "request body",
    "headers": "header",
}


@dataclass
class Operation:
    """One operation. `content` is what the document says about it, with its parameters by location and name.

    The other fields are the names of its items in Rust: `DeleteToken`, `delete_token`, `with_id`; the field of each
    parameter; the variant of each status.
    """

    id: str
    method: str
    path: str
    content: dict
    name: str
    method_name: str
    constructor: str
    fields: dict = field(default_factory=dict)
    variants: dict = field(default_factory=dict)
    schemes: dict = field(default_factory=dict)
    security: str = ""

    def constructor_names(self, field):
        """Whether the name of the request's constructor contains a field: a renamed one is an error at each call."""
        return f"_{field.removeprefix('r#')}_" in f"{self.constructor}_"


class Contract:
    """The operations and components of an effective document. `errors` are what generation assumes about mistakes."""

    def __init__(self, content):
        annotated, _, self.document = annotate.annotate(content)
        # Looking things up below adds further ones.
        self.errors = [*self.document.errors]
        self.operations = [self.operation(item["get"]["x-operation"]) for item in annotated["paths"].values()]

    def operation(self, facts):
        item = self.document.resolve(self.document.content["paths"][facts["raw_path"]])
        declared = item[facts["method"].lower()]
        parameters = {}
        for parameter in [*item.get("parameters", []), *declared.get("parameters", [])]:
            parameter = self.document.resolve(parameter)
            key = (parameter["in"], parameter["name"])
            parameters[key] = {name: value for name, value in parameter.items() if name not in ("in", "name")}
        content = {key: value for key, value in declared.items() if key not in ("operationId", "security")}
        shared = {key: value for key, value in item.items() if key not in METHODS}
        alternatives = declared.get("security", self.document.content.get("security", []))
        schemes = self.document.content.get("components", {}).get("securitySchemes", {})
        fields = {(of["location"].lower(), of["wire"]): of["ident"] for of in facts["parameters"]}
        return Operation(
            id=declared.get("operationId") or f"{facts['method']} {facts['raw_path']}",
            method=facts["method"],
            path=facts["raw_path"],
            content={**shared, **content, "parameters": parameters},
            name=facts["name"],
            method_name=facts["method_name"],
            constructor=facts["constructor"],
            fields={(place, name): fields.get((place, literal(name))) for place, name in parameters},
            variants={of["variant"]: of["status"] for of in facts["responses"]},
            schemes={name: schemes.get(name, {}) for alternative in alternatives for name in alternative},
            security=" or ".join(map(all_of, alternatives)) or "none",
        )

    def component(self, reference):
        """What the document says about a component; `None` if it has none of this name."""
        _, _, kind, name = reference.split("/")
        return self.document.content.get("components", {}).get(kind, {}).get(name)

    def references(self, operation):
        """The components that an operation refers to, directly and through other components."""
        found, ahead = set(), [operation.content]
        while ahead:
            value = ahead.pop()
            if isinstance(value, dict):
                reference = value.get("$ref")
                if isinstance(reference, str) and kind_of(reference) and reference not in found:
                    found.add(reference)
                    ahead.append(self.component(reference))
                ahead += value.values()
            elif isinstance(value, list):
                ahead += value
        return found


def all_of(alternative):
    """`A` or `A with B (read, write)`: the schemes of one alternative, which are required together."""
    schemes = [f"{name} ({', '.join(scopes)})" if scopes else name for name, scopes in alternative.items()]
    return " with ".join(schemes) or "no credential"


def kind_of(reference):
    """`schema` for `#/components/schemas/Token`; `None` for a reference to a part of something."""
    parts = reference.split("/")
    return KINDS.get(parts[2]) if parts[:2] == ["#", "components"] and len(parts) == 4 else None


def pairs(old, new):
    """Pairs of an old and a new operation: those with the same ID, then those with the same path and method.

    An operation that was removed is paired with None, and so is one that was added.
    """
    left, found = [*new.operations], []
    unpaired = []
    for before in old.operations:
        after = next((of for of in left if of.id == before.id), None)
        found.append((before, after)) if after else unpaired.append(before)
        left = [of for of in left if of is not after]
    for before in unpaired:
        after = next((of for of in left if (of.path, of.method) == (before.path, before.method)), None)
        found.append((before, after))
        left = [of for of in left if of is not after]
    return found + [(None, after) for after in left]
