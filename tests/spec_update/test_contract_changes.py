"""Tests which changes of a contract are reported as breaking, and which as compatible."""

import copy
import json
import os
import subprocess
import unittest
from pathlib import Path

from tools import pinned
from tools.spec_update import comparing

ROOT = Path(__file__).resolve().parent.parent.parent
COMPARISON = ROOT / "tools" / "contract-diff"

ORDER = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer"},
        "color": {"type": "string", "enum": ["red", "blue"]},
        "note": {"type": "string"},
    },
}
NOTE_SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}}
ANSWER = copy.deepcopy(ORDER)
ANSWER["properties"]["notes"] = {"type": "array", "items": {"allOf": [{"$ref": "#/components/schemas/Note"}]}}
DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "Orders", "version": "1"},
    "security": [{"Bearer": []}],
    "paths": {
        "/orders": {
            "post": {
                "operationId": "CreateOrder",
                "parameters": [
                    {"name": "shop", "in": "query", "required": True, "schema": {"type": "string"}},
                    {"name": "count", "in": "query", "schema": {"type": "integer"}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Asked"}}}},
                "responses": {
                    "200": {
                        "description": "Done.",
                        "headers": {"X-Order": {"schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answered"}}},
                    }
                },
            },
            "delete": {"operationId": "DeleteOrders", "responses": {"204": {"description": "Done."}}},
        }
    },
    "components": {
        "securitySchemes": {
            "Bearer": {"type": "http", "scheme": "bearer"},
            "Basic": {"type": "http", "scheme": "basic"},
        },
        "schemas": {"Asked": ORDER, "Answered": ANSWER, "Note": NOTE_SCHEMA, "Unused": {"type": "string"}},
    },
}

PATHS = "document['paths']"
POST = f"{PATHS}['/orders']['post']"
ASKED = "document['components']['schemas']['Asked']"
NOTE = "document['components']['schemas']['Note']"
ANSWERED = "document['components']['schemas']['Answered']"
BODY = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}

BREAKING = {
    "an operation is removed": f"del {PATHS}['/orders']['delete']",
    "a path is renamed": f"{PATHS}['/order'] = {PATHS}.pop('/orders')",
    "a parameter is renamed": f"{POST}['parameters'][0]['name'] = 'store'",
    "a parameter moves": f"{POST}['parameters'][0]['in'] = 'header'",
    "a parameter becomes required": f"{POST}['parameters'][1]['required'] = True",
    "a required parameter is added": f"{POST}['parameters'].append({{**{POST}['parameters'][0], 'name': 'till'}})",
    "a parameter has another type": f"{POST}['parameters'][1]['schema']['type'] = 'boolean'",
    "a parameter is restricted to values": f"{POST}['parameters'][0]['schema']['enum'] = ['north']",
    "a required body is added": f"{PATHS}['/orders']['delete']['requestBody'] = {BODY}",
    "a body becomes required": f"{POST}['requestBody']['required'] = True",
    "a body has another media type": f"{POST}['requestBody']['content']['text/plain'] = "
    f"{POST}['requestBody']['content'].pop('application/json')",
    "a property of a body becomes required": f"{ASKED}['required'].append('note')",
    "a property of a body has another type": f"{ASKED}['properties']['note']['type'] = 'integer'",
    "a value is no longer accepted": f"{ASKED}['properties']['color']['enum'].remove('red')",
    "a status changes": f"{POST}['responses']['201'] = {POST}['responses'].pop('200')",
    "a response no longer has a body": f"del {POST}['responses']['200']['content']",
    "a header is no longer sent": f"del {POST}['responses']['200']['headers']",
    "a property of a response has another type": f"{ANSWERED}['properties']['note']['type'] = 'integer'",
    "a part of a response has another type": f"{NOTE}['properties']['text']['type'] = 'integer'",
    "a property of a response may be null": f"{ANSWERED}['properties']['note']['nullable'] = True",
    "a property of a response may be absent": f"{ANSWERED}['required'] = []",
    "a new value is sent": f"{ANSWERED}['properties']['color']['enum'].append('green')",
    "any value is sent": f"del {ANSWERED}['properties']['color']['enum']",
    "another scheme is required": "document['security'] = [{'Basic': []}]",
    "one operation requires another scheme": f"{POST}['security'] = [{{'Basic': []}}]",
    "two schemes are required at once": f"{POST}['security'] = [{{'Basic': [], 'Bearer': []}}]",
    "a scheme changes": "document['components']['securitySchemes']['Bearer']['scheme'] = 'digest'",
}
COMPATIBLE = {
    "an operation is added": f"{PATHS}['/orders']['get'] = {PATHS}['/orders']['delete']",
    "an optional parameter is added": f"{POST}['parameters'].append({{**{POST}['parameters'][1], 'name': 'till'}})",
    "a parameter becomes optional": f"del {POST}['parameters'][0]['required']",
    "an optional body is added": f"{PATHS}['/orders']['delete']['requestBody'] = {{**{BODY}, 'required': False}}",
    "a property of a body is added": f"{ASKED}['properties']['gift'] = {{'type': 'boolean'}}",
    "a property of a body may be null": f"{ASKED}['properties']['note']['nullable'] = True",
    "a new value is accepted": f"{ASKED}['properties']['color']['enum'].append('green')",
    "any value is accepted": f"del {ASKED}['properties']['color']['enum']",
    "a status is added": f"{POST}['responses']['409'] = {{'description': 'Taken.'}}",
    "a property of a response is added": f"{ANSWERED}['properties']['gift'] = {{'type': 'boolean'}}",
    "a value is no longer sent": f"{ANSWERED}['properties']['color']['enum'].remove('red')",
    "another scheme is accepted too": "document['security'].append({'Basic': []})",
    "one operation accepts another scheme too": f"{POST}['security'] = [{{'Basic': []}}, {{'Bearer': []}}]",
    "no credential is required": "document['security'] = []",
    "a scheme is defined": "document['components']['securitySchemes']['Key'] = {'type': 'http', 'scheme': 'digest'}",
    "an operation is deprecated": f"{POST}['deprecated'] = True",
}
OTHER = {
    "a text changes": f"{POST}['responses']['200']['description'] = 'Ordered.'",
    "the version changes": "document['info']['version'] = '2'",
    "an operation has another ID": f"{POST}['operationId'] = 'Order'",
    "an unused schema changes": "document['components']['schemas']['Unused']['type'] = 'integer'",
}


# Reads pairs of documents, and writes the differences of each pair.
COMPARE = """
const { compare } = require(process.argv[1]);
const pairs = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(pairs.map(([before, after]) => compare(before, after))));
"""


class ContractChanges(unittest.TestCase):
    def kinds(self, pairs):
        """The lists to which the changes of each pair of documents belong."""
        return [set(map(comparing.kind, differences)) for differences in self.differences(pairs)]

    def differences(self, pairs):
        programs, packages = pinned.install_node(COMPARISON, "contract-diff")
        done = subprocess.run(
            [programs / "node", "-e", COMPARE, COMPARISON / "compare.cjs"],
            env={**os.environ, "NODE_PATH": str(packages)}, input=json.dumps(pairs), check=True, text=True,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        return json.loads(done.stdout)

    def assert_kinds(self, changes, expected):
        pairs = []
        for statement in changes.values():
            document = copy.deepcopy(DOCUMENT)
            exec(statement, {"document": document})
            pairs.append((DOCUMENT, document))
        for change, kinds in zip(changes, self.kinds(pairs), strict=True):
            with self.subTest(change):
                self.assertTrue(expected(kinds), kinds)

    def test_a_change_that_breaks_clients_is_breaking(self):
        self.assert_kinds(BREAKING, lambda kinds: "breaking" in kinds)

    def test_a_change_that_breaks_no_client_is_compatible(self):
        self.assert_kinds(COMPATIBLE, lambda kinds: "compatible" in kinds and "breaking" not in kinds)

    def test_a_change_that_no_client_notices_is_listed_separately(self):
        self.assert_kinds(OTHER, lambda kinds: kinds == {"other"})

    def test_equivalent_documents_have_no_changes(self):
        inlined = copy.deepcopy(DOCUMENT)
        body = inlined["paths"]["/orders"]["post"]["requestBody"]["content"]["application/json"]
        body["schema"] = inlined["components"]["schemas"]["Asked"]
        reordered = dict(reversed(list(DOCUMENT.items())))
        self.assertEqual(self.kinds([(DOCUMENT, inlined), (inlined, DOCUMENT), (DOCUMENT, reordered)]), [set()] * 3)

    def test_a_change_names_its_parameter_even_if_others_precede_it(self):
        document = copy.deepcopy(DOCUMENT)
        parameters = document["paths"]["/orders"]["post"]["parameters"]
        parameters[1]["schema"]["maximum"] = 9
        dry = {"name": "dry", "in": "query", "schema": {"type": "boolean"}}
        document["paths"]["/orders"]["post"]["parameters"] = [dry, parameters[1]]
        (found,) = self.differences([(DOCUMENT, document)])
        start = ["paths", "/orders", "post", "parameters"]
        self.assertEqual(
            {(of["action"], *of["path"]): of["description"] for of in found},
            {
                ("remove", *start, "shop"): "[Removed] required query parameter `shop`",
                ("add", *start, "count", "schema", "maximum"): "[Added] maximum validator in query parameter `count`",
                ("add", *start, "dry"): "[Added] query parameter `dry`",
            },
        )
