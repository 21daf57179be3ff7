"""Tests that a failed update leaves the checkout unchanged."""

import fcntl
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from tests.spec_update.checkout import COPY, ENVIRONMENT, Checkout, changed, edited, written

FILTER = """        - name: filter
          in: query
          style: deepObject
          schema:
            type: array
            items:
              type: string
"""
PARAMETER = "        - name: id\n"
PATH = "  /api/v3/configure/token:\n"
TYPE = "          required: true\n          schema:\n            type: string\n"
SCHEMAS = "  schemas:\n"
VERSION = ("  version: 3.7.0\n", "  version: 3.8.0\n")


class Failures(unittest.TestCase):
    def setUp(self):
        self.checkout = Checkout()
        self.before = self.checkout.hashes()

    def assert_unchanged(self):
        self.assertEqual(self.checkout.hashes(), self.before)

    def assert_fails(self, spec, *messages, **environment):
        done = self.checkout.update(spec, **environment)
        self.assertEqual(done.returncode, 1, done.stderr)
        for message in messages:
            self.assertIn(message, done.stderr)
        self.assertIn("api/, generated/ and Cargo.lock are unchanged", done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assert_unchanged()

    def test_an_action_that_matches_nothing_is_reported(self):
        # The vendor renames the scheme that the overlay corrects.
        text = changed().read_text(encoding="utf-8").replace("QuerystringAuthentication", "QueryAuthentication")
        named = "action 2 matches nothing in the document: $.components.securitySchemes.QuerystringAuthentication"
        self.assert_fails(written(text), f"api/overlay.yaml: {named}", "The document names the key `u=&p=`")

    def test_make_generate_reports_an_action_that_matches_nothing(self):
        self.checkout.edit("api/overlay.yaml", "$.components.schemas.AdminTokenObject", "$.components.schemas.Gone")
        before = self.checkout.hashes()
        done = self.checkout.make("generate")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("matches nothing in the document: $.components.schemas.Gone.properties.token", done.stderr)
        self.assertEqual(self.checkout.hashes(), before)

    def test_an_invalid_overlay_is_reported_with_its_position(self):
        self.checkout.edit("api/overlay.yaml", "      name: p\n", "      name: p\n    remvoe: true\n")
        self.before = self.checkout.hashes()
        self.assert_fails(changed(VERSION), "api/overlay.yaml: actions -> 1", "remvoe")

    def test_invalid_yaml_is_reported_with_its_position(self):
        spec = changed((PARAMETER, PARAMETER.replace("id", "[id")))
        line = spec.read_text(encoding="utf-8")[: spec.read_text(encoding="utf-8").index("[id")].count("\n") + 1
        # The parser notices the error on the next line.
        self.assert_fails(spec, f"{spec}:{line + 1}:", "invalid YAML")

    def test_invalid_json_is_reported_with_its_position(self):
        spec = written('{\n  "openapi": "3.0.3",\n}\n', "changed.json")
        self.assert_fails(spec, f"{spec}:3:1: invalid JSON")

    def test_a_file_that_is_missing_or_not_openapi_is_reported(self):
        self.assert_fails(written("- a\n- list\n"), "not an OpenAPI 3 document")
        self.assert_fails(Path("nowhere.yaml"), "nowhere.yaml: No such file")

    def test_a_document_must_be_named(self):
        done = self.checkout.make("spec-update")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("SPEC=file", done.stderr)

    def test_an_unsupported_part_is_reported_with_its_place(self):
        spec = changed((PARAMETER, FILTER + PARAMETER))
        place = "paths./api/v3/configure/token.delete.parameters.filter"
        self.assert_fails(spec, f"{place}: the style deepObject is not supported for a query parameter")

    def test_a_reference_to_nothing_is_reported(self):
        spec = changed(("        '404':\n          description: Token not found.\n",
                        "        '404':\n          $ref: '#/components/responses/Nowhere'\n"))  # fmt: skip
        self.assert_fails(spec, "components/responses/Nowhere")

    def test_a_generated_crate_that_does_not_compile_is_reported(self):
        template = COPY / "api" / "templates" / "lib.mustache"
        template.write_text(template.read_text(encoding="utf-8") + "\nfn broken() -> u8 {}\n", encoding="utf-8")
        self.before = self.checkout.hashes()
        # The lock file of the copy changes before the type check.
        spec = changed(VERSION, (SCHEMAS, SCHEMAS + "    Group: {type: string, format: uuid}\n"))
        self.assert_fails(spec, "the generated crate does not compile", "generated/src/lib.rs:")

    def test_a_signal_leaves_the_checkout_unchanged(self):
        for step, number in (("generating", signal.SIGTERM), ("type-checking", signal.SIGINT)):
            with self.subTest(step=step):
                command = self.checkout.update_command(changed(VERSION))
                with subprocess.Popen(
                    command, cwd=COPY, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
                ) as update:
                    printed = []
                    for line in update.stderr:
                        printed.append(line)
                        if line.startswith(f"spec-update: {step}"):
                            update.send_signal(number)
                self.assertEqual(update.returncode, 1, printed)
                self.assertIn(f"spec-update: stopped by {number.name}\n", printed)
                self.assert_unchanged()
                self.assertFalse((COPY / "target" / "spec-update" / "checkout").exists())

    def test_one_update_runs_at_a_time(self):
        lock = COPY / "target" / "spec-update" / "lock"
        lock.parent.mkdir(parents=True)
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.assert_fails(changed(VERSION), "another update is running")

    def test_without_a_network_the_crate_that_is_missing_is_named(self):
        template = COPY / "api" / "templates" / "Cargo.mustache"
        added = edited(template.read_text(encoding="utf-8"), 'http = "1.5"\n', 'http = "1.5"\nzzz-absent = "1"\n')
        template.write_text(added, encoding="utf-8")
        self.before = self.checkout.hashes()
        missing = "generated/ now needs zzz-absent, which Cargo.lock lacks; run this again with a network"
        with tempfile.TemporaryDirectory() as home:
            self.assert_fails(changed(VERSION), missing, CARGO_HOME=home, CARGO_NET_OFFLINE="true")

    def test_an_error_in_the_document_is_reported_with_the_option_that_allows_it(self):
        # The first is found by openapi-generator, the second by api/facts/.
        undescribed = (PATH, "  /api/v3/other:\n    get:\n      responses: {'204': {}}\n" + PATH)
        unfit = (TYPE, TYPE + "            enum: [a]\n            default: 7\n")
        for error, message in ((undescribed, "description is missing"), (unfit, "does not allow the default 7")):
            self.assert_fails(changed(error), message, "--allow-invalid, or ALLOW_INVALID=1 with make")
