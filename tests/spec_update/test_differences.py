"""Tests which differences between two documents are listed, because the compiler cannot see them."""

import copy
import unittest

from tests.spec_update.test_contract_changes import BREAKING, COMPATIBLE, DOCUMENT, OTHER
from tools.spec_update import differences
from tools.spec_update.operations import Contract

POST = "document['paths']['/orders']['post']"
SUCCESS = f"{POST}['responses']['200']"
ASKED = "document['components']['schemas']['Asked']"

# Each change with its causes. The texts contain what was and what is.
LISTED = {
    "a status changes": ["CreateOrder: the status 200 is now 201"],
    "a status is added": ["CreateOrder: the status 409 is new"],
    "a response no longer has a body": ["CreateOrder: status 200, body `application/json` is gone"],
    "another scheme is required": ["CreateOrder, DeleteOrders: the security was Bearer, is Basic"],
    "two schemes are required at once": ["CreateOrder: the security was Bearer, is Basic with Bearer"],
    "another scheme is accepted too": ["CreateOrder, DeleteOrders: the security was Bearer, is Bearer or Basic"],
    "no credential is required": ["CreateOrder, DeleteOrders: the security was Bearer, is none"],
    "a scheme changes": ['the security scheme Bearer: `scheme` was "bearer", is "digest"'],
    "a parameter becomes required": ["CreateOrder: query parameter `count`: `required` was absent, is true"],
    "a parameter is renamed": [
        "CreateOrder: query parameter `shop` is gone",
        "CreateOrder: query parameter `store` is new",
    ],
    "a parameter has another type": ['CreateOrder: query parameter `count`: `type` was "integer", is "boolean"'],
    "an optional parameter is added": ["CreateOrder: query parameter `till` is new and optional"],
    "a property of a body becomes required": ['the schema Asked: `required` was ["size"], is ["size", "note"]'],
    "a path is renamed": ["CreateOrder, DeleteOrders: the path was /orders, is /order"],
    "an operation has another ID": ["CreateOrder is called Order"],
    "an operation is removed": ["DeleteOrders is gone (DELETE /orders)"],
}
# Not changes of the contract for clients, or only for some.
FURTHER = {
    "a default is added": (
        f"{POST}['parameters'][1]['schema']['default'] = 3",
        ["CreateOrder: query parameter `count`: `default` was absent, is 3"],
    ),
    "several limits of a parameter change": (
        f"{POST}['parameters'][1]['schema'].update(minimum=1, maximum=9)",
        ["CreateOrder: query parameter `count`: `minimum` was absent, is 1; `maximum` was absent, is 9"],
    ),
    "a limit of a property changes": (
        f"{ASKED}['properties']['note']['maxLength'] = 7",
        ["the schema Asked: property `note`: `maxLength` was absent, is 7"],
    ),
    "a response has a body now": (
        "document['paths']['/orders']['delete']['responses']['204']['content'] = {'text/plain': {}}",
        ["DeleteOrders: status 204, body `text/plain` is new"],
    ),
    "a status changes and has a body now": (
        "of = document['paths']['/orders']['delete']['responses']; of['200'] = of.pop('204'); "
        "of['200']['content'] = {'text/plain': {}}",
        ["DeleteOrders: the status 204 is now 200", "DeleteOrders: status 200, body `text/plain` is new"],
    ),
    "a parameter of the whole path is added": (
        "document['paths']['/orders']['parameters'] = [{'name': 'shard', 'in': 'query', 'schema': {'type': 'string'}}]",
        ["CreateOrder, DeleteOrders: query parameter `shard` is new and optional"],
    ),
    "the servers of a path are added": (
        "document['paths']['/orders']['servers'] = [{'url': '/v2'}]",
        ['CreateOrder, DeleteOrders: `servers` was absent, is [{"url": "/v2"}]'],
    ),
    "the method changes": (
        "document['paths']['/orders']['put'] = document['paths']['/orders'].pop('post')",
        ["CreateOrder: the method was POST, is PUT"],
    ),
    "a scope is required": (
        f"{POST}['security'] = [{{'Bearer': ['write']}}]",
        ["CreateOrder: the security was Bearer, is Bearer (write)"],
    ),
    "two descriptions are exchanged, which name the variants": (
        f"{POST}['responses']['201'] = {{'description': 'Done.'}}; {SUCCESS}['description'] = 'Created.'",
        [
            "CreateOrder: the status 201 is new",
            "CreateOrder: `CreateOrderResponse::Done` was the status 200, is 201",
        ],
    ),
}


def causes(statement):
    document = copy.deepcopy(DOCUMENT)
    exec(statement, {"document": document})
    return causes_between(DOCUMENT, document)


def names(statement):
    document = copy.deepcopy(DOCUMENT)
    exec(statement, {"document": document})
    found = differences.compare(Contract(DOCUMENT), Contract(document))
    return [(name.role, name.text, name.shared) for of in found for name in of.names]


def causes_between(before, after):
    return [of.cause for of in differences.compare(Contract(before), Contract(after))]


class Differences(unittest.TestCase):
    def test_no_change_of_the_contract_is_silent(self):
        # A scheme that no operation lists, and a text.
        silent = {"a scheme is defined", "an operation is deprecated"}
        for change, statement in {**BREAKING, **COMPATIBLE}.items():
            with self.subTest(change):
                self.assertEqual(bool(causes(statement)), change not in silent)

    def test_each_difference_says_what_was_and_what_is(self):
        statements = {**BREAKING, **COMPATIBLE, **OTHER}
        for change, expected in LISTED.items():
            with self.subTest(change):
                self.assertEqual(causes(statements[change]), expected)
        for change, (statement, expected) in FURTHER.items():
            with self.subTest(change):
                self.assertEqual(causes(statement), expected)

    def test_texts_and_order_are_no_differences(self):
        self.assertEqual(causes(OTHER["a text changes"]), [])
        self.assertEqual(causes(OTHER["the version changes"]), [])
        self.assertEqual(causes(f"{ASKED}['properties']['color']['enum'].reverse()"), [])
        self.assertEqual(causes(f"{ASKED}['properties'] = dict(reversed({ASKED}['properties'].items()))"), [])
        inlined = f"{POST}['requestBody']['content']['application/json']['schema'] = {ASKED}"
        self.assertEqual(causes(inlined), [])

    def test_a_schema_that_contains_itself_is_compared_once(self):
        parts = "{'type': 'array', 'items': {'$ref': '#/components/schemas/Asked'}}"
        recursive = f"{ASKED}['properties']['parts'] = {parts}"
        self.assertEqual(causes(recursive), ["the schema Asked: property `parts` is new"])

    def test_two_schemas_that_contain_themselves_are_compared_once(self):
        documents = []
        for name in ("Asked", "Other"):
            document = copy.deepcopy(DOCUMENT)
            schemas, reference = document["components"]["schemas"], {"$ref": f"#/components/schemas/{name}"}
            schemas[name] = {**schemas.pop("Asked"), "additionalProperties": reference}
            document["paths"]["/orders"]["post"]["requestBody"]["content"]["application/json"]["schema"] = reference
            documents.append(document)
        self.assertEqual(causes_between(*documents), ["the schema Asked is gone"])

    def test_a_status_is_replaced_by_that_of_its_variant_or_by_the_only_one_of_its_class(self):
        def document(**responses):
            described = {status.strip("_"): {"description": text} for status, text in responses.items()}
            operation = {"operationId": "Order", "responses": described}
            return {"openapi": "3.0.3", "info": {"title": "", "version": ""}, "paths": {"/": {"get": operation}}}

        before = document(_200="Done.", _202="Accepted.", _404="Absent.", _500="Failed.")
        after = document(_201="Accepted.", _204="Done.", _410="Gone.", _400="Bad.")
        expected = ["200 is now 204", "202 is now 201", "404 is gone", "500 is gone", "410 is new", "400 is new"]
        self.assertEqual(causes_between(before, after), [f"Order: the status {text}" for text in expected])
        self.assertEqual(
            causes_between(document(_404="Absent."), document(_410="Gone.")), ["Order: the status 404 is now 410"]
        )

    def test_an_error_of_the_document_is_noted_once(self):
        documents = copy.deepcopy(DOCUMENT), copy.deepcopy(DOCUMENT)
        for document, response in zip(documents, ({}, {"$ref": "#/components/responses/Nothing"}), strict=True):
            document["paths"]["/orders"]["delete"]["responses"]["404"] = response
        before, contract = map(Contract, documents)
        differences.compare(before, contract)
        [error] = contract.errors
        self.assertIn("paths./orders.delete.responses.404: the reference #/components/responses/Nothing", error)

    def test_a_schema_of_another_name_is_compared_with_its_predecessor(self):
        body = f"{POST}['requestBody']['content']['application/json']"
        renamed = "schemas = document['components']['schemas']; schemas['Other'] = schemas.pop('Asked'); "
        renamed += (
            f"schemas['Other']['properties']['gift'] = {{}}; {body}['schema']['$ref'] = '#/components/schemas/Other'"
        )
        gone = "CreateOrder: request, body `application/json`, property `gift` is new"
        self.assertEqual(causes(renamed), [gone, "the schema Asked is gone"])

    def test_what_is_gone_is_searched_by_name(self):
        self.assertEqual(names(BREAKING["a parameter is renamed"]), [("parameter", "shop", False)])
        # Its type changed, so each use of it may be wrong.
        self.assertEqual(names(BREAKING["a parameter has another type"]), [("parameter", "count", False)])
        self.assertEqual(names(BREAKING["a status changes"]), [("status", "200", False)])
        self.assertEqual(names(BREAKING["a header is no longer sent"]), [("header", "X-Order", False)])
        self.assertEqual(names(BREAKING["a path is renamed"]), [("path", "/orders", False)] * 2)
        # The method at the path is another, so each request to it may be wrong.
        self.assertEqual(names(FURTHER["the method changes"][0]), [("path", "/orders", True)])
        self.assertEqual(names(BREAKING["an operation is removed"]), [("operation", "DeleteOrders", False)])
        self.assertEqual(names(BREAKING["another scheme is required"])[0], ("security scheme", "Bearer", False))
        # The schema Answered has a property and a value of the same name.
        gone = f"{ASKED}['properties'].pop('note'); {ASKED}['properties']['color']['enum'].remove('red')"
        expected = [("value", "red", True), ("property", "color", True), ("property", "note", True)]
        self.assertEqual(names(gone), expected)

    def test_what_is_new_is_not_searched(self):
        for change in ("a status is added", "an optional parameter is added", "a property of a body is added"):
            self.assertEqual(names(COMPATIBLE[change]), [])


if __name__ == "__main__":
    unittest.main()
