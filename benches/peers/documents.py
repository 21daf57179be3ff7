"""The documents from which every subject generates a crate.

Each subject reads the same JSON: the document with its overlay applied, and with YAML 1.2 read as OpenAPI demands.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from api import overlay

ROOT = Path(__file__).resolve().parent.parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
OWN = ROOT / "generated" / "openapi.json"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
PROJECT, FIXTURE, REFUSED = "project", "fixture", "refused"
# The project's document as a whole, and with only those components that its operation uses.
WHOLE, USED = "openapi", "openapi-used"


@dataclass(frozen=True)
class Document:
    """A document in target/peers/documents, and its name in the checkout."""

    name: str
    group: str
    path: Path

    @property
    def folder(self):
        return self.path.stem

    def operations(self):
        """The method and the path of each operation."""
        return operations(json.loads(self.path.read_text(encoding="utf-8")))


def collect(tools, folder):
    """Writes every document into a folder, and returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = []

    def add(group, name, value):
        path = folder / f"{group}-{name.replace('_', '-')}.json"
        value = with_names(value) if group == REFUSED else value
        path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        documents.append(Document(name, group, path))

    own = json.loads(OWN.read_text(encoding="utf-8"))
    add(PROJECT, WHOLE, own)
    add(PROJECT, USED, without_unused(own))
    for group, found in (
        (FIXTURE, {path.parent.name: path for path in FIXTURES.glob("*/openapi.yaml")}),
        (REFUSED, {path.stem: path for path in FIXTURES.glob("refused/*.yaml")}),
    ):
        for name, source in sorted(found.items()):
            correction = source.with_name("overlay.yaml")
            corrected = folder / "corrected.json"
            overlay.apply(tools, source, correction if correction.exists() else None, corrected)
            add(group, name, json.loads(corrected.read_text(encoding="utf-8")))
            corrected.unlink()
    return documents


def with_names(document):
    """Names the operations that have no `operationId`, which some generators require."""
    for number, (method, path) in enumerate(operations(document), 1):
        document["paths"][path][method].setdefault("operationId", f"operation{number}")
    return document


def operations(document):
    return [(method, path) for path, item in document["paths"].items() for method in METHODS if method in item]


def without_unused(document):
    """Removes the components to which no operation leads. Security schemes are named and not referred to; they stay."""
    components = document["components"]
    used, found = set(), references(document["paths"])
    while found:
        used |= found
        found = set().union(*(references(components[kind][name]) for kind, name in found)) - used
    kept = {
        kind: {name: value for name, value in values.items() if kind == "securitySchemes" or (kind, name) in used}
        for kind, values in components.items()
    }
    return {**document, "components": {kind: values for kind, values in kept.items() if values}}


def references(value):
    """The kind and the name of each component to which a part of a document refers."""
    return set(re.findall(r'"#/components/(\w+)/([^"/]+)"', json.dumps(value)))
