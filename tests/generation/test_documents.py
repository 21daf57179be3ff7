"""Tests how a document is read: its shape, its references, and what is said about parts that have no effect."""

import copy
import itertools
import unittest

from api.facts import shape
from api.facts.annotate import annotate
from api.facts.names import variant_names
from api.facts.schemas import Schemas

# A value of each JSON type, and references that lead to nothing useful.
WRONG = [None, True, 2024, -1, 1.5, "text", [], [None], {}, {"a": 5}, {"$ref": "#/info/title"}, {"$ref": 7}]


def document(version="3.1.0", **parts):
    operation = {"responses": {"204": {"description": "Nothing"}}}
    return {"openapi": version, "info": {"title": "T", "version": "1"}, "paths": {"/x": {"get": operation}}, **parts}


def example(kind, around=()):
    """A valid value of a kind of `shape`. An object has all of its keys, unless it is within another of its kind."""
    if isinstance(kind, shape.List):
        return [example(kind.item, around)]
    if isinstance(kind, shape.Map):
        return {"a": example(kind.item, around)}
    if kind in shape.OBJECTS:
        keys = {} if kind in around else shape.OBJECTS[kind]
        return {key: example(part, (*around, kind)) for key, part in keys.items() if key not in shape.METHODS[1:]}
    return {"boolean": True, "number": 1, "step": 1, "count": 1, "bound": 1, "types": "string"}.get(kind, "a")


def places(value, path=()):
    """The paths of all parts of a value."""
    yield path
    if isinstance(value, (dict, list)):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, (*path, key))


def replaced(value, path, new):
    value = copy.deepcopy(value)
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = new
    return value


class Shape(unittest.TestCase):
    def test_a_value_of_any_type_in_any_place_is_a_message_and_never_a_traceback(self):
        whole = {"openapi": "3.1.0", **example("document")}
        whole["paths"] = {"/{a}": whole["paths"]["a"]}
        whole["components"] = {key: whole["components"][key] for key in ("schemas", "securitySchemes")}
        messages, wrong = set(), itertools.cycle(WRONG)
        for path in filter(None, places(whole)):
            with self.subTest(path):
                messages.update(annotate(replaced(whole, path, next(wrong)))[2].errors)
        found = {line.partition(" must be ")[2].partition(", not")[0] for line in messages}
        self.assertLessEqual({*shape.SCALARS.values(), "an object", "a list"} - {"a text or null"}, found)

    def test_a_message_names_the_place_and_says_what_is_assumed(self):
        wrong = document(components={"schemas": {"A": {"properties": {"a.b": {"maxLength": "3", "pattern": []}}}}})
        _, _, read = annotate(wrong)
        place = "components.schemas.A.properties.a.b"
        self.assertEqual(
            read.errors,
            [
                f'{place}: maxLength must be a whole number that is not negative, not "3"; it is read as 3',
                f"{place}: pattern must be a text, not []; it is ignored",
            ],
        )

    def test_null_is_no_value_for_a_keyword_but_one_of_the_api(self):
        schemas = {"A": {"description": None, "type": "string", "nullable": True, "enum": ["a", None], "default": None}}
        _, _, read = annotate(document(components={"schemas": schemas}))
        kept = {"type": "string", "nullable": True, "enum": ["a", None], "default": None}
        self.assertEqual((read.content["components"]["schemas"]["A"], read.errors), (kept, []))


class References(unittest.TestCase):
    def read(self, version, beside, **schemas):
        reference = {"$ref": "#/components/schemas/Size", **beside}
        size = {"type": "integer", "maximum": 9, "description": "Size."}
        schemas = {"Size": size, "A": {"properties": {"a": reference}}, **schemas}
        read = annotate(document(version, components={"schemas": schemas}))[2]
        field = Schemas(read).models[1].fields[0]
        return field.rust, field.schema, read

    def test_openapi_3_1_reads_what_is_beside_a_reference_and_3_0_ignores_it(self):
        beside = {"maximum": 5, "default": 3, "description": "Here."}
        rust, schema, read = self.read("3.1.0", beside)
        self.assertEqual((rust, schema["default"], read.notices), ("Option<i64>", 3, []))
        rust, schema, read = self.read("3.0.3", beside)
        self.assertEqual((rust, schema.get("default"), schema["description"]), ("Option<models::Size>", None, "Here."))
        place = "components.schemas.A.properties.a"
        message = "maximum, default beside the reference #/components/schemas/Size is ignored"
        self.assertEqual((read.notices, read.errors, read.problems), ([f"{place}: {message}"], [], []))

    def test_a_type_beside_a_reference_is_no_conflict_in_3_0(self):
        _, _, read = self.read("3.0.0", {"type": "string"})
        self.assertEqual(read.problems, [])

    def test_a_pointer_is_decoded(self):
        target = {"type": "string", "enum": ["x"]}
        for reference in ["A%20b~1c~0d", "A b~1c~0d", "A%20b%7e1c%7E0d"]:
            read = self.read("3.1.0", {}, **{"A b/c~d": target, "B": {"$ref": f"#/components/schemas/{reference}"}})[2]
            self.assertEqual((read.errors, Schemas(read).models[-1].inner.model.label), ([], "A b/c~d"))

    def test_a_reference_outside_the_components_is_checked_as_what_it_is_used_for(self):
        given = document(**{"x-own": {"A": {"type": "date"}}}, components={"schemas": {"B": {"$ref": "#/x-own/A"}}})
        self.assertIn("x-own.A: type must be", annotate(given)[2].errors[0])

    def test_null_is_found_behind_a_reference(self):
        schemas = {
            "Level": {"type": "string", "enum": ["low"]},
            "Nothing": {"enum": [None]},
            "Again": {"$ref": "#/components/schemas/Nothing"},
        }
        choice = {"nullable": True, "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("Level", "Again")]}
        read = annotate(document("3.0.3", components={"schemas": {**schemas, "A": {"properties": {"a": choice}}}}))[2]
        self.assertEqual(Schemas(read).models[-1].fields[0].rust, "Option<Option<models::Level>>")

    def test_a_default_is_that_beside_the_reference_or_else_its_own(self):
        size = {"type": "integer", "maximum": 9, "default": 1}
        reference = {"$ref": "#/components/schemas/Size"}
        given = document(components={"schemas": {"Size": size}})
        given["paths"]["/x"]["get"]["parameters"] = [
            {"name": name, "in": "query", "schema": schema}
            for name, schema in {
                "a": reference,
                "b": {**reference, "default": 2.0},
                "c": {"allOf": [reference], "default": 3},
                "d": {**reference, "default": 10},
                "e": {"anyOf": [reference, {"type": "null"}], "default": 4},
                "f": {"type": "array", "items": reference, "default": [5, 6]},
            }.items()
        ]
        facts, _, read = annotate(given)
        defaults = [of["defaults"] for of in facts["paths"]["/0000"]["get"]["x-operation"]["parameters"]]
        self.assertEqual(defaults, [['"1"'], ['"2"'], ['"3"'], False, ['"4"'], ['"5"', '"6"']])
        message = "the schema does not allow the default 10; the default is ignored"
        self.assertEqual(read.errors, [f"paths./x.get.parameters.d: {message}"])


class Servers(unittest.TestCase):
    def test_servers_without_effect_are_mentioned(self):
        given = document(servers=[{"url": "https://a.test/v1"}, {"url": "http://b.test/v1/"}, {"url": "/v2"}])
        path = given["paths"]["/x"]
        path["servers"] = path["get"]["servers"] = [{"url": "https://c.test"}]
        reason = "the servers are ignored; a service has one base path, that of the document's first server"
        self.assertEqual(
            annotate(given)[2].notices,
            [
                f"paths./x.servers: {reason}",
                f"paths./x.get.servers: {reason}",
                "servers.2: the base path /v2 is ignored; the first server has /v1",
            ],
        )


class Names(unittest.TestCase):
    def test_the_names_of_values_do_not_depend_on_their_order(self):
        for values in [
            ["ns", "NS", "-ns", "n s", "Ns"],
            ["1", "+1", "-1", "01", "1.0"],
            ["", "empty", " ", "a_b", "a-b"],
        ]:
            names = dict(zip(values, variant_names(values), strict=True))
            self.assertEqual(len(set(names.values())), len(values), names)
            for others in itertools.permutations(values):
                self.assertEqual(dict(zip(others, variant_names(others), strict=True)), names)

    def test_a_value_keeps_its_name_beside_another_with_a_sign_or_in_another_case(self):
        for value, other in [("name", "-name"), ("-1", "1"), ("a", "A"), ("A", "A+"), ("1.5", "15"), ("c", "c++")]:
            self.assertEqual(variant_names([other, value])[1], variant_names([value])[0])

    def test_a_header_has_another_name_only_where_it_would_clash(self):
        headers = {"status": {"schema": {"type": "string"}}, "body": {"schema": {"type": "string"}}}
        text = {"text/plain": {"schema": {"type": "string"}}}
        responses = {
            "200": {"description": "A", "headers": headers},
            "201": {"description": "B", "headers": headers, "content": text},
            "default": {"description": "C", "headers": headers},
        }
        given = document()
        given["paths"]["/x"]["get"]["responses"] = responses
        facts = annotate(given)[0]["paths"]["/0000"]["get"]["x-operation"]["responses"]
        names = [[header["ident"] for header in response["headers"]] for response in facts]
        self.assertEqual(names, [["status", "body"], ["status", "body_2"], ["status_2", "body"]])


if __name__ == "__main__":
    unittest.main()
