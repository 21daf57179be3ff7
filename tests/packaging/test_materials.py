"""The list of crates of a release."""

import json
import re
import unittest

from tools import materials, static_binary


class Materials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.target = static_binary.default_target()
        cls.bill = materials.bill(cls.target)

    def test_it_has_each_crate_that_is_compiled_and_no_other(self):
        described = [*self.crates(), self.bill["metadata"]["component"]]
        listed = {(component["name"], component["version"]) for component in described}
        self.assertEqual(listed, materials.used(self.target))
        self.assertIn("rusqlite", {name for name, _ in listed})
        self.assertNotIn("insta", {name for name, _ in listed}, "only tests use it")

    def test_each_has_a_licence_and_each_foreign_one_a_digest(self):
        for component in self.crates():
            self.assertTrue(component["licenses"], component["name"])
            if component["name"] not in ("openapi-stub-runtime",) and not component["name"].startswith(
                "influxdb3-token"
            ):
                self.assertRegex(component["hashes"][0]["content"], r"^[0-9a-f]{64}$")
                self.assertRegex(component["purl"], rf"^pkg:cargo/{re.escape(component['name'])}@")

    def test_it_has_what_is_compiled_in_and_is_not_a_crate(self):
        others = [component for component in self.bill["components"] if component not in self.crates()]
        self.assertEqual([component["name"] for component in others], ["SQLite", "swagger-ui-dist"])
        for component in others:
            self.assertRegex(component["version"], r"^\d+\.\d+\.\d+$")
            users = [one["ref"] for one in self.bill["dependencies"] if component["bom-ref"] in one["dependsOn"]]
            self.assertEqual(len(users), 1, component["name"])

    def test_it_fulfils_the_schema_of_cyclonedx(self):
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator

        validator = JsonStrictValidator(SchemaVersion.V1_6)
        self.assertIsNone(validator.validate_str(json.dumps(self.bill)))
        self.assertIsNotNone(validator.validate_str(json.dumps({**self.bill, "components": [{"name": "a"}]})))

    def test_every_dependency_is_described(self):
        references = {component["bom-ref"] for component in self.bill["components"]}
        references.add(self.bill["metadata"]["component"]["bom-ref"])
        for dependency in self.bill["dependencies"]:
            self.assertEqual({dependency["ref"], *dependency["dependsOn"]} - references, set())

    def test_the_same_commit_gives_the_same_list(self):
        self.assertEqual(self.bill, materials.bill(self.target))

    def crates(self):
        return [component for component in self.bill["components"] if component["bom-ref"].startswith("pkg:cargo/")]
