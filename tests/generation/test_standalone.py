"""Tests that a standalone crate builds without the checkout, that an added operation only adds lines,
and that a missing method is a compile error unless it has a default body.
"""

import difflib
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from api import generate
from tools import third_party

ROOT = Path(__file__).resolve().parents[2]
# Cargo identifies a package by its path within the workspace, so the copy needs a separate target folder.
CHECKOUT_TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").absolute()
TARGET = CHECKOUT_TARGET / "copies"
LOCK = ROOT / "tests" / "fixtures" / "Cargo.lock"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}

ONE = """
openapi: 3.0.3
info: {title: Files, version: 1.0.0}
paths:
  /files/{name}:
    delete:
      operationId: DeleteFile
      parameters:
        - {name: name, in: path, required: true, schema: {type: string}}
      responses:
        '204': {description: Deleted.}
        '404': {description: Not found., content: {application/json: {schema: {$ref: '#/components/schemas/Problem'}}}}
"""
ADDED = """
    put:
      operationId: ReplaceFile
      parameters:
        - {name: name, in: path, required: true, schema: {type: string}}
        - {name: mode, in: query, schema: {type: integer, minimum: 0}}
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: '#/components/schemas/Problem'}}}
      responses:
        '200': {description: Replaced., headers: {X-Size: {schema: {type: integer}}}}
        default: {description: Failed.}
"""
COMPONENTS = """
components:
  schemas:
    Problem: {type: object, properties: {error: {type: string}}}
"""

LACKING = """
struct Lacking;
#[async_trait::async_trait]
impl<C: Send + Sync> CRATE::Api<C> for Lacking {}
fn main() {}
"""


class Standalone(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # The folder is outside the checkout, so no relative path leads back to it.
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.before = cls.generated("one", ONE + COMPONENTS)
        cls.after = cls.generated("two", ONE + ADDED.removeprefix("\n") + COMPONENTS)

    @classmethod
    def generated(cls, name, text, *options):
        """Generates the crate `files` from a document, with the documented command."""
        document, out = cls.folder / f"{name}.yaml", cls.folder / name / "files"
        document.write_text(text, encoding="utf-8")
        out.parent.mkdir()
        command = ["make", "--silent", "generate", f"SPEC={document}", f"OUT={out}", *options]
        subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=True, timeout=600)
        return out

    def test_the_folder_alone_builds(self):
        text = (self.after / "Cargo.toml").read_text(encoding="utf-8")
        self.assertNotIn(str(ROOT), text)
        done = self.check(self.after, "--all-features", "--all-targets")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def check(self, crate, *options):
        # The checkout's tests use these versions. Cargo removes those that the crate does not need.
        shutil.copyfile(LOCK, crate / "Cargo.lock")
        third_party.share(CHECKOUT_TARGET, TARGET, LOCK)
        command = ["cargo", "check", "--quiet", *options]
        environment = {**ENVIRONMENT, "CARGO_TARGET_DIR": str(TARGET)}
        return subprocess.run(command, cwd=crate, env=environment, stderr=subprocess.PIPE, text=True, timeout=1200)

    def test_a_missing_method_is_a_compile_error_unless_it_has_a_default_body(self):
        # The names differ, because Cargo would mistake one package for the other.
        for name, *options in (("required",), ("optional", "DEFAULT_STUBS=1")):
            crate = self.generated(name, ONE + COMPONENTS, f"NAME={name}", *options)
            (crate / "examples").mkdir()
            (crate / "examples" / "lacking.rs").write_text(LACKING.replace("CRATE", name), encoding="utf-8")
            done = self.check(crate, "--example", "lacking")
            error = "error[E0046]: not all trait items implemented, missing: `delete_file`"
            self.assertEqual((done.returncode == 0, error in done.stderr), (bool(options), not options), done.stderr)

    def test_an_added_operation_changes_no_other_line(self):
        for source in sorted((self.before / "src").rglob("*.rs")):
            name = source.relative_to(self.before)
            before, after = (crate.joinpath(name).read_text(encoding="utf-8") for crate in (self.before, self.after))
            changes = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
            removed = [line for line in changes if line.startswith("-") and not line.startswith("---")]
            self.assertEqual(removed, [], name)
        added = (self.after / "src" / "server.rs").read_text(encoding="utf-8")
        self.assertIn("replace_file", added)


class Replacement(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp()).resolve()
        self.addCleanup(shutil.rmtree, self.folder)

    def test_a_folder_that_contains_more_than_a_generated_crate_is_not_replaced(self):
        for name in (".git", "main.rs", "openapi.json"):
            with self.subTest(name):
                out = self.folder / name / "out"
                out.mkdir(parents=True)
                (out / name).touch()
                self.assertRaises(SystemExit, generate.require_replaceable, out, [])
                (out / "Cargo.toml").write_text(generate.MARK, encoding="utf-8")
                if name == "openapi.json":
                    generate.require_replaceable(out, [])
                else:
                    self.assertRaises(SystemExit, generate.require_replaceable, out, [])

    def test_an_input_is_not_replaced(self):
        document = self.folder / "openapi.json"
        document.touch()
        self.assertRaises(SystemExit, generate.require_replaceable, self.folder, [document])
        generate.require_replaceable(self.folder / "out", [document])


if __name__ == "__main__":
    unittest.main()
