"""The Rust type of a schema's values."""

import re
from dataclasses import dataclass, field, replace

from .literals import text

# Kind to Rust type and its maximum size in bytes.
SCALARS = {
    "string": ("String", 24),
    "secret": ("models::Secret", 24),
    "bytes": ("swagger::ByteArray", 24),
    "time": ("chrono::DateTime<chrono::Utc>", 16),
    "date": ("chrono::NaiveDate", 4),
    "uuid": ("uuid::Uuid", 16),
    "boolean": ("bool", 1),
    "i32": ("i32", 4),
    "i64": ("i64", 8),
    "u32": ("u32", 4),
    "u64": ("u64", 8),
    "i128": ("i128", 16),
    "f32": ("f32", 4),
    "f64": ("f64", 8),
}
INTEGERS = {
    "i32": (-(2**31), 2**31 - 1),
    "i64": (-(2**63), 2**63 - 1),
    "u32": (0, 2**32 - 1),
    "u64": (0, 2**64 - 1),
    "i128": (-(2**127), 2**127 - 1),
}
INTEGER_FORMATS = {"int32": "i32", "int64": "i64", "uint32": "u32", "uint64": "u64"}
FORMATS = {
    "password": "secret",
    "byte": "bytes",
    "date-time": "time",
    "date": "date",
    "uuid": "uuid",
}
OTHERS = {"any": ("serde_json::Value", 32), "free": ("serde_json::Map<String, serde_json::Value>", 24)}
# Clippy rejects more complex types.
MOST_COMPLEX = 250


@dataclass
class Type:
    """The type of a schema's values.

    `kind` is a key of SCALARS or OTHERS, or "array", "map" or "model".
    """

    kind: str
    item: "Type" = None
    model: object = None
    limits: dict = field(default_factory=dict)
    enum: list = None  # the valid values, if the type does not imply them
    nullable: bool = False
    boxed: bool = False
    checker: object = None  # writes the checks

    @property
    def rust(self):
        """The type as written outside models.rs."""
        return f"Option<{self.value}>" if self.nullable else self.value

    @property
    def value(self):
        """The type of a value that is not null."""
        if self.kind == "array":
            text = f"Vec<{self.item.rust}>"
        elif self.kind == "map":
            text = f"std::collections::BTreeMap<String, {self.item.rust}>"
        elif self.kind == "model":
            text = f"models::{self.model.name}"
        else:
            text = (SCALARS.get(self.kind) or OTHERS[self.kind])[0]
        return f"Box<{text}>" if self.boxed else text

    @property
    def scalar(self):
        """Whether a value can be written as one text in a path, query or header."""
        return self.kind in SCALARS or self.kind == "model" and self.model.scalar

    @property
    def scalars(self):
        """Whether a value is a scalar or an array of scalars."""
        inner = self.bottom
        return inner.item.scalar if inner.kind == "array" else self.scalar

    @property
    def textual(self):
        """The type of a value that a path, query, header or cookie carries as a text, which is never null.

        A text without a type is a string. An array has no name of its own.
        """
        inner = self.bottom
        if inner.item:
            return replace(inner, item=inner.item.textual, nullable=False, checker=self.checker)
        if inner.kind == "free":
            return Type("map", item=Type("string"), limits=inner.limits, checker=self.checker)
        if inner.kind != "any" or inner.enum == [None]:
            return replace(self, nullable=False)
        enum = inner.enum and [text(value) for value in inner.enum if value is not None]
        return Type("string", limits=inner.limits, enum=enum, checker=self.checker)

    @property
    def fields(self):
        """The fields of an object's model; None for any other type."""
        return self.model.fields if self.kind == "model" else None

    @property
    def size(self):
        """The maximum size of a value in bytes, without the heap."""
        if self.boxed:
            return 8
        if self.kind == "model":
            size = self.model.size
        else:
            size = (SCALARS.get(self.kind) or OTHERS.get(self.kind) or (None, 24))[1]
        return size + 8 if self.nullable else size

    @property
    def secret(self):
        """Whether values are secret, and must not be printed."""
        return self.bottom.kind == "secret"

    @property
    def untyped(self):
        """Whether null is a value like any other."""
        inner = self.bottom
        return inner.kind == "any" and not self.nullable and (not inner.enum or None in inner.enum)

    @property
    def bottom(self):
        """The type inside any number of newtypes and aliases."""
        return self.model.inner.bottom if self.kind == "model" and self.model.inner else self

    def checks(self, value):
        """Rust statements that check the value of an expression. They return a Violation through `?`."""
        return self.checker.statements(self, value)

    def too_complex(self):
        """Whether Clippy would reject a field `Option<Option<Vec<_>>>` of this type."""
        depth = score = 0
        for token in re.findall(r"[\w:]+|[<>]", f"Option<Option<Vec<{self.rust}>>>"):
            if token == "<":
                depth += 1
            elif token == ">":
                depth -= 1
            else:
                score += 10 * (depth + 1)
        return score > MOST_COMPLEX
