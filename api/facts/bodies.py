"""What requests and responses carry, as facts: bodies of one or several media types, statuses and headers."""

import re

from .literals import literal, span
from .markdown import comment, inline
from .names import is_token, pascal, unique, value_name, variant_name
from .parameters import as_text, unnamed_array, without_option

JSON = re.compile(r"application/([\w.+-]+\+)?json")
KINDS = ("json", "text", "form", "payload")
# Interim responses (1xx) are up to whoever writes HTTP.
STATUS = re.compile(r"[2-5](\d\d|XX)|default")
# RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5.
WITHOUT_CONTENT = ("204", "205", "304")
# Framing is up to whoever writes HTTP; and OpenAPI 3.0.3, section "Response Object", has `Content-Type` ignored.
IGNORED_HEADERS = ("connection", "content-type", "transfer-encoding")
# What the generated functions call their own values, and what a response holds besides its headers.
LOCALS = frozenset({"answer", "api", "body", "call", "context", "parameters", "reply", "request", "status"})


class Bodies:
    """The bodies of one operation. `enums` are those of several media types."""

    def __init__(self, document, schemas, types, name, method, compressed):
        self.document = document
        self.schemas = schemas
        self.types = types
        self.name = name
        # RFC 9110, section 9.3.2: what the response to HEAD declares is what GET would answer.
        self.is_head = method == "head"
        # Whether requests may be compressed: then only the implementation can read them.
        self.compressed = compressed
        self.enums = []

    def request(self, body, taken, place):
        """The facts of a request's body; `None` where the operation takes none."""
        body = self.document.resolve(body or {}, place)
        content = self.content(body, f"{self.name}RequestBody", f"{self.name} request", place, "request")
        if content is None:
            return None
        required = body.get("required", False)
        return content | {
            "ident": unique("body", taken),
            "required": required,
            "type": content["rust"] if required else f"Option<{content['rust']}>",
            "docs": comment(inline(body.get("description") or "") or "The body."),
        }

    def responses(self, responses, place):
        if not responses:
            self.document.problem(place, "no response")
        taken = set()
        return [
            self.response(str(status), response, taken, f"{place}.{status}")
            for status, response in responses.items()
            if not str(status).startswith("x-")
        ]

    def response(self, status, response, taken, place):
        """The facts of a declared response: a unit variant, or one that holds what varies."""
        status = status.replace("xx", "XX")
        if not STATUS.fullmatch(status):
            self.document.problem(place, f"the status {status}")
        response = self.document.resolve(response, place)
        variant = self.variant(status, response, taken)
        content = None
        if not self.is_head and status not in WITHOUT_CONTENT:
            content = self.content(
                response, f"{self.name}{variant}Body", f"{self.name} {status} response", place, "response"
            )
        names = set(LOCALS)
        headers = [
            self.header(name, header, f"{self.name} {name} header", names, f"{place}.headers.{name}")
            for name, header in response.get("headers", {}).items()
            if name.lower() not in IGNORED_HEADERS and (name.lower() != "content-length" or self.has_length(content))
        ]
        exact = status.isdigit()
        return {
            "status": status,
            "exact": exact,
            "class": status[0],
            "range": status.endswith("XX"),
            "default": status == "default",
            "variant": variant,
            "docs": comment(f"{status}: {response.get('description', '').strip()}"),
            "body": content,
            "headers": headers,
            "has_headers": bool(headers),
            "plain": exact and not headers,
            "content_types": content["media_types"] if content else [],
            "has_content": content is not None,
        }

    def has_length(self, content):
        """Whether only the implementation knows how long the body is."""
        return self.is_head or content is not None and any(of["kind"] == "payload" for of in content["alternatives"])

    def variant(self, status, response, taken):
        """rust-server's rule: the words of the description up to the first that is none; else the status."""
        words = re.split(r"[^A-Za-z ]", response.get("description", ""))[0].strip()
        name = response.get("x-response-id") or pascal(words) if words else f"Status{pascal(status)}"
        name = variant_name(name)
        return unique(f"{name}{pascal(status)}" if name in taken else name, taken)

    def header(self, name, header, hint, taken, place):
        header = self.document.resolve(header, place)
        if "schema" not in header:
            self.document.problem(place, "a header without a schema, or with a content type of its own")
        schema = as_text(self.document, header.get("schema", {}))
        value = unnamed_array(self.schemas.type(schema, hint, f"{place}.schema", "response"))
        item = without_option((value.item or value).rust)
        required, rust = header.get("required", False), f"Vec<{item}>" if value.item else item
        if not is_token(name):
            self.document.problem(place, "a header whose name is no token")
        if not (value.item or value).scalar:
            self.document.problem(place, "a header that is neither a scalar nor an array of scalars")
        return {
            "wire": literal(name),
            "ident": unique(value_name(name), taken),
            "style": "Separated(',')" if value.item else "Single",
            "type": rust if required else f"Option<{rust}>",
            "docs": comment(header.get("description") or "") or comment(f"The header {span(name)}."),
        }

    def content(self, holder, enum, hint, place, role):
        """What a body is in Rust: one type, or an enum of the kinds that it may have. `None` where there is none."""
        alternatives = []
        media_types = holder.get("content", {})
        for media_type, of in media_types.items():
            alternative = self.alternative(media_type, of, hint, f"{place}.content.{media_type}", role)
            same = next(
                (
                    other
                    for other in alternatives
                    if (other["kind"], other["rust"]) == (alternative["kind"], alternative["rust"])
                ),
                None,
            )
            if same:
                same["media_types"].append(media_type)
            else:
                alternatives.append(alternative)
        if not alternatives:
            return None
        several = len(alternatives) > 1
        if several:
            enum = unique(enum, self.types)
            self.name_variants(alternatives)
            self.enums.append(
                {
                    "name": enum,
                    "alternatives": alternatives,
                    "cloneable": all(of["kind"] != "payload" for of in alternatives),
                    "large": is_large(of["size"] for of in alternatives),
                    "size": max(of["size"] for of in alternatives),
                    "docs": comment(f"The body of a {role} of {span(self.name)}, by its media type."),
                }
            )
        for index, alternative in enumerate(alternatives):
            alternative["position"] = index
            alternative["media_types"] = [literal(media_type) for media_type in alternative["media_types"]]
            alternative["constructor"] = f"crate::{enum}::{alternative['variant']}" if several else None
        return {
            "rust": enum if several else alternatives[0]["rust"],
            "several": several,
            "cloneable": all(of["kind"] != "payload" for of in alternatives),
            "size": max(of["size"] for of in alternatives),
            "alternatives": alternatives,
            "media_types": [literal(media_type) for media_type in media_types],
        }

    def alternative(self, media_type, of, hint, place, role):
        compressed = self.compressed and role == "request"
        kind = (
            "payload" if compressed else kind_of(media_type, self.document.resolve(of.get("schema", {}), place), role)
        )
        value = None
        if kind in ("json", "form"):
            value = self.schemas.type(of.get("schema", {}), hint, f"{place}.schema", role)
        rust = {"text": "String", "payload": "Payload"}.get(kind) or value.rust
        if kind == "form":
            self.check_form(value, place)
        checks = value.checks("value") if value else []
        return {
            "kind": kind,
            "size": value.size if value else 0,
            **{f"is_{other}": other == kind for other in KINDS},
            "rust": rust,
            "checks": checks,
            "has_checks": bool(checks),
            "variant": variant_name(kind),
            "docs": None,
            "media_types": [media_type],
            # A range names no type to send.
            "sent_as": literal(media_type if "*" not in media_type else "application/octet-stream"),
        }

    def check_form(self, value, place):
        """A form is an object of scalars and arrays of scalars."""
        if value.fields is None:
            self.document.problem(place, "a form that is no object with properties")
        for field in value.fields or []:
            of = unnamed_array(field.type)
            if field.wire is None or not (of.item or of).scalar:
                name = field.wire or field.name
                problem = f"the form's property {name}, which is neither a scalar nor an array of scalars"
                self.document.problem(place, problem)

    def name_variants(self, alternatives):
        """Names the variants after their kinds, or after their media types where two are of one kind."""
        kinds = [alternative["kind"] for alternative in alternatives]
        taken = set()
        for alternative in alternatives:
            text = alternative["kind"] if kinds.count(alternative["kind"]) == 1 else alternative["media_types"][0]
            alternative["variant"] = unique(variant_name(text), taken)
            alternative["docs"] = comment(", ".join(span(media_type) for media_type in alternative["media_types"]))


def is_large(sizes):
    """Whether Clippy would complain of a variant, which it does from 200 bytes on."""
    return max(sizes, default=0) > 192


def kind_of(media_type, schema, role):
    """How a body of a media type is read: `json`, `text`, `form`, or as a `payload` of bytes.

    Text of other types than `text/plain` may be of any length (a result as CSV), so that it is a payload.
    """
    essence = media_type.split(";")[0].strip().lower()
    if schema.get("format") == "binary":
        return "payload"
    if JSON.fullmatch(essence):
        return "json"
    if essence == "application/x-www-form-urlencoded" and role == "request":
        return "form"
    return "text" if essence == "text/plain" else "payload"
