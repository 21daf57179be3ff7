"""The types that models.rs declares, and their facts."""

from dataclasses import dataclass, field

from . import markdown
from .literals import code, literal, span
from .types import Type

# Clippy warns about variants that differ by 200 bytes; larger ones than this are boxed.
LARGE = 192
# Mustache looks up a missing fact in the surrounding facts. Therefore every model has every fact.
NOTHING = dict.fromkeys(
    """
    alias array checked checks closed enum extra fields inner integers listed newtype object objects optional properties
    property scalar struct tagged union values variants writes
    """.split()
)  # fmt: skip


@dataclass
class Field:
    """A property of an object, or a choice or map that is flattened into it."""

    name: str  # in Rust
    wire: str  # in the document; None if it is flattened
    type: Type
    required_by_schema: bool
    schema: dict
    place: str
    owner: "Model" = None

    @property
    def required(self):
        """Whether every value has it. A property that only one side writes is optional for the other side."""
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
            "wire": self.wire is not None and literal(self.wire),
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
            # The attribute would cause a warning at every use of the struct.
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
    tags: list = field(default_factory=list)  # the discriminator's values for it
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
    """A type of models.rs. It is declared before its contents are known, so that references can name it."""

    name: str
    label: str  # the component's name, or the position of an inline schema
    place: str
    schema: dict
    kind: str = None  # struct, newtype, alias, enum or union
    inner: Type = None  # of a newtype or alias
    own_fields: list = field(default_factory=list)
    extra: Field = None  # the additional properties
    closed: bool = False
    values: list = field(default_factory=list)
    variants: list = field(default_factory=list)
    tag: str = None  # the property that distinguishes the variants
    objects: bool = False  # whether all variants are objects
    writes: bool = False  # whether writing a variant has to add the discriminator
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
        """The types that it contains."""
        if self.inner:
            return [self.inner]
        fields = [*self.own_fields, self.extra] if self.extra else self.own_fields
        return [part.type for part in [*fields, *self.variants]]

    @property
    def size(self):
        """The size of a value in bytes at most. Boxes the large variants of a union first."""
        if self.measured is None:
            for variant in self.variants:
                variant.type.boxed |= variant.type.size > LARGE
            sizes = [8 * -(-part.size // 8) for part in self.parts]
            self.measured = 8 + max(sizes, default=0) if self.kind == "union" else sum(sizes) + 8 * len(self.own_fields)
        return self.measured

    def facts(self, checks):
        """The facts for the templates of models."""
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
            return {"inner": local(self.inner.rust), "array": "texts" in self.roles and self.inner.kind == "array"}
        if self.kind == "struct":
            return {
                "fields": [part.facts() for part in self.own_fields],
                "extra": self.extra and self.extra.facts(),
                "closed": self.closed,
                "properties": "texts" in self.roles,
                "optional": all(part.wire is not None and not part.required for part in self.own_fields),
                # serde itself requires an object if a field is flattened.
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
    """The description or title of a schema; empty if it has neither."""
    return (schema.get("description") or "").strip() or (schema.get("title") or "").strip()
