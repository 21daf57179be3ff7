"""The document that the generator reads: each operation and model with its facts, and nothing else to get wrong.

rust-server's own model of a document loses what the templates need (which schemes are alternatives, all media types but
the first, the order of operations, `null`, names that collide) and mistakes some of it (types of headers, patterns,
enums). So the facts are computed here and travel in two extensions, `x-operation` and `x-model`, and the generator does
the rest: it finds the templates, prints them for every operation and model, and writes the files.
"""

from . import whole
from .document import Document
from .operations import Operations
from .schemas import Schemas

# Where a document has values of the API, and not of its own.
VALUES = ("const", "default", "enum", "example", "examples")


def annotate(content):
    """The annotated document, the facts about the whole, and the document with the problems that were found in it."""
    content = without_nulls(content)
    document = Document(content)
    schemas = Schemas(document)
    operations = list(Operations(document, schemas).facts())
    models = schemas.finish()
    if not operations:
        document.problem("paths", "no operation")
    # Ordinals for names: rust-server sorts by them.
    annotated = {
        "openapi": "3.0.3",
        "info": {"title": "annotated", "version": "1"},
        "paths": {f"/{number:04}": {"get": stub(number, facts)} for number, facts in enumerate(operations)},
        "components": {"schemas": {f"M{number:04}": model_stub(facts) for number, facts in enumerate(models)}},
    }
    return printable(annotated), printable(whole.facts(content, operations, schemas)), document


def without_nulls(value):
    """A part of a document without keys that have no value, but where `null` is a value."""
    if isinstance(value, dict):
        return {
            key: part if key in VALUES else without_nulls(part)
            for key, part in value.items()
            if part is not None or key in VALUES
        }
    return [without_nulls(part) for part in value] if isinstance(value, list) else value


def printable(facts):
    """Facts without None, for which the templates would look further out."""
    if isinstance(facts, dict):
        return {key: printable(value) for key, value in facts.items()}
    if isinstance(facts, list):
        return [printable(value) for value in facts]
    return False if facts is None else facts


def stub(number, facts):
    return {"operationId": f"o{number:04}", "responses": {"204": {"description": "none"}}, "x-operation": facts}


def model_stub(facts):
    return {"type": "object", "properties": {"stub": {"type": "string"}}, "x-model": facts}
