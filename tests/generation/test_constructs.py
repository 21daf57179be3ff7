"""Tests that the tables of constructs in docs/generation.md are complete, and that each row names what shows it.

A row is `| constructs | outcomes | result | shown by |`. Constructs are in backticks: a keyword (`pattern`), or a
keyword with its value or with a key of its value (`style: matrix`, `content: text/plain`). A document that the row
names must contain them.
"""

import json
import re
import subprocess
import unittest
from pathlib import Path

from api import generate
from tools import pinned

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "generation.md"
FIXTURES = ROOT / "tests" / "fixtures"
OUTCOMES = {"typed", "checked", "degraded", "refused"}

# The fields of OpenAPI 3.0.3 and 3.1.0 and the keywords of JSON Schema 2020-12, by the object that has them.
KEYWORDS = {
    "document": "openapi info servers paths webhooks components security tags externalDocs jsonSchemaDialect",
    "path item": "summary description get put post delete options head patch trace parameters $ref",
    "operation": "operationId requestBody responses callbacks deprecated",
    "parameter": "name in required allowEmptyValue style explode allowReserved schema example examples content",
    "media type and response": "encoding contentType headers links default",
    "schema": """
        title multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems
        uniqueItems maxProperties minProperties enum type allOf oneOf anyOf not items properties additionalProperties
        format nullable discriminator mapping readOnly writeOnly xml const prefixItems contains minContains maxContains
        if then else dependentSchemas dependentRequired propertyNames patternProperties unevaluatedItems
        unevaluatedProperties contentEncoding contentMediaType contentSchema $defs $id $anchor $dynamicRef
        $dynamicAnchor $comment $schema
    """,
    "security scheme": "scheme bearerFormat flows scopes openIdConnectUrl",
}


class Constructs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = list(rows(PAGE.read_text(encoding="utf-8")))
        cls.documents = documents()

    def test_every_keyword_has_a_row(self):
        named = {keyword for row in self.rows for keyword, _ in row["constructs"]}
        missing = {place: sorted(set(words.split()) - named) for place, words in KEYWORDS.items()}
        self.assertEqual({place: words for place, words in missing.items() if words}, {})

    def test_every_row_has_an_outcome_and_names_what_shows_it(self):
        for row in self.rows:
            with self.subTest(row["text"]):
                self.assertLessEqual(set(row["outcomes"]), OUTCOMES)
                self.assertTrue(row["outcomes"] and row["shown"])
                for shown in row["shown"]:
                    self.assertIn(shown.document, self.documents)

    def test_a_named_document_contains_the_construct(self):
        for row in self.rows:
            found = set().union(*(self.documents[shown.document] for shown in row["shown"]))
            for keyword, value in row["constructs"]:
                with self.subTest(row["text"], construct=f"{keyword}: {value}"):
                    self.assertTrue(any(key == keyword and value in (None, text) for key, text in found))

    def test_a_refused_construct_is_shown_by_a_refused_document_and_others_by_a_test(self):
        for row in self.rows:
            with self.subTest(row["text"]):
                kinds = {shown.refused for shown in row["shown"]}
                self.assertEqual(True in kinds, "refused" in row["outcomes"])
                self.assertTrue(False in kinds or row["outcomes"] == ["refused"])
                for shown in row["shown"]:
                    self.assertTrue(shown.refused or shown.has_test(), f"no test {shown.test} in {shown.document}")

    def test_every_refused_document_is_in_the_table(self):
        named = {shown.document for row in self.rows for shown in row["shown"]}
        refused = {f"refused/{path.stem}" for path in FIXTURES.glob("refused/*.yaml")}
        self.assertEqual(refused - named, set())


class Shown:
    """What shows a row: a document in tests/fixtures, with a test unless the document is refused."""

    def __init__(self, text):
        self.document, _, self.test = text.partition("::")
        self.refused = self.document.startswith("refused/")

    def has_test(self):
        sources = "".join(path.read_text(encoding="utf-8") for path in (FIXTURES / self.document).glob("*.rs"))
        return bool(self.test) and bool(re.search(rf"fn {self.test}\(", sources))


def rows(page):
    """The rows of the tables between the page's marks."""
    [tables] = re.findall(r"<!-- constructs -->(.*)<!-- /constructs -->", page, re.S)
    for line in tables.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and cells[0] not in ("construct", "---"):
            yield {
                "text": cells[0],
                "constructs": [construct(text) for text in re.findall(r"`([^`]+)`", cells[0])],
                "outcomes": cells[1].split(", "),
                "shown": [Shown(text) for text in re.findall(r"`([^`]+)`", cells[3])],
            }


def construct(text):
    keyword, _, value = text.partition(": ")
    return keyword, value or None


def documents():
    """The keys of each document in tests/fixtures, as pairs of a keyword and a value or a key of the value."""
    paths = {path.parent.name: path for path in FIXTURES.glob("*/openapi.yaml")}
    paths |= {f"refused/{path.stem}": path for path in FIXTURES.glob("refused/*.yaml")}
    python = pinned.install(generate.API / "requirements.txt", "api") / "python"
    program = "import json, sys, yaml; print(json.dumps([yaml.safe_load(open(p)) for p in sys.argv[1:]], default=str))"
    command = [python, "-c", program, *paths.values()]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=60)
    return {name: set(keys(document)) for name, document in zip(paths, json.loads(done.stdout), strict=True)}


def keys(value):
    for key, of_key in value.items() if isinstance(value, dict) else []:
        for item in of_key if isinstance(of_key, list | dict) and of_key else [of_key]:
            yield key, str(item) if isinstance(item, str) else json.dumps(item)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from keys(item)


if __name__ == "__main__":
    unittest.main()
