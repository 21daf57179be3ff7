"""The content of requests and responses: which Rust type holds a body, and how its bytes are read."""

import re
from dataclasses import dataclass, field, replace

from . import graph
from .literals import literal, span
from .markdown import comment
from .models import LARGE
from .names import unique, variant_name
from .parameters import STYLES
from .types import Type

JSON = re.compile(r"[\w.+-]+/([\w.+*-]+\+)?json")
# A range that says nothing of how a value is written. The schema decides.
ANY = ("*/*", "application/*", "text/*")
KINDS = ("json", "text", "form", "payload")
# What to send if only ranges are declared.
SENT_AS = {"json": "application/json", "text": "text/plain"}
OCTETS = "application/octet-stream"


@dataclass
class Alternative:
    """One way to read a body, and the media types that are read in this way."""

    kind: str  # one of KINDS
    rust: str
    size: int = 0
    checks: list = field(default_factory=list)
    type: Type = None  # of the value, unless it is a stream
    separated: list = field(default_factory=list)  # the arrays of a form that are one field
    media_types: list = field(default_factory=list)
    variant: str = None  # its name in the enum, if there are several alternatives

    def facts(self, position, enum):
        named = [media_type for media_type in self.media_types if "*" not in media_type]
        return {
            **{f"is_{kind}": kind == self.kind for kind in KINDS},
            "position": position,
            "rust": self.rust,
            "checks": self.checks,
            "has_checks": bool(self.checks),
            "media_types": [literal(media_type) for media_type in self.media_types],
            "sent_as": literal(named[0] if named else self.in_range()),
            "separated": self.separated,
            "variant": self.variant,
            "docs": comment(", ".join(map(span, self.media_types))),
            "constructor": enum and f"crate::{enum}::{self.variant}",
        }

    def in_range(self):
        """A media type of a range. No type of `application/*` is a text."""
        return OCTETS if self.kind == "text" and "application/*" in self.media_types else SENT_AS.get(self.kind, OCTETS)


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
            key = (new.kind, new.rust, *new.checks, str(new.separated))
            found.setdefault(key, new).media_types.append(media_type)
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
        essence = media_type.split(";")[0].strip().lower()
        resolved = self.document.resolve(schema, place)
        if resolved.get("format") == "binary" or self.compressed and role == "request":
            return Alternative("payload", "Payload")
        if essence in ANY and resolved:
            return self.by_schema(essence, schema, hint, f"{place}.schema", role)
        if essence == "text/plain":
            return self.text(schema, hint, f"{place}.schema", role)
        if JSON.fullmatch(essence):
            return self.value("json", self.schemas.type(schema, hint, f"{place}.schema", role), role)
        if essence == "application/x-www-form-urlencoded" and role == "request":
            form = self.value("form", self.schemas.type(schema, hint, f"{place}.schema", role), role)
            self.check_form(form.type, place)
            form.separated = self.separated(form.type, of.get("encoding") or {}, f"{place}.encoding")
            return form
        # Text of another type than `text/plain`, such as a result as CSV, may have any length.
        return Alternative("payload", "Payload")

    def value(self, kind, type, role):
        # Only requests are checked.
        checks = type.checks("value") if role == "request" else []
        return Alternative(kind, type.rust, type.size, checks, type=type)

    def by_schema(self, essence, schema, hint, place, role):
        """The body of any media type: a scalar is a text, and any other value is JSON."""
        type = self.schemas.type(schema, hint, place, role)
        if type.scalar:
            return self.value("text", replace(type, nullable=False), role)
        if type.kind == "any":
            return Alternative("payload", "Payload")
        if essence != "text/*":
            return self.value("json", type, role)
        self.document.notice(place, "a text is a scalar; the body is a stream of bytes without checks")
        return Alternative("payload", "Payload")

    def text(self, schema, hint, place, role):
        """A body that is a text: a scalar, as in a parameter."""
        type = self.schemas.type(schema, hint, place, role).textual
        if not type.scalar:
            self.document.notice(place, "a text is a scalar; the body is a string without checks")
            return Alternative("text", "String")
        return self.value("text", replace(type, nullable=False), role)

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

    def separated(self, type, encoding, place):
        """The arrays of a form that are one field, with their separators."""
        fields = {part.wire: part.type for part in type.fields or []}
        found = []
        for name, of in encoding.items():
            separator = self.separator(of, f"{place}.{name}")
            if name not in fields:
                self.document.error(f"{place}.{name}", "the form has no such property; the encoding is ignored")
            elif separator and fields[name].bottom.kind == "array":
                found.append({"wire": literal(name), "separator": repr(separator)})
        return found

    def separator(self, encoding, place):
        """The separator between the items of an array in a form; None if the array is repeated for each item."""
        style = encoding.get("style", "form")
        content_type = encoding.get("contentType", "text/plain").split(";")[0].strip().lower()
        # OpenAPI 3.1, section "Encoding Object": `contentType` has no effect beside these keys.
        if content_type != "text/plain" and not encoding.keys() & {"style", "explode", "allowReserved"}:
            self.document.problem(place, f"a form's property as {content_type} is not supported; use text/plain")
        if style not in STYLES["query"]:
            self.document.problem(place, f"the style {style} is not supported for a form's property")
        return None if encoding.get("explode", style == "form") else STYLES["query"].get(style)


def name_variants(alternatives):
    """Names each variant after its kind, or after its first media type if another alternative has the same kind."""
    kinds = [alternative.kind for alternative in alternatives]
    taken = set()
    for alternative in alternatives:
        text = alternative.kind if kinds.count(alternative.kind) == 1 else alternative.media_types[0]
        alternative.variant = unique(variant_name(text), taken)
