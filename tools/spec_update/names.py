"""The names of a document that a line can contain, and the forms in which it contains them."""

import re
from dataclasses import dataclass
from http import HTTPStatus

QUOTES = "[\"'`]"
# The constants of the crate `http` whose names differ from Python's.
CONSTANTS = {413: "PAYLOAD_TOO_LARGE", 416: "RANGE_NOT_SATISFIABLE", 422: "UNPROCESSABLE_ENTITY"}


@dataclass(frozen=True)
class Name:
    """A name in one role, as the document writes it, and the names of the items in Rust that follow from it.

    `owner` is a regular expression for the operations or the schema that have the name. `shared` says that the new
    document has the same name in the same role elsewhere; then only files that name the owner count.
    """

    role: str
    text: str
    items: tuple = ()
    owner: str = ""
    shared: bool = False

    def pattern(self):
        """A regular expression for the lines that contain the name."""
        return re.compile("|".join(FORMS[self.role](self)))


def words(*texts):
    """Each text, not as a part of a longer word."""
    return [rf"(?<![\w-]){re.escape(text)}(?![\w-])" for text in texts if text]


def quoted(text):
    return rf"{QUOTES}{re.escape(text)}\\?{QUOTES}"


def assigned(text):
    """In a query, a form or a cookie: `id=7`."""
    return rf"(?<![\w.-]){re.escape(text)}=(?!=)"


def parameter(name):
    """`id=7`, `"id"`, `query.id`, `parameters/id`; in Rust `request.id` and `with_id`."""
    field, *constructors = name.items
    place = rf"\b(?:parameters?|path|query|header|cookie)[./]{re.escape(name.text)}(?![\w-])"
    return [assigned(name.text), quoted(name.text), place, rf"\brequest\.{field}\b", *words(*constructors)]


def header(name):
    """`X-Order`, in any case; of a request also the forms of a parameter."""
    return [f"(?i:{words(name.text)[0]})", *(parameter(name) if name.items else [])]


def status(name):
    """`204` as a number of its own, also beside letters; `NO_CONTENT`; `4XX`."""
    if not name.text.isdigit():
        return words(name.text)
    code = int(name.text)
    known = HTTPStatus(code).name if code in iter(HTTPStatus) else None
    return [rf"(?<!\d)(?<!\d[.,_]){code}(?!\d|[._]\d)", *words(known, CONSTANTS.get(code))]


def path(name):
    """The path with any values for its parameters, with or without its first slash; not the start of a longer path."""
    parts = re.split(r"\{[^{}]*\}", name.text.lstrip("/"))
    return [r"[^\s/\"']+".join(map(re.escape, parts)) + r"(?![\w-]|/[\w{])"]


def operation(name):
    """`DeleteToken`; in Rust `delete_token`, `expect_delete_token`, `DeleteTokenRequest` and `DeleteTokenResponse`."""
    rust, method = name.items
    return [*words(name.text, rust, f"{rust}Request", f"{rust}Response"), rf"(?:\b|_){method}\b"]


def property_(name):
    """`"data"`, `data=7`; and the word on a line that also names the schema or the operation."""
    word = "|".join(words(name.text, *name.items))
    return [quoted(name.text), assigned(name.text), f"^(?=.*(?:{name.owner})).*(?:{word})"]


def word(name):
    return words(name.text, *name.items)


FORMS = {
    "header": header,
    "media type": word,
    "operation": operation,
    "parameter": parameter,
    "path": path,
    "property": property_,
    "schema": word,
    "security scheme": word,
    "status": status,
    "value": lambda name: [quoted(name.text)],
}


def owner(operation_):
    """A regular expression for what names an operation: its ID, its items in Rust, its path."""
    names = Name("operation", operation_.id, (operation_.name, operation_.method_name)), Name("path", operation_.path)
    return "|".join(pattern for name in names for pattern in FORMS[name.role](name))
