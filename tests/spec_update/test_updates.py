"""Tests successful updates. Most of their time goes into type-checking, so each update is asserted by several tests."""

import base64
import http.client
import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from tests.limits import within
from tests.server import BINARY, running
from tests.spec_update.checkout import (
    ALL_SCHEMES,
    COPY,
    ENVIRONMENT,
    NAME,
    ROOT,
    SECURITY,
    STATUS,
    TARGET,
    Checkout,
    changed,
    edited,
    written,
)

TYPE = "          required: true\n          schema:\n            type: string\n"
PATH = "  /api/v3/configure/token:\n"
CREATE_TOKEN = """    post:
      operationId: CreateToken
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              properties:
                group: {type: string, format: uuid}
      responses:
        '201': {description: Created.}
        '401': {$ref: '#/components/responses/Unauthorized'}
"""
KEYS = ["breaking", "compatible", "other", "dependencies", "left_to_write", "to_check"]


class Update(unittest.TestCase):
    """An update of a fresh copy, which must succeed."""

    @classmethod
    def update(cls, spec, *options):
        cls.checkout = Checkout()
        cls.spec = spec()
        cls.before = cls.checkout.hashes()
        with within(1800, "the update"):
            cls.done = cls.checkout.make("spec-update", f"SPEC={cls.spec}", *options)
        assert cls.done.returncode == 0, cls.done.stderr

    def places(self, cause):
        """The places of the only entry to check whose cause starts so, as `file:line`, and their texts."""
        [entry] = [entry for entry in self.printed["to_check"] if entry["cause"].startswith(cause)]
        return {f"{place['file']}:{place['line']}": place["text"] for place in entry["places"]}

    def assert_only_the_copy_of_these_changed(self, *names):
        after = self.checkout.hashes()
        differing = {path.as_posix() for path in self.before | after if self.before.get(path) != after.get(path)}
        self.assertEqual({name for name in differing if not name.startswith("generated/")}, set(names))
        self.assertEqual(self.checkout.read("api/openapi.yaml"), self.spec.read_text(encoding="utf-8"))


class RenamedParameterAndNewOperation(Update):
    @classmethod
    def setUpClass(cls):
        edits = (NAME, NAME.replace("id", "token_name")), STATUS, (PATH, PATH + CREATE_TOKEN)
        cls.update(lambda: changed(*edits), "JSON=1")
        cls.printed = json.loads(cls.done.stdout)

    def test_the_changes_are_breaking_or_compatible(self):
        self.assertEqual(list(self.printed), KEYS)
        summary = [(change["action"], change["path"][-1]) for change in self.printed["breaking"]]
        self.assertEqual(summary, [("removed", "id"), ("added", "token_name"), ("removed", "204")])
        self.assertIn("required query parameter `token_name`", self.printed["breaking"][1]["description"])
        self.assertEqual([change["path"][-1] for change in self.printed["compatible"]], ["200", "post"])
        self.assertEqual(self.printed["other"], [])

    def test_a_renamed_parameter_is_an_error_at_its_use(self):
        [error] = [error for error in self.printed["left_to_write"] if "no field" in error["message"]]
        self.assertIn("no field `id` on type `DeleteTokenRequest`", error["message"])
        self.assertIn("request.id", self.checkout.read(error["file"]).splitlines()[error["line"] - 1])
        self.assertIn("pub token_name: String,", self.checkout.read("generated/src/api.rs"))

    def test_a_new_operation_is_an_error_with_its_signature(self):
        [error] = [error for error in self.printed["left_to_write"] if error["signatures"]]
        self.assertEqual(error["file"], "src/api.rs")
        arguments = "&self, request: CreateTokenRequest, context: &C"
        signature = f"async fn create_token({arguments}) -> Result<CreateTokenResponse, ApiError>;"
        self.assertEqual(error["signatures"], [signature])
        # It is not listed a second time.
        self.assertNotIn("CreateToken is new", [entry["cause"] for entry in self.printed["to_check"]])

    def test_every_file_that_names_the_parameter_is_listed(self):
        places = self.places("DeleteToken: query parameter `id` is gone")
        files = {place.partition(":")[0] for place in places}
        expected = """
            src/api.rs src/lib.rs README.md Makefile api/overlay.yaml contract/src/api.rs contract/tests/it/server.rs
            docs/contract.md examples/axum.rs examples/mock.rs server/src/cli/delete.rs tests/clients/test_curl.py
            tests/it/generated_client.rs tests/schemathesis/schemathesis.toml
        """
        self.assertLessEqual(set(expected.split()), files)
        uses = ('token_deletion("DeleteToken", "id")', "with_id(", "?id=", "request.id", "parameters/id/missing")
        for use in uses:
            self.assertTrue(any(use in text for text in places.values()), use)

    def test_every_line_with_the_status_is_listed(self):
        places = self.places("DeleteToken: the status 204 is now 200")
        for name in ("tests/it/client.rs", "contract/tests/it/right.rs", "examples/axum.rs", "README.md"):
            lines = self.checkout.read(name).splitlines()
            naming = {
                f"{name}:{number}" for number, line in enumerate(lines, 1) if re.search(r"\b204\b|NO_CONTENT", line)
            }
            self.assertTrue(naming and naming <= places.keys(), name)

    def test_crates_that_are_needed_now_are_added_to_the_lock_file(self):
        needs = {crate["name"]: crate["version"] for crate in self.printed["dependencies"]["needs"]}
        self.assertEqual(needs.keys(), {"serde_path_to_error", "uuid"})
        self.assertEqual(self.printed["dependencies"]["no_longer_needs"], [])
        # Nothing but this line changed.
        lock = (COPY / "Cargo.lock").read_text(encoding="utf-8")
        before = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
        self.assertEqual(
            lock, edited(before, ' "serde_json",\n "swagger",\n]', ' "serde_json",\n "swagger",\n "uuid",\n]')
        )

    def test_nothing_else_changes(self):
        self.assert_only_the_copy_of_these_changed("api/openapi.yaml", "Cargo.lock")


class RetypedParameterInAnInvalidJsonDocument(Update):
    @classmethod
    def setUpClass(cls):
        def spec():
            # Tabs show that the document is read as JSON: YAML does not allow them.
            document = json.loads(cls.checkout.read("generated/openapi.json"))
            [parameter] = document["paths"]["/api/v3/configure/token"]["delete"]["parameters"]
            parameter["schema"] = {"type": "integer", "default": "seven", "maximum": 7}
            return written(json.dumps(document, indent="\t"), "changed.json")

        cls.update(spec, "JSON=1", "ALLOW_INVALID=1")
        cls.printed = json.loads(cls.done.stdout)

    def test_a_retyped_parameter_is_an_error_at_its_use(self):
        [error] = self.printed["left_to_write"]
        self.assertEqual(error["file"], "src/api.rs")
        self.assertIn("mismatched types: expected `&str`, found `&i64`", error["message"])

    def test_every_line_that_names_a_retyped_parameter_is_listed(self):
        cause = 'DeleteToken: query parameter `id`: `type` was "string", is "integer"; '
        places = self.places(cause + '`default` was absent, is "seven"; `maximum` was absent, is 7')
        for use in ("async fn delete_token", "request.id", '"id"', "?id="):
            self.assertTrue(any(use in text for text in places.values()), use)

    def test_the_assumptions_are_printed_and_listed(self):
        assumption = 'the schema does not allow the default "seven"; the default is ignored'
        self.assertIn(assumption, self.done.stderr)
        [(place, text)] = self.places("the document has an error: ").items()
        self.assertIn(assumption, self.printed["to_check"][0]["cause"])
        self.assertTrue(place.startswith("api/openapi.yaml:"))
        self.assertEqual(text, '"name": "id",')

    def test_the_document_has_the_corrections_of_the_overlay_already(self):
        self.assertEqual(self.printed["other"], [])
        self.assert_only_the_copy_of_these_changed("api/openapi.yaml")


class StatusAndSecurity(Update):
    """Changes that no code has to follow, so that everything compiles."""

    @classmethod
    def setUpClass(cls):
        cls.update(lambda: changed(STATUS, (SECURITY, ALL_SCHEMES)))

    def test_the_changes_are_printed(self):
        breaking, compatible = self.done.stdout.split("Compatible changes")
        self.assertIn("removed  DELETE /api/v3/configure/token responses/204", breaking)
        self.assertIn("added    DELETE /api/v3/configure/token responses/200", compatible)
        self.assertIn('added    security/3: {"QuerystringAuthentication": []}', compatible)
        self.assertIn("/// 200: Success.", self.checkout.read("generated/src/api.rs"))

    def test_the_places_to_check_are_printed_although_everything_compiles(self):
        status, security = self.done.stdout.partition("Left to write or to check by hand")[2].strip().split("\n\n")[:2]
        self.assertTrue(status.startswith("DeleteToken: the status 204 is now 200\n  src/api.rs:"), status)
        self.assertRegex(status, r"(?m)^  README.md:(\d+, )+\d+: .*204")
        schemes = " or ".join(f"{name}Authentication" for name in ("Bearer", "Token", "Basic", "Querystring"))
        self.assertTrue(security.startswith(f"DeleteToken: the security was BearerAuthentication, is {schemes}\n"))
        self.assertRegex(security, r"(?m)^  src/api.rs:\d+, \d+: async fn delete_token")
        self.assertNotIn("Nothing is left", self.done.stdout)
        end = "The hand-written code compiles.\nCheck the listed places: the compiler does not see these changes.\n"
        self.assertTrue(self.done.stdout.endswith(end))

    def test_the_server_accepts_the_new_schemes(self):
        build = ["cargo", "build", "--quiet", "--locked", "--bin", "influxdb3-tokens"]
        subprocess.run(build, cwd=COPY, env=ENVIRONMENT, check=True)
        binary = TARGET / "debug" / BINARY.name
        with tempfile.TemporaryDirectory() as folder, running(Path(folder), binary=binary) as server:
            for scheme, credential in credentials(server.operator).items():
                self.assertEqual(status_of_an_unknown_token(server.address, **credential), 404, scheme)
            for scheme, credential in credentials("apiv3_wrong").items():
                self.assertEqual(status_of_an_unknown_token(server.address, **credential), 401, scheme)


class VersionAndScalars(Update):
    @classmethod
    def setUpClass(cls):
        scalars = "  x-date: 2025-04-18\n  x-on: on\n  x-octal: 0o14\n  x-zero: 014\n"
        cls.update(lambda: changed(("  version: 3.7.0\n", "  version: v3.10.0\n" + scalars)))

    def test_if_nothing_is_left_the_update_says_so(self):
        changes, rest = self.done.stdout.split("Other: texts, components\n")
        self.assertEqual(changes, "Breaking changes\n  none\n\nCompatible changes\n  none\n\n")
        self.assertIn('  changed  info/version: "3.7.0" -> "v3.10.0"\n', rest)
        end = "Nothing is left to write. `make test` checks whether the behaviour still matches the document.\n"
        self.assertIn("\n\napi/openapi.yaml and generated/ are updated.\nThe hand-written code", rest)
        self.assertTrue(rest.endswith(end))

    def test_a_version_may_be_any_text_and_scalars_follow_yaml_1_2(self):
        info = json.loads(self.checkout.read("generated/openapi.json"))["info"]
        values = [info[name] for name in ("version", "x-date", "x-on", "x-octal", "x-zero")]
        self.assertEqual(values, ["v3.10.0", "2025-04-18", "on", 12, 14])


def credentials(secret):
    """The secret as a credential of each of the document's security schemes."""
    basic = base64.b64encode(f"anyone:{secret}".encode()).decode()
    headers = {"Bearer": f"Bearer {secret}", "Token": f"Token {secret}", "Basic": f"Basic {basic}"}
    by_header = {scheme: {"headers": {"Authorization": header}} for scheme, header in headers.items()}
    return by_header | {"query": {"query": f"&u=anyone&p={secret}"}}


def status_of_an_unknown_token(address, headers=None, query=""):
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    connection.request("DELETE", f"/api/v3/configure/token?id=999{query}", headers=headers or {})
    status = connection.getresponse().status
    connection.close()
    return status
