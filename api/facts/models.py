"""The types that models.rs declares, and the facts that its templates print."""

from dataclasses import dataclass, field

from . import markdown
from .literals import code, literal, span
from .types import Type

# Clippy warns where variants differ by 200 bytes; what is larger than this goes into a box.
LARGE = 192
# Templates look up what an item does not have in what surrounds it, so that every model has every fact.
NOTHING = dict.fromkeys(
    """
    alias checked checks closed enum extra fields inner integers listed newtype object objects optional property scalar
    struct tagged union values variants writes
    """.split()
)  # fmt: skip


@dataclass
class Field:
    """A property of an object, or what is flattened into it."""

    name: str  # in Rust
    wire: str  # in the document; None for what is flattened
    type: Type
    required_by_schema: bool
    schema: dict
    place: str
    owner: "Model" = None

    @property
    def required(self):
        """Whether values always have it. What only one side writes is not required of the other side."""
        one_way = self.schema.get("readOnly") and "request" in self.owner.roles
        other_way = self.schema.get("writeOnly") and "response" in self.owner.roles
        return self.required_by_schema and not one_way and not other_way

    @property
    def rust(self):
        """The type of the field in the struct."""
        return self.type.rust if self.required or self.wire is None else f"Option<{self.type.rust}>"

    def facts(self):
        renamed = self.wire is not None and self.wire != self.name.removeprefix("r#")
        optional = self.wire is not None and not self.required
        return {
            "name": self.name,
            "rust": local(self.rust),
            "docs": markdown.comment(self.docs(), "    "),
            "flattened": self.wire is None,
            "renamed": literal(self.wire) if renamed else None,
            "optional": optional,
            "present": optional and (self.type.nullable or self.type.untyped),
            "needed": self.wire is not None and not optional and self.type.nullable,
        }

    def docs(self):
        if self.wire is None:
            return self.schema["description"]
        text = described(self.schema) or f"The property {span(self.wire)}."
        if self.schema.get("readOnly"):
            text = f"Read only: {text}"
        if self.schema.get("writeOnly"):
            text = f"Write only: {text}"
        if self.schema.get("default") is not None:
            text += f"\n\nDefault: {code(self.schema['default'])}."
        if self.schema.get("deprecated"):
            # As an attribute it would be a warning in whatever makes or reads the struct.
            text += "\n\nDeprecated."
        return text


@dataclass
class Value:
    """A value of an enum."""

    name: str
    value: object
    description: str = None

    def facts(self):
        text = markdown.inline(self.description) if self.description else ""
        return {
            "name": self.name,
            "literal": literal(self.value) if isinstance(self.value, str) else self.value,
            "docs": markdown.comment(f"{code(self.value)}: {text}" if text else code(self.value), "    "),
        }


@dataclass
class Variant:
    """An alternative of a `oneOf` or `anyOf`."""

    name: str
    type: Type
    description: str
    tags: list = field(default_factory=list)  # the discriminator's values that mean it
    own: bool = False  # whether its struct has the discriminator's property itself

    def facts(self):
        return {
            "name": self.name,
            "rust": local(self.type.rust),
            "docs": markdown.comment(self.description, "    "),
            "tags": ", ".join(map(literal, self.tags)),
            "own": "true" if self.own else "false",
        }


@dataclass
class Model:
    """A type of models.rs. What it holds is known once it is built: a reference to it may come first."""

    name: str
    label: str  # the component's name, or where else it is in the document
    place: str
    schema: dict
    kind: str = None  # struct, newtype, alias, enum or union
    inner: Type = None  # of a newtype or alias
    own_fields: list = field(default_factory=list)
    extra: Field = None  # the additional properties
    closed: bool = False
    values: list = field(default_factory=list)
    variants: list = field(default_factory=list)
    tag: str = None  # the property that tells the variants apart
    objects: bool = False  # whether all variants are objects
    writes: bool = False  # whether the discriminator has to be added to what variants write
    limits: dict = field(default_factory=dict)
    roles: set = field(default_factory=set)
    measured: int = None  # the size, once it is known

    @property
    def fields(self):
        return self.inner.fields if self.kind == "alias" else self.own_fields if self.kind == "struct" else None

    @property
    def scalar(self):
        if self.inner:
            return self.inner.scalar
        if self.kind == "union":
            return all(variant.type.scalar and not variant.type.secret for variant in self.variants)
        return self.kind == "enum"

    @property
    def parts(self):
        """The types that it is made of."""
        if self.inner:
            return [self.inner]
        fields = [*self.own_fields, self.extra] if self.extra else self.own_fields
        return [part.type for part in [*fields, *self.variants]]

    @property
    def size(self):
        """How many bytes a value takes at most. Large variants of a union go into boxes before that is known."""
        if self.measured is None:
            for variant in self.variants:
                variant.type.boxed |= variant.type.size > LARGE
            sizes = [8 * -(-part.size // 8) for part in self.parts]
            self.measured = 8 + max(sizes, default=0) if self.kind == "union" else sum(sizes) + 8 * len(self.own_fields)
        return self.measured

    def facts(self, checks):
        """What the templates print."""
        statements = checks.of_model(self) if "request" in self.roles else []
        return {
            **NOTHING,
            "name": self.name,
            "label": literal(self.label),
            "docs": markdown.comment(self.docs()),
            "scalar": self.scalar,
            self.kind: True,
            "checked": bool(statements),
            "checks": statements,
            **self.details(),
        }

    def details(self):
        if self.inner:
            return {"inner": local(self.inner.rust)}
        if self.kind == "struct":
            return {
                "fields": [part.facts() for part in self.own_fields],
                "extra": self.extra and self.extra.facts(),
                "closed": self.closed,
                "optional": all(part.wire is not None and not part.required for part in self.own_fields),
                # serde reads what is flattened from objects only.
                "object": not self.extra and all(part.wire is not None for part in self.own_fields),
            }
        if self.kind == "enum":
            return {
                "values": [value.facts() for value in self.values],
                "integers": isinstance(self.values[0].value, int),
                "listed": literal(", ".join(str(value.value) for value in self.values)),
            }
        tags = [tag for variant in self.variants for tag in variant.tags]
        return {
            "listed": literal(", ".join(tags) if self.tag else f"the alternatives of {self.label}"),
            "variants": [variant.facts() for variant in self.variants],
            "tagged": self.tag is not None,
            "property": self.tag and literal(self.tag),
            "writes": bool(self.writes),
            "objects": self.objects,
        }

    def docs(self):
        return described(self.schema) or f"The schema {span(self.label)}."


def local(rust):
    """A type as written in models.rs."""
    return rust.replace("models::", "").replace("std::collections::", "")


def described(schema):
    """What a schema says of itself for people; empty where it says nothing."""
    return (schema.get("description") or "").strip() or (schema.get("title") or "").strip()
