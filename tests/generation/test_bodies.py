"""Tests of the facts about bodies: how each media type is read, and what is said about parts that are left out."""

import unittest

from api.facts.annotate import annotate
from api.facts.content import Contents
from api.facts.document import Document
from api.facts.heirs import spell_out
from api.facts.schemas import Schemas


def content(media_types, role="request"):
    """The facts about a body, and the document with its messages."""
    document = Document({})
    contents = Contents(document, Schemas(document), set(), "Call", compressed=False)
    holder = {"content": {name: {"schema": schema} for name, schema in media_types.items()}}
    return contents.content(holder, "CallBody", "Call request", "place", role), document


def kind(alternative):
    return next(name for name in ("json", "text", "form", "payload") if alternative[f"is_{name}"])


class MediaTypes(unittest.TestCase):
    def test_media_type_and_schema_decide_how_a_body_is_read_and_sent(self):
        thing, text = {"type": "object", "properties": {"a": {}}}, {"type": "string"}
        for media_type, schema, expected in [
            ("application/json", thing, ("json", "models::CallRequest", "application/json")),
            ("text/json; charset=utf-8", text, ("json", "String", "text/json; charset=utf-8")),
            ("application/vnd.x+json", text, ("json", "String", "application/vnd.x+json")),
            ("model/gltf+json", thing, ("json", "models::CallRequest", "model/gltf+json")),
            ("application/*+json", thing, ("json", "models::CallRequest", "application/json")),
            ("application/json-seq", thing, ("payload", "Payload", "application/json-seq")),
            ("*/*", thing, ("json", "models::CallRequest", "application/json")),
            ("*/*", text, ("text", "String", "text/plain")),
            ("*/*", {}, ("payload", "Payload", "application/octet-stream")),
            ("*/*", {"type": "string", "format": "binary"}, ("payload", "Payload", "application/octet-stream")),
            ("application/*", {"type": "array"}, ("json", "Vec<serde_json::Value>", "application/json")),
            ("application/*", text, ("text", "String", "application/octet-stream")),
            ("text/*", {"type": "integer"}, ("text", "i64", "text/plain")),
            ("text/*", {"type": "array"}, ("payload", "Payload", "application/octet-stream")),
            ("image/*", {}, ("payload", "Payload", "application/octet-stream")),
            ("text/plain", {}, ("text", "String", "text/plain")),
            ("text/plain", {"type": "boolean", "nullable": True}, ("text", "bool", "text/plain")),
            ("text/plain", {"type": "string", "format": "password"}, ("text", "models::Secret", "text/plain")),
            ("text/plain", {"type": "array"}, ("text", "String", "text/plain")),
            ("text/csv", text, ("payload", "Payload", "text/csv")),
        ]:
            with self.subTest(media_type, schema=schema):
                facts, document = content({media_type: schema})
                [alternative] = facts["alternatives"]
                sent_as = alternative["sent_as"].strip('"')
                self.assertEqual((kind(alternative), alternative["rust"], sent_as), expected)
                self.assertEqual(document.problems, [])
                # A schema that has no effect is named.
                unread = schema.get("type") == "array" and "text" in media_type
                self.assertEqual(len(document.notices), unread)

    def test_limits_are_those_of_the_media_type(self):
        short, long = {"type": "string", "maxLength": 2}, {"type": "string", "maxLength": 4}
        for media_types, limits in [
            ({"application/json": short, "application/x+json": long}, [2, 4]),
            ({"application/json": short, "application/x+json": short}, [2]),
            ({"text/plain": long}, [4]),
        ]:
            with self.subTest(media_types):
                facts, _ = content(media_types)
                found = [one["checks"] for one in facts["alternatives"]]
                self.assertEqual(found, [[f"validation::max_length(value, {limit})?;"] for limit in limits])
        facts, _ = content({"application/json": short, "application/x+json": long}, "response")
        self.assertEqual(len(facts["alternatives"]), 1)


class Statuses(unittest.TestCase):
    def test_an_interim_response_is_left_out_and_named(self):
        responses = {status: {"description": "D"} for status in ("101", "1XX", "200")}
        given = {"info": {"title": "T"}, "paths": {"/x": {"get": {"responses": responses}}}}
        annotated, _, document = annotate(given)
        facts = annotated["paths"]["/0000"]["get"]["x-operation"]
        self.assertEqual([response["status"] for response in facts["responses"]], ["200"])
        places = [notice.split(":")[0] for notice in document.notices]
        self.assertEqual(places, ["paths./x.get.responses.101", "paths./x.get.responses.1XX"])
        self.assertEqual(document.problems, [])


def ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


class Heirs(unittest.TestCase):
    def spelt_out(self, uses=(), **components):
        document = Document({"paths": [ref(name) for name in uses], "components": {"schemas": components}})
        spell_out(document)
        return document.content["components"]["schemas"]

    def base(self, values=None, mapping=None):
        return {
            "type": "object",
            "properties": {"kind": {"enum": values} if values else {"type": "string"}},
            "discriminator": {"propertyName": "kind", **({"mapping": mapping} if mapping else {})},
        }

    def heir(self, of="Pet", **property):
        return {"allOf": [ref(of), {"properties": {"a": {}, **property}}]}

    def test_only_a_base_that_is_used_becomes_a_choice(self):
        components = {"Pet": self.base(), "Cat": self.heir()}
        self.assertEqual(self.spelt_out(Pet=self.base()), {"Pet": self.base()})
        self.assertEqual(self.spelt_out(["Cat"], **components), components)
        result = self.spelt_out(["Pet"], **components)
        self.assertEqual(list(result), ["Pet", "PetBase", "Cat"])
        self.assertEqual(result["Cat"]["allOf"][0], ref("PetBase"))
        self.assertNotIn("discriminator", result["PetBase"])

    def test_a_base_with_a_choice_of_its_own_remains(self):
        components = {"Pet": {**self.base(), "oneOf": [ref("Cat")]}, "Cat": self.heir()}
        self.assertEqual(self.spelt_out(["Pet"], **components), components)

    def test_values_are_mapped_or_listed_or_the_name(self):
        for values, mapping, cat, expected in [
            (None, None, {}, {"Cat": "Cat", "Pet": "PetBase"}),
            (None, {"c": "Cat", "k": "#/components/schemas/Cat"}, {}, {"c": "Cat", "k": "Cat", "Pet": "PetBase"}),
            (["CAT", "pet"], None, {}, {"CAT": "Cat", "pet": "PetBase"}),
            (["c", "d"], None, {"kind": {"enum": ["c"]}}, {"c": "Cat"}),
            (["c", "d"], None, {}, {}),
        ]:
            with self.subTest(values=values, mapping=mapping):
                result = self.spelt_out(["Pet"], Pet=self.base(values, mapping), Cat=self.heir(**cat))
                found = result["Pet"]["discriminator"]["mapping"]
                self.assertEqual({tag: of.rsplit("/", 1)[-1] for tag, of in found.items()}, expected)

    def test_heirs_that_extend_each_other_are_left_alone(self):
        components = {"A": self.heir("B"), "B": {**self.heir("A"), **self.base()}}
        self.assertEqual(list(self.spelt_out(["B"], **components)), ["A", "B", "BBase"])


if __name__ == "__main__":
    unittest.main()
