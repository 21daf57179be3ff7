"""The document's operations as facts: what a method takes, what it may answer, and who may call it."""

import re

from . import paths
from .bodies import Bodies, is_large
from .literals import literal, span
from .markdown import comment, inline
from .names import TAKEN_TYPES, pascal, unique, value_name
from .parameters import declared_parameters, parameter
from .security import security_of

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# What the generated functions call their own values.
LOCALS = frozenset({"api", "body", "context", "parts", "request", "response", "query", "path", "status", "headers", "value"})
# What the crate's root and the trait's module export or import besides.
TAKEN_ROOT_TYPES = TAKEN_TYPES | frozenset(
    """
    Api ApiError Authorization Client Context Has Location MockApi Operation Parameter Payload Response Scalar Service
    Scheme Status StatusCode XSpanIdString
    """.split()
)


class Operations:
    """Every operation of a document, in its order."""

    def __init__(self, document, schemas):
        self.document = document
        self.schemas = schemas
        self.types = set(TAKEN_ROOT_TYPES)
        self.methods = set()
        self.names = set()

    def facts(self):
        number = 0
        for path, item in self.document.content.get("paths", {}).items():
            if path.startswith("x-"):
                continue
            item = self.document.resolve(item, f"paths.{path}")
            for method, operation in item.items():
                if method in METHODS:
                    yield self.operation(number, path, item, method, operation)
                    number += 1

    def operation(self, index, path, item, method, operation):
        place = f"paths.{path}.{method}"
        identifier = operation.get("operationId") or f"{method} {path}"
        name = self.name(identifier)
        security = security_of(self.document, operation, place)
        declared = declared_parameters(self.document, item, operation, security["keys"], place)
        declared = paths.in_braces(self.document, path, declared, place)
        taken = set(LOCALS)
        parameters = [
            parameter(self.document, self.schemas, of, f"{name} {of['name']} parameter", taken, place) for of in declared
        ]
        compressed = any(of["in"] == "header" and of["name"].lower() == "content-encoding" for of in declared)
        bodies = Bodies(self.document, self.schemas, self.types, name, method, compressed)
        body = bodies.request(operation.get("requestBody"), f"{place}.requestBody")
        responses = bodies.responses(operation.get("responses", {}), f"{place}.responses")
        method_name = unique(value_name(name), self.methods)
        return {
            "index": index,
            "id": literal(identifier),
            "id_text": inline(span(identifier), cell=True),
            "name": name,
            "method_name": method_name,
            "method": method.upper(),
            "path": literal(paths.encoded(path)),
            "raw_path": path,
            "docs": comment(description(operation, method, path, identifier, parameters, body)),
            "enum_docs": comment(f"What {span(identifier)} may answer."),
            "parameters": parameters,
            "arguments": arguments(parameters, body),
            "allowed": list(allowed(method_name, len(parameters) + bool(body))),
            "has_parameters": bool(parameters),
            "in_path": "{" in path,
            "path_pieces": paths.pieces(path, parameters),
            "sent_parameters": [of for of in parameters if of["location"] != "Path"],
            "body": body,
            "content_enums": bodies.enums,
            "responses": responses,
            # What is declared for one status goes before what is declared for many.
            "matched_responses": sorted(responses, key=lambda of: (not of["exact"], of["default"])),
            "only_default": [of["status"] for of in responses] == ["default"],
            "has_default": any(of["default"] for of in responses),
            "accept": accept(responses),
            "large": is_large(of["body"]["size"] for of in responses if of["body"]),
            "cloneable": all(of["body"] is None or of["body"]["cloneable"] for of in responses),
            **security,
        }

    def name(self, identifier):
        """A name whose types no other operation has."""
        name = pascal(identifier)
        name = unique(name if name[:1].isalpha() and name != "Self" else f"Operation{name}", self.names)
        unique(f"{name}Response", self.types)
        return name

def accept(responses):
    """The media types of all responses, each once, for the header `Accept`."""
    media_types = [media[1:-1] for response in responses for media in response["content_types"]]
    return f'"{", ".join(dict.fromkeys(media_types))}"' if media_types else None


def allowed(name, arguments):
    """What Clippy would say of a method that is as the document has it."""
    # `self` and the context are two more, and it complains of more than seven.
    if arguments > 5:
        yield "clippy::too_many_arguments"
    if name == "new":
        yield "clippy::new_ret_no_self"
    if re.match("(as|from|into|is|to)_|new$", name):
        yield "clippy::wrong_self_convention"


def arguments(parameters, body):
    """The arguments of a method, those that must be given first, as rust-server orders them."""
    given = [{"ident": of["ident"], "type": of["type"], "required": of["required"]} for of in parameters]
    if body:
        given.append({"ident": "body", "type": body["type"], "required": body["required"]})
    return sorted(given, key=lambda argument: not argument["required"])


def description(operation, method, path, identifier, parameters, body):
    """A method's documentation: what the document says of the operation and its parameters."""
    paragraphs = [text for text in (operation.get("summary"), operation.get("description")) if text and text.strip()]
    if len(paragraphs) == 2 and paragraphs[1].strip().startswith(paragraphs[0].strip()):
        del paragraphs[0]
    if operation.get("deprecated"):
        # No attribute: the macros of the trait would not obey it.
        paragraphs.insert(1, "**Deprecated.**")
    paragraphs.append(f"{span(f'{method.upper()} {path}')}, operation {span(identifier)}.")
    items = [f"- `{of['ident']}`: {of['summary']}" for of in parameters]
    if body:
        items.append(f"- `body`: {body['summary']}")
    if items:
        paragraphs.append("\n".join(items))
    return "\n\n".join(paragraphs)
