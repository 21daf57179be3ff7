"""Takes a copy of the checkout through the vendor's next document, up to a server that passes its tests and the kit.

The lines that a person has to write are in `drift/by_hand.patch`. README.md, docs/, benches/ and the tests in Python
name the old parameter and status too. They are listed, but neither `cargo test` nor the kit depends on them.
"""

import http.client
import json
import re
import subprocess
import tempfile
from pathlib import Path

from tests.limits import within
from tests.server import BINARY, running
from tests.spec_update.checkout import COPY, ENVIRONMENT, FOLDER, TARGET, finished
from tests.spec_update.drift.document import BY_HAND, PATCHES, drifted
from tests.spec_update.test_updates import Update, credentials

EXCLUDED = ["--exclude", "bench-programs", "--exclude", "influxdb3-tokens-fuzz", "--exclude", "ordering"]
WORKSPACE = ["--locked", "--workspace", *EXCLUDED, "--all-features"]
# The suite of the checkout runs them. They try many moments and faults of the store, which does not depend on the
# document. The other tests of power losses, kills and disks run here too.
REPETITIONS = (
    "power_loss::faults::",
    "power_loss::a_power_loss_during_a_checkpoint_or_compaction_loses_nothing",
    "store::sqlite::tests::damage::",
)
TOKEN = "/api/v3/configure/token"
SCHEMES = [f"{name}Authentication" for name in ("Bearer", "Token", "Basic", "Querystring")]
# Lines of code that depend on the parameter or the status.
DEPENDENT = re.compile(r"[?]id=|\brequest\.id\b|\bwith_id\(|\b204\b|\bNO_CONTENT\b")


class Drift(Update):
    @classmethod
    def setUpClass(cls):
        cls.update(drifted, "JSON=1")
        cls.printed = json.loads(cls.done.stdout)
        for patch in PATCHES:
            # Otherwise Git takes the copy for a folder of the repository that contains it, and skips it.
            done = finished(["git", "apply", patch], GIT_CEILING_DIRECTORIES=str(FOLDER))
            assert done.returncode == 0, f"{done.stderr}\nRemake the patches: python3 -m tests.spec_update.drift.remake"
        # The patch adds to the overlay.
        done = cls.checkout.make("generate")
        assert done.returncode == 0, done.stderr

    def test_each_new_method_and_the_use_of_the_old_parameter_are_left_to_write(self):
        signatures = [signature for error in self.printed["left_to_write"] for signature in error["signatures"]]
        self.assertEqual(
            signatures,
            [
                f"async fn {method}(&self, request: {name}Request, context: &C) -> Result<{name}Response, ApiError>;"
                for method, name in (
                    ("post_regenerate_admin_token", "PostRegenerateAdminToken"),
                    ("post_create_named_admin_token", "PostCreateNamedAdminToken"),
                )
            ],
        )
        messages = [error["message"] for error in self.printed["left_to_write"]]
        self.assertTrue(any("no field `id` on type `DeleteTokenRequest`" in message for message in messages), messages)
        self.assertEqual({error["file"] for error in self.printed["left_to_write"]}, {"src/api.rs"})

    def test_each_change_that_the_compiler_does_not_see_is_listed(self):
        self.assertEqual(
            [entry["cause"] for entry in self.printed["to_check"]],
            [
                "DeleteToken: the status 204 is now 200",
                f"DeleteToken: the security was {SCHEMES[0]}, is {' or '.join(SCHEMES)}",
                "DeleteToken: query parameter `id` is gone",
                "DeleteToken: query parameter `token_name` is new",
            ],
        )
        self.assertTrue(
            any(
                "impl Authenticator for CatalogApi" in text
                for text in self.places("DeleteToken: the security").values()
            )
        )

    def test_every_line_written_by_hand_that_depended_on_the_document_was_listed(self):
        listed = {
            f"{place['file']}:{place['line']}" for entry in self.printed["to_check"] for place in entry["places"]
        } | {f"{error['file']}:{error['line']}" for error in self.printed["left_to_write"]}
        dependent = {place for place, text in removed(BY_HAND) if DEPENDENT.search(text)}
        self.assertGreater(len(dependent), 10)
        self.assertLessEqual(dependent, listed)

    def test_the_crate_that_the_json_body_needs_is_printed(self):
        needs = self.printed["dependencies"]["needs"]
        self.assertEqual([crate["name"] for crate in needs], ["serde_path_to_error"])

    def test_the_rust_code_no_longer_depends_on_the_old_parameter_and_status(self):
        # Responses to a write, and what holds for a 204 under any document.
        others = {"examples/axum.rs": {"NO_CONTENT"}, "tests/it/client.rs": {"204"}}
        for folder in ("src", "server/src", "examples", "tests/it", "server/tests"):
            for path in (COPY / folder).rglob("*.rs"):
                name = path.relative_to(COPY).as_posix()
                found = set(DEPENDENT.findall(path.read_text(encoding="utf-8")))
                self.assertEqual(found, others.get(name, set()), name)

    def test_a_second_update_finds_nothing_left(self):
        with within(1500, "the second update"):
            done = self.checkout.update(self.spec, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        printed = json.loads(done.stdout)
        self.assertEqual((printed["breaking"], printed["left_to_write"], printed["to_check"]), ([], [], []))

    def test_the_suite_passes_with_the_lines_written_by_hand(self):
        with within(1500, "the suite"):
            skipped = [word for name in REPETITIONS for word in ("--skip", name)]
            done = finished(["cargo", "test", *WORKSPACE, "--", *skipped])
        self.assertEqual(done.returncode, 0, done.stdout[-20_000:] + done.stderr[-5_000:])

    def test_the_kit_finds_nothing_wrong_with_the_server_and_its_operations_work(self):
        # With the tests, as the suite needs the same crates.
        build = ["cargo", "build", "--quiet", *WORKSPACE, "--bins", "--tests"]
        subprocess.run(build, cwd=COPY, env=ENVIRONMENT, check=True)
        binary = TARGET / "debug" / BINARY.name
        with tempfile.TemporaryDirectory() as folder, running(Path(folder), binary=binary) as server:
            create = f"'{binary}' create --format json --data-dir '{server.data_dir}'"
            for options in ([], ["--http2", "--invalid-calls"]):
                command = [binary, "contract", "--host", server.address, "--provision", create, *options]
                done = finished(command, INFLUXDB3_AUTH_TOKEN=server.operator)
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                self.assertIn(" passed, 0 failed, 0 not covered", done.stdout)
                self.assertIn(" declared responses (100 %)", done.stdout)
            self.call_the_operations(server)

    def call_the_operations(self, server):
        for scheme, credential in credentials(server.operator).items():
            self.assertEqual(create(server, {"token_name": scheme}, **credential)[0], 201, scheme)
            self.assertEqual(delete(server, scheme, **credential), 200, scheme)
            self.assertEqual(delete(server, scheme, **credential), 404, scheme)
        bearer = credentials(server.operator)["Bearer"]
        status, token = create(server, {"token_name": "ci", "expiry_secs": 3600}, **bearer)
        self.assertEqual((status, token["name"], token["expiry"][:2]), (201, "ci", "20"))
        self.assertEqual(create(server, {"token_name": "ci", "expiry_secs": None}, **bearer), (409, None))
        for body in ({}, {"token_name": ""}, {"token_name": "a", "expiry_secs": -1}):
            status, message = create(server, body, **bearer)
            self.assertTrue(status == 400 and message["error"], body)
        self.assertEqual(create(server, {"token_name": "a"})[0], 401)

        by_another = credentials(token["token"])["Bearer"]
        self.assertEqual(call(server, "POST", f"{TOKEN}/admin/regenerate", **by_another)[0], 401)
        status, operator = call(server, "POST", f"{TOKEN}/admin/regenerate", **bearer)
        self.assertEqual((status, operator["name"]), (201, "_admin"))
        self.assertEqual(delete(server, "ci", **bearer), 401)
        self.assertEqual(delete(server, "ci", **credentials(operator["token"])["Bearer"]), 200)


def removed(patch):
    """The lines that a patch removes or changes: `file:line` and the text."""
    file, number = None, 0
    for line in patch.read_text(encoding="utf-8").splitlines():
        if line.startswith("--- a/"):
            file = line.removeprefix("--- a/")
        elif line.startswith("@@"):
            number = int(re.match(r"@@ -(\d+)", line)[1])
        elif line.startswith("-") and not line.startswith("---"):
            yield f"{file}:{number}", line[1:]
            number += 1
        elif line.startswith(" "):
            number += 1


def create(server, body, **credential):
    return call(server, "POST", f"{TOKEN}/named_admin", json.dumps(body), **credential)


def delete(server, name, **credential):
    return call(server, "DELETE", f"{TOKEN}?token_name={name}", **credential)[0]


def call(server, method, target, body=None, headers=None, query=""):
    """The status and the JSON of a response. `query` begins with an ampersand."""
    connection = http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=60)
    if query:
        target += query if "?" in target else f"?{query[1:]}"
    types = {"Content-Type": "application/json"} if body else {}
    connection.request(method, target, body, {**types, **(headers or {})})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, json.loads(text) if text else None
