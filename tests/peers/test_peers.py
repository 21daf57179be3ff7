"""Tests how `make peers` counts lines, reduces a document, finds an error and writes it into a table."""

import json
import unittest

from benches.peers.commands import Done, compiler_errors, first_error, run
from benches.peers.documents import ROOT, without_unused
from benches.peers.figures import count
from benches.peers.page import shown


class Lines(unittest.TestCase):
    def test_blank_lines_and_comments_are_not_counted(self):
        self.assertEqual(count("//! Crate\n\n/// Item\nfn a() {} // counted\n    // Comment\n"), 1)

    def test_the_lines_of_a_block_comment_are_not_counted(self):
        self.assertEqual(count("/** Item\n\nfn not_counted() {}\n*/\nfn a() {}\n/* one line */\nfn b() {}\n"), 2)


class UsedComponents(unittest.TestCase):
    def test_components_stay_if_an_operation_leads_to_them(self):
        schemas = {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}, "C": {}}
        document = {
            "paths": {"/": {"$ref": "#/components/responses/R"}},
            "components": {
                "responses": {"R": {"$ref": "#/components/schemas/A"}, "S": {"$ref": "#/components/schemas/C"}},
                "schemas": schemas,
                "securitySchemes": {"Bearer": {}},
                "headers": {"H": {}},
            },
        }
        components = without_unused(document)["components"]
        names = {kind: list(values) for kind, values in components.items()}
        self.assertEqual(names, {"responses": ["R"], "schemas": ["A", "B"], "securitySchemes": ["Bearer"]})


class Errors(unittest.TestCase):
    def test_the_error_of_the_compiler_has_its_code(self):
        message = '{"level": "error", "code": {"code": "E0308"}, "message": "mismatched types", "children": []}'
        printed = f'{{"reason": "compiler-message", "message": {message}}}\n{{"reason": "build-finished"}}\n'
        self.assertEqual(compiler_errors(Done(101, printed, "error: could not compile")), ["E0308: mismatched types"])

    def test_the_error_of_a_macro_that_panicked_has_its_message(self):
        message = {"level": "error", "code": None, "message": "panicked", "children": [{"message": "message: why"}]}
        printed = json.dumps({"reason": "compiler-message", "message": message})
        self.assertEqual(compiler_errors(Done(101, printed, "")), ["panicked message: why"])

    def test_an_error_of_cargo_counts_if_the_compiler_did_not_run(self):
        self.assertEqual(
            compiler_errors(Done(101, "", "note: x\nerror: no such feature\n")), ["error: no such feature"]
        )

    def test_the_first_unsupported_part_is_the_error(self):
        printed = "generate: the document has unsupported parts:\npaths./x: y\ngenerate: change the document"
        self.assertEqual(first_error(printed), "generate: the document has unsupported parts: paths./x: y")

    def test_an_error_stays_in_its_cell(self):
        self.assertEqual(shown(f"`a` | b\n{ROOT}/generated/x"), "`'a' \\| b generated/x`")

    def test_a_long_error_is_cut(self):
        self.assertTrue(shown("x" * 1000).endswith("x …`"))


class Limit(unittest.TestCase):
    def test_a_command_ends_at_the_time_limit(self):
        self.assertIsNone(run("sleep", "600", seconds=0.1).code)


if __name__ == "__main__":
    unittest.main()
