"""The list of crates of a release."""

import re
import unittest

from tools import materials, static_binary


class Materials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.target = static_binary.default_target()
        cls.bill = materials.bill(cls.target)

    def test_it_has_each_crate_that_is_compiled_and_no_other(self):
        described = [*self.bill["components"], self.bill["metadata"]["component"]]
        listed = {(component["name"], component["version"]) for component in described}
        self.assertEqual(listed, materials.used(self.target))
        self.assertIn("rusqlite", {name for name, _ in listed})
        self.assertNotIn("insta", {name for name, _ in listed}, "only tests use it")

    def test_each_has_a_licence_and_each_foreign_one_a_digest(self):
        for component in self.bill["components"]:
            self.assertTrue(component["licenses"], component["name"])
            if component["name"] not in ("openapi-stub-runtime",) and not component["name"].startswith(
                "influxdb3-token"
            ):
                self.assertRegex(component["hashes"][0]["content"], r"^[0-9a-f]{64}$")
                self.assertRegex(component["purl"], rf"^pkg:cargo/{re.escape(component['name'])}@")

    def test_every_dependency_is_described(self):
        references = {component["bom-ref"] for component in self.bill["components"]}
        references.add(self.bill["metadata"]["component"]["bom-ref"])
        for dependency in self.bill["dependencies"]:
            self.assertEqual({dependency["ref"], *dependency["dependsOn"]} - references, set())

    def test_the_same_commit_gives_the_same_list(self):
        self.assertEqual(self.bill, materials.bill(self.target))
