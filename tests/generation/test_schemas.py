"""Tests the translation of schemas to Rust types, and of patterns and texts to Rust."""

import unittest

from api.facts import composition, patterns
from api.facts.annotate import annotate
from api.facts.constraints import float_literal
from api.facts.document import Document
from api.facts.literals import code, literal
from api.facts.schemas import Schemas


def schemas(**components):
    return Schemas(Document({"components": {"schemas": components}}))


BTREE_MAP = "std::collections::BTreeMap<String, {}>"


def ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


def rust(schema, role="response", **components):
    return schemas(**components).type(schema, "Hint", "place", role).rust


def fields(given, name):
    """The Rust types of a model's fields."""
    model = next(model for model in given.models if model.name == name)
    return {part.name: part.rust for part in model.fields}


class Types(unittest.TestCase):
    def test_each_type_and_format_has_a_rust_type(self):
        for schema, expected in [
            ({"type": "string"}, "String"),
            ({"type": "string", "format": "hostname"}, "String"),
            ({"type": "string", "format": "date-time"}, "chrono::DateTime<chrono::Utc>"),
            ({"type": "string", "format": "date"}, "chrono::NaiveDate"),
            ({"type": "string", "format": "uuid"}, "uuid::Uuid"),
            ({"type": "string", "format": "byte"}, "swagger::ByteArray"),
            ({"type": "string", "format": "binary"}, "String"),
            ({"type": "string", "format": "password"}, "models::Secret"),
            ({"type": "integer"}, "i64"),
            ({"type": "integer", "format": "int32"}, "i32"),
            ({"type": "integer", "format": "uint32"}, "u32"),
            ({"type": "integer", "format": "uint64"}, "u64"),
            ({"type": "integer", "minimum": 0, "maximum": 2**63}, "u64"),
            ({"type": "integer", "minimum": 2**63}, "u64"),
            ({"type": "integer", "exclusiveMaximum": 2**63}, "i64"),
            ({"type": "integer", "format": "int64", "maximum": 2**63}, "i64"),
            ({"type": "integer", "maximum": 2**63}, "i128"),
            ({"type": "integer", "minimum": -1, "maximum": 2**63}, "i128"),
            ({"type": "integer", "minimum": -(2**63) - 1}, "i128"),
            ({"type": "integer", "enum": [0, 2**63]}, "u64"),
            ({"type": "integer", "enum": [-1, 2**63]}, "i128"),
            ({"type": "number"}, "f64"),
            ({"type": "number", "format": "float"}, "f32"),
            ({"type": "boolean"}, "bool"),
            ({"type": "array", "items": {"type": "string"}}, "Vec<String>"),
            ({"type": "array"}, "Vec<serde_json::Value>"),
            ({"type": "object"}, "serde_json::Map<String, serde_json::Value>"),
            ({"type": "object", "additionalProperties": True}, "serde_json::Map<String, serde_json::Value>"),
            ({"additionalProperties": {"type": "integer"}}, "std::collections::BTreeMap<String, i64>"),
            ({}, "serde_json::Value"),
            ({"pattern": "^a$"}, "serde_json::Value"),
            ({"type": ["integer", "null"]}, "Option<i64>"),
            ({"type": "string", "nullable": True}, "Option<String>"),
            ({"type": "object", "properties": {"a": {}}}, "models::Hint"),
            ({"enum": ["a", None]}, "Option<models::Hint>"),
            ({"const": 1}, "models::Hint"),
            ({"enum": [0.5]}, "f64"),
        ]:
            with self.subTest(schema):
                self.assertEqual(rust(schema), expected)

    def test_annotations_beside_a_reference_do_not_change_its_type(self):
        for schema in [
            ref("A"),
            {**ref("A"), "description": "Text."},
            {"allOf": [ref("A")], "description": "Text.", "x-order": 1},
            {"allOf": [ref("A"), {"description": "Text."}], "type": "object"},
            {"oneOf": [ref("A")]},
        ]:
            with self.subTest(schema):
                self.assertEqual(rust(schema, A={"type": "object", "properties": {"a": {}}}), "models::A")

    def test_every_spelling_of_null_makes_a_type_nullable(self):
        components = {"A": {"type": "string", "nullable": True}, "B": ref("A"), "C": {"type": "string"}}
        for schema in [
            ref("A"),
            ref("B"),
            {"anyOf": [ref("C"), {"type": "null"}]},
            {"allOf": [ref("C")], "nullable": True},
        ]:
            with self.subTest(schema):
                self.assertRegex(rust(schema, **components), r"^Option<models::[ABC]>$")
        self.assertEqual(rust({"allOf": [ref("A"), {"maxLength": 3}]}, **components), "Option<String>")

    def test_a_parameter_without_a_type_is_a_string(self):
        self.assertEqual(rust({"format": "date-time"}, role="parameter"), "String")

    def test_a_parameter_or_a_header_is_never_null(self):
        limited = {"type": "integer", "minimum": 1}
        for schema, expected in [
            ({**limited, "nullable": True}, "i64"),
            ({"anyOf": [limited, {"type": "null"}]}, "i64"),
            ({"type": "array", "items": {"oneOf": [limited, {"const": None}]}}, "Vec<i64>"),
            ({"anyOf": [{"type": "array", "items": ref("A")}, {"type": "null"}]}, "Vec<models::A>"),
            ({"enum": ["a", 1, None]}, "String"),
            ({"type": "object", "additionalProperties": {**limited, "nullable": True}}, BTREE_MAP.format("i64")),
            ({"type": "object"}, BTREE_MAP.format("String")),
        ]:
            for role in ("parameter", "header"):
                with self.subTest((schema, role)):
                    self.assertEqual(rust(schema, role, A={"type": ["string", "null"]}), expected)

    def test_null_for_an_untyped_property_is_a_value_unless_the_enum_omits_it(self):
        null, text = {"enum": [1, "a", None]}, {"enum": [1, "a"]}
        given = schemas(A={"properties": {"any": {}, "null": null, "text": text, "named": ref("B")}}, B=text)
        present = {facts["name"]: facts["present"] for facts in given.finish()[0]["fields"]}
        self.assertEqual(present, {"any": True, "null": True, "text": False, "named": False})

    def test_a_whole_number_is_an_integer_in_an_enum_but_not_in_a_list_of_texts(self):
        given = schemas(A={"type": "integer", "enum": [1.0, 2]}, B={"type": "string", "enum": [1.0, 1.1]})
        values = [[value.value for value in model.values] for model in given.models]
        self.assertEqual(values, [[1, 2], ["1.0", "1.1"]])

    def test_types_too_complex_for_clippy_are_split(self):
        deep = {"type": "string"}
        for _ in range(8):
            deep = {"type": "array", "items": deep}
        self.assertEqual(rust(deep).count("Vec<"), 2)

    def test_a_value_that_fits_one_text_is_a_scalar(self):
        given = schemas(
            Text={"type": "string"},
            List={"type": "array"},
            Alias=ref("Text"),
            Either={"oneOf": [{"type": "integer"}, {"type": "string"}]},
        )
        scalar = {
            name: given.type(ref(name), "Hint", "place", "parameter").scalar
            for name in ("Text", "List", "Alias", "Either")
        }
        self.assertEqual(scalar, {"Text": True, "List": False, "Alias": True, "Either": True})


class Models(unittest.TestCase):
    def test_colliding_names_get_numbers(self):
        given = schemas(**{"token": {}, "Token": {}, "TOKEN": {}, "String": {}, "2fa": {}})
        self.assertEqual(
            [model.name for model in given.models], ["Token", "Token2", "Token3", "ModelString", "Model2fa"]
        )

    def test_inline_models_follow_their_component(self):
        inline = {
            "type": "object",
            "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {"b": {"enum": ["x"]}}}}},
        }
        given = schemas(First=inline, Second={"type": "string"})
        given.type({"type": "object", "properties": {"c": {}}}, "Call request", "place", "request")
        names = [facts["name"] for facts in given.finish()]
        self.assertEqual(names, ["First", "FirstAInner", "FirstAInnerB", "Second", "CallRequest"])

    def test_optional_and_nullable_fields_are_options(self):
        text, null = {"type": "string"}, {"type": "string", "nullable": True}
        given = schemas(A={"properties": {"a": text, "b": null, "c": text, "d": null}, "required": ["a", "b"]})
        expected = {"a": "String", "b": "Option<String>", "c": "Option<String>", "d": "Option<Option<String>>"}
        self.assertEqual(fields(given, "A"), expected)

    def test_a_read_only_property_is_optional_in_requests_and_a_write_only_one_in_responses(self):
        text = {"type": "string"}
        inner = {
            "properties": {"r": {**text, "readOnly": True}, "w": {**text, "writeOnly": True}},
            "required": ["r", "w"],
        }
        outer = {"type": "object", "properties": {"inner": {"type": "array", "items": ref("Inner")}}}
        for role, expected in [
            ("request", {"r": "Option<String>", "w": "String"}),
            ("response", {"r": "String", "w": "Option<String>"}),
        ]:
            given = schemas(Inner=inner, Outer=outer)
            given.type(ref("Outer"), "Hint", "place", role)
            self.assertEqual(fields(given, "Inner"), expected)

    def test_a_required_property_without_a_schema_becomes_a_field(self):
        given = schemas(A={"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]})
        self.assertEqual(fields(given, "A"), {"a": "Option<String>", "b": "serde_json::Value"})

    def test_no_fact_is_null(self):
        def walk(value):
            self.assertIsNotNone(value)
            for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
                walk(item)

        components = {"A": {"oneOf": [{"type": "string"}, ref("B")]}, "B": {"type": "object", "properties": {"a": {}}}}
        deletion = {"responses": {"204": {"description": "Deleted."}}}
        content = {"info": {"title": "T"}, "paths": {"/x": {"delete": deletion}}, "components": {"schemas": components}}
        annotated, whole, _ = annotate(content)
        walk([annotated, whole])


class Composition(unittest.TestCase):
    def test_the_stricter_of_two_limits_applies(self):
        limits = {}
        composition.collect_limits({"minLength": 1, "maximum": 5, "exclusiveMaximum": True, "pattern": "a"}, limits)
        composition.collect_limits({"minLength": 3, "exclusiveMaximum": 4, "pattern": "b"}, limits)
        self.assertEqual(limits, {"minLength": 3, "exclusiveMaximum": 4, "pattern": ["a", "b"]})

    def test_the_parts_of_all_of_are_merged(self):
        given = schemas(
            A={"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "string"}}, "required": ["a"]},
            B={"allOf": [ref("A"), {"properties": {"a": {"type": "integer"}}}, {"required": ["b"]}]},
        )
        self.assertEqual(fields(given, "B"), {"a": "i64", "b": "String"})

    def test_parts_that_exclude_each_other_are_a_problem(self):
        given = schemas(A={"allOf": [{"type": "string"}, {"type": "integer"}]})
        self.assertEqual(len(given.document.problems), 1)
        self.assertIn("components.schemas.A.allOf.1", given.document.problems[0])

    def test_a_schema_that_consists_of_itself_is_a_problem(self):
        inner = {"type": "object", "properties": {"x": {"$ref": "#/components/schemas/A/properties/x"}}}
        for circle in [
            {"A": {"allOf": [ref("A"), {"type": "array"}]}},
            {"A": ref("B"), "B": ref("A")},
            {"A": {"anyOf": [ref("A"), {"type": "null"}]}},
            {"A": {"oneOf": [ref("A"), {"type": "string"}]}},
            {"A": inner},
            {"A": {"oneOf": [ref("B"), {"type": "string"}]}, "B": {"anyOf": [ref("A"), {"type": "integer"}]}},
        ]:
            with self.subTest(circle):
                given = schemas(**circle)
                given.finish()
                self.assertTrue(given.document.problems)

    def test_an_heir_inherits_the_properties_but_not_the_choice_between_heirs(self):
        text = {"type": "string"}
        base = {"type": "object", "required": ["kind"], "properties": {"kind": text}, "oneOf": [ref("B"), ref("C")]}
        heir = {"allOf": [ref("A"), {"type": "object", "properties": {"b": text}}]}
        given = schemas(
            A={**base, "discriminator": {"propertyName": "kind"}}, B=heir, C={"allOf": [ref("A")], "description": "C."}
        )
        self.assertEqual(fields(given, "B"), {"kind": "String", "b": "Option<String>"})
        self.assertEqual(fields(given, "C"), {"kind": "String"})
        self.assertEqual(fields(given, "A"), {"one_of": "models::AOneOf"})
        self.assertEqual(given.document.problems, [])

    def test_a_choice_of_required_properties_does_not_change_the_type(self):
        given = schemas(A={"properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]})
        self.assertEqual(set(fields(given, "A")), {"a", "b"})

    def test_a_schema_that_includes_a_choice_shares_its_enum(self):
        object = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
        given = schemas(
            X=object, Y=object, Choice={"oneOf": [ref("X"), ref("Y")]}, More={"allOf": [ref("Choice"), object]}
        )
        self.assertEqual([model.name for model in given.models][:4], ["X", "Y", "Choice", "More"])

    def test_a_choice_of_scalars_beside_properties_is_a_problem(self):
        given = schemas(A={"properties": {"a": {}}, "oneOf": [{"type": "string"}, {"type": "integer"}]})
        self.assertIn("components.schemas.A.oneOf", given.document.problems[0])


class Recursion(unittest.TestCase):
    def test_only_recursive_fields_are_boxed(self):
        given = schemas(
            A={"properties": {"a": ref("A"), "list": {"type": "array", "items": ref("A")}, "b": ref("B")}},
            B={"properties": {"alias": ref("C")}},
            C=ref("A"),
        )
        self.assertEqual(
            fields(given, "A"),
            {"a": "Option<Box<models::A>>", "list": "Option<Vec<models::A>>", "b": "Option<models::B>"},
        )
        self.assertEqual(fields(given, "B"), {"alias": "Option<Box<models::C>>"})

    def test_large_alternatives_are_boxed(self):
        many = {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(20)}}
        given = schemas(Many=many, Choice={"oneOf": [ref("Many"), {"type": "boolean"}]})
        given.finish()
        self.assertEqual([variant.type.rust for variant in given.models[1].variants], ["Box<models::Many>", "bool"])


class Checks(unittest.TestCase):
    def test_only_models_of_requests_are_checked(self):
        for role, checked in [("request", True), ("parameter", True), ("response", False)]:
            given = schemas(A={"type": "string", "maxLength": 3})
            given.type(ref("A"), "Hint", "place", role)
            self.assertEqual(given.finish()[0]["checked"], checked)

    def test_a_type_without_limits_has_no_checks(self):
        given = schemas(
            A={"properties": {"a": ref("A"), "b": {"type": "integer", "minimum": -(2**63), "format": "int64"}}}
        )
        self.assertEqual(given.type(ref("A"), "Hint", "place", "request").checks("value"), [])

    def test_a_violation_names_the_item(self):
        given = schemas()
        items = {"type": "array", "items": {"type": "integer", "minimum": 0.5}}
        self.assertEqual(
            given.type(items, "Hint", "place", "parameter").checks("&value"),
            [
                "for (index, item) in value.iter().enumerate() {",
                "validation::minimum(item, 1).map_err(|violation| violation.item(index))?;",
                "}",
            ],
        )

    def test_a_bound_near_a_known_constant_is_written_as_a_quotient(self):
        self.assertEqual(
            [float_literal(number) for number in (3.14, 2.5, 1, 1e300)], ["314.0 / 100.0", "2.5", "1.0", "1e+300"]
        )
        self.assertEqual(314.0 / 100.0, 3.14)


class Patterns(unittest.TestCase):
    def test_patterns_are_translated_to_rust(self):
        for pattern, expected in [
            (r"^\d+$", "^[0-9]+$"),
            (r"[\w-.]", r"[0-9A-Za-z_\-.]"),
            (r"a\/b\-c", "a/b-c"),
            (r"[[&&]", r"[\[\&\&]"),
            (r"x{,3}", r"x\{,3\}"),
            (r"\u00e9\uD83D\uDE00\x41\cA", r"é😀A\x{1}"),
            (r"[^]", r"[\x{0}-\x{10FFFF}]"),
            (r"(?<year>a)\k<year>\1", r"(?<year>a)\k<year>(?:\1)"),
            (r"\<", "<"),
        ]:
            with self.subTest(pattern):
                self.assertEqual(patterns.rust(pattern), expected)

    def test_an_invalid_pattern_is_rejected(self):
        for pattern in [
            "(",
            ")",
            "a)",
            "*",
            "a**",
            "[a",
            "[z-a]",
            "a{3,1}",
            "\\",
            r"\2",
            r"\uD83D",
            "(?'a')",
            "a{20000}",
        ]:
            with self.subTest(pattern):
                self.assertRaises(patterns.Malformed, patterns.rust, pattern)


class Literals(unittest.TestCase):
    def test_invisible_characters_are_escaped(self):
        self.assertEqual(literal('a"\\\n\u202e\u200bé'), '"a\\"\\\\\\n\\u{202e}\\u{200b}é"')
        self.assertEqual(code("a`b"), '``"a`b"``')
        self.assertEqual(code("\u202e"), '`"\\u202e"`')


if __name__ == "__main__":
    unittest.main()
