"""The facts about an operation's request and responses: bodies, statuses and headers."""

import re

from .content import Contents
from .literals import literal, span
from .markdown import comment, inline
from .names import is_token, pascal, unique, value_name, variant_name

STATUS = re.compile(r"[2-5](\d\d|XX)|default")
# The server's HTTP implementation sends interim responses, and the service answers with a final one.
INTERIM = re.compile(r"1(\d\d|XX|xx)")
# RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5.
WITHOUT_CONTENT = ("204", "205", "304")
# The HTTP implementation frames messages. OpenAPI 3.0.3, section "Response Object", ignores `Content-Type`.
IGNORED_HEADERS = ("connection", "content-type", "transfer-encoding")


class Bodies:
    """The bodies of one operation."""

    def __init__(self, document, schemas, types, name, method, compressed):
        self.document = document
        self.schemas = schemas
        self.name = name
        # RFC 9110, section 9.3.2: HEAD declares the body that GET would have, and sends none.
        self.is_head = method == "head"
        self.contents = Contents(document, schemas, types, name, compressed)

    def request(self, body, taken, place):
        """The facts about the body of a request; `None` if the operation takes no body."""
        body = self.document.resolve(body or {}, place)
        content = self.contents.content(body, f"{self.name}RequestBody", f"{self.name} request", place, "request")
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
            self.document.problem(place, "the operation declares no response")
        taken, found, statuses = set(), [], set()
        for status, response in responses.items():
            known = str(status).upper() in statuses
            statuses.add(str(status).upper())
            if known:
                self.document.error(f"{place}.{status}", "the status is declared twice; the first one is read")
            elif INTERIM.fullmatch(str(status)):
                self.document.notice(f"{place}.{status}", "the service sends no interim response; it is left out")
            elif not str(status).startswith("x-"):
                found.append(self.response(str(status), response, taken, f"{place}.{status}"))
        if responses and not found:
            self.document.problem(place, "the operation declares only interim responses (1xx), which are no answer")
        return found

    def response(self, status, response, taken, place):
        """The facts about a response. Its variant has named fields if it has more than a body."""
        status = status.replace("xx", "XX")
        if not STATUS.fullmatch(status):
            self.document.problem(place, f"the status {status} is not supported; use 200 to 599, 2XX to 5XX or default")
        response = self.document.resolve(response, place)
        variant = self.variant(status, response, taken)
        content = None
        if not self.is_head and status not in WITHOUT_CONTENT:
            enum, hint = f"{self.name}{variant}Body", f"{self.name} {status} response"
            content = self.contents.content(response, enum, hint, place, "response")
        exact = status.isdigit()
        # The fields of the variant, and the local from which the client reads its headers.
        names = {"answer", *(["body"] if content else []), *([] if exact else ["status"])}
        headers = [
            self.header(name, header, f"{self.name} {name} header", names, f"{place}.headers.{name}")
            for name, header in response.get("headers", {}).items()
            if not self.is_ignored(name.lower(), content)
        ]
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
            "content_types": [literal(media_type) for media_type in response["content"]] if content else [],
            "has_content": content is not None,
        }

    def is_ignored(self, name, content):
        """Whether the implementation does not set a header. It sets `Content-Length` if it alone knows the length."""
        if name == "content-length":
            return not self.is_head and (content is None or content["cloneable"])
        return name in IGNORED_HEADERS

    def variant(self, status, response, taken):
        """rust-server's rule: the description up to the first character that is not a letter; else the status."""
        words = re.split(r"[^A-Za-z ]", response.get("description", ""))[0].strip()
        name = response.get("x-response-id") or pascal(words) if words else f"Status{pascal(status)}"
        name = variant_name(name)
        return unique(f"{name}{pascal(status)}" if name in taken else name, taken)

    def header(self, name, header, hint, taken, place):
        header = self.document.resolve(header, place)
        if "schema" not in header:
            self.document.problem(place, "the header has no `schema`; `content` is not supported")
        value = self.schemas.type(header.get("schema", {}), hint, f"{place}.schema", "header")
        required, rust = header.get("required", False), value.rust
        if not is_token(name):
            self.document.problem(place, "the header's name is not a token (RFC 9110, section 5.6.2)")
        if not value.scalars:
            self.document.problem(place, "the header is neither a scalar nor an array of scalars")
        return {
            "wire": literal(name),
            "ident": unique(value_name(name), taken),
            "style": "Separated(',')" if value.kind == "array" else "Single",
            "type": rust if required else f"Option<{rust}>",
            "docs": comment(header.get("description") or "") or comment(f"The header {span(name)}."),
        }
