"""Writes the document that the generator reads: a stub for each operation and model, which carries its facts.

rust-server's own model of a document loses facts that the templates need: which security schemes are alternatives, all
media types but the first, the order of operations, `null`, names that collide. It gets others wrong: the types of
headers, patterns, enums. Therefore this package computes the facts. They travel in two extensions, `x-operation` and
`x-model`. The generator renders the templates for each operation and model.
"""

from . import heirs, whole
from .document import Document
from .normal import normalize
from .operations import Operations
from .schemas import Schemas


def annotate(content):
    """Returns the annotated document, the facts about the whole, and the `Document` with the problems found."""
    document = Document(content)
    normalize(document)
    heirs.spell_out(document)
    schemas = Schemas(document)
    operations = list(Operations(document, schemas).facts())
    models = schemas.finish()
    if not operations:
        document.problem("paths", "the document has no operation")
    # rust-server sorts by name; ordinals keep the document's order.
    annotated = {
        "openapi": "3.0.3",
        "info": {"title": "annotated", "version": "1"},
        "paths": {f"/{number:04}": {"get": stub(number, facts)} for number, facts in enumerate(operations)},
        "components": {"schemas": {f"M{number:04}": model_stub(facts) for number, facts in enumerate(models)}},
    }
    return printable(annotated), printable(whole.facts(document, operations, schemas)), document


def printable(facts):
    """Replaces None, because Mustache looks up a missing value in the surrounding facts."""
    if isinstance(facts, dict):
        return {key: printable(value) for key, value in facts.items()}
    if isinstance(facts, list):
        return [printable(value) for value in facts]
    return False if facts is None else facts


def stub(number, facts):
    return {"operationId": f"o{number:04}", "responses": {"204": {"description": "none"}}, "x-operation": facts}


def model_stub(facts):
    return {"type": "object", "properties": {"stub": {"type": "string"}}, "x-model": facts}
