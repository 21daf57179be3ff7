"""Tests that a part of a document contains what its operations need, and nothing else."""

import copy
import subprocess
import sys
import unittest
from pathlib import Path

from api import selection

ROOT = Path(__file__).resolve().parents[2]


def ref(kind, name):
    return {"$ref": f"#/components/{kind}/{name}"}


def document(paths, **rest):
    return {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths, **rest}


def responding(content=None, **rest):
    return {"responses": {"200": {"description": "d", **({"content": {"a/b": content}} if content else {})}}, **rest}


def select(content, only=(), skip=()):
    before = copy.deepcopy(content)
    part, lines = selection.select(content, only, skip)
    assert content == before, "the document itself changed"
    return part, "\n".join(lines)


def taken(content, only=(), skip=()):
    """The requests that are in the part."""
    return [operation.request for operation in selection.operations_of(select(content, only, skip)[0])]


def components(content, only):
    """The names of the components in the part."""
    found = select(content, only)[0].get("components", {})
    return {kind: [*named] for kind, named in found.items()}


def schemas(operation, **named):
    """The schemas that an operation needs, beside which there is another operation."""
    content = document(
        {"/a": {"get": {"operationId": "a", **operation}}, "/b": {"get": responding({"schema": ref("schemas", "B")})}},
        components={"schemas": {"B": {}, **named}},
    )
    return components(content, ["a"]).get("schemas", [])


class Names(unittest.TestCase):
    content = document(
        {
            "/a": {"get": responding(operationId="a", tags=["Read data", "x"]), "post": responding(tags=["Write, b"])},
            "/b": {"get": responding(operationId="b b", tags=["x"]), "x-own": {}, "parameters": []},
            "x-paths": {"get": {}},
        },
        webhooks={"born": {"post": responding(operationId="born")}},
    )

    def test_a_name_is_an_id_a_tag_or_a_request(self):
        for only, expected in [
            (["a"], ["GET /a"]),
            (["b b"], ["GET /b"]),
            (["x"], ["GET /a", "GET /b"]),
            (["Read data"], ["GET /a"]),
            (["POST /a"], ["POST /a"]),
            (["post  /a"], ["POST /a"]),
            (["born"], ["POST born"]),
        ]:
            with self.subTest(only):
                self.assertEqual(taken(self.content, only), expected)

    def test_commas_and_repeated_options_separate_names(self):
        for only, expected in [
            (["a, b b"], ["GET /a", "GET /b"]),
            (["a", "b b,"], ["GET /a", "GET /b"]),
            (["Write, b"], ["POST /a"]),
            (["Write, b", "a,get /b"], ["GET /a", "POST /a", "GET /b"]),
        ]:
            with self.subTest(only):
                self.assertEqual(taken(self.content, only), expected)

    def test_skip_leaves_out_of_all_or_of_what_only_names(self):
        self.assertEqual(taken(self.content, skip=["x, born"]), ["POST /a"])
        self.assertEqual(taken(self.content, ["x"], ["b b"]), ["GET /a"])
        self.assertEqual(taken(self.content, ["b b"], ["a"]), ["GET /b"])

    def test_a_name_that_no_operation_has_is_an_error(self):
        for only, skip, messages in [
            (["Rea data"], [], ["--only", "`Rea data`; did you mean `Read data`?"]),
            (["B B"], [], []),
            ([], ["born, get /c"], ["--skip", "`GET /c`; did you mean", "`GET /a`"]),
            (["a born"], [], ["`a born`; separate names with commas"]),
            (["zzzz", "a"], ["yyyy"], ["request `zzzz`\n", "request `yyyy`"]),
            (["a"], ["x"], ["leave no operation"]),
            ([","], [], ["leave no operation"]),
        ]:
            with self.subTest((only, skip)), self.assertRaises(SystemExit) as failure:
                select(self.content, only, skip)
            for message in messages:
                self.assertIn(message, str(failure.exception))

    def test_what_is_left_out_is_reported_in_a_few_lines(self):
        many = document(
            {f"/operation/number/{number}": {"get": responding(tags=[str(number)])} for number in range(99)}
        )
        self.assertIn(
            "4 operations, 0 of 0 schemas\ngenerate: left out: a, b b, born", select(self.content, ["POST /a"])[1]
        )
        lines = select(many, ["7"])[1].splitlines()
        self.assertEqual(len(lines), 6)
        self.assertIn("1 of 99 operations", lines[0])
        named = sum(line.count("GET ") for line in lines)
        self.assertTrue(lines[-1].endswith(f", and {98 - named} more"), lines[-1])


class Components(unittest.TestCase):
    def test_references_are_followed_in_every_position(self):
        schema = {"schema": ref("schemas", "A")}
        for operation in [
            responding(schema),
            responding({"schema": {"type": "array", "items": {"allOf": [ref("schemas", "A")]}}}),
            responding({"schema": {"$defs": {"x": ref("schemas", "A")}, "properties": {"$ref": {}}}}),
            {"parameters": [{"name": "p", "in": "query", **schema}], **responding()},
            {"parameters": [{"name": "p", "in": "query", "content": {"a/b": schema}}], **responding()},
            {"requestBody": {"content": {"a/b": {"encoding": {"x": {"headers": {"h": schema}}}}}}, **responding()},
            {"callbacks": {"done": {"{$url}": {"post": responding(schema)}}}, **responding()},
            {"responses": {"200": {"headers": {"h": schema}}}},
            {"x-extension": schema, **responding()},
        ]:
            with self.subTest(operation):
                self.assertEqual(schemas(operation, A={"not": ref("schemas", "C~1/")}, **{"C/~": {}}), ["A"])
                self.assertEqual(
                    schemas(operation, A={"not": ref("schemas", "C~1%7E0")}, **{"C/~": {}, "D": {}}), ["A", "C/~"]
                )

    def test_components_of_every_kind_are_needed_through_each_other(self):
        kinds = {
            "parameters": {"P": {"examples": {"e": ref("examples", "E")}}, "Other": {}},
            "examples": {"E": {"value": 1}, "Other": {}},
            "requestBodies": {"Q": {"content": {"a/b": {"schema": ref("schemas", "S") | {"description": "d"}}}}},
            "schemas": {"S": ref("schemas", "T"), "T": ref("schemas", "S"), "Other": {}},
            "responses": {"R": {"headers": {"h": ref("headers", "H")}, "links": {"l": ref("links", "L")}}, "Other": {}},
            "headers": {"H": {}},
            "links": {"L": {"operationId": "a"}, "Other": {}},
            "callbacks": {"C": {"x": ref("pathItems", "I")}},
            "pathItems": {"I": {"post": responding()}, "Other": {}},
            "x-own": {"kept": True},
        }
        operation = {
            "operationId": "a", "parameters": [ref("parameters", "P")], "requestBody": ref("requestBodies", "Q"),
            "callbacks": {"c": ref("callbacks", "C")}, "responses": {"200": ref("responses", "R")},
        }  # fmt: skip
        content = document({"/a": {"get": operation}, "/b": {"get": responding()}}, components=kinds)
        expected = {
            kind: [name for name in named if name != "Other"] if kind != "x-own" else ["kept"]
            for kind, named in kinds.items()
        }
        self.assertEqual(components(content, ["a"]), expected)
        self.assertEqual(components(content, ["GET /b"]), {"x-own": ["kept"]})

    def test_a_discriminators_alternatives_are_needed(self):
        mapped = {
            "discriminator": {"propertyName": "k", "mapping": {"a": "A", "c": "#/components/schemas/C", "d": "D"}}
        }
        self.assertEqual(schemas(responding({"schema": mapped}), A={}, C={}), ["A", "C"])
        heirs = {
            "Base": {"discriminator": {"propertyName": "k"}},
            "Heir": {"allOf": [ref("schemas", "Base"), {"properties": {"x": ref("schemas", "Part")}}]},
            "Grandchild": {"allOf": [{}, ref("schemas", "Heir")]},
            "Part": {},
            "Stranger": {"properties": {"base": ref("schemas", "Base")}},
        }
        self.assertEqual(
            schemas(responding({"schema": ref("schemas", "Base")}), **heirs), ["Base", "Heir", "Grandchild", "Part"]
        )
        heirs["Base"] = {}
        self.assertEqual(schemas(responding({"schema": ref("schemas", "Base")}), **heirs), ["Base"])

    def test_only_the_security_schemes_and_tags_of_the_part_are_left(self):
        content = document(
            {
                "/a": {"get": responding(operationId="a", tags=["one"], security=[{"A": [], "C": []}, {}])},
                "/b": {"get": responding(operationId="b", tags=["two"])},
            },
            tags=[{"name": "one"}, {"name": "two"}],
            security=[{"B": []}],
            components={"securitySchemes": {"A": {}, "B": {}, "C": {}}},
            servers=[{"url": "/v3"}],
        )
        part, _ = select(content, ["a"])
        self.assertEqual([*part["components"]["securitySchemes"]], ["A", "C"])
        self.assertNotIn("security", part)
        self.assertEqual((part["tags"], part["servers"]), ([{"name": "one"}], [{"url": "/v3"}]))
        part, _ = select(content, ["b"])
        self.assertEqual([*part["components"]["securitySchemes"]], ["B"])
        self.assertEqual(part["security"], [{"B": []}])

    def test_a_path_that_is_a_reference_is_replaced_by_what_is_left_of_its_target(self):
        item = {"summary": "s", "get": responding(operationId="a"), "put": responding(operationId="b")}
        content = document(
            {"/a": ref("pathItems", "I"), "/b": {"$ref": "#/paths/~1a"}}, components={"pathItems": {"I": item}}
        )
        part, _ = select(content, skip=["b"])
        left = {"summary": "s", "get": item["get"]}
        self.assertEqual(part["paths"], {"/a": left, "/b": left})
        self.assertEqual(part["components"], {})

    def test_a_path_that_leads_nowhere_is_left_to_be_reported(self):
        content = document({"/a": {"$ref": "other.yaml#/x"}, "/b": {"get": responding()}, "/c": {"get": responding()}})
        self.assertEqual([*select(content, skip=["GET /b"])[0]["paths"]], ["/a", "/c"])
        self.assertEqual([*select(content, ["GET /b"])[0]["paths"]], ["/b"])

    def test_a_reference_into_what_is_left_out_is_replaced_by_its_target(self):
        target = {"type": "object", "properties": {"x": ref("schemas", "A")}}
        place = "#/paths/~1b/get/responses/200/content/a~1b/schema"
        content = document(
            {
                "/a": {"get": responding({"schema": {"$ref": place, "description": "beside"}}, operationId="a")},
                "/b": {"get": responding({"schema": target}, operationId="b")},
            },
            components={"schemas": {"A": {}, "B": {}}},
        )
        part, _ = select(content, ["a"])
        self.assertEqual(
            part["paths"]["/a"]["get"]["responses"]["200"]["content"]["a/b"]["schema"],
            {**target, "description": "beside"},
        )
        self.assertEqual([*part["components"]["schemas"]], ["A"])
        target["properties"]["again"] = {"$ref": place}
        with self.assertRaises(SystemExit) as failure:
            select(content, ["a"])
        self.assertIn(place, str(failure.exception))
        self.assertEqual(taken(content, ["a, b"]), ["GET /a", "GET /b"])

    def test_links_to_what_is_left_out_are_removed(self):
        links = {
            "a": {"operationId": "a"}, "b": {"operationId": "b"}, "c": {"operationRef": "#/paths/~1b/get"},
            "d": ref("links", "D"), "e": {"operationRef": "https://other.example/x"},
        }  # fmt: skip
        operation = {"operationId": "a", "responses": {"200": {"links": links}}}
        content = document(
            {"/a": {"get": operation}, "/b": {"get": responding(operationId="b")}},
            components={"links": {"D": {"operationId": "b"}}},
        )
        part, _ = select(content, ["a"])
        self.assertEqual([*part["paths"]["/a"]["get"]["responses"]["200"]["links"]], ["a", "e"])
        self.assertEqual(part["components"], {})

    def test_a_malformed_document_is_left_to_be_reported(self):
        for content in [
            document({"/a": {"get": responding(operationId="a")}, "/b": None, "/c": []}, components=None, tags=None),
            document({"/a": {"get": responding(operationId="a"), "put": 1}}, webhooks=7, components={"schemas": [1]}),
            document({"/a": {"get": {"operationId": "a", "tags": "x", "security": [None], "responses": None}}}),
            document(
                {"/a": {"get": {"operationId": "a", "parameters": [{"$ref": "#/nowhere"}, {"$ref": "#/paths/0"}]}}}
            ),
            document(
                {
                    "/a": {"get": {"operationId": "a", "x": {"$ref": "#/components/schemas/A/x/0"}}},
                    "/b": {"get": {"operationId": 2}},
                }
            ),
        ]:
            with self.subTest(content):
                self.assertEqual(taken(content, ["a"]), ["GET /a"])


class Command(unittest.TestCase):
    def test_options_of_a_crate_of_its_own_require_a_document(self):
        for option in (["--only", "x"], ["--skip", "x"], ["--default-stubs"]):
            with self.subTest(option):
                done = subprocess.run(
                    [sys.executable, "-m", "api.generate", *option],
                    cwd=ROOT,
                    capture_output=True,
                    text=True,
                    timeout=60,
                )
                self.assertEqual(done.returncode, 2)
                self.assertIn(f"{option[0]} requires --spec and --out", done.stderr)


if __name__ == "__main__":
    unittest.main()
