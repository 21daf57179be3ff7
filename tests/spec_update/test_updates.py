"""Tests successful updates."""

import base64
import http.client
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from tests.server import BINARY, running
from tests.spec_update.checkout import COPY, ENVIRONMENT, TARGET, Checkout, changed, written

SECURITY = "security:\n  - BearerAuthentication: []\n"
ALL_SCHEMES = SECURITY + "".join(f"  - {name}Authentication: []\n" for name in ("Token", "Basic", "Querystring"))
PATH = "  /api/v3/configure/token:\n"
LIST_TOKENS = """    get:
      operationId: ListTokens
      summary: List tokens
      responses:
        '200':
          description: The tokens.
          content:
            application/json:
              schema:
                type: array
                items:
                  $ref: '#/components/schemas/AdminTokenObject'
        '401':
          $ref: '#/components/responses/Unauthorized'
"""


class Updates(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.checkout = Checkout()

    def updated(self, spec):
        """Updates the copy, which must succeed. Returns the output of --json."""
        by_hand_before = self.by_hand()
        done = self.checkout.update(spec, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.checkout.read("api/openapi.yaml"), spec.read_text(encoding="utf-8"))
        self.assertEqual(self.by_hand(), by_hand_before)
        printed = json.loads(done.stdout)
        self.assertEqual(list(printed), ["breaking", "compatible", "other", "left_to_write"])
        return printed

    def by_hand(self):
        files = self.checkout.hashes().items()
        return {path: file for path, file in files if path.parts[0] != "generated" and path.name != "openapi.yaml"}

    def summary(self, changes):
        return [(change["action"], change["path"][-1]) for change in changes]

    def test_another_status_is_reported_and_needs_no_code(self):
        spec = changed(("        '204':\n", "        '200':\n"))
        done = self.checkout.make("spec-update", f"SPEC={spec}")
        self.assertEqual(done.returncode, 0, done.stderr)
        breaking, compatible = done.stdout.split("Compatible changes")
        self.assertIn("removed  DELETE /api/v3/configure/token responses/204", breaking)
        self.assertIn("added    DELETE /api/v3/configure/token responses/200", compatible)
        self.assertIn("Nothing is left to write", done.stdout)
        self.assertIn("/// 200: Success.", self.checkout.read("generated/src/api.rs"))

    def test_a_renamed_parameter_is_breaking_and_an_error_at_every_use(self):
        printed = self.updated(changed(("        - name: id\n", "        - name: token_name\n")))
        self.assertEqual([change["action"] for change in printed["breaking"]], ["removed", "added"])
        self.assertIn("required query parameter `token_name`", printed["breaking"][1]["description"])
        self.assertEqual(printed["compatible"], [])
        self.assertIn("pub token_name: String,", self.checkout.read("generated/src/api.rs"))
        [left] = printed["left_to_write"]
        self.assertEqual(left["file"], "src/api.rs")
        self.assertIn("no field `id` on type `DeleteTokenRequest`", left["message"])

    def test_more_security_schemes_are_compatible_and_need_no_code(self):
        printed = self.updated(changed((SECURITY, ALL_SCHEMES)))
        self.assertEqual((printed["breaking"], printed["left_to_write"]), ([], []))
        self.assertEqual(self.summary(printed["compatible"]), [("added", 1), ("added", 2), ("added", 3)])

        build = ["cargo", "build", "--quiet", "--locked", "--bin", "influxdb3-tokens"]
        subprocess.run(build, cwd=COPY, env=ENVIRONMENT, check=True)
        binary = TARGET / "debug" / BINARY.name
        with tempfile.TemporaryDirectory() as folder, running(Path(folder), binary=binary) as server:
            for scheme, credential in credentials(server.operator).items():
                self.assertEqual(status_of_an_unknown_token(server.address, **credential), 404, scheme)
            for scheme, credential in credentials("apiv3_wrong").items():
                self.assertEqual(status_of_an_unknown_token(server.address, **credential), 401, scheme)

    def test_a_version_may_be_any_text_and_scalars_follow_yaml_1_2(self):
        scalars = "  x-date: 2025-04-18\n  x-on: on\n  x-octal: 0o14\n  x-zero: 014\n"
        printed = self.updated(changed(("  version: 3.7.0\n", "  version: v3.10.0\n" + scalars)))
        self.assertEqual((printed["breaking"], printed["compatible"], printed["left_to_write"]), ([], [], []))
        self.assertIn(("changed", "version"), self.summary(printed["other"]))
        info = json.loads(self.checkout.read("generated/openapi.json"))["info"]
        values = [info[name] for name in ("version", "x-date", "x-on", "x-octal", "x-zero")]
        self.assertEqual(values, ["v3.10.0", "2025-04-18", "on", 12, 14])

    def test_a_new_operation_is_left_to_write_with_its_signature(self):
        spec = changed((PATH, PATH + LIST_TOKENS))
        done = self.checkout.make("spec-update", f"SPEC={spec}", "JSON=1")
        self.assertEqual(done.returncode, 0, done.stderr)
        printed = json.loads(done.stdout)
        self.assertEqual((printed["breaking"], self.summary(printed["compatible"])), ([], [("added", "get")]))
        [left] = printed["left_to_write"]
        self.assertEqual(left["file"], "src/api.rs")
        arguments = "&self, request: ListTokensRequest, context: &C"
        signature = f"async fn list_tokens({arguments}) -> Result<ListTokensResponse, ApiError>;"
        self.assertEqual(left["signatures"], [signature])
        self.assertIn("list_tokens", self.checkout.read("generated/src/api.rs"))

    def test_the_document_may_be_json(self):
        # Tabs show that the document is read as JSON: YAML does not allow them.
        document = json.dumps(json.loads(self.checkout.read("generated/openapi.json")), indent="\t")
        printed = self.updated(written(document, "changed.json"))
        # The document already contains the overlay's corrections.
        self.assertEqual(printed, {"breaking": [], "compatible": [], "other": [], "left_to_write": []})


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
