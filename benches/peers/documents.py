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
        paths = json.loads(self.path.read_text(encoding="utf-8"))["paths"]
        return [(method.upper(), path) for path, item in paths.items() for method in METHODS if method in item]


def collect(tools, folder):
    """Writes every document into a folder, unless it is there already, and returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    whole, used = (Document(name, PROJECT, folder / f"{PROJECT}-{name}.json") for name in (WHOLE, USED))
    text = OWN.read_text(encoding="utf-8")
    put(whole.path, text)
    put(used.path, json.dumps(without_unused(json.loads(text)), indent=2) + "\n")
    documents = [whole, used]
    for group, found in (
        (FIXTURE, {path.parent.name: path for path in FIXTURES.glob("*/openapi.yaml")}),
        (REFUSED, {path.stem: path for path in FIXTURES.glob("refused/*.yaml")}),
    ):
        for name, source in sorted(found.items()):
            path = folder / f"{group}-{name.replace('_', '-')}.json"
            correction = source.with_name("overlay.yaml")
            corrected = folder / "corrected.json"
            overlay.apply(tools, source, correction if correction.exists() else None, corrected)
            put(path, corrected.read_text(encoding="utf-8"))
            corrected.unlink()
            documents.append(Document(name, group, path))
    return documents


def put(path, text):
    """Writes a file if its contents change: openapi-trait makes cargo look at its time."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


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
