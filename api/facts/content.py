"""The content of requests and responses: which Rust type holds a body, and how its bytes are read."""

import re
from dataclasses import dataclass, field

from . import graph
from .literals import literal, span
from .markdown import comment
from .models import LARGE
from .names import unique, variant_name

JSON = re.compile(r"application/([\w.+-]+\+)?json")
KINDS = ("json", "text", "form", "payload")


@dataclass
class Alternative:
    """One way to read a body, and the media types that are read in this way."""

    kind: str  # one of KINDS
    rust: str
    size: int = 0
    checks: list = field(default_factory=list)
    media_types: list = field(default_factory=list)
    variant: str = None  # its name in the enum, if there are several alternatives

    def facts(self, position, enum):
        first = self.media_types[0]
        return {
            **{f"is_{kind}": kind == self.kind for kind in KINDS},
            "position": position,
            "rust": self.rust,
            "checks": self.checks,
            "has_checks": bool(self.checks),
            "media_types": [literal(media_type) for media_type in self.media_types],
            # A range such as `text/*` does not name a type to send.
            "sent_as": literal("application/octet-stream" if "*" in first else first),
            "variant": self.variant,
            "docs": comment(", ".join(map(span, self.media_types))),
            "constructor": enum and f"crate::{enum}::{self.variant}",
        }


class Contents:
    """The contents of one operation's bodies. `enums` holds those with several alternatives."""

    def __init__(self, document, schemas, types, name, compressed):
        self.document = document
        self.schemas = schemas
        self.types = types
        self.name = name
        # Requests may be compressed; then only the implementation can read them.
        self.compressed = compressed
        self.enums = []

    def content(self, holder, enum, hint, place, role):
        """The facts about the body of a request or response: one type, or an enum of several. `None` without a body."""
        found = {}
        for media_type, of in holder.get("content", {}).items():
            new = self.alternative(media_type, of, hint, f"{place}.content.{media_type}", role)
            found.setdefault((new.kind, new.rust), new).media_types.append(media_type)
        if not found:
            return None
        alternatives = [*found.values()]
        several = len(alternatives) > 1
        enum = unique(enum, self.types) if several else None
        if several:
            name_variants(alternatives)
        content = {
            "rust": enum or alternatives[0].rust,
            "several": several,
            "alternatives": [of.facts(index, enum) for index, of in enumerate(alternatives)],
            # A payload is a stream, which is read once.
            "cloneable": all(of.kind != "payload" for of in alternatives),
            "large": max(of.size for of in alternatives) > LARGE,
            "docs": comment(f"The body of a {role} of {span(self.name)}, by its media type."),
        }
        if several:
            self.enums.append(content)
        return content

    def alternative(self, media_type, of, hint, place, role):
        schema = of.get("schema", {})
        kind = kind_of(media_type, self.document.resolve(schema, place), role)
        if self.compressed and role == "request":
            kind = "payload"
        if kind in ("text", "payload"):
            return Alternative(kind, "String" if kind == "text" else "Payload")
        value = self.schemas.type(schema, hint, f"{place}.schema", role)
        if kind == "form":
            self.check_form(value, place)
        return Alternative(kind, value.rust, value.size, value.checks("value"))

    def check_form(self, value, place):
        """Requires a form to be an object whose properties are scalars or arrays of scalars."""
        if value.fields is None:
            self.document.problem(place, "the form is not an object with properties")
        if value.fields is not None and value.bottom.model.extra:
            self.document.problem(
                place, "the form has additional properties, which are not supported; name each property"
            )
        if graph.has_wide_integers(value):
            self.document.problem(place, "the form contains integers beyond 64 bits, which is not supported")
        for part in value.fields or []:
            if part.wire is None or not part.type.scalars:
                name = part.wire or part.name
                problem = f"the form's property {name} is neither a scalar nor an array of scalars"
                self.document.problem(place, problem)


def name_variants(alternatives):
    """Names each variant after its kind, or after its first media type if another alternative has the same kind."""
    kinds = [alternative.kind for alternative in alternatives]
    taken = set()
    for alternative in alternatives:
        text = alternative.kind if kinds.count(alternative.kind) == 1 else alternative.media_types[0]
        alternative.variant = unique(variant_name(text), taken)


def kind_of(media_type, schema, role):
    """How a body of a media type is read: as `json`, `text`, a `form`, or a `payload` of bytes.

    Text of another type than `text/plain`, such as a result as CSV, may have any length. It is a payload.
    """
    essence = media_type.split(";")[0].strip().lower()
    if schema.get("format") == "binary":
        return "payload"
    if JSON.fullmatch(essence):
        return "json"
    if essence == "application/x-www-form-urlencoded" and role == "request":
        return "form"
    return "text" if essence == "text/plain" else "payload"
