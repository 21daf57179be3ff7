"""The facts about the document's operations: requests, responses, and the credentials that they require."""

import re

from . import objects, paths
from .bodies import Bodies
from .literals import literal, span
from .markdown import comment, inline
from .names import TAKEN_TYPES, pascal, unique, value_name
from .parameters import declared_parameters, parameter
from .security import security_of
from .shape import METHODS

# The names that the crate's root and the trait's module export or import as well.
TAKEN_ROOT_TYPES = TAKEN_TYPES | frozenset(
    """
    Api ApiError Authorization ByteStream Client Context Has Location MockApi Operation Parameter Payload Response
    Scalar Service Status StatusCode Style XSpanIdString
    """.split()
)


class Operations:
    """Every operation of a document, in the document's order."""

    def __init__(self, document, schemas):
        self.document = document
        self.schemas = schemas
        self.types = set(TAKEN_ROOT_TYPES)
        self.methods = set()
        self.names = set()
        self.identifiers = set()
        self.constants = {"OPERATIONS", "SECURITY_SCHEMES"}

    def facts(self):
        first = {}  # the methods of each path, without the names of its parameters, to the path
        for path, item in self.document.content.get("paths", {}).items():
            if path.startswith("x-"):
                continue
            item = self.document.resolve(item, f"paths.{path}")
            self.ignore_servers(item, f"paths.{path}")
            for method, operation in item.items():
                if method in METHODS:
                    self.ignore_servers(operation, f"paths.{path}.{method}")
                    other = first.setdefault((method, paths.unnamed(path)), path)
                    if other != path:
                        problem = (
                            f"the path differs from {other} only in the names of parameters; no request reaches it"
                        )
                        self.document.error(f"paths.{path}.{method}", problem)
                    yield self.operation(path, item, method, operation)

    def ignore_servers(self, holder, place):
        if holder.get("servers"):
            first = "a service has one base path, that of the document's first server"
            self.document.notice(f"{place}.servers", f"the servers are ignored; {first}")

    def operation(self, path, item, method, operation):
        place = f"paths.{path}.{method}"
        identifier = unique(operation.get("operationId") or f"{method} {path}", self.identifiers)
        name = self.name(identifier)
        security, keys = security_of(self.document, operation, place)
        declared = declared_parameters(self.document, item, operation, keys, place)
        declared = paths.in_braces(self.document, path, declared, place)
        taken = set()
        parameters = [
            {
                "index": number,
                **parameter(self.document, self.schemas, of, f"{name} {of['name']} parameter", taken, place),
            }
            for number, of in enumerate(declared)
        ]
        objects.keep_apart(self.document, parameters, keys, place)
        compressed = any(of["in"] == "header" and of["name"].lower() == "content-encoding" for of in declared)
        bodies = Bodies(self.document, self.schemas, self.types, name, method, compressed)
        body = bodies.request(operation.get("requestBody"), taken, f"{place}.requestBody")
        responses = bodies.responses(operation.get("responses", {}), f"{place}.responses")
        method_name = unique(value_name(name), self.methods)
        fields = [*parameters, *([body] if body else [])]
        required = [of for of in fields if of["required"]]
        return {
            "constant": unique(method_name.removeprefix("r#").upper(), self.constants),
            "id": literal(identifier),
            "id_text": inline(span(identifier), cell=True),
            "name": name,
            "method_name": method_name,
            "method": method.upper(),
            "path": literal(paths.encoded(path)),
            "raw_path": path,
            "docs": comment(description(operation, method, path, identifier)),
            "request_docs": comment(f"The request of {span(identifier)}."),
            "response_docs": comment(f"The responses of {span(identifier)}."),
            "parameters": parameters,
            "has_parameters": bool(parameters),
            "fields": fields,
            "has_required": bool(required),
            "has_many_required": len(required) > 7,
            "constructor": constructor(required),
            "allowed": list(allowed(method_name)),
            "request_cloneable": body is None or body["cloneable"],
            "body": body,
            "content_enums": bodies.contents.enums,
            "responses": responses,
            # An exact status precedes a class, and a class precedes the default.
            "matched_responses": sorted(responses, key=lambda of: (not of["exact"], of["default"])),
            "has_default": any(of["default"] for of in responses),
            "large": any(of["body"]["large"] for of in responses if of["body"]),
            "response_cloneable": all(of["body"] is None or of["body"]["cloneable"] for of in responses),
            **security,
        }

    def name(self, identifier):
        """A name for an operation such that its types are unique."""
        name = pascal(identifier)
        name = unique(name if name[:1].isalpha() and name != "Self" else f"Operation{name}", self.names)
        unique(f"{name}Request", self.types)
        unique(f"{name}Response", self.types)
        return name


def constructor(required):
    """The name of a request's constructor. It names the fields, so that a renamed field is an error at each call."""
    return "_".join(["with", *(field["ident"].removeprefix("r#") for field in required)]) if required else "new"


def allowed(name):
    """The Clippy lints that a method's name would trigger."""
    if name == "new":
        yield "clippy::new_ret_no_self"
    if re.match("(as|from|into|is|to)_|new$", name):
        yield "clippy::wrong_self_convention"


def description(operation, method, path, identifier):
    """A method's documentation: the operation's summary and description."""
    paragraphs = [text for text in (operation.get("summary"), operation.get("description")) if text and text.strip()]
    if len(paragraphs) == 2 and paragraphs[1].strip().startswith(paragraphs[0].strip()):
        del paragraphs[0]
    if operation.get("deprecated"):
        # The trait's macros ignore the attribute.
        paragraphs.insert(1, "**Deprecated.**")
    paragraphs.append(f"{span(f'{method.upper()} {path}')}, operation {span(identifier)}.")
    return "\n\n".join(paragraphs)
