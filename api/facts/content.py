"""The content of requests and responses: which Rust type holds a body, and how its bytes are read."""

import re
from dataclasses import dataclass, field

from .literals import literal, span
from .markdown import comment
from .models import LARGE
from .names import unique, variant_name
from .parameters import unnamed_array

JSON = re.compile(r"application/([\w.+-]+\+)?json")
KINDS = ("json", "text", "form", "payload")


@dataclass
class Alternative:
    """One way to read a body, and the media types that are read in this way."""

    kind: str  # one of KINDS
    rust: str
    media_types: list
    size: int = 0
    checks: list = field(default_factory=list)
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


@dataclass
class Content:
    """A body in Rust: the type of its only alternative, or an enum of several."""

    alternatives: list
    media_types: list
    enum: str = None

    @property
    def rust(self):
        return self.enum or self.alternatives[0].rust

    @property
    def has_payload(self):
        """Whether the body may be a stream, which is read once and has a length that only its sender knows."""
        return any(of.kind == "payload" for of in self.alternatives)

    @property
    def large(self):
        return max(of.size for of in self.alternatives) > LARGE

    def facts(self):
        return {
            "rust": self.rust,
            "several": self.enum is not None,
            "alternatives": [of.facts(index, self.enum) for index, of in enumerate(self.alternatives)],
        }

    def enum_facts(self, docs):
        return {
            "name": self.enum,
            "alternatives": self.facts()["alternatives"],
            "cloneable": not self.has_payload,
            "large": self.large,
            "docs": docs,
        }


class Contents:
    """The contents of one operation's bodies. `enums` holds the facts of those with several alternatives."""

    def __init__(self, document, schemas, types, name, compressed):
        self.document = document
        self.schemas = schemas
        self.types = types
        self.name = name
        # Requests may be compressed; then only the implementation can read them.
        self.compressed = compressed
        self.enums = []

    def content(self, holder, enum, hint, place, role):
        """The content of a request or response; `None` if it declares no content."""
        media_types = holder.get("content", {})
        alternatives = []
        for media_type, of in media_types.items():
            new = self.alternative(media_type, of, hint, f"{place}.content.{media_type}", role)
            for known in alternatives:
                if (known.kind, known.rust) == (new.kind, new.rust):
                    known.media_types.append(media_type)
                    break
            else:
                alternatives.append(new)
        if not alternatives:
            return None
        content = Content(alternatives, [literal(media_type) for media_type in media_types])
        if len(alternatives) > 1:
            content.enum = unique(enum, self.types)
            name_variants(alternatives)
            docs = comment(f"The body of a {role} of {span(self.name)}, by its media type.")
            self.enums.append(content.enum_facts(docs))
        return content

    def alternative(self, media_type, of, hint, place, role):
        schema = of.get("schema", {})
        kind = kind_of(media_type, self.document.resolve(schema, place), role)
        if self.compressed and role == "request":
            kind = "payload"
        if kind in ("text", "payload"):
            return Alternative(kind, "String" if kind == "text" else "Payload", [media_type])
        value = self.schemas.type(schema, hint, f"{place}.schema", role)
        if kind == "form":
            self.check_form(value, place)
        return Alternative(kind, value.rust, [media_type], value.size, value.checks("value"))

    def check_form(self, value, place):
        """Requires a form to be an object whose properties are scalars or arrays of scalars."""
        if value.fields is None:
            self.document.problem(place, "the form is not an object with properties")
        for part in value.fields or []:
            of = unnamed_array(part.type)
            if part.wire is None or not (of.item or of).scalar:
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
